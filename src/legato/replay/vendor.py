"""What a vendor changes, as facts, and what each would change here."""

from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from msgspec import Meta

from legato.core.config import Config, Deployment, Route, TokenPrice
from legato.core.config_parts import Dollars, Name
from legato.core.registry import Kind
from legato.replay.twin.scenario import Candidate, LatencyChange, PriceChange, RouteChange

Source = Annotated[str, Meta(min_length=1, max_length=500)]
Day = Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]


class Fact(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One thing a vendor has announced. Without a `source` nobody can check it, so it has one.

    price: `deployment` with a `price` or a `factor`. deprecation: `deployment` ends on `day`, its
    `replacement` takes its place. model: `new` takes the place of `deployment`, which stays behind
    it. `day` is when it is in force.
    """

    kind: Literal["price", "deprecation", "model"]
    deployment: Name
    source: Source
    day: Day | None = None
    price: TokenPrice | None = None
    factor: Dollars | None = None
    replacement: Name | None = None
    new: Deployment | None = None
    latency: LatencyChange | None = None
    """How fast the replacement or the new model is, where nothing is recorded of it."""


class Facts(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The operator's file of them."""

    facts: Annotated[list[Fact], Meta(min_length=1)]


class ObjectChange(msgspec.Struct, frozen=True):
    """A deployment or a route as it is and as it would be: its fields without its name.

    `before` is None for one that isn't there.
    """

    kind: Kind
    name: str
    before: dict[str, Any] | None
    after: dict[str, Any]


class Consequence(NamedTuple):
    """What a fact would change: as a candidate of the twin, and as objects."""

    candidate: Candidate
    changes: list[ObjectChange]


def missing(fact: Fact) -> list[tuple[str, str]]:
    """Return what a fact of its kind lacks, or has too much: the field and why."""
    if fact.kind == "price":
        if (fact.price is None) == (fact.factor is None):
            return [("price", "a price change has `price` or `factor`")]
        return []
    if fact.kind == "deprecation":
        found = [("day", "a deprecation has the day it takes place")] if fact.day is None else []
        if fact.replacement is None:
            found.append(("replacement", "a deprecation names what takes its place"))
        return found
    return [("new", "a new model has its deployment")] if fact.new is None else []


def consequence(fact: Fact, config: Config) -> Consequence:
    """Return what a complete fact would change of a configuration."""
    latency = [] if fact.latency is None else [fact.latency]
    if fact.kind == "price":
        return _repriced(fact, config)
    if fact.new is not None and fact.kind == "model":
        new = fact.new
        routes = _routes(config, fact.deployment, [new.name, fact.deployment])
        added = ObjectChange(Kind.DEPLOYMENT, new.name, None, _spec(new, "name"))
        candidate = Candidate(
            name="proposed",
            deployments=[new],
            routes=_route_changes(routes),
            latency=latency,
        )
        return Consequence(candidate, [added, *_as_objects(routes)])
    routes = _routes(config, fact.deployment, [fact.replacement or fact.deployment])
    candidate = Candidate(name="proposed", routes=_route_changes(routes), latency=latency)
    return Consequence(candidate, _as_objects(routes))


def spec_of(config: Config, kind: Kind, name: str) -> dict[str, Any] | None:
    """Return an object's fields as they stand in a configuration, None where it isn't there."""
    if kind is Kind.DEPLOYMENT:
        found = next((one for one in config.deployments if one.name == name), None)
        return None if found is None else _spec(found, "name")
    route = next((one for one in config.routes if one.alias == name), None)
    return None if route is None else _spec(route, "alias")


def _repriced(fact: Fact, config: Config) -> Consequence:
    change = PriceChange(deployment=fact.deployment, price=fact.price, factor=fact.factor)
    candidate = Candidate(name="proposed", prices=[change])
    if fact.price is None:
        return Consequence(candidate, [])
    known = next(one for one in config.deployments if one.name == fact.deployment)
    after = msgspec.structs.replace(known, price=fact.price)
    objects = [
        ObjectChange(Kind.DEPLOYMENT, known.name, _spec(known, "name"), _spec(after, "name"))
    ]
    return Consequence(candidate, objects)


def _routes(config: Config, gone: str, instead: list[str]) -> list[tuple[Route, Route]]:
    """Return each route that names a deployment, as it is and with others in its place."""
    found = []
    for route in config.routes:
        if gone in route.deployments:
            names = [
                name for one in route.deployments for name in (instead if one == gone else [one])
            ]
            named = list(dict.fromkeys(names))
            baseline = route.baseline
            if baseline == gone and gone not in named:
                baseline = None
            changed = msgspec.structs.replace(route, deployments=named, baseline=baseline)
            found.append((route, changed))
    return found


def _route_changes(routes: list[tuple[Route, Route]]) -> list[RouteChange]:
    return [RouteChange(alias=new.alias, deployments=new.deployments) for _, new in routes]


def _as_objects(routes: list[tuple[Route, Route]]) -> list[ObjectChange]:
    return [
        ObjectChange(Kind.ROUTE, old.alias, _spec(old, "alias"), _spec(new, "alias"))
        for old, new in routes
    ]


def _spec(model: Deployment | Route, name: str) -> dict[str, Any]:
    """Return a model's fields as they are written down: only what isn't a default."""
    defaults = {
        field.name: field.default
        for field in msgspec.structs.fields(model)
        if field.default is not msgspec.NODEFAULT
    }
    said = {
        field: getattr(model, field)
        for field in model.__struct_fields__
        if field != name and getattr(model, field) != defaults.get(field, msgspec.NODEFAULT)
    }
    plain: dict[str, Any] = _without_nothing(msgspec.to_builtins(said))
    return plain


def _without_nothing(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: _without_nothing(one)
            for name, one in value.items()
            if one is not None and one not in ({}, [])
        }
    return value
