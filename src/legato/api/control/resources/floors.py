"""Quality floors of routes: what comparisons have proven for an organisation."""

from typing import Annotated

from litestar.di import NamedDependency as Given
from litestar.params import Parameter

from legato.api.control.access import Caller, read
from legato.api.control.forms import Shown, moment
from legato.api.control.services import Services
from legato.core.permission import Permission
from legato.registry.floor_status import FloorStatus

RouteName = Annotated[str, Parameter(description="The route's alias.", max_length=128)]
Org = Annotated[
    str | None,
    Parameter(description="Whose requests; the key's own without it.", max_length=128),
]


class FloorMove(Shown, frozen=True, kw_only=True):
    """A change of the share: `reason` is proven, weakened or worse.

    `current` is false where it was under other terms, deployments or rules.
    """

    at: str
    before: float
    after: float
    reason: str
    pairs: int
    mean_loss: float
    loss_at_most: float
    current: bool


class RouteFloor(Shown, frozen=True, kw_only=True):
    """What share of an organisation's requests may leave the baseline, and what that rests on.

    `loss_at_most` is what the mean loss is below, with the confidence of the terms; null without
    a comparison.
    """

    route: str
    org: str
    policy: str
    margin: float
    alpha: float
    share: float
    better: int
    equal: int
    worse: int
    mean_loss: float
    loss_at_most: float | None
    taken_back: int
    moves: list[FloorMove]


@read("/routes/{route:str}/floor", Permission.LEDGER_READ, tags=["gateway"])
def get_floor(
    services: Given[Services], caller: Given[Caller], route: RouteName, org: Org = None
) -> RouteFloor:
    """Show how an organisation's quality floor of a route stands."""
    whose = caller.tenant(org).org
    return _shown(services.floor(route, whose))


HANDLERS = (get_floor,)


def _shown(status: FloorStatus) -> RouteFloor:
    return RouteFloor(
        route=status.route,
        org=status.org,
        policy=status.policy,
        margin=status.margin,
        alpha=status.alpha,
        share=status.share,
        better=status.better,
        equal=status.equal,
        worse=status.worse,
        mean_loss=status.mean_loss,
        loss_at_most=status.loss_at_most,
        taken_back=status.taken_back,
        moves=[
            FloorMove(
                at=moment(one.at_ns),
                before=one.move.before,
                after=one.move.after,
                reason=one.move.reason.value,
                pairs=one.move.pairs.count,
                mean_loss=one.move.mean_loss,
                loss_at_most=one.move.loss_at_most,
                current=one.policy == status.policy,
            )
            for one in status.moves
        ],
    )
