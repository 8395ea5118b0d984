"""What deployments fall short of, of what routes and declared keys require."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

from legato.app.prices.pricing import address_of
from legato.core.config import Config, DataUse, Key, Route
from legato.core.config_parts import Requirements
from legato.registry.prompt import MODEL_PREFIX
from legato.routing.ability import data_use_in_force
from legato.routing.terms import in_words, shortfalls

REMEDY = (
    "State what holds for a deployment (region, data_use), add one that fulfils it, "
    "or require less."
)


class Choice(NamedTuple):
    """A deployment under one of the names it can be called by, and what holds there."""

    deployment: str
    requirements: tuple[Requirements, ...]
    alias: str = ""

    def __str__(self) -> str:
        return f"{self.deployment} behind {self.alias}" if self.alias else self.deployment


class RequiredTerms:
    """Knows the terms of each deployment; asks a kind for its address only where one is needed."""

    def __init__(self, config: Config) -> None:
        self._deployments = {one.name: one for one in config.deployments}
        self._routes = {one.alias: one for one in config.routes}
        self._providers = {one.name: one for one in config.providers}
        self._data_use: dict[str, DataUse] = {}

    def unfit(self, route: Route) -> dict[str, list[str]]:
        """Return what of a route's requirements its deployments aren't known to fulfil."""
        choices = self._behind(route)
        short = {one.deployment: self._shortfalls(one) for one in choices}
        return {name: terms for name, terms in short.items() if terms}

    def against_route(self, route: Route) -> str:
        """Say why a route can never serve, "" where it can."""
        short = self._nothing_left(self._behind(route))
        if not short or route.require is None:
            return ""
        wanted = in_words(route.require)
        return f"no deployment of `{route.alias}` is known to fulfil {wanted}: {short}"

    def against_key(self, key: Key) -> str:
        """Say why a key can never be served, "" where it can."""
        if key.require is None:
            return ""
        short = self._nothing_left(self._within(key, key.require))
        if not short:
            return ""
        wanted = in_words(key.require)
        return f"nothing that `{key.name}` may call is known to fulfil {wanted}: {short}"

    def _behind(self, route: Route, *more: Requirements) -> list[Choice]:
        wanted = more if route.require is None else (route.require, *more)
        return [Choice(name, wanted) for name in route.deployments]

    def _within(self, key: Key, require: Requirements) -> Iterator[Choice]:
        """Yield what a key can call: no route or prompt leads to more than all deployments."""
        anywhere = any(one == "*" or one.startswith(MODEL_PREFIX) for one in key.models)
        names: Iterable[str] = self._deployments if anywhere else key.models
        for name in names:
            if name in self._deployments:
                yield Choice(name, (require,))
            else:
                behind = self._behind(self._routes[name], require)
                yield from (one._replace(alias=name) for one in behind)

    def _nothing_left(self, choices: Iterable[Choice]) -> str:
        short = [(one, self._shortfalls(one)) for one in choices]
        if not all(terms for _, terms in short):
            return ""
        return "; ".join(f"{one}: {', '.join(terms)}" for one, terms in short)

    def _shortfalls(self, choice: Choice) -> list[str]:
        if not choice.requirements:
            return []
        deployment = self._deployments[choice.deployment]
        data_use = self._use_of(choice.deployment)
        found = [
            term
            for require in choice.requirements
            for term in shortfalls(require, deployment.region, data_use)
        ]
        return list(dict.fromkeys(found))

    def _use_of(self, name: str) -> DataUse:
        if name not in self._data_use:
            deployment = self._deployments[name]
            provider = self._providers[deployment.provider]
            host = urlsplit(address_of(provider)).hostname or ""
            self._data_use[name] = data_use_in_force(deployment, provider.kind, host)
        return self._data_use[name]
