"""Turns the configuration into what the gateway resolves names to."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from legato.app.config.provider_kinds import plugin_kinds
from legato.app.models.router_files import router_version
from legato.app.models.served_models import ServedModels, TriedRoute
from legato.app.models.waits import changed, transport_timeouts
from legato.core.config import Config, Strategy
from legato.core.config import Deployment as DeploymentConfig
from legato.core.config import Provider as ProviderConfig
from legato.core.config import Route as RouteConfig
from legato.core.config import Timeouts as Waits
from legato.core.config_cache import RouteSemantic
from legato.core.config_load import STALE_CACHE, Queue, RateLimits
from legato.core.config_parts import Requirements
from legato.core.config_routing import Quality
from legato.core.errors import ConfigInvalid
from legato.core.money import NanoUSD
from legato.core.principal import BudgetLimit, Window
from legato.core.registry import CHAMPION, SHADOW, Kind, ObjectName
from legato.core.semantic_terms import SemanticTerms
from legato.economics.cost import blended_price
from legato.economics.estimate import image_tokens_max
from legato.gateway.directory import Deployment, DeploymentLoad, Queueing, Route, RouteShadow
from legato.gateway.gathering import Gather
from legato.providers.base import Provider, ProviderSettings, authorizer_of
from legato.providers.batching import batcher_of
from legato.providers.transport import Timeouts, Transport
from legato.registry.routers import RouterReference, router_reference
from legato.routing.ability import ability_of, capabilities_in_force, data_use_in_force
from legato.routing.assignment import Assignment, Split
from legato.routing.load.hedging import Hedging
from legato.routing.load.wanted import goes_by_load
from legato.routing.strategies import ORDERS, Candidate
from legato.routing.terms import shortfalls

if TYPE_CHECKING:
    from legato.gateway.quality import OfOrganisation, QualityChoice
    from legato.gateway.steps import RouteCascade
    from legato.routing.rules.rules import Rules

RoomOf = Callable[[str, Queue], Queueing]
LoadOf = Callable[[int, RateLimits], DeploymentLoad | None]
RouterOf = Callable[[RouterReference, Mapping[str, str], frozenset[str]], "OfOrganisation"]
"""Has a router of the registry, for deployments by name with their models, and those of which
something is expected already."""
OpenTransport = Callable[[ProviderConfig, str, Timeouts], Transport]


class ProviderInUse(msgspec.Struct, frozen=True, eq=False):
    """A provider with the connection pool to it."""

    provider: Provider
    transport: Transport
    base_url: str
    waits: Waits
    kind: str


def open_providers(
    config: Config,
    settings: Mapping[str, ProviderSettings],
    open_transport: OpenTransport,
) -> dict[str, ProviderInUse]:
    """Build each configured provider by its kind's entry point.

    Raises:
        ConfigInvalid: nothing is installed that provides a kind.
    """
    opened: dict[str, ProviderInUse] = {}
    for provider in config.providers:
        made = build_provider(settings[provider.name])
        base_url = made.base_url
        waits = changed(config.timeouts, provider.timeouts)
        transport = open_transport(provider, base_url, transport_timeouts(waits))
        opened[provider.name] = ProviderInUse(made, transport, base_url, waits, provider.kind)
    return opened


def build_provider(settings: ProviderSettings) -> Provider:
    """Build one provider by its kind's entry point.

    Raises:
        ConfigInvalid: nothing is installed that provides the kind, or it refuses its settings.
    """
    found = plugin_kinds()
    name, kind = settings.config.name, settings.config.kind
    entry = found.get(kind)
    if entry is None:
        msg = (
            f"Provider {name!r}: nothing installed provides kind "
            f"{kind!r}; installed kinds: {', '.join(sorted(found))}."
        )
        raise ConfigInvalid(msg)
    made: Provider = entry.load()(settings)
    return made


def no_routers(
    _wanted: RouterReference, _models: Mapping[str, str], _stated: frozenset[str]
) -> "OfOrganisation":
    """Have no router of the registry: what routes expect of deployments is stated."""
    return lambda _org: None


def build_routes(
    served: ServedModels,
    providers: Mapping[str, ProviderInUse],
    cell_of: Callable[[str], int],
    load_of: LoadOf,
    *,
    room_of: RoomOf | None = None,
    routers: RouterOf = no_routers,
    weights: Path = Path(),
) -> tuple[dict[str, Deployment], dict[str, Route]]:
    """Return deployments by name, and everything a caller can name: aliases and deployments.

    `cell_of` gives each deployment its cell on the breaker board, `load_of` its load; `room_of`
    gives an alias where its calls wait, for those that serve any; `routers` has the trained
    routers of the registry, `weights` those of embedders that were pulled.
    """
    config = served.config

    def built(route: RouteConfig, version: str, room: Queueing | None = None) -> Route:
        made = _route(config, route, deployments, providers, routers=routers, weights=weights)
        if route.queue is not None and room_of is not None:
            room = room or room_of(route.alias, route.queue)
            return msgspec.structs.replace(made, version=version, queue=room)
        return msgspec.structs.replace(made, version=version)

    deployments = {
        deployment.name: _deployment(deployment, served, providers, cell_of(deployment.name))
        for deployment in config.deployments
    }
    if goes_by_load(config):
        limits = {one.name: one.limits for one in config.deployments}
        for name, one in deployments.items():
            one.load = load_of(one.breaker, limits[name])
    routes = {
        name: _route(
            config,
            RouteConfig(alias=name, deployments=[name], strategy=Strategy.ORDERED),
            deployments,
            providers,
        )
        for name in deployments
    }
    for route in config.routes:
        version = served.versions.get(ObjectName(Kind.ROUTE, route.alias), "")
        routes[route.alias] = built(route, version)
    for tried in served.tried:
        arms = {
            arm: built(model, version, routes[tried.alias].queue)
            for arm, (model, version) in tried.candidates.items()
        }
        routes[tried.alias] = _divided(tried, routes[tried.alias], arms)
    return deployments, routes


def _divided(tried: TriedRoute, champion: Route, candidates: Mapping[str, Route]) -> Route:
    """Return a route that knows which version of it serves whom."""
    if tried.shadow_budget is not None:
        return _shadowed(tried, champion, candidates, tried.shadow_budget)
    slices = tuple((part.start, part.end, part.arm) for part in tried.slices)
    arms = {
        arm: msgspec.structs.replace(
            route, arm=f"{tried.id}/{arm}", slices=slices, champion=champion
        )
        for arm, route in ({CHAMPION: champion} | dict(candidates)).items()
    }
    split = Split(Assignment(tried.id, tried.slices), arms)
    return msgspec.structs.replace(champion, split=split)


def _shadowed(
    tried: TriedRoute, champion: Route, candidates: Mapping[str, Route], budget: NanoUSD
) -> Route:
    """Return a route that serves everybody itself, and sends a share of callers' calls on."""
    limit = BudgetLimit(f"rollout:{tried.id}", budget, Window.DAY, f"the shadow of {tried.alias}")
    arms = {CHAMPION: champion}
    for arm, route in candidates.items():
        candidate = msgspec.structs.replace(route, arm=f"{tried.id}/{SHADOW}")
        shadow = RouteShadow(candidate, limit)
        arms[arm] = msgspec.structs.replace(champion, shadow=shadow)
    split = Split(Assignment(tried.id, tried.slices), arms)
    return msgspec.structs.replace(champion, split=split)


def lane_problem(provider: str) -> str:
    """Say that a provider can't run the batches of a deployment in the native lane."""
    return (
        f"whether {provider!r} runs batches, and in which form, is not known here (OpenAI's files "
        "and batches, at Azure by the v1 API, Anthropic's message batches and Gemini's batch mode "
        "at AI Studio are; Vertex AI's read Cloud Storage or BigQuery alone); leave it at own"
    )


def _deployment(
    deployment: DeploymentConfig,
    served: ServedModels,
    providers: Mapping[str, ProviderInUse],
    cell: int,
) -> Deployment:
    opened = providers[deployment.provider]
    if deployment.batch.lane == "native" and batcher_of(opened.provider) is None:
        msg = f"deployments[{deployment.name}].batch.lane: {lane_problem(deployment.provider)}"
        raise ConfigInvalid(msg)
    price = served.prices[deployment.name]
    host = urlsplit(opened.base_url).hostname or ""
    blended = None if price is None else blended_price(price)
    return Deployment(
        name=deployment.name,
        provider_name=deployment.provider,
        model=deployment.model,
        region=deployment.region,
        provider=opened.provider,
        transport=opened.transport,
        price=price,
        max_output_tokens=deployment.max_output_tokens,
        candidate=Candidate(deployment.name, deployment.weight, blended),
        breaker=cell,
        ability=ability_of(capabilities_in_force(deployment, opened.kind)),
        image_tokens=image_tokens_max(deployment.model),
        data_use=data_use_in_force(deployment, opened.kind, host),
        authorize=authorizer_of(opened.provider),
        version=served.versions.get(ObjectName(Kind.DEPLOYMENT, deployment.name), ""),
    )


def _in_route(
    deployment: Deployment, waits: Waits, deadline_s: float, require: Requirements | None
) -> Deployment:
    """Return a deployment as one route waits for it, with what it falls short of there.

    Only providers can differ in `total_s`: the longest of a route is the deadline over all
    attempts, a shorter one limits each attempt at its provider.
    """
    return msgspec.structs.replace(
        deployment,
        timeouts=transport_timeouts(waits),
        attempt_s=waits.total_s if waits.total_s < deadline_s else 0.0,
        unfit=()
        if require is None
        else shortfalls(require, deployment.region, deployment.data_use),
    )


def _route(
    config: Config,
    route: RouteConfig,
    deployments: Mapping[str, Deployment],
    providers: Mapping[str, ProviderInUse],
    *,
    routers: RouterOf | None = None,
    weights: Path = Path(),
) -> Route:
    """Return a route; without `routers` the one of a deployment that is called directly."""
    lesser = [name for name in route.degrade if name != STALE_CACHE]
    waits = {
        name: changed(providers[deployments[name].provider_name].waits, route.timeouts)
        for name in {*route.deployments, route.baseline or route.deployments[0], *lesser}
    }
    deadline_s = max(waits[name].total_s for name in route.deployments)

    def in_route(name: str) -> Deployment:
        return _in_route(deployments[name], waits[name], deadline_s, route.require)

    steps = [] if route.cascade is None else route.cascade.steps
    named = [*steps, *(name for name in route.deployments if name not in steps)]
    behind = [in_route(name) for name in named]
    enabled = config.cache.enabled if route.cache.enabled is None else route.cache.enabled
    return Route(
        alias=route.alias,
        name="" if routers is None else route.alias,
        deployments=behind,
        order=ORDERS[route.strategy],
        # a route without a baseline is measured against the deployment it prefers, a cascade
        # against its last step
        baseline=in_route(route.baseline) if route.baseline else behind[max(len(steps) - 1, 0)],
        retry=route.retry or config.retry,
        deadline_s=deadline_s,
        cache_ttl_s=(route.cache.ttl_s or config.cache.ttl_s) if enabled else 0.0,
        drop_unsupported=route.drop_unsupported,
        model_name=route.model_name,
        fingerprint=_fingerprint(route, behind, providers),
        require=route.require,
        context=route.context,
        degrade=tuple(one if one == STALE_CACHE else in_route(one) for one in route.degrade),
        stale_s=(route.cache.stale_s or 0.0) if STALE_CACHE in route.degrade else 0.0,
        deferred_s=None if route.deferred is None else route.deferred.hold_s,
        deferred_with=_gather(config, route),
        hedging=None
        if route.hedge is None
        else Hedging(route.hedge.after_s, route.hedge.max_share),
        cache_hints=route.prompt_cache == "auto",
        rules=_rules(route),
        quality=_quality(route, behind, routers or no_routers, weights),
        cascade=_cascade(route),
        semantic=_semantic(config, route) if enabled else None,
    )


def _fingerprint(
    route: RouteConfig, behind: Sequence[Deployment], providers: Mapping[str, ProviderInUse]
) -> str:
    """Return a digest of everything in a route that can change an answer."""
    fingerprint = hashlib.blake2b(
        f"{route.model_name}\x00{route.drop_unsupported}\x00".encode(), digest_size=16
    )
    if route.require is not None:
        fingerprint.update(msgspec.json.encode(route.require))
    if route.rules:
        fingerprint.update(msgspec.json.encode(route.rules))
    if route.quality is not None:
        fingerprint.update(msgspec.json.encode(route.quality, order="sorted"))
    if route.cascade is not None:
        fingerprint.update(msgspec.json.encode(route.cascade, order="sorted"))
    if route.context is not None:  # who is sent less may be answered otherwise
        fingerprint.update(msgspec.json.encode(route.context))
    for deployment in behind:
        place = providers[deployment.provider_name].base_url
        fingerprint.update(f"{deployment.name}\x00{place}\x00{deployment.model}\x00".encode())
        if deployment.version:  # an answer is served under the version that made it
            fingerprint.update(f"{deployment.version}\x00".encode())
    return fingerprint.hexdigest()


def _cascade(route: RouteConfig) -> "RouteCascade | None":
    if route.strategy is not Strategy.CASCADE or route.cascade is None:
        return None
    from legato.gateway.steps import RouteCascade  # noqa: PLC0415 - where it is used only
    from legato.routing.cascade.checks import Checks  # noqa: PLC0415 - where it is used only

    return RouteCascade(tuple(route.cascade.steps), Checks(route.cascade.check))


def _gather(config: Config, route: RouteConfig) -> Gather | None:
    """Return how deferred calls are gathered: where a provider runs their batch, else not."""
    said = route.deferred
    native = {one.name for one in config.deployments if one.batch.lane == "native"}
    if said is None or not said.gather_s or native.isdisjoint(route.deployments):
        return None
    return Gather(min(said.gather_s, said.hold_s / 2), said.gather_max)


def _quality(
    route: RouteConfig, behind: Sequence[Deployment], routers: RouterOf, weights: Path
) -> "QualityChoice | None":
    guaranteed = route.quality is not None and route.quality.guarantee is not None
    if route.strategy is Strategy.CASCADE and not guaranteed:
        return None
    if route.strategy not in {Strategy.CHEAPEST_GOOD_ENOUGH, Strategy.CASCADE}:
        return None
    from legato.gateway.quality import QualityChoice  # noqa: PLC0415 - where it is used only

    terms = route.quality or Quality()
    if not terms.router:
        return QualityChoice(terms, policy_of(route))
    stated, models = frozenset(terms.expected), {one.name: one.model for one in behind}
    registered = router_reference(terms.router)
    if registered is not None:
        of_caller = routers(registered, models, stated)
        return QualityChoice(terms, policy_of(route), of_caller, moves=True)
    from legato.app.checks.learned_router import learned_router  # noqa: PLC0415 - numpy is an extra

    router = learned_router(terms.router, models, stated, weights)
    return QualityChoice(terms, policy_of(route), lambda _org: router)


def policy_of(route: RouteConfig) -> str:
    """Return 16 hex digits over all that a route chooses by: evidence is about one of these."""
    chosen_by: tuple[Any, ...] = (route.quality, route.deployments, route.baseline, route.rules)
    if route.cascade is not None:
        chosen_by += (route.cascade,)
    if route.quality is not None and route.quality.router:  # another file under the same name
        chosen_by += (router_version(route.quality.router),)
    encoded = msgspec.json.encode(chosen_by, order="sorted")
    return hashlib.blake2b(encoded, digest_size=8).hexdigest()


def _rules(route: RouteConfig) -> "Rules | None":
    if not route.rules:
        return None
    from legato.routing.rules.rules import rules_of  # noqa: PLC0415 - where there are any only

    return rules_of(route.rules)


def _semantic(config: Config, route: RouteConfig) -> SemanticTerms | None:
    said = route.cache.semantic
    if said is None or config.cache.semantic is None:
        return None
    return terms_of(said)


def terms_of(said: RouteSemantic) -> SemanticTerms:
    """Return what a route says as the gateway has it."""
    return SemanticTerms(**{name: getattr(said, name) for name in SemanticTerms.__struct_fields__})
