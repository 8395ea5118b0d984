"""Builds what a worker resolves names to, anew at each change of what is served."""

from collections.abc import Mapping
from typing import Protocol

from legato.app.context import WorkerContext
from legato.app.models.catalogue import ProviderInUse, build_routes
from legato.app.models.deployment_loads import DeploymentLoads
from legato.app.models.floors import guard
from legato.app.models.router_follower import RouterFollower
from legato.app.models.served_models import ServedModels
from legato.gateway.directory import Deployment, Route
from legato.registry.floor_shares import FloorShares


class Based(Protocol):
    """What routes are built on."""

    context: WorkerContext
    loads: DeploymentLoads
    floors: FloorShares
    routers: RouterFollower


def built_routes(
    base: Based, served: ServedModels, providers: Mapping[str, ProviderInUse]
) -> tuple[dict[str, Deployment], dict[str, Route]]:
    """Return deployments and routes that follow their loads, floors and routers."""
    loads = base.loads
    deployments, routes = build_routes(
        served,
        providers,
        loads.breakers.cell,
        loads.of,
        room_of=loads.room,
        routers=base.routers.of,
        weights=base.context.data.models,
    )
    guard(routes.values(), base.floors)
    return deployments, routes
