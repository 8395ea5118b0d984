"""A call to a route that is copied to another version of it."""

from typing import TYPE_CHECKING

from legato.core.principal import BudgetLimit
from legato.core.wire import Turn
from legato.gateway.shorten import shorten

if TYPE_CHECKING:
    from legato.gateway.context import Call
    from legato.gateway.directory import Directory, RouteShadow


class RouteCopy:
    """The same request to another version of its route.

    It is the body that the caller sent, with what it continues, less what the other version leaves
    out itself: nothing changes that any more, so nothing is copied until there is time for it.
    """

    def __init__(self, shadow: "RouteShadow", versions: str) -> None:
        """`versions` are those that made the request, without the route's."""
        self._shadow = shadow
        self._versions = versions

    @property
    def arm(self) -> str:
        """Of the version that answers it."""
        return self._shadow.route.arm

    @property
    def budget(self) -> BudgetLimit:
        """Who pays for it."""
        return self._shadow.budget

    def put(self, call: "Call", live: "Call", directory: "Directory") -> Turn | None:
        """Send what the call sent; its answer stays under nobody's id."""
        del directory
        route = self._shadow.route
        call.surface = live.surface
        call.body, call.body_bytes = live.whole or (live.body, live.body_bytes)
        call.route, call.route_asked = route, live.route_asked
        call.versions = f"{self._versions}, {route.version}" if self._versions else route.version
        if route.context is not None:
            shorten(call, route.context)
        return None
