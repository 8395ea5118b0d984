"""Which deployments may be sent a call's data: what its route and its key require."""

from typing import TYPE_CHECKING

from legato.core.errors import Forbidden
from legato.routing.terms import in_words, shortfalls

if TYPE_CHECKING:
    from legato.gateway.context import Call
    from legato.gateway.directory import Deployment, Route


def may_take(deployment: "Deployment", call: "Call") -> bool:
    """Whether all that is required of a deployment is known to be fulfilled."""
    if deployment.unfit:
        return False
    principal = call.principal
    if principal is None or principal.require is None:
        return True
    return not shortfalls(principal.require, deployment.region, deployment.data_use)


def unfulfilled(deployment: "Deployment", call: "Call") -> list[str]:
    """Return what isn't known to be fulfilled, in words, each once."""
    found = dict.fromkeys(deployment.unfit)
    principal = call.principal
    if principal is not None and principal.require is not None:
        of_key = shortfalls(principal.require, deployment.region, deployment.data_use)
        found |= dict.fromkeys(of_key)
    return list(found)


def nothing_left(call: "Call", route: "Route") -> Forbidden:
    """Return the refusal of a call whose data none of a route's deployments may be sent."""
    key = None if call.principal is None else call.principal.require
    wanted = [
        f"what {whose} ({in_words(require)})"
        for whose, require in (("its route requires", route.require), ("this key requires", key))
        if require is not None
    ]
    reasons = [f"{one.name}: {', '.join(unfulfilled(one, call))}" for one in route.deployments]
    msg = (
        f"no deployment of {route.alias!r} is known to fulfil {' and '.join(wanted)}: "
        f"{'; '.join(reasons)}"
    )
    return Forbidden(msg, param="model")
