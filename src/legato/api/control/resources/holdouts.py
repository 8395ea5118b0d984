"""Holdouts: a share of a route's callers that has its baseline, so that savings are measured."""

from typing import Annotated, Any

import msgspec
from litestar.di import NamedDependency as Given
from litestar.params import JSONBody, Parameter
from litestar.response import Response
from msgspec import Meta

from legato.api.control.access import Caller, make, read
from legato.api.control.forms import Form, Id, Shown, known_id, moment, optional_moment, usd
from legato.api.control.once import Made, Once
from legato.api.control.paging import LIMIT, Cursor, Limit, paged
from legato.api.control.registry_desk import Org, Reason
from legato.api.control.services import Services
from legato.core.money import amount
from legato.core.permission import Permission
from legato.registry.holdouts import Estimate as FoundEstimate
from legato.registry.holdouts import Holdouts, Statement
from legato.storage.registry.holdouts import Holdout as StoredHoldout

Route = Annotated[str, Meta(min_length=1, max_length=128)]
RouteAsked = Annotated[str, Parameter(description="The route's name.", max_length=128)]
Share = Annotated[int, Parameter(description="Basis points of callers.", ge=1, le=5_000)]
Usd = Annotated[str, Meta(pattern=r"^[0-9]{1,9}(\.[0-9]{1,9})?$")]


class NewHoldout(Form, frozen=True, kw_only=True):
    """Which route, which share of its callers, and what it may cost in a month."""

    route: Route
    share_bp: Annotated[int, Meta(ge=1, le=5_000)]
    accepted_usd_per_month: Usd
    reason: Reason = ""


class Holdout(Shown, frozen=True, kw_only=True):
    """A holdout, under way while `ended_at` is null."""

    id: str
    route: str
    share_bp: int
    author: str
    reason: str
    started_at: str
    ended_at: str | None
    ended_by: str


class HoldoutPage(Shown, frozen=True, kw_only=True):
    """A page of holdouts, newest first."""

    data: list[Holdout]
    next_cursor: str | None


class HoldoutEstimate(Shown, frozen=True, kw_only=True):
    """What a holdout will cost in a month, by the ledger's traffic of so many days."""

    route: str
    share_bp: int
    usd_per_month: str | None
    days: float
    requests: int
    cost_usd: str | None
    baseline_cost_usd: str | None
    unpriced: int


class HoldoutStatement(Shown, frozen=True, kw_only=True):
    """A holdout and what it shows: `statement` has both arms and their differences."""

    holdout: Holdout
    headline: str
    statement: Any


def provide_holdouts(services: Given[Services], caller: Given[Caller], org: Org = None) -> Holdouts:
    """Open the holdouts that a request means. Raises NotFound."""
    tenant = caller.tenant(org)
    return services.holdouts(tenant)


@read("/holdouts", Permission.HOLDOUT_READ, tags=["holdouts"])
def list_holdouts(
    services: Given[Services],
    holdouts: Given[Holdouts],
    cursor: Cursor = None,
    limit: Limit = LIMIT,
) -> HoldoutPage:
    """List holdouts, newest first."""
    rows, following = paged(
        services.cursors,
        "holdouts",
        (cursor, limit),
        holdouts.store.page,
        name=lambda record: record.id,
    )
    return HoldoutPage(data=[_shown(record) for record in rows], next_cursor=following)


@read("/holdouts/estimate", Permission.HOLDOUT_READ, may_conflict=True, tags=["holdouts"])
def estimate_holdout(
    holdouts: Given[Holdouts], route: RouteAsked, share_bp: Share
) -> HoldoutEstimate:
    """Say what a holdout would cost in a month."""
    return _estimate(holdouts.estimate(route, share_bp))


@make("/holdouts", Permission.HOLDOUT_UPDATE, tags=["holdouts"])
def start_holdout(
    holdouts: Given[Holdouts],
    caller: Given[Caller],
    once: Given[Once],
    data: JSONBody[NewHoldout],
) -> Response[Holdout]:
    """Begin a holdout that costs no more than was accepted."""

    def work() -> Made:
        begun = holdouts.start(
            data.route,
            data.share_bp,
            amount(data.accepted_usd_per_month),
            author=caller.author,
            reason=data.reason,
        )
        return Made(_shown(begun), {"location": f"/api/v1/holdouts/{begun.id}"})

    return once(data, work)


@read("/holdouts/{holdout_id:str}", Permission.HOLDOUT_READ, tags=["holdouts"])
def get_holdout(holdouts: Given[Holdouts], holdout_id: Id) -> HoldoutStatement:
    """Show a holdout and what it proves."""
    found = holdouts.store.get(known_id(holdout_id))
    statement = holdouts.statement(found)
    return HoldoutStatement(
        holdout=_shown(found),
        headline=statement.headline,
        statement=_statement(statement),
    )


@make(
    "/holdouts/{holdout_id:str}/end",
    Permission.HOLDOUT_UPDATE,
    tags=["holdouts"],
    status_code=200,
)
def end_holdout(
    holdouts: Given[Holdouts], caller: Given[Caller], once: Given[Once], holdout_id: Id
) -> Response[Holdout]:
    """End a holdout: everybody is treated again."""
    found = holdouts.store.get(known_id(holdout_id))

    def work() -> Made:
        ended = holdouts.store.end(found.id, caller.author)
        return Made(_shown(ended), status=200)

    return once(None, work)


HANDLERS = (list_holdouts, estimate_holdout, start_holdout, get_holdout, end_holdout)


def _statement(statement: Statement) -> Any:
    plain = msgspec.to_builtins(statement)
    return {**plain, "saved_usd": statement.saved_usd}


def _estimate(found: FoundEstimate) -> HoldoutEstimate:
    return HoldoutEstimate(
        route=found.route,
        share_bp=found.share_bp,
        usd_per_month=usd(found.per_month),
        days=found.days,
        requests=found.traffic.requests,
        cost_usd=usd(found.traffic.cost),
        baseline_cost_usd=usd(found.traffic.baseline_cost),
        unpriced=found.traffic.unpriced,
    )


def _shown(record: StoredHoldout) -> Holdout:
    return Holdout(
        id=record.id,
        route=record.route,
        share_bp=record.share_bp,
        author=record.author,
        reason=record.reason,
        started_at=moment(record.started_at_ns),
        ended_at=optional_moment(record.ended_at_ns),
        ended_by=record.ended_by,
    )
