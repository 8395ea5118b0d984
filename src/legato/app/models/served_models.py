"""What callers can reach: the deployments and routes of the file and of the registry."""

from collections.abc import Mapping, Sequence

import msgspec

from legato.core.config import Config, Deployment, Route
from legato.core.money import NanoUSD
from legato.core.price import Price
from legato.core.registry import ObjectName
from legato.registry.models import Live, merged
from legato.routing.assignment import Slices
from legato.storage.registry.models import ModelPrice


class TriedRoute(msgspec.Struct, frozen=True, eq=False):
    """A rollout under way on a route: who gets which arm, and the candidates' versions."""

    id: str
    slices: Slices
    alias: str
    candidates: Mapping[str, tuple[Route, str]]
    """By arm, with how answers name the version."""
    shadow_budget: NanoUSD | None = None
    """Of a day, where candidates get copies of calls and serve nobody."""


class ServedModels(msgspec.Struct, frozen=True, eq=False):
    """One state of it; `config` has both, those of the registry behind those of the file."""

    config: Config
    prices: Mapping[str, Price | None]
    versions: Mapping[ObjectName, str] = {}
    """How answers name what comes from the registry."""
    batch_prices: Mapping[str, Price | None] = {}
    withheld: tuple[str, ...] = ()
    """Why something that is live in the registry isn't served as it is there."""
    tried: tuple[TriedRoute, ...] = ()
    unpriced: tuple[str, ...] = ()
    """Which deployments of the registry have no price."""


def served(
    file: ServedModels,
    live: Sequence[Live],
    prices: Sequence[ModelPrice],
    withheld: tuple[str, ...] = (),
) -> ServedModels:
    """Put what is live beside what the file has."""
    known = {(one.name, one.digest): one for one in prices}
    unpriced = ModelPrice("", "")
    charged = {
        one.model.name: known.get((one.model.name, one.digest), unpriced)
        for one in live
        if isinstance(one.model, Deployment)
    }
    native = {
        one.model.name
        for one in live
        if isinstance(one.model, Deployment) and one.model.batch.lane == "native"
    }
    return ServedModels(
        merged(file.config, live),
        {**file.prices, **{name: one.price for name, one in charged.items()}},
        {one.name: one.shown for one in live},
        {**file.batch_prices, **{name: charged[name].batch for name in sorted(native)}},
        withheld,
        unpriced=tuple(name for name, one in charged.items() if one.price is None),
    )


def charged_for(config: Config, prices: Mapping[str, Price | None], name: str) -> tuple[Price, ...]:
    """Return what the deployments charge that a route or deployment names, the first one first."""
    routes = {one.alias: one.deployments for one in config.routes}
    called = routes.get(name, (name,))
    return tuple(price for one in called if (price := prices.get(one)) is not None)


def first_charge(models: ServedModels, name: str) -> Price | None:
    """Return what a route's first deployment charges, or a deployment."""
    routes = {one.alias: one.deployments[0] for one in models.config.routes}
    return models.prices.get(routes.get(name, name))
