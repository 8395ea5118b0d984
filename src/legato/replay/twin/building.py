"""Makes worlds of the configuration, the stored keys, the record and a scenario's changes."""

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

from msgspec.structs import replace

from legato.core.config import Config, Deployment, Strategy, Timeouts
from legato.core.config import Route as RouteConfig
from legato.core.money import amount
from legato.core.price import Price
from legato.core.principal import BudgetLimit, Window
from legato.economics.configured import configured_price
from legato.replay.twin.prices import Prices
from legato.replay.twin.scenario import Change, LatencyChange, OutageChange
from legato.replay.twin.service_times import (
    Changed,
    Empirical,
    Given,
    Sample,
    ServiceTimes,
    Unknown,
)
from legato.replay.twin.times import moment_us
from legato.replay.twin.traffic import US_PER_S
from legato.replay.twin.world import FAR_US, Failures, KeyRules, Outage, Place, Way, World
from legato.routing.strategies import ORDERS

_BY_CHANCE = frozenset(
    {
        Strategy.WEIGHTED,
        Strategy.LEAST_LATENCY,
        Strategy.LEAST_OUTSTANDING,
        Strategy.PEAK_EWMA,
        Strategy.CHEAPEST_GOOD_ENOUGH,
    }
)

NEVER = Failures()


class Known(NamedTuple):
    """What a world is made of, beside the changes. Keys are by id."""

    config: Config
    prices: Mapping[str, Price | None]
    stamped: Mapping[str, Mapping[str, Price]]
    samples: Mapping[str, list[Sample]]
    failures: Mapping[str, Failures]
    keys: Mapping[str, KeyRules]
    started_ns: int


def build_world(known: Known, name: str, changes: tuple[Change, ...], used: set[str]) -> World:
    """Return the world with the changes laid over each other.

    `used` names what the traffic asks for: nothing else is built.
    """
    return _Builder(known, changes).build(name, used)


class _Builder:
    def __init__(self, known: Known, changes: tuple[Change, ...]) -> None:
        self._known = known
        self._changes = changes
        added = [one for change in changes for one in change.deployments]
        own = {one.name: one for one in known.config.deployments}
        self._deployments: dict[str, Deployment] = own | {one.name: one for one in added}
        self._added = {one.name for one in added}
        self._weights: dict[str, int] = {}
        self._empirical = {name: Empirical(found) for name, found in known.samples.items() if found}

    def build(self, name: str, used: set[str]) -> World:
        routes, changed = self._routes()
        ways = {
            alias: self._way(route, as_recorded=alias not in changed)
            for alias, route in routes.items()
            if alias in used
        }
        needed = {place for way in ways.values() for place in way.places}
        cache = [one.cache for one in self._changes if one.cache is not None]
        return World(
            name=name,
            started_ns=self._known.started_ns,
            places={one: self._place(self._deployments[one]) for one in sorted(needed)},
            ways=ways,
            keys=self._keys(),
            breaker=self._known.config.breaker,
            cache_ttl_s=self._cache_ttl_s(routes, cache),
            recorded_hits=not cache or cache[-1],
        )

    def _routes(self) -> tuple[dict[str, RouteConfig], set[str]]:
        """Return every name with its route, and those that a change touched."""
        routes = {name: RouteConfig(alias=name, deployments=[name]) for name in self._deployments}
        routes |= {route.alias: route for route in self._known.config.routes}
        changed = set()
        for change in self._changes:
            for one in change.routes:
                known = routes[one.alias]
                given = {
                    "deployments": one.deployments,
                    "strategy": one.strategy,
                    "retry": one.retry,
                }
                given = {name: value for name, value in given.items() if value is not None}
                routes[one.alias] = replace(known, **given)
                self._weights |= one.weights
                changed.add(one.alias)
        return routes, changed

    def _way(self, route: RouteConfig, *, as_recorded: bool) -> Way:
        waits = [self._waits(self._deployments[name], route) for name in route.deployments]
        # what rules ask of a request isn't known of others than those they were asked for
        by_chance = bool(route.rules) or route.strategy in _BY_CHANCE
        return Way(
            places=route.deployments,
            order=ORDERS[route.strategy],
            retry=route.retry or self._known.config.retry,
            deadline_us=round(max(one.total_s for one in waits) * US_PER_S),
            as_recorded=by_chance and as_recorded,
        )

    def _waits(self, deployment: Deployment, route: RouteConfig | None) -> Timeouts:
        config = self._known.config
        levels = [one.timeouts for one in config.providers if one.name == deployment.provider]
        levels += [] if route is None else [route.timeouts]
        waits = config.timeouts
        for level in levels:
            said = {name: getattr(level, name) for name in level.__struct_fields__}
            waits = replace(waits, **{n: value for n, value in said.items() if value is not None})
        return waits

    def _place(self, deployment: Deployment) -> Place:
        name = deployment.name
        known = self._known
        capacity = [one for change in self._changes for one in change.capacity]
        given = [one for one in capacity if one.deployment == name]
        runs_here = {one.name for one in known.config.providers if one.kind == "local"}
        slots = deployment.slots if deployment.provider in runs_here else 0
        slots = next((one.slots for one in reversed(given) if one.slots), slots)
        rpm = next((one.requests_per_minute for one in reversed(given)), None)
        tokens = [one for change in self._changes for one in change.tokens]
        factors = [one.output_factor for one in tokens if one.deployment == name]
        return Place(
            name=name,
            provider=deployment.provider,
            prices=self._prices(deployment),
            times=self._times(name),
            weight=self._weights.get(name, deployment.weight),
            max_output_tokens=deployment.max_output_tokens,
            first_byte_us=round(self._waits(deployment, None).first_byte_s * US_PER_S),
            slots=slots,
            requests_per_minute=rpm or 0,
            output_factor=factors[-1] if factors else 1.0,
            failures=known.failures.get(name, NEVER),
            outages=tuple(self._outages(deployment)),
        )

    def _prices(self, deployment: Deployment) -> Prices:
        known, name = self._known, deployment.name
        current = configured_price(deployment) if name in self._added else known.prices.get(name)
        prices = Prices(current, known.stamped.get(name, {}))
        for change in self._changes:
            for one in change.prices:
                if one.deployment not in {None, name}:
                    continue
                if one.provider not in {None, deployment.provider}:
                    continue
                if one.price is not None:
                    prices = Prices(configured_price(replace(deployment, price=one.price)))
                if one.factor is not None:
                    prices = prices.times(Decimal(one.factor))
        return prices

    def _times(self, name: str) -> ServiceTimes:
        times: ServiceTimes | None = self._empirical.get(name)
        for change in self._changes:
            for one in change.latency:
                if one.deployment == name:
                    times = self._changed(one, times)
        return times or Unknown(name)

    def _changed(self, one: LatencyChange, times: ServiceTimes | None) -> ServiceTimes | None:
        if one.first_token_ms is not None:
            times = Given(one.first_token_ms, one.per_token_ms or 0.0, one.first_token_ms_p95)
        elif one.like is not None:
            times = self._times(one.like)
        if times is None or one.first_token_factor == one.per_token_factor == 1:
            return times
        return Changed(times, one.first_token_factor, one.per_token_factor)

    def _outages(self, deployment: Deployment) -> list[Outage]:
        found = [one for change in self._changes for one in change.outages]
        return [
            self._outage(one)
            for one in found
            if one.deployment == deployment.name or one.provider == deployment.provider
        ]

    def _outage(self, one: OutageChange) -> Outage:
        started_ns = self._known.started_ns
        return Outage(
            moment_us(one.start, started_ns),
            FAR_US if one.end is None else moment_us(one.end, started_ns),
            one.kind,
            one.share,
            round(one.after_ms * 1_000),
        )

    def _keys(self) -> dict[str, KeyRules]:
        budgets = {one.key: one.budget for change in self._changes for one in change.budgets}
        limits = {one.key: one for change in self._changes for one in change.limits}
        keys = {}
        for key_id, rules in self._known.keys.items():
            changed = rules
            if rules.name in budgets:
                given = budgets[rules.name]
                limit = None
                if given is not None:
                    window = Window(given.window)
                    limit = BudgetLimit(key_id, amount(given.usd), window, rules.name)
                changed = replace(changed, budget=limit)
            if rules.name in limits:
                one = limits[rules.name]
                changed = replace(
                    changed,
                    requests_per_minute=one.requests_per_minute,
                    concurrency_max=one.concurrency_max,
                )
            keys[key_id] = changed
        return keys

    def _cache_ttl_s(
        self, routes: Mapping[str, RouteConfig], cache: list[bool]
    ) -> dict[str, float]:
        settings = self._known.config.cache
        found = {}
        for alias, route in routes.items():
            own = route.cache.enabled
            enabled = cache[-1] if cache else settings.enabled if own is None else own
            if enabled:
                found[alias] = route.cache.ttl_s or settings.ttl_s
        return found
