"""A world to simulate: deployments, routes, keys, and what befalls them."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal

import msgspec

from legato.core.config import Breaker, Retry
from legato.core.principal import BudgetLimit
from legato.replay.twin.prices import Prices
from legato.replay.twin.service_times import ServiceTimes
from legato.routing.strategies import Order

FailureKind = Literal["error", "timeout", "rate_limited"]
FAR_US: Final = 2**62


class Outage(msgspec.Struct, frozen=True):
    """A deployment fails from one time to another (µs since the traffic's start).

    `error`: it answers 503 after `after_us`; `timeout`: it says nothing until the limit for the
    first byte; `rate_limited`: it answers 429. `share` of its calls are struck.
    """

    from_us: int
    to_us: int
    kind: FailureKind = "error"
    share: float = 1.0
    after_us: int = 0


class Failures(msgspec.Struct, frozen=True):
    """How often a deployment failed for real, with which codes after how long."""

    share: float = 0.0
    seen: tuple[tuple[str, int], ...] = ()


NEVER: Final = Failures()


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A deployment. `slots` bounds the calls it runs at once, others wait; 0 for no bound."""

    name: str
    provider: str
    prices: Prices
    times: ServiceTimes
    weight: int = 1
    max_output_tokens: int = 4096
    first_byte_us: int = 120_000_000
    slots: int = 0
    requests_per_minute: int = 0
    output_factor: float = 1.0
    failures: Failures = NEVER
    outages: tuple[Outage, ...] = ()


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """A route: which places, in which order. `as_recorded` keeps a first choice made by chance."""

    places: Sequence[str]
    order: Order
    retry: Retry
    deadline_us: int = 600_000_000
    as_recorded: bool = False


class KeyRules(msgspec.Struct, frozen=True):
    """What one key may do. `spent` is what its budget window held when the traffic began."""

    name: str = ""
    requests_per_minute: int | None = None
    concurrency_max: int | None = None
    budget: BudgetLimit | None = None
    spent: int = 0


class World(msgspec.Struct, frozen=True, kw_only=True):
    """All of it. `started_ns` is when the traffic begins, for windows of the calendar.

    `cache_ttl_s` by name: above 0, what is a repeat for sure is answered from the cache.
    """

    name: str
    started_ns: int
    places: Mapping[str, Place]
    ways: Mapping[str, Way]
    keys: Mapping[str, KeyRules] = {}
    breaker: Breaker = Breaker()
    cache_ttl_s: Mapping[str, float] = {}
    recorded_hits: bool = True
    """Whether what the cache answered for real is answered from it here, too."""
