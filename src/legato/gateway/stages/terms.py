"""Which deployments may be sent a call's data: what its route and its key require."""

from typing import TYPE_CHECKING

from legato.core.errors import Forbidden
from legato.routing.terms import in_words, shortfalls

if TYPE_CHECKING:
    from legato.core.principal import Access
    from legato.gateway.context import Call
    from legato.gateway.directory import Deployment, Route


def may_take(deployment: "Deployment", call: "Call") -> bool:
    """Whether all that is required of a deployment is known to be fulfilled."""
    if deployment.unfit:
        return False
    principal = call.principal
    if principal is None:
        return True
    if principal.access is not None and _against(deployment, principal.access):
        return False
    if principal.require is None:
        return True
    return not shortfalls(principal.require, deployment.region, deployment.data_use)


def unfulfilled(deployment: "Deployment", call: "Call") -> list[str]:
    """Return what isn't known to be fulfilled, in words, each once."""
    found = dict.fromkeys(deployment.unfit)
    principal = call.principal
    if principal is not None and principal.require is not None:
        of_key = shortfalls(principal.require, deployment.region, deployment.data_use)
        found |= dict.fromkeys(of_key)
    if principal is not None and principal.access is not None:
        found |= dict.fromkeys(_against(deployment, principal.access))
    return list(found)


def _against(deployment: "Deployment", access: "Access") -> tuple[str, ...]:
    return access.against_deployment(deployment.name, deployment.region, deployment.data_use)


def nothing_left(call: "Call", route: "Route") -> Forbidden:
    """Return the refusal of a call whose data none of a route's deployments may be sent."""
    key = None if call.principal is None else call.principal.require
    of_key = "this key requires"
    if call.principal is not None and call.principal.residency:
        of_key = f"this key with the residency of {call.principal.residency} requires"
    ruled = call.principal is not None and call.principal.access is not None
    wanted = [
        f"what {whose} ({in_words(require)})"
        for whose, require in (("its route requires", route.require), (of_key, key))
        if require is not None
    ]
    wanted += ["the access rules that mean this key"] if ruled else []
    reasons = [f"{one.name}: {', '.join(unfulfilled(one, call))}" for one in route.deployments]
    msg = (
        f"no deployment of {route.alias!r} is known to fulfil {' and '.join(wanted)}: "
        f"{'; '.join(reasons)}"
    )
    return Forbidden(msg, param="model")
