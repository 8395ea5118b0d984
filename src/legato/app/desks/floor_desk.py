"""Answers how a route's floor stands, for the control API and the command line."""

from collections.abc import Callable

from legato.app.models.catalogue import policy_of
from legato.core.config import Config
from legato.core.errors import InvalidRequest, NotFound
from legato.gateway.quality import policy_with
from legato.registry.floor_status import FloorRecords, FloorStatus, floor_status
from legato.registry.routers import RouterReference, router_reference
from legato.routing.floor.freedom import About, Terms

RouterVersion = Callable[[str, RouterReference], str]
"""Returns the version of an organisation's router that a route asks, "" where there is none."""


def floor_of(
    config: Config,
    alias: str,
    org: str,
    records: FloorRecords,
    *,
    router_version: RouterVersion,
) -> FloorStatus:
    """Return what is proven of a route for an organisation.

    Raises:
        NotFound: no route has this name.
        InvalidRequest: the route guarantees nothing.
        StorageUnavailable: the database is away.
    """
    route = next((one for one in config.routes if one.alias == alias), None)
    if route is None:
        known = ", ".join(sorted(one.alias for one in config.routes))
        raise NotFound(f"There is no route {alias!r}; known: {known or 'none'}.", param="route")
    guarantee = None if route.quality is None else route.quality.guarantee
    if guarantee is None:
        msg = f"{alias} guarantees nothing: set quality.guarantee on it."
        raise InvalidRequest(msg, param="route")
    policy = policy_of(route)
    asked = None if route.quality is None else router_reference(route.quality.router)
    version = "" if asked is None else router_version(org, asked)
    about = About(org, alias, policy_with(policy, version) if version else policy)
    return floor_status(records, about, Terms(guarantee.margin, guarantee.alpha))
