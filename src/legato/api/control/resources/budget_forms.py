"""The bodies of budgets, as they are sent and shown."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType, field

from legato.accounting.burn_down import Counted
from legato.api.control.forms import Form, Shown, moment, optional_moment
from legato.core.budget import Budget as CoreBudget
from legato.core.budget import BudgetEvent, Measure, measure_of, read_counter
from legato.core.config_budgets import EVERY_ORG, StepSaid, said_of
from legato.core.config_parts import Dollars, Name
from legato.core.money import NanoUSD, exact_usd
from legato.economics.forecast import LEVEL
from legato.storage.limits.budgets import BudgetRecord
from legato.storage.limits.standing import Standing

Text = Annotated[str, Meta(min_length=1, max_length=200)]
Org = Annotated[str, Meta(min_length=1, max_length=128)]
Where = Annotated[dict[Text, Text], Meta(max_length=10)]
Each = Annotated[list[Text], Meta(max_length=3)]
Usd = Annotated[Dollars, Meta(max_length=20)]
Whole = Annotated[int, Meta(ge=0, le=2**53)]
Window = Literal["minute", "hour", "day", "week", "month", "rolling", "total"]
Rolling = Annotated[int, Meta(ge=0, le=366 * 86_400)]
Steps = Annotated[list[StepSaid], Meta(max_length=10)]
ShareBy = Annotated[str, Meta(max_length=128)]
Weights = Annotated[dict[Text, Annotated[int, Meta(ge=1, le=1_000_000)]], Meta(max_length=1000)]


class NewBudget(Form, frozen=True, kw_only=True):
    """A budget to be made: with one of `usd`, `tokens`, `requests`, `concurrency`.

    `org` is `*` for the whole instance. A user in `where` is kept as a pseudonym.
    """

    name: Name
    org: Org | None = None
    where: Where = field(default_factory=dict)
    each: Each = field(default_factory=list)
    usd: Usd | None = None
    tokens: Whole | None = None
    requests: Whole | None = None
    concurrency: Whole | None = None
    window: Window = "month"
    rolling_s: Rolling = 0
    hard: bool = True
    steps: Steps = field(default_factory=list)
    share_by: ShareBy = ""
    weights: Weights = field(default_factory=dict)


class BudgetChange(Form, frozen=True, kw_only=True):
    """What is to be changed: what is left out stays. Whose it is stays always."""

    name: Name | UnsetType = UNSET
    where: Where | UnsetType = UNSET
    each: Each | UnsetType = UNSET
    usd: Usd | UnsetType = UNSET
    tokens: Whole | UnsetType = UNSET
    requests: Whole | UnsetType = UNSET
    concurrency: Whole | UnsetType = UNSET
    window: Window | UnsetType = UNSET
    rolling_s: Rolling | UnsetType = UNSET
    hard: bool | UnsetType = UNSET
    steps: Steps | UnsetType = UNSET
    share_by: ShareBy | UnsetType = UNSET
    weights: Weights | UnsetType = UNSET


class Budget(Shown, frozen=True, kw_only=True):
    """A budget; a user in `where` is the ledger's pseudonym."""

    id: str
    name: str
    org: str
    where: dict[str, str]
    each: list[str]
    usd: str | None
    tokens: int | None
    requests: int | None
    concurrency: int | None
    window: str
    rolling_s: int
    hard: bool
    steps: list[StepSaid]
    share_by: str
    weights: dict[str, int]
    source: str
    version: int
    created_at: str
    changed_at: str


class BudgetPage(Shown, frozen=True, kw_only=True):
    """A page of budgets."""

    data: list[Budget]
    next_cursor: str | None


class Counter(Shown, frozen=True, kw_only=True):
    """One counter of a budget. Amounts are dollars as text, or whole numbers of what it counts.

    `settled` is in the ledger; `set_aside` is held by calls, or leased to workers to be spent.
    """

    of: dict[str, str]
    limit: str | int
    settled: str | int
    set_aside: str | int
    remaining: str | int
    window_start: str
    resets_at: str | None


class BudgetStatus(Shown, frozen=True, kw_only=True):
    """How a budget stands, at most a thousand counters of it."""

    budget: Budget
    counters: list[Counter]


class Event(Shown, frozen=True, kw_only=True):
    """That a step was reached (`warn`, `degrade`, `queue`) or a call refused (`blocked`)."""

    id: int
    at: str
    org: str
    budget_id: str
    name: str
    what: str
    at_percent: int
    of: dict[str, str]
    used: str | int
    limit: str | int
    window_start: str


class BudgetEventPage(Shown, frozen=True, kw_only=True):
    """A page of events."""

    data: list[Event]
    next_cursor: str | None


class OutlookOfCounter(Shown, frozen=True, kw_only=True):
    """Where a counter will stand at its window's end: `low` to `high` at `level`, null untried.

    `trials` such forecasts of the days before were off by `off_by` (a share, their median), and
    `held` is how often the interval held in the later half of them.
    """

    of: dict[str, str]
    limit: str | int
    spent: str | int
    expected: str | int
    low: str | int | None
    high: str | int | None
    level: float
    runs_out: str | None
    days: int
    trials: int
    off_by: float | None
    held: float | None
    burnt: list[str | int]


class BudgetOutlook(Shown, frozen=True, kw_only=True):
    """A budget with the outlook of its counters, those most used first."""

    budget: Budget
    counters: list[OutlookOfCounter]


def outlook_shown(budget: CoreBudget, one: Counted) -> OutlookOfCounter:
    """Return an outlook, as it is shown."""
    measure, said = budget.measure, one.outlook
    return OutlookOfCounter(
        of=one.standing.values,
        limit=_figure(measure, one.standing.limit),
        spent=_figure(measure, one.standing.settled),
        expected=_figure(measure, one.ends_at),
        low=None if one.low is None else _figure(measure, one.low),
        high=None if one.high is None else _figure(measure, one.high),
        level=LEVEL,
        runs_out=None if one.runs_out_ns is None else moment(one.runs_out_ns)[:10],
        days=said.days,
        trials=said.trials,
        off_by=said.off_by,
        held=said.held,
        burnt=[_figure(measure, day) for day in one.burnt],
    )


def shown(record: BudgetRecord) -> Budget:
    """Return a budget as it is shown."""
    return Budget(
        id=record.budget.id,
        **said_of(record.budget),
        source=record.source,
        version=record.version,
        created_at=moment(record.created_at_ns),
        changed_at=moment(record.changed_at_ns),
    )


def standing_shown(budget: CoreBudget, one: Standing) -> Counter:
    """Return how a counter stands, as it is shown."""
    measure = budget.measure
    return Counter(
        of=one.values,
        limit=_figure(measure, one.limit),
        settled=_figure(measure, one.settled),
        set_aside=_figure(measure, one.leased),
        remaining=_figure(measure, max(0, one.limit - one.settled - one.leased)),
        window_start=moment(one.window_start_ns),
        resets_at=optional_moment(one.resets_at_ns),
    )


def event_shown(event_id: int, event: BudgetEvent) -> Event:
    """Return an event as it is shown."""
    name = read_counter(event.limit_id)
    measure = measure_of(event.limit_id)
    return Event(
        id=event_id,
        at=moment(event.at_ns),
        org=event.org or EVERY_ORG,
        budget_id=event.budget_id,
        name=event.name,
        what=event.what,
        at_percent=event.at_percent,
        of={} if name is None else name.values,
        used=_figure(measure, event.used),
        limit=_figure(measure, event.limit),
        window_start=moment(event.window_start_ns),
    )


def _figure(measure: Measure, number: int) -> str | int:
    return exact_usd(NanoUSD(number)) if measure is Measure.USD else number
