"""Whether a key may call a model, decided as a call of it would be, and why."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from legato.app.prices.pricing import address_of
from legato.core.authority import Decision
from legato.core.config import Config, Deployment, Route
from legato.core.principal import Principal
from legato.routing.ability import data_use_in_force
from legato.routing.terms import shortfalls


def may_call(principal: Principal, name: str, config: Config) -> Decision:
    """Say whether a principal, whose rules are bound, may call what is served by this name."""
    against = principal.against_calling(name)
    if against:
        return Decision(allowed=False, reason=f"{name}: {against}")
    deployments = {one.name: one for one in config.deployments}
    route = next((one for one in config.routes if one.alias == name), None)
    if route is None and name not in deployments:
        if name.startswith("prompt:"):
            return Decision(allowed=True, reason=f"{name}: its models hold it; its route decides")
        return Decision(allowed=False, reason=f"{name}: nothing of this name is served")
    behind = [name] if route is None else list(route.deployments)
    kept = {one: _against(principal, deployments[one], route, config) for one in behind}
    open_to = [one for one, terms in kept.items() if not terms]
    closed = "; ".join(f"{one}: {', '.join(terms)}" for one, terms in kept.items() if terms)
    if not open_to:
        return Decision(allowed=False, reason=f"{name}: no deployment may take its data: {closed}")
    said = f"{name}: sent to {', '.join(open_to)}"
    return Decision(allowed=True, reason=f"{said}; not to {closed}" if closed else said)


def shut_out(config: Config, regions: Sequence[str]) -> list[str]:
    """Return the names that no deployment serves within these regions."""
    inside = {one.name for one in config.deployments if one.region in regions}
    routes = [one.alias for one in config.routes if not inside & set(one.deployments)]
    return sorted([*routes, *({one.name for one in config.deployments} - inside)])


def _against(
    principal: Principal, deployment: Deployment, route: Route | None, config: Config
) -> list[str]:
    """Return what keeps a deployment from being sent calls of a principal by a route."""
    provider = next(one for one in config.providers if one.name == deployment.provider)
    host = urlsplit(address_of(provider)).hostname or ""
    data_use = data_use_in_force(deployment, provider.kind, host)
    of_route = None if route is None else route.require
    found: list[str] = []
    for whose, require in (("the route", of_route), ("the key", principal.require)):
        if require is not None:
            terms = shortfalls(require, deployment.region, data_use)
            found += [f"{term} ({whose} requires it)" for term in terms]
    if principal.access is not None:
        found += principal.access.against_deployment(deployment.name, deployment.region, data_use)
    return found
