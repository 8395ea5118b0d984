"""Configuration of what is done about deployments that are busy."""

from typing import Annotated

import msgspec
from msgspec import Meta

from legato.core.config_parts import Count

STALE_CACHE = "stale_cache"
"""Among the lesser answers of a route: one from the cache that has expired."""


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class RateLimits(_Strict, frozen=True):
    """What a deployment takes in any minute: more is not sent to it."""

    requests_per_minute: Count | None = None
    tokens_per_minute: Count | None = None
    """Input and output together."""
    concurrency_max: Count | None = None
    """Calls at once; fewer where it shows that it can't bear as many."""


class Hedge(_Strict, frozen=True):
    """When a route asks a second deployment because the first has not begun to answer."""

    after_s: Annotated[float, Meta(gt=0)] | None = None
    """None: what 95 of 100 answers of the deployment took at most to begin lately."""
    max_share: Annotated[float, Meta(gt=0, le=1)] = 0.05
    """Of calls, that a second attempt is made for."""


class Queue(_Strict, frozen=True):
    """How calls of a route wait for a place where all its deployments' limits are reached."""

    wait_max_s: Annotated[float, Meta(gt=0, le=600)] = 10.0
    """A call that gets none for so long is refused."""
    length_max: Annotated[int, Meta(ge=1, le=10_000)] = 100
    """Of those that wait, in each worker."""
    weights: dict[str, Annotated[int, Meta(ge=1, le=1_000)]] = {}
    """Of organisations (`acme`) and of teams within one (`acme/search`); whoever isn't named: 1."""


class Load(_Strict, frozen=True):
    """What is done about deployments that are busy."""

    heed_rate_limits: bool = False
    """Read providers' headers about their rate limits, and wait as long as they ask."""
    slow_start_s: Annotated[float, Meta(ge=0)] = 30.0
    """How long a deployment whose breaker has closed again gets less than its part, where a
    route's strategy goes by load."""
