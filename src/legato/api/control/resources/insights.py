"""Insights: figures by id, each with the query that makes it; KPIs' targets; savings."""

from typing import Annotated, Any

import msgspec
from litestar.di import NamedDependency as Given
from litestar.params import JSONBody, Parameter
from litestar.response import Response
from msgspec import Meta

from legato.api.control.access import Caller, make, read
from legato.api.control.forms import Form, Shown, moment, usd
from legato.api.control.once import Made, Once
from legato.api.control.registry_desk import Org
from legato.api.control.services import Services
from legato.core.errors import NotFound
from legato.core.money import round_ratio
from legato.core.permission import Permission
from legato.core.tenant import Area, reaches
from legato.economics.kpis import Unit
from legato.insights.spend.desk import PERIOD, Asked, InsightRow, Insights
from legato.insights.spend.goals import Compared
from legato.insights.spend.periods import day_of
from legato.storage.database.windows import day_text
from legato.storage.kpis.contracts import FrozenBaseline
from legato.storage.kpis.goals import Goal as StoredGoal

Period = Annotated[str, Parameter(max_length=32, description="30d, 2026-11, 2026-Q4, A..B.")]
Narrow = Annotated[str | None, Parameter(max_length=256, required=False)]
Place = Annotated[str, Parameter(max_length=128)]
KpiName = Annotated[str, Parameter(max_length=64)]
Name = Annotated[str, Meta(max_length=128)]
Number = Annotated[str, Meta(pattern=r"^(-?[0-9]{1,15}(\.[0-9]{1,12})?)?$")]
Day = Annotated[str, Meta(pattern=r"^([0-9]{4}-[0-9]{2}-[0-9]{2})?$")]


class InsightAbout(Shown, frozen=True, kw_only=True):
    """What an insight says, and in which unit."""

    id: str
    title: str
    unit: str
    definition: str
    bands: str


class InsightList(Shown, frozen=True, kw_only=True):
    """All insights there are."""

    data: list[InsightAbout]


class Row(Shown, frozen=True, kw_only=True):
    """A group: numerator / denominator, and the same as a number; `needs` where there is none."""

    group: dict[str, str]
    numerator: int
    denominator: int
    value: float | None
    usd: str | None
    needs: str


class InsightShown(Shown, frozen=True, kw_only=True):
    """An insight of a period, with the queries that made it."""

    about: InsightAbout
    period: str
    by: list[str]
    rows: list[Row]
    queries: list[str]


class Savings(Shown, frozen=True, kw_only=True):
    """The savings statement; `statement` has the bars, and what holdouts measured."""

    headline: str
    statement: Any


class NewGoal(Form, frozen=True, kw_only=True):
    """Where a KPI shall come to, or where it stood, in its unit: 0.4 is 40 %."""

    target: Number = ""
    baseline: Number = ""
    team: Name = ""
    feature: Name = ""
    workflow: Name = ""
    since: Day = ""
    note: Annotated[str, Meta(max_length=500)] = ""


class GoalShown(Shown, frozen=True, kw_only=True):
    """One version of what is set for a KPI."""

    org: str
    kpi: str
    team: str
    feature: str
    workflow: str
    version: int
    target: str
    baseline: str
    since: str | None
    note: str
    author: str
    at: str


class GoalList(Shown, frozen=True, kw_only=True):
    """What is set for KPIs, each in its newest version."""

    data: list[GoalShown]


class Comparison(Shown, frozen=True, kw_only=True):
    """A KPI before and after a day."""

    kpi: str
    unit: str
    workflow: str
    before_days: str
    after_days: str
    before: Row
    after: Row
    target: str
    baseline: str
    is_reached: bool | None


class ComparisonList(Shown, frozen=True, kw_only=True):
    """A KPI before and after, workflow by workflow."""

    data: list[Comparison]


class NewBaseline(Form, frozen=True, kw_only=True):
    """What to freeze."""

    name: Annotated[str, Meta(min_length=1, max_length=120)]
    period: Annotated[str, Meta(max_length=32)] = PERIOD


class FrozenShown(Shown, frozen=True, kw_only=True):
    """A frozen baseline; `note` is what is signed."""

    id: str
    org: str
    name: str
    author: str
    at: str
    note: str


class FrozenList(Shown, frozen=True, kw_only=True):
    """All frozen baselines, the newest first."""

    data: list[FrozenShown]


class Against(Shown, frozen=True, kw_only=True):
    """A period against a frozen baseline."""

    comparison: Any


def provide_insights(services: Given[Services], caller: Given[Caller], org: Org = None) -> Insights:
    """Open the insights that a request means. Raises NotFound."""
    return services.insights.insights(caller.narrowed(org))


@read("/insights", Permission.LEDGER_READ, tags=["insights"])
def list_insights() -> InsightList:
    """List the insights there are."""
    return InsightList(data=[_about(one) for one in Insights.catalogue()])


@read("/insights/{insight_id:str}", Permission.LEDGER_READ, may_conflict=True, tags=["insights"])
def show_insight(  # noqa: PLR0913 - one parameter for each filter
    insights: Given[Insights],
    *,
    insight_id: KpiName,
    period: Period = PERIOD,
    by: Annotated[str, Parameter(max_length=200)] = "",
    team: Narrow = None,
    feature: Narrow = None,
    route: Narrow = None,
    deployment: Narrow = None,
    model: Narrow = None,
    workflow: Narrow = None,
    key: Annotated[
        str | None, Parameter(max_length=256, required=False, description="The id of a key.")
    ] = None,
) -> InsightShown:
    """Show one: what it means, its figures, and the query that makes them."""
    narrowed = {"team": team, "feature": feature, "route": route, "deployment": deployment,
                "model": model, "workflow": workflow, "key": key}  # fmt: skip
    where = {name: value for name, value in narrowed.items() if value is not None}
    names = tuple(one.strip() for one in by.split(",") if one.strip())
    found = insights.show(insight_id, Asked(period, names, where))
    return InsightShown(
        about=_about(found.about),
        period=found.period,
        by=list(found.by),
        rows=[_row(row, found.about.unit) for row in found.rows],
        queries=list(found.queries),
    )


@read("/savings", Permission.LEDGER_READ, tags=["insights"])
def show_savings(
    services: Given[Services], caller: Given[Caller], org: Org = None, period: Period = PERIOD
) -> Savings:
    """Show the savings statement: modelled by prices, and what holdouts measured."""
    statement = services.insights.insights(caller.tenant(org)).statement(Asked(period))
    return Savings(headline=statement.headline, statement=msgspec.to_builtins(statement))


@read("/kpi-targets", Permission.LEDGER_READ, tags=["insights"])
def list_targets(services: Given[Services], caller: Given[Caller], org: Org = None) -> GoalList:
    """List what is set for KPIs."""
    goals = services.insights.goals(caller.narrowed(org))
    return GoalList(data=[_goal(one) for one in goals.in_force()])


@make("/kpi-targets/{kpi:str}", Permission.KPI_UPDATE, tags=["insights"])
def set_kpi_target(
    services: Given[Services],
    caller: Given[Caller],
    *,
    once: Given[Once],
    kpi: KpiName,
    data: JSONBody[NewGoal],
    org: Org = None,
) -> Response[GoalShown]:
    """Set where a KPI shall come to; what was set before stays as an earlier version."""

    def work() -> Made:
        named = org or getattr(caller.reach, "org", None) or caller.principal.org
        if not reaches(caller.reach, Area(named, data.team, data.feature)):
            raise NotFound("there is no such organisation, team or feature", param="org")
        goal = StoredGoal(
            org=named,
            kpi=kpi,
            team=data.team,
            feature=data.feature,
            workflow=data.workflow,
            target=data.target,
            baseline=data.baseline,
            since_day=day_of(data.since, "since"),
            note=data.note,
            author=caller.principal.name,
        )
        return Made(_goal(services.insights.goals(caller.reach).set(goal)))

    return once(data, work)


@read("/kpi-targets/{kpi:str}/comparison", Permission.LEDGER_READ, may_conflict=True,
      tags=["insights"])  # fmt: skip
def compare_kpi(
    services: Given[Services],
    caller: Given[Caller],
    *,
    kpi: KpiName,
    team: Place = "",
    feature: Place = "",
    workflow: Place = "",
    since: Annotated[str, Parameter(max_length=10)] = "",
    org: Org = None,
) -> Comparison:
    """Compare a KPI after a day with as long before."""
    goals = services.insights.goals(caller.narrowed(org))
    since_day = day_of(since, "since")
    return _comparison(goals.compare(kpi, team, feature, workflow=workflow, since_day=since_day))


@read("/kpi-targets/{kpi:str}/workflows", Permission.LEDGER_READ, tags=["insights"])
def compare_kpi_of_workflows(
    services: Given[Services],
    caller: Given[Caller],
    *,
    kpi: KpiName,
    since: Annotated[str, Parameter(max_length=10)] = "",
    org: Org = None,
) -> ComparisonList:
    """Compare a KPI of each workflow that spent lately or has a target, after a day and before."""
    goals = services.insights.goals(caller.narrowed(org))
    found = goals.compare_workflows(kpi, since_day=day_of(since, "since"))
    return ComparisonList(data=[_comparison(one) for one in found])


def _comparison(found: Compared) -> Comparison:
    return Comparison(
        kpi=found.kpi,
        unit=found.unit,
        workflow=found.workflow,
        before_days=found.before_days,
        after_days=found.after_days,
        before=_row(found.before, found.unit),
        after=_row(found.after, found.unit),
        target=found.target,
        baseline=found.baseline,
        is_reached=found.is_reached,
    )


@read("/savings/baselines", Permission.LEDGER_READ, tags=["insights"])
def list_baselines(services: Given[Services], caller: Given[Caller], org: Org = None) -> FrozenList:
    """List frozen baselines."""
    store = services.insights.freezing(caller.tenant(org)).store
    return FrozenList(data=[_frozen(one) for one in store.list()])


@make("/savings/baselines", Permission.KPI_UPDATE, tags=["insights"])
def freeze_baseline(
    services: Given[Services],
    caller: Given[Caller],
    *,
    once: Given[Once],
    data: JSONBody[NewBaseline],
    org: Org = None,
) -> Response[FrozenShown]:
    """Sign what routes cost at their baselines in a period, and keep it."""

    def work() -> Made:
        room = services.insights.freezing(caller.tenant(org))
        return Made(_frozen(room.freeze(data.name, data.period, caller.principal.name)))

    return once(data, work)


@read("/savings/baselines/{baseline_id:str}/comparison", Permission.LEDGER_READ, may_conflict=True,
      tags=["insights"])  # fmt: skip
def compare_with_baseline(
    services: Given[Services],
    caller: Given[Caller],
    *,
    baseline_id: KpiName,
    period: Period = PERIOD,
    org: Org = None,
) -> Against:
    """Compare a period with a frozen baseline."""
    found = services.insights.freezing(caller.tenant(org)).against(baseline_id, period)
    return Against(comparison=msgspec.to_builtins(found))


HANDLERS = (
    list_insights,
    show_insight,
    show_savings,
    list_targets,
    set_kpi_target,
    compare_kpi,
    compare_kpi_of_workflows,
    list_baselines,
    freeze_baseline,
    compare_with_baseline,
)


def _about(one: Any) -> InsightAbout:
    return InsightAbout(**msgspec.to_builtins(one))


def _row(row: InsightRow, unit: str) -> Row:
    amount = None
    if unit == Unit.NANO_USD and not row.needs:
        amount = usd(round_ratio(row.numerator, row.denominator))
    plain = msgspec.structs.asdict(row)
    return Row(**plain, value=row.value, usd=amount)


def _goal(goal: StoredGoal) -> GoalShown:
    plain = msgspec.structs.asdict(goal)
    at_ns, day = plain.pop("at_ns"), plain.pop("since_day")
    return GoalShown(**plain, since=None if day is None else day_text(day), at=moment(at_ns))


def _frozen(one: FrozenBaseline) -> FrozenShown:
    plain = msgspec.structs.asdict(one)
    at_ns = plain.pop("at_ns")
    return FrozenShown(**plain, at=moment(at_ns))
