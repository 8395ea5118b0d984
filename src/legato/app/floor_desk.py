"""Answers how a route's floor stands, for the control API and the command line."""

from legato.app.catalogue import policy_of
from legato.core.config import Config
from legato.core.errors import InvalidRequest, NotFound
from legato.registry.floor_status import FloorRecords, FloorStatus, floor_status
from legato.routing.floor.freedom import About, Terms


def floor_of(config: Config, alias: str, org: str, records: FloorRecords) -> FloorStatus:
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
    about = About(org, alias, policy_of(route))
    return floor_status(records, about, Terms(guarantee.margin, guarantee.alpha))
