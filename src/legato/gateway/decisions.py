"""Writes down what decisions depended on: the request's part each time, the route's part once."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from legato.core.decisions import (
    Decision,
    DeploymentFacts,
    RouteFacts,
    digest_of_route,
    encode_route,
)
from legato.core.price import UNPRICED
from legato.core.records import RouteKnown, encode_record
from legato.core.wire import Operation
from legato.routing.strategies import ORDERS

if TYPE_CHECKING:
    from legato.gateway.context import Call
    from legato.gateway.directory import Deployment, Route

_ROUTES_MAX: Final = 4_096
"""Routes come and go with their versions; beyond this they are looked at again."""
_STRATEGIES: Final = {order: strategy.value for strategy, order in ORDERS.items()}


class Decided:
    """Makes the records of one worker."""

    def __init__(self, append: Callable[[bytes], None], config_version: str) -> None:
        self._append = append
        self._config_version = config_version
        self._digests: dict[Route, str] = {}
        self._written: set[str] = set()

    def decision(self, call: "Call") -> Decision:
        """Return what a request's decisions depended on.

        Raises:
            NotAccountable: the journal is full, and its route isn't known there.
        """
        view, principal = call.view, call.principal
        return Decision(
            "" if call.route is None else self._digest(call.route, call.arrived_ns),
            self._config_version,
            call.user,
            call.surface.operation.value,
            call.body_bytes,
            view.needs,
            view.image_count,
            view.max_output_tokens,
            view.choices,
            view.unit,
            view.units,
            call.steps,
            call.draws,
            call.latencies,
            call.text_tokens,
            call.cache_control,
            call.cached_us,
            call.baseline_cost,
            call.slices,
            None if principal is None else principal.require,
            call.kind.value,
            call.route_asked,
            call.routed,
            call.loads,
            call.near,
            call.degraded,
            "" if call.priority is None else call.priority.name.lower(),
            None if call.semantic is None else call.semantic.facts,
            None if call.outputs is None else call.outputs.facts,
            call.queued,
            call.hedged or None,
            () if principal is None or principal.access is None else principal.access.rules,
        )

    def _digest(self, route: "Route", at_ns: int) -> str:
        digest = self._digests.get(route)
        if digest is None:
            encoded = encode_route(facts_of(route))
            digest = digest_of_route(encoded)
            if digest not in self._written:
                self._append(encode_record(RouteKnown(digest, at_ns, encoded)))
                self._written.add(digest)
            if len(self._digests) >= _ROUTES_MAX:
                self._digests.clear()
            self._digests[route] = digest
        return digest


def facts_of(route: "Route") -> RouteFacts:
    """Return all of a route that anything is decided by."""
    return RouteFacts(
        route.alias,
        route.name,
        _STRATEGIES[route.order],
        tuple(_deployment(one) for one in route.deployments),
        _deployment(route.baseline),
        route.retry,
        route.deadline_s,
        route.cache_ttl_s,
        route.require,
        route.version,
        () if route.rules is None else route.rules.settings(),
        None if route.quality is None else route.quality.terms,
        () if route.cascade is None else route.cascade.names,
        None if route.queue is None else route.queue.terms,
        None if route.hedging is None else route.hedging.terms,
        tuple(one if isinstance(one, str) else one.name for one in route.degrade),
        tuple(_deployment(one) for one in route.degrade if not isinstance(one, str)),
    )


def _deployment(one: "Deployment") -> DeploymentFacts:
    ability = one.ability
    return DeploymentFacts(
        one.name,
        one.provider_name,
        one.model,
        one.region,
        UNPRICED if one.price is None else one.price.version,
        one.candidate.weight,
        one.candidate.blended_price,
        one.max_output_tokens,
        tuple(each.value for each in Operation if one.provider.supports(each)),
        one.attempt_s,
        ability.lacks,
        ability.context_tokens,
        ability.output_tokens_max,
        one.data_use,
        one.unfit,
        one.version,
    )
