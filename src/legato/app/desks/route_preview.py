"""Decides a request that nobody sends: what a route would do with a prompt, and why."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from legato.api.openai.chat import ChatCompletions
from legato.app.models.catalogue import (
    ProviderInUse,
    RouterOf,
    build_provider,
    build_routes,
    no_routers,
)
from legato.app.models.served_models import ServedModels
from legato.app.models.waits import changed
from legato.core.clock import SystemClock
from legato.core.config import Config
from legato.core.errors import ConfigInvalid, NotFound
from legato.core.principal import Principal
from legato.gateway.context import Call
from legato.gateway.decisions import facts_of
from legato.gateway.directory import Route
from legato.gateway.explaining import Explanation, explain
from legato.gateway.stages.route import order_candidates
from legato.providers.base import ProviderSettings
from legato.routing.floor.freedom import About

_NO_CREDENTIAL = "-"
_NOWHERE = "http://127.0.0.1"


class _Headers:
    """Where a request comes from that nobody sends."""

    credential = None
    address = ""

    def __init__(self, headers: dict[str, str]) -> None:
        self._headers = {name.lower().encode(): text.encode() for name, text in headers.items()}

    def header(self, name: bytes) -> bytes | None:
        """Return a header as it was given."""
        return self._headers.get(name)

    async def body(self) -> bytes:
        """There is none but the prompt."""
        return b""


def preview(
    served: ServedModels,
    alias: str,
    body: dict[str, Any],
    *,
    headers: dict[str, str],
    org: str,
    shares: Mapping[About, float],
    routers: RouterOf = no_routers,
    weights: Path = Path(),
) -> Explanation:
    """Return what a route does with a chat completion. No provider is called, breakers are closed.

    `shares` tells what may leave the baseline by proof, `routers` has those of the registry,
    `weights` those of embedders that were pulled.

    Raises:
        NotFound: no route has this name.
        CallerError: no deployment of it can serve this.
        ConfigInvalid: a provider can't be built without its secrets.
    """
    routes = unserved_routes(served, routers, weights)
    route = routes.get(alias)
    if route is None:
        known = ", ".join(sorted(routes))
        raise NotFound(f"There is no route {alias!r}; known: {known or 'none'}.", param="route")
    if route.quality is not None:
        choice = route.quality
        choice.freedom = lambda whose: shares.get(About(whose, alias, choice.policy_of(whose)), 0.0)
    clock = SystemClock()
    call = Call("preview", ChatCompletions(clock), _Headers(headers), clock.now_ns())
    call.body, call.route = {"model": alias, **body}, route
    call.view = call.surface.read(call.body)
    call.principal = Principal("", "preview", org, "", "")
    ordered = order_candidates(call, route, lambda: 0.5)
    return explain(call, route, facts_of(route), ordered)


def unserved_routes(
    served: ServedModels, routers: RouterOf = no_routers, weights: Path = Path()
) -> Mapping[str, Route]:
    """Return all routes as a gateway would have them, with nothing behind. Raises ConfigInvalid."""
    _, routes = build_routes(
        served,
        _providers(served.config),
        lambda _: 0,
        lambda _cell, _limits: None,
        routers=routers,
        weights=weights,
    )
    return routes


def _providers(config: Config) -> dict[str, ProviderInUse]:
    unused: Any = None
    found = {}
    for one in config.providers:
        secrets = dict.fromkeys(one.secrets, _NO_CREDENTIAL)
        settings = ProviderSettings(
            one, one.base_url or "http://127.0.0.1", _NO_CREDENTIAL, secrets
        )
        try:
            made = build_provider(settings)
        except ConfigInvalid as error:
            msg = f"the provider {one.name} can't be tried without its secrets: {error.message}"
            raise ConfigInvalid(msg) from None
        waits = changed(config.timeouts, one.timeouts)
        found[one.name] = ProviderInUse(made, unused, made.base_url, waits, one.kind)
    return found
