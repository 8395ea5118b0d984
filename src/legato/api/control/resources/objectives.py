"""Objectives: what share of requests is to go well, and what is left of error budgets."""

from typing import Annotated, Literal

from litestar.di import NamedDependency as Given
from litestar.params import JSONBody, Parameter
from litestar.response import Response
from msgspec import Meta

from legato.api.control.access import Caller, make, read
from legato.api.control.forms import Form, Shown, moment, optional_moment, usd
from legato.api.control.once import Made, Once
from legato.api.control.registry_desk import Org
from legato.api.control.services import Services
from legato.core.errors import InvalidRequest
from legato.core.money import amount
from legato.core.objective import Measured, percent_of, ppm_of
from legato.core.objective import Objective as Kept
from legato.core.permission import Permission
from legato.economics.objectives.burning import Minute
from legato.insights.objectives.standing import Stands
from legato.storage.database.windows import day_text
from legato.storage.objectives.alerts import BurnAlert

ObjectiveName = Annotated[str, Parameter(max_length=64)]
_Name = Annotated[str, Meta(max_length=128)]


class NewObjective(Form, frozen=True, kw_only=True):
    """An objective, or another version of one. `target` is a percentage: `99.5`.

    Latency needs `under_ms`, cost `under_usd`: what is still good. `events_min`: with fewer
    requests within an alert's window none is raised.
    """

    name: Annotated[str, Meta(max_length=64)]
    measured: Literal["errors", "latency", "cost"]
    target: Annotated[str, Meta(max_length=12)]
    under_ms: Annotated[int, Meta(ge=1, le=86_400_000)] | None = None
    under_usd: Annotated[str, Meta(max_length=24)] | None = None
    route: _Name = ""
    team: _Name = ""
    feature: _Name = ""
    period_days: Annotated[int, Meta(ge=1, le=90)] = 30
    events_min: Annotated[int, Meta(ge=1, le=1_000_000)] = 20
    runbook: Annotated[str, Meta(max_length=512)] = ""


class Objective(Shown, frozen=True, kw_only=True):
    """A version of an objective."""

    org: str
    name: str
    version: int
    measured: str
    target: str
    under_ms: int | None
    under_usd: str | None
    route: str
    team: str
    feature: str
    period_days: int
    events_min: int
    runbook: str
    author: str
    since: str


class ObjectiveList(Shown, frozen=True, kw_only=True):
    """The objectives in force."""

    data: list[Objective]


class Day(Shown, frozen=True, kw_only=True):
    """Requests of a day in UTC, and how many of them were bad."""

    day: str
    events: int
    bad: int


class Alert(Shown, frozen=True, kw_only=True):
    """When an error budget burnt too fast."""

    id: str
    window: str
    pages: bool
    began_at: str
    opened_at: str
    closed_at: str | None
    burn_rate: float
    burn_rate_short: float
    events: int
    bad: int


class ObjectiveStanding(Shown, frozen=True, kw_only=True):
    """How an objective stands in its period; `budget_left` is a share, below 0 where overspent."""

    objective: Objective
    events: int
    bad: int
    budget_left: float
    burn_rates: dict[str, float]
    days: list[Day]
    alerts: list[Alert]


@read("/objectives", Permission.OBJECTIVE_READ, tags=["objectives"])
def list_objectives(services: Given[Services], caller: Given[Caller]) -> ObjectiveList:
    """List the objectives in force within reach."""
    store = services.service_levels.objectives(caller.reach)
    return ObjectiveList(data=[shown(one) for one in store.in_force()])


@make("/objectives", Permission.OBJECTIVE_UPDATE, tags=["objectives"])
def set_objective(
    services: Given[Services],
    caller: Given[Caller],
    once: Given[Once],
    *,
    data: JSONBody[NewObjective],
    org: Org = None,
) -> Response[Objective]:
    """Keep an objective; one of that name gets another version, and is counted anew."""

    def work() -> Made:
        tenant = caller.tenant(org)
        store = services.service_levels.objectives(tenant)
        return Made(shown(store.set(_objective(data, tenant.org, caller.author))))

    return once(data, work)


@read("/objectives/{objective:str}", Permission.OBJECTIVE_READ, tags=["objectives"])
def get_objective(
    services: Given[Services],
    caller: Given[Caller],
    objective: ObjectiveName,
    org: Org = None,
) -> ObjectiveStanding:
    """Show how an objective stands: its error budget, burn rates, days and alerts."""
    reach = caller.narrowed(org)
    found = services.service_levels.objectives(reach).get(objective)
    return standing(services.service_levels.standings(reach).of(found, services.now_ns()))


@make(
    "/objectives/{objective:str}/remove",
    Permission.OBJECTIVE_UPDATE,
    tags=["objectives"],
    status_code=200,
)
def remove_objective(
    services: Given[Services],
    caller: Given[Caller],
    objective: ObjectiveName,
    org: Org = None,
) -> Objective:
    """End an objective; its versions and alerts stay."""
    tenant = caller.tenant(org)
    return shown(services.service_levels.objectives(tenant).retire(tenant.org, objective))


HANDLERS = (list_objectives, set_objective, get_objective, remove_objective)


def _objective(data: NewObjective, org: str, author: str) -> Kept:
    measured = Measured(data.measured)
    return Kept(
        org=org,
        name=data.name,
        measured=measured,
        target_ppm=ppm_of(data.target),
        limit=limit_of(measured, data.under_ms, data.under_usd),
        route=data.route,
        team=data.team,
        feature=data.feature,
        period_days=data.period_days,
        events_min=data.events_min,
        runbook=data.runbook,
        author=author,
    )


def limit_of(measured: Measured, under_ms: int | None, under_usd: str | None) -> int:
    """Return what is still good. Raises InvalidRequest where another is said than is measured."""
    wanted = {Measured.LATENCY: "under_ms", Measured.COST: "under_usd"}.get(measured)
    for field, said in (("under_ms", under_ms), ("under_usd", under_usd)):
        if (said is not None) != (field == wanted):
            does = "needs" if field == wanted else "has no"
            raise InvalidRequest(f"{field}: an objective of {measured} {does} it", param=field)
    if under_usd is None:
        return under_ms or 0
    try:
        return amount(under_usd)
    except ValueError:
        raise InvalidRequest("under_usd: write dollars, as 0.02", param="under_usd") from None


def shown(one: Kept) -> Objective:
    """Return a version as the control API shows it."""
    return Objective(
        org=one.org,
        name=one.name,
        version=one.version,
        measured=one.measured.value,
        target=percent_of(one.target_ppm),
        under_ms=one.limit if one.measured is Measured.LATENCY else None,
        under_usd=usd(one.limit) if one.measured is Measured.COST else None,
        route=one.route,
        team=one.team,
        feature=one.feature,
        period_days=one.period_days,
        events_min=one.events_min,
        runbook=one.runbook,
        author=one.author,
        since=moment(one.at_ns),
    )


def standing(found: Stands) -> ObjectiveStanding:
    """Return how one stands as the control API shows it."""
    return ObjectiveStanding(
        objective=shown(found.objective),
        events=found.counted.total,
        bad=found.counted.bad,
        budget_left=found.left,
        burn_rates=found.burning,
        days=[_day(one) for one in found.days],
        alerts=[_alert(one) for one in found.alerts],
    )


def _day(one: Minute) -> Day:
    return Day(day=day_text(one.minute), events=one.counted.total, bad=one.counted.bad)


def _alert(one: BurnAlert) -> Alert:
    return Alert(
        id=one.id,
        window=one.window,
        pages=one.pages,
        began_at=moment(one.began_at_ns),
        opened_at=moment(one.opened_at_ns),
        closed_at=optional_moment(one.closed_at_ns),
        burn_rate=one.burn_long,
        burn_rate_short=one.burn_short,
        events=one.total,
        bad=one.bad,
    )
