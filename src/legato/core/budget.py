"""Budgets as objects of their own: what they count, whom they cover, what happens before the wall.

One budget may have many counters: `each` gives every value of a dimension one of its own. A counter
is named by its budget and those values, and by nothing that may change.
"""

from enum import StrEnum
from hashlib import blake2b
from typing import Final, NamedTuple
from urllib.parse import quote, unquote

import msgspec

from legato.core.leases import Limit, LimitKind

TAG: Final = "tag:"
DIMENSIONS: Final = ("org", "team", "feature", "key", "user", "model", "deployment")
"""What a budget may be by, beside `tag:NAME`. A user is the ledger's pseudonym; a model is what the
caller named, a deployment what an attempt is sent to."""
ROLLING_PARTS: Final = 24
"""A rolling window moves on by so many parts of itself."""
FULL_PERCENT: Final = 100
_COUNTED_MAX: Final = 400
"""Characters of a value in a counter's name."""


class Measure(StrEnum):
    """What a budget counts."""

    USD = "usd"  # in nano-USD
    TOKENS = "tokens"
    REQUESTS = "requests"
    CONCURRENCY = "concurrency"  # requests at the same time


KINDS: Final = {
    Measure.USD: LimitKind.BUDGET,
    Measure.TOKENS: LimitKind.TOKENS,
    Measure.REQUESTS: LimitKind.RATE,
    Measure.CONCURRENCY: LimitKind.SLOTS,
}
_PREFIX: Final = {
    Measure.USD: "budget",
    Measure.TOKENS: "tokens",
    Measure.REQUESTS: "requests",
    Measure.CONCURRENCY: "slots",
}


class Period(StrEnum):
    """Over which time a budget runs; calendar windows are UTC."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    ROLLING = "rolling"
    TOTAL = "total"


_SECONDS: Final = {Period.MINUTE: "60", Period.HOUR: "3600"}


class Does(StrEnum):
    """What happens when so much of a budget is used."""

    WARN = "warn"  # an event, and a header on answers
    DEGRADE = "degrade"  # a cheaper route or deployment answers
    QUEUE = "queue"  # the call goes through the queue of batches, where its route allows that


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """At `at_percent` of the limit, do something; `to` names what a call is degraded to."""

    at_percent: int
    do: Does
    to: str = ""


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """A budget. `limit` is in what it measures: nano-USD, tokens, requests.

    `where` fixes values of dimensions; `org` is whose it is, "" for all of the instance. `weights`
    divide it among the values of `share_by`: each has its part for itself.
    """

    id: str
    name: str
    org: str
    measure: Measure
    limit: int
    period: Period
    rolling_s: int = 0
    where: dict[str, str] = {}
    each: tuple[str, ...] = ()
    hard: bool = True
    steps: tuple[Step, ...] = ()
    share_by: str = ""
    weights: dict[str, int] = {}

    @property
    def kind(self) -> LimitKind:
        """What its counters count."""
        return KINDS[self.measure]

    @property
    def span(self) -> str:
        """The window, as counters have it."""
        if self.measure is Measure.CONCURRENCY:
            return Period.TOTAL.value
        if self.period is Period.ROLLING:
            return f"rolling/{self.rolling_s}/{ROLLING_PARTS}"
        return _SECONDS.get(self.period, self.period.value)

    @property
    def dimensions(self) -> tuple[str, ...]:
        """All that it depends on."""
        shared = (self.share_by,) if self.share_by else ()
        return (*self.where, *self.each, *shared)

    def counter(self, values: dict[str, str]) -> Limit:
        """Return the counter for these values of the dimensions that have one each."""
        path = "".join(f"/{name}={_counted(values[name])}" for name in self.counted_by)
        name = f"{_PREFIX[self.measure]}:{self.id}{path}"
        return Limit(self.kind, name, self.limit_for(values), self.span, soft=not self.hard)

    @property
    def counted_by(self) -> tuple[str, ...]:
        """The dimensions whose values have a counter each."""
        shared = self.share_by and self.share_by not in self.each
        return (*self.each, self.share_by) if shared else self.each

    def limit_for(self, values: dict[str, str]) -> int:
        """Return the limit of one counter: the whole, or the part of one who shares it."""
        if not self.share_by:
            return self.limit
        mine = self.weights.get(values[self.share_by], 0)
        return self.limit * mine // sum(self.weights.values())


def _counted(value: str) -> str:
    """Return a value as a counter's name has it; callers may send names of any length."""
    written = quote(value, safe="")
    if len(written) <= _COUNTED_MAX:
        return written
    return blake2b(value.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


class BudgetEvent(msgspec.Struct, frozen=True):
    """That a counter got to a step, in one window. Figures are in what the budget counts.

    `what` is `warn`, `degrade`, `queue`, or `blocked` for a call that was refused.
    """

    org: str
    budget_id: str  # "" for a key's own limit
    limit_id: str
    window_start_ns: int
    what: str
    at_percent: int
    at_ns: int
    used: int
    limit: int
    name: str


class CounterName(NamedTuple):
    """What the id of a counter tells: its budget, and of which values it is."""

    budget_id: str
    values: dict[str, str]


def read_counter(limit_id: str) -> CounterName | None:
    """Return what a counter's id tells; None for one that is of no budget of its own."""
    prefix, _, rest = limit_id.partition(":")
    if prefix not in _PREFIX.values():
        return None
    budget_id, *parts = rest.split("/")
    pairs = (part.partition("=") for part in parts)
    return CounterName(budget_id, {name: unquote(value) for name, _, value in pairs})


def measure_of(limit_id: str) -> Measure:
    """Return what a counter counts, by its id; a key's own limit of requests has its bare id."""
    prefix = limit_id.partition(":")[0]
    known = {"tokens": Measure.TOKENS, "requests": Measure.REQUESTS, "slots": Measure.CONCURRENCY}
    if ":" not in limit_id:
        return Measure.REQUESTS
    return known.get(prefix, Measure.USD)
