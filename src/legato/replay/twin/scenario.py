"""A scenario as it is written down: types only. `app.desks.twin_scenario` reads and checks it."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from legato.core.config import Budget, Deployment, Retry, Strategy, TokenPrice
from legato.core.config_parts import Count, Dollars, Name, Positive, Share
from legato.replay.twin.traffic import Copies
from legato.replay.twin.world import FailureKind

Whole = Annotated[float, Meta(ge=0)]


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class Traffic(_Strict, frozen=True):
    """Whose requests, of which period; without a `file`, the ledger's.

    Times are ISO 8601 (UTC unless they say otherwise) or a span back from now (`24h`). `team`,
    `feature` and `route` narrow the ledger; of a file they say whose its requests are where it
    doesn't, as does `key`.
    """

    file: str | None = None
    format: Literal["azure", "mooncake", "jsonl"] | None = None
    started: str | None = None
    """When a file's first request came, for windows of the calendar."""
    org: Name = "default"
    since: str | None = None
    until: str | None = None
    team: Name | None = None
    feature: Name | None = None
    route: Name | None = None
    key: Name | None = None
    load: Positive = 1.0
    copies: Copies = Copies.SHIFTED
    shift_max_s: Positive = 3600.0


class RouteChange(_Strict, frozen=True):
    """Another policy behind an alias; what isn't given stays."""

    alias: Name
    deployments: Annotated[list[Name], Meta(min_length=1)] | None = None
    strategy: Strategy | None = None
    weights: dict[str, Annotated[int, Meta(ge=0)]] = {}
    retry: Retry | None = None


class PriceChange(_Strict, frozen=True):
    """Another price of a deployment, or of all of a provider's by a factor."""

    deployment: Name | None = None
    provider: Name | None = None
    price: TokenPrice | None = None
    factor: Dollars | None = None


class OutageChange(_Strict, frozen=True):
    """A deployment, or all of a provider's, fails for a while.

    `start` and `end` are spans after the traffic's start (`10m`) or ISO 8601 times.
    """

    deployment: Name | None = None
    provider: Name | None = None
    start: str = "0s"
    end: str | None = None
    kind: FailureKind = "error"
    share: Share = 1.0
    after_ms: Whole = 0.0


class LatencyChange(_Strict, frozen=True):
    """How long a deployment takes: by a factor, like another one, or given."""

    deployment: Name
    like: Name | None = None
    first_token_factor: Positive = 1.0
    per_token_factor: Positive = 1.0
    first_token_ms: Positive | None = None
    first_token_ms_p95: Positive | None = None
    per_token_ms: Whole | None = None


class CapacityChange(_Strict, frozen=True):
    """How many calls a deployment takes at once (more wait), and a minute (more get 429)."""

    deployment: Name
    slots: Count | None = None
    requests_per_minute: Count | None = None


class TokenChange(_Strict, frozen=True):
    """A deployment writes so many times the recorded output tokens."""

    deployment: Name
    output_factor: Positive


class BudgetChange(_Strict, frozen=True):
    """Another budget of a key; null takes it away."""

    key: Name
    budget: Budget | None


class LimitChange(_Strict, frozen=True):
    """Other limits of a key; what isn't given is unlimited."""

    key: Name
    requests_per_minute: Count | None = None
    concurrency_max: Count | None = None


class Change(_Strict, frozen=True):
    """What is otherwise in a world."""

    deployments: list[Deployment] = []
    """Such as the configuration has not: written as there."""
    routes: list[RouteChange] = []
    prices: list[PriceChange] = []
    outages: list[OutageChange] = []
    latency: list[LatencyChange] = []
    capacity: list[CapacityChange] = []
    tokens: list[TokenChange] = []
    budgets: list[BudgetChange] = []
    limits: list[LimitChange] = []
    cache: bool | None = None


class Candidate(Change, frozen=True, kw_only=True):
    """A world to compare with the one as it is."""

    name: Name
    load: Positive = 1.0
    """Times the traffic of the scenario."""


class Scenario(_Strict, frozen=True, kw_only=True):
    """The whole file. `base` holds for the world as it is, too: what no record tells of it."""

    name: Name
    seed: Annotated[int, Meta(ge=0)] = 1
    traffic: Traffic = Traffic()
    base: Change = Change()
    candidates: Annotated[list[Candidate], Meta(min_length=1)]
