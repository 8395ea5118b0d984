"""Deployments and routes as the registry has them: the fields of the file, without the name."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec

from legato.core.config import Config, Deployment, Route
from legato.core.config_load import STALE_CACHE
from legato.core.registry import Kind, ObjectName, shown
from legato.registry.reading import ContentInvalid, Problem, problems_in, unplain
from legato.registry.registry import References
from legato.registry.routers import router_reference

Model = Deployment | Route
_TYPES: dict[Kind, tuple[type[Deployment | Route], str]] = {
    Kind.DEPLOYMENT: (Deployment, "name"),
    Kind.ROUTE: (Route, "alias"),
}


class Live(NamedTuple):
    """A version of a deployment or a route that callers are to reach."""

    name: ObjectName
    digest: str
    model: Model

    @property
    def shown(self) -> str:
        """How answers and the ledger name it: `deployment/fast@3fa9c1d2e4b5`."""
        return shown(self.name, self.digest)


def read_model(name: ObjectName, content: Any) -> Model:
    """Return a deployment or a route written as plain data.

    Raises:
        ContentInvalid: with all problems of its form.
    """
    kind, name_field = _TYPES[name.kind]
    if problems := list(unplain(content)):
        raise ContentInvalid(name.kind, problems)
    if isinstance(content, dict) and name_field in content:
        told = f"is the object's own name, {name.name}; take it out"
        raise ContentInvalid(name.kind, [Problem(name_field, told)])
    whole = {**content, name_field: name.name} if isinstance(content, dict) else content
    if problems := problems_in(whole, kind):
        raise ContentInvalid(name.kind, problems)
    return msgspec.convert(whole, kind)


def references_of(model: Model) -> References:
    """Return what a deployment or a route names of others."""
    if isinstance(model, Deployment):
        return frozenset({("provider", model.provider)})
    lesser = [name for name in model.degrade if name != STALE_CACHE]
    named = {*model.deployments, *lesser, *([] if model.baseline is None else [model.baseline])}
    router = None if model.quality is None else router_reference(model.quality.router)
    asked = set() if router is None else {(Kind.ROUTER.value, router.name)}
    return frozenset({(Kind.DEPLOYMENT.value, one) for one in named} | asked)


def merged(file: Config, live: Iterable[Live]) -> Config:
    """Return the configuration with what is live of the registry behind what the file has."""
    models = [one.model for one in live]
    return msgspec.structs.replace(
        file,
        deployments=[*file.deployments, *(one for one in models if isinstance(one, Deployment))],
        routes=[*file.routes, *(one for one in models if isinstance(one, Route))],
    )
