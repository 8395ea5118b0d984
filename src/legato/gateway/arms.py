"""Which version of a route serves a call."""

from typing import TYPE_CHECKING

from legato.gateway.copies import RouteCopy
from legato.routing.assignment import unit_of

if TYPE_CHECKING:
    from legato.gateway.context import Call
    from legato.gateway.directory import Route


def serving(call: "Call", route: "Route") -> "Route":
    """Return the route that serves a call: that of its user's arm where a rollout is under way.

    Only a route of the registry, which has a version, needs to be asked. Who is in an arm of a
    prompt's rollout has the route that callers without one have: a request tells of one rollout.
    An evaluation is in no arm: it has what the label points to.
    """
    if route.split is not None and not call.arm and call.caller.live:
        route = route.split.of(unit_of(call.user, call.request_id))
        call.arm, call.slices = route.arm, route.slices
        if route.shadow is not None and call.copy is None:
            call.copy = RouteCopy(route.shadow, call.versions)
    call.versions = f"{call.versions}, {route.version}" if call.versions else route.version
    return route
