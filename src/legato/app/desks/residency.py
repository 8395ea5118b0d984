"""What the regions of tenants leave of what a configuration serves."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from legato.app.checks.instance import Instance
from legato.app.desks.calling import shut_out
from legato.app.desks.stored_data import stored_data
from legato.core.config import Config, Route
from legato.core.errors import LegatoError
from legato.core.registry import Kind
from legato.core.tenant import EVERY_TENANT
from legato.registry.documents import Document
from legato.registry.models import read_model
from legato.storage.tenants.residency import Residency


def residency_warnings(instance: Instance) -> Iterator[str]:
    """Yield, for each tenant held to regions, the routes that none of its calls can go by.

    Nothing where nothing is stored yet. What keeps the database from being read is told, too.
    """
    if instance.database_url == instance.data.database_url and not instance.data.database.is_file():
        return
    try:
        with stored_data(instance) as stored:
            held = stored.residency_of(EVERY_TENANT).all()
            config = stored.served(instance).config if held else instance.loaded.config
    except LegatoError as error:
        yield f"whether tenants' regions leave every route isn't known: {error.message}"
        return
    yield from shut_out_warnings(config, held)


def saved_outside(config: Config, held: Sequence[Residency], document: Document) -> Iterator[str]:
    """Yield, for each tenant held to regions, what it can't call of what a document brings.

    A deployment, its routes with it, a route, a prompt's route, or the models that a workflow asks;
    `config` is what is served, without the document.
    """
    names, config = _brought(config, document)
    for one, regions in _regions_of(held):
        out = sorted(names.intersection(shut_out(config, sorted(regions))))
        if out:
            whose = f"{one.org}/{one.team}" if one.team else one.org
            yield (
                f"the residency of {whose} (regions: {', '.join(sorted(regions)) or 'none'}) "
                f"leaves no deployment of {', '.join(out)}: its calls are refused"
            )


def _brought(config: Config, document: Document) -> tuple[set[str], Config]:
    """Return the names that a document is about, and the configuration with it."""
    if document.kind is Kind.WORKFLOW:
        return set(_models_in(document.spec)), config
    if document.kind is Kind.PROMPT:
        return {str(document.spec.get("route", ""))}, config
    if document.kind not in {Kind.DEPLOYMENT, Kind.ROUTE}:
        return set(), config
    model = read_model(document.object, document.spec)
    if isinstance(model, Route):
        routes = [*(one for one in config.routes if one.alias != model.alias), model]
        return {model.alias}, msgspec.structs.replace(config, routes=routes)
    others = [one for one in config.deployments if one.name != model.name]
    by_route = {one.alias for one in config.routes if model.name in one.deployments}
    whole = msgspec.structs.replace(config, deployments=[*others, model])
    return {model.name, *by_route}, whole


def _models_in(spec: Any) -> Iterator[str]:
    if isinstance(spec, dict):
        for name, value in spec.items():
            if name == "model" and isinstance(value, str):
                yield value
            else:
                yield from _models_in(value)
    elif isinstance(spec, list):
        for value in spec:
            yield from _models_in(value)


def _regions_of(held: Sequence[Residency]) -> Iterator[tuple[Residency, set[str]]]:
    """Yield what is set, and the regions it comes to: a team's lie within its organisation's."""
    of_orgs = {one.org: set(one.regions) for one in held if not one.team}
    for one in held:
        regions = set(one.regions)
        if one.team and one.org in of_orgs:
            regions &= of_orgs[one.org]
        yield one, regions


def shut_out_warnings(config: Config, held: list[Residency]) -> Iterator[str]:
    """Yield the routes that the regions of each tenant shut out."""
    for one, regions in _regions_of(held):
        inside = {each.name for each in config.deployments if each.region in regions}
        out = [each.alias for each in config.routes if not inside & set(each.deployments)]
        if out:
            whose = f"{one.org}/{one.team}" if one.team else one.org
            where = ", ".join(sorted(regions)) or "none"
            yield (
                f"the residency of {whose} (regions: {where}) leaves no deployment of "
                f"{', '.join(sorted(out))}: its calls are refused. Add one there, or look at "
                "`legato privacy residency`"
            )
