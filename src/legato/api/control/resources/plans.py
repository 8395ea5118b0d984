"""What it costs and brings: plans, profit and loss, volume, own machines, training, accuracy.

Answers are the values of `legato.economics.finance.figures`, with money as exact dollars.
"""

from typing import Annotated, Any

from litestar.di import NamedDependency as Given
from litestar.params import JSONBody, Parameter, QueryParameter
from litestar.response import Response
from msgspec import Meta, field

from legato.api.control.access import Caller, make, read
from legato.api.control.forms import Form, known_id
from legato.api.control.services import Services
from legato.core.permission import Permission
from legato.economics.finance.figures import Figures, plain
from legato.economics.finance.projection import Base
from legato.finance.plans import DRAWS, DRAWS_MAX, Asked, assumed
from legato.finance.volumes import FACTORS, Change, World
from legato.finance.window import DAYS, DAYS_MAX

_TAGS = ["finance"]
_NAME_MAX = 128
Org = Annotated[str | None, Parameter(max_length=_NAME_MAX, required=False)]
Name = Annotated[str, Parameter(max_length=_NAME_MAX)]
Day = Annotated[str, Parameter(max_length=10, description="Assumptions of then; today's without.")]
Days = Annotated[
    int, Parameter(ge=1, le=DAYS_MAX, description="Of the ledger, that a month is made of.")
]
Assume = Annotated[
    list[str] | None,
    Parameter(required=False, max_items=50, description="NAME=VALUE, for this answer only."),
]
Month = Annotated[
    str, Parameter(pattern=r"^((19|20|21)[0-9]{2}-(0[1-9]|1[0-2]))?$", description="As 2026-08.")
]


class ProjectionAsked(Form, frozen=True, kw_only=True):
    """Which multiples of today's volume; `base` is a month of one's own, `terms` of deployments."""

    org: Annotated[str, Meta(max_length=_NAME_MAX)] | None = None
    days: Annotated[int, Meta(ge=1, le=DAYS_MAX)] = DAYS
    on: Annotated[str, Meta(max_length=10)] = ""
    assume: Annotated[list[str], Meta(max_length=50)] = field(default_factory=list)
    factors: Annotated[
        list[Annotated[int, Meta(ge=1, le=1000)]], Meta(min_length=1, max_length=20)
    ] = field(default_factory=lambda: list(FACTORS))
    base: Base | None = None
    terms: Annotated[list[Change], Meta(max_length=200)] = field(default_factory=list)


@read("/finance/plan", Permission.FINANCE_READ, tags=_TAGS)
def get_plan(
    services: Given[Services],
    caller: Given[Caller],
    *,
    org: Org = None,
    days: Days = DAYS,
    on: Day = "",
    assume: Assume = None,
    seed: Annotated[int, Parameter(ge=0, le=2**31)] = 1,
    draws: Annotated[int, Parameter(ge=0, le=DRAWS_MAX)] = DRAWS,
) -> Response[Any]:
    """Plan: TCO, NPV, ROI, IRR, payback, break-even, low, base and high, with all it is made of."""
    asked = Asked(days=days, on=on, assume=assumed(assume or ()), seed=seed, draws=draws)
    return _shown(services.planning.plans.plan(caller.tenant(org), asked))


@read("/finance/pnl", Permission.FINANCE_READ, tags=_TAGS)
def get_pnl(
    services: Given[Services],
    caller: Given[Caller],
    *,
    org: Org = None,
    since: Month = "",
    until: Month = "",
) -> Response[Any]:
    """Show each feature's profit and loss; without months, of the last three whole ones."""
    return _shown(services.planning.profit.read(caller.narrowed(org), since, until))


@make("/finance/projection", Permission.FINANCE_READ, tags=_TAGS, status_code=200)
def make_projection(
    services: Given[Services], caller: Given[Caller], data: JSONBody[ProjectionAsked]
) -> Response[Any]:
    """Show a month at multiples of the volume, and where it stops being viable. Keeps nothing."""
    asked = Asked(days=data.days, on=data.on, assume=assumed(data.assume))
    world = World(base=data.base, terms=data.terms)
    tenant = caller.tenant(data.org)
    return _shown(services.planning.volumes.project(tenant, asked, tuple(data.factors), world))


@read("/finance/self-host", Permission.FINANCE_READ, tags=_TAGS)
def get_self_host(
    services: Given[Services],
    caller: Given[Caller],
    *,
    deployment: Name,
    model: Name,
    org: Org = None,
    days: Days = DAYS,
    on: Day = "",
    assume: Assume = None,
) -> Response[Any]:
    """Say from how many tokens a month a local model pays, instead of a deployment."""
    asked = Asked(days=days, on=on, assume=assumed(assume or ()))
    found = services.planning.machines.self_host(caller.tenant(org), deployment, model, asked)
    return _shown(found)


@read("/finance/fine-tune", Permission.FINANCE_READ, tags=_TAGS)
def get_fine_tune(
    services: Given[Services],
    caller: Given[Caller],
    *,
    source: Annotated[str, QueryParameter(name="from", max_length=_NAME_MAX)],
    target: Annotated[str, QueryParameter(name="to", max_length=_NAME_MAX)],
    org: Org = None,
    days: Days = DAYS,
    on: Day = "",
    assume: Assume = None,
) -> Response[Any]:
    """Say when training a model pays that answers as one deployment what another does now."""
    asked = Asked(days=days, on=on, assume=assumed(assume or ()))
    return _shown(services.planning.machines.fine_tune(caller.tenant(org), source, target, asked))


@read("/finance/accuracy", Permission.FINANCE_READ, tags=_TAGS)
def get_accuracy(
    services: Given[Services],
    caller: Given[Caller],
    *,
    evaluation_id: Name,
    scorer: Name = "",
    org: Org = None,
) -> Response[Any]:
    """Show what one more point of accuracy costs, of a recorded evaluation."""
    found = services.planning.accuracy(caller.tenant(org), known_id(evaluation_id), scorer)
    return _shown(found)


HANDLERS = (
    get_plan,
    get_pnl,
    make_projection,
    get_self_host,
    get_fine_tune,
    get_accuracy,
)


def _shown(figures: Figures) -> Response[Any]:
    return Response(content=plain(figures))
