"""What a deployment or a route must be to become a version, and to be served.

The checks are those of the file, made over what is live beside it; what a deployment charges is
looked up here, by a process of its own, so that workers find it beside the version.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from legato.app.models.model_checks import Found, problems_of, with_unknown_credentials
from legato.app.models.served_reading import Chosen, in_order, open_live
from legato.app.prices.pricing import Ask, priced_deployments
from legato.core.config import Config, Deployment
from legato.core.errors import Conflict, InvalidRequest
from legato.core.registry import Kind, ObjectName, digest_of
from legato.registry.documents import Document
from legato.registry.models import Live, merged, read_model, references_of
from legato.registry.registry import References, Sealing
from legato.storage.registry.models import ModelPrice, ModelPrices, RegistryModels


class ModelGuard:
    """Every method may raise StorageUnavailable."""

    def __init__(
        self,
        file: Config,
        live_in: Callable[[str], RegistryModels],
        sealing: Sealing,
        *,
        ask: Ask,
        prices: ModelPrices,
    ) -> None:
        self._file = file
        self._live_in = live_in
        self._sealing = sealing
        self._ask = ask
        self._prices = prices
        self._runs_batches = with_unknown_credentials(file)

    def names(self, environment: str) -> frozenset[str]:
        """Return what callers can name: of the file, and live in an environment."""
        _, records, _ = self._live_in(environment).read()
        return declared(self._file) | {one.name.name for one in records}

    def check(self, document: Document, beside: Sequence[Document], environment: str) -> References:
        """Return what a deployment or a route names of others.

        `beside` is what becomes live with it.

        Raises:
            InvalidRequest: it isn't valid, or can't be served by this instance; with all problems.
        """
        one = self._read(document)
        if one.name.name in declared(self._file):
            raise InvalidRequest(
                f"name: `{one.name.name}` is declared in legato.yaml, which decides it: change it "
                "there, or take it out of the file and start Legato with that first",
                param="name",
            )
        live = self._live(environment)
        for other in beside:
            if other.kind in {Kind.DEPLOYMENT, Kind.ROUTE} and other.object != one.name:
                live[other.object] = self._read(other)
        live[one.name] = one
        found = [each for each in self._problems(live) if each.owner == one.name]
        if found:
            told = "; ".join(map(str, found))
            raise InvalidRequest(told, param=found[0].field)
        return references_of(one.model)

    def require_served(self, changes: Mapping[ObjectName, Any], environment: str) -> None:
        """Refuse a change of what is live, as content or None, that breaks what callers reach.

        Raises:
            Conflict: naming what it breaks.
        """
        before = self._live(environment)
        after = {name: one for name, one in before.items() if name not in changes}
        for name, content in changes.items():
            if content is not None:
                digest = digest_of(name.kind, content)
                after[name] = Live(name, digest, read_model(name, content))
        known = {(one.owner, str(one)) for one in self._problems(before)}
        fresh = [one for one in self._problems(after) if (one.owner, str(one)) not in known]
        if fresh:
            told = "; ".join(f"{one.owner or 'legato.yaml'}: {one}" for one in fresh)
            raise Conflict(f"this can't be served here: {told}", param=fresh[0].field)

    def price(self, contents: Mapping[ObjectName, Any]) -> None:
        """Look up and keep what deployments charge, before workers meet them."""
        live = [
            Live(name, digest_of(name.kind, content), read_model(name, content))
            for name, content in contents.items()
            if name.kind is Kind.DEPLOYMENT
        ]
        self._prices.record(prices_of_live(self._file, live, self._ask))

    def _read(self, document: Document) -> Live:
        digest = digest_of(document.kind, document.spec)
        return Live(document.object, digest, read_model(document.object, document.spec))

    def _live(self, environment: str) -> dict[ObjectName, Live]:
        _, records, _ = self._live_in(environment).read()
        live = {}
        for record in records:
            try:
                live[record.name] = open_live(record, self._sealing)
            except ValueError:  # workers say so; whoever mends it must not be kept from it
                continue
        return live

    def _problems(self, live: Chosen) -> list[Found]:
        return problems_of(self._file, in_order(live), self._runs_batches)


def declared(file: Config) -> frozenset[str]:
    """Return the names that belong to the file."""
    aliases = {one.alias for one in file.routes}
    return frozenset(aliases | {one.name for one in file.deployments})


def prices_of_live(file: Config, live: Sequence[Live], ask: Ask) -> list[ModelPrice]:
    """Return what deployments charge by themselves, else by the price book."""
    digests = {one.model.name: one.digest for one in live if isinstance(one.model, Deployment)}
    alone = merged(_without_models(file), live)
    return [
        ModelPrice(row.deployment, digests[row.deployment], row.price, row.batch, row.reason)
        for row in priced_deployments(alone, ask)
    ]


def _without_models(file: Config) -> Config:
    return Config(providers=file.providers)
