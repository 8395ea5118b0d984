"""The directory of a day: routes as workers had them, with the prices of then."""

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from legato.core.capability import Ability
from legato.core.config import Strategy
from legato.core.config_load import Hedge
from legato.core.decisions import DeploymentFacts, QueueTerms, RouteFacts
from legato.core.price import UNPRICED, Price
from legato.core.wire import Operation
from legato.gateway.directory import Deployment, Route
from legato.gateway.quality import QualityChoice
from legato.gateway.steps import RouteCascade
from legato.replay.recorded import Unreplayable
from legato.routing.load.hedging import Hedging
from legato.routing.rules.rules import rules_of
from legato.routing.strategies import ORDERS, Candidate

Built = TypeVar("Built", Route, Deployment)
FindRoute = Callable[[str], RouteFacts | None]
FindPrice = Callable[[str, str], Price | None]


class RecordedProvider:
    """A provider of which it is known what it could do; it can't be called."""

    def __init__(self, operations: frozenset[str]) -> None:
        self._operations = operations

    def supports(self, operation: Operation) -> bool:
        """Whether it did."""
        return operation.value in self._operations


class UnaskedRoom:
    """A queue of which it is known how it was bounded; each request is given its own."""

    def __init__(self, terms: QueueTerms) -> None:
        self.terms = terms

    def is_ahead(self, call: object) -> bool:
        """Nobody asks."""
        raise NotImplementedError

    comes_back = is_ahead

    async def wait(self, call: object) -> None:
        """Nobody asks."""
        raise NotImplementedError


class Day:
    """Builds routes from what is stored of them, each once."""

    def __init__(self, find_route: FindRoute, find_price: FindPrice) -> None:
        self._find_route = find_route
        self._find_price = find_price
        self._routes: dict[str, Route] = {}
        self._prices: dict[tuple[str, str], Price | None] = {}

    def route(self, digest: str) -> Route:
        """Return a route by the digest of its facts.

        Raises:
            Unreplayable: it, or a price in it, is not kept.
        """
        route = self._routes.get(digest)
        if route is None:
            facts = self._find_route(digest)
            if facts is None:
                msg = f"the route {digest} is not kept"
                raise Unreplayable(msg)
            route = self._routes[digest] = self._built(facts, digest)
        return route

    def _built(self, facts: RouteFacts, digest: str) -> Route:
        behind = [self._deployment(one) for one in facts.deployments]
        route = Route(
            alias=facts.alias,
            name=facts.name,
            deployments=behind,
            order=ORDERS[Strategy(facts.strategy)],
            baseline=self._deployment(facts.baseline),
            retry=facts.retry,
            deadline_s=facts.deadline_s,
            cache_ttl_s=facts.cache_ttl_s,
            drop_unsupported=False,
            model_name="upstream",
            fingerprint=digest,
            require=facts.require,
            rules=rules_of(facts.rules),
            quality=None if facts.quality is None else QualityChoice(facts.quality),
            cascade=RouteCascade(facts.steps) if facts.steps else None,
            hedging=None if facts.hedge is None else _hedging(facts.hedge),
            degrade=self._lesser(facts),
            queue=None if facts.queue is None else UnaskedRoom(facts.queue),
        )
        return _with_version(route, facts.version)

    def _lesser(self, facts: RouteFacts) -> tuple[str | Deployment, ...]:
        named = {one.name: self._deployment(one) for one in facts.lesser}
        return tuple(named.get(name, name) for name in facts.degrade)

    def _deployment(self, facts: DeploymentFacts) -> Deployment:
        unused: Any = None
        provider: Any = RecordedProvider(frozenset(facts.operations))
        deployment = Deployment(
            name=facts.name,
            provider_name=facts.provider,
            model=facts.model,
            region=facts.region,
            provider=provider,
            transport=unused,
            price=self._price(facts.name, facts.price_version),
            max_output_tokens=facts.max_output_tokens,
            candidate=Candidate(facts.name, facts.weight, facts.blended_price),
            breaker=0,
            attempt_s=facts.attempt_s,
            ability=Ability(facts.lacks, facts.context_tokens, facts.output_tokens_max),
            data_use=facts.data_use,
            unfit=facts.unfit,
        )
        return _with_version(deployment, facts.version)

    def _price(self, deployment: str, version: str) -> Price | None:
        if version == UNPRICED:
            return None
        key = (deployment, version)
        if key not in self._prices:
            self._prices[key] = self._find_price(deployment, version)
        price = self._prices[key]
        if price is None:
            msg = f"the price {version} of {deployment} is not kept"
            raise Unreplayable(msg)
        return price


def _hedging(terms: Hedge) -> Hedging:
    return Hedging(terms.after_s, terms.max_share)


def _with_version(built: Built, version: str) -> Built:
    """Name the version of the registry, where routes and deployments have one."""
    return msgspec.structs.replace(built, version=version) if version else built
