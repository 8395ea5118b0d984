"""Turns the configuration into what the gateway resolves names to."""

import hashlib
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

import msgspec

from legato.app.provider_kinds import plugin_kinds
from legato.app.served_models import ServedModels, TriedRoute
from legato.app.waits import changed, transport_timeouts
from legato.core.config import Config, Requirements, Strategy
from legato.core.config import Deployment as DeploymentConfig
from legato.core.config import Provider as ProviderConfig
from legato.core.config import Route as RouteConfig
from legato.core.config import Timeouts as Waits
from legato.core.errors import ConfigInvalid
from legato.core.registry import CHAMPION, Kind, ObjectName
from legato.economics.cost import blended_price
from legato.economics.estimate import image_tokens_max
from legato.gateway.directory import Deployment, Route
from legato.providers.base import Provider, ProviderSettings, authorizer_of
from legato.providers.batching import batcher_of
from legato.providers.transport import Timeouts, Transport
from legato.routing.ability import ability_of, capabilities_in_force, data_use_in_force
from legato.routing.assignment import Assignment, Split
from legato.routing.strategies import ORDERS, Candidate
from legato.routing.terms import shortfalls

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


def build_routes(
    served: ServedModels, providers: Mapping[str, ProviderInUse], cell_of: Callable[[str], int]
) -> tuple[dict[str, Deployment], dict[str, Route]]:
    """Return deployments by name, and everything a caller can name: aliases and deployments.

    `cell_of` gives each deployment its cell on the breaker board.
    """
    config = served.config
    deployments = {
        deployment.name: _deployment(deployment, served, providers, cell_of(deployment.name))
        for deployment in config.deployments
    }
    routes = {
        name: _route(
            config,
            RouteConfig(alias=name, deployments=[name], strategy=Strategy.ORDERED),
            deployments,
            providers,
            direct=True,
        )
        for name in deployments
    }
    for route in config.routes:
        version = served.versions.get(ObjectName(Kind.ROUTE, route.alias), "")
        built = _route(config, route, deployments, providers, direct=False)
        routes[route.alias] = msgspec.structs.replace(built, version=version)

    for one in served.tried:
        arms = {
            arm: msgspec.structs.replace(
                _route(config, model, deployments, providers, direct=False), version=version
            )
            for arm, (model, version) in one.candidates.items()
        }
        routes[one.alias] = _divided(one, routes[one.alias], arms)
    return deployments, routes


def _divided(tried: TriedRoute, champion: Route, candidates: Mapping[str, Route]) -> Route:
    """Return a route that knows which version of it serves whom."""
    slices = tuple((part.start, part.end, part.arm) for part in tried.slices)
    arms = {
        arm: msgspec.structs.replace(route, arm=f"{tried.id}/{arm}", slices=slices)
        for arm, route in ({CHAMPION: champion} | dict(candidates)).items()
    }
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
    direct: bool,
) -> Route:
    waits = {
        name: changed(providers[deployments[name].provider_name].waits, route.timeouts)
        for name in {*route.deployments, route.baseline or route.deployments[0]}
    }
    deadline_s = max(waits[name].total_s for name in route.deployments)

    def in_route(name: str) -> Deployment:
        return _in_route(deployments[name], waits[name], deadline_s, route.require)

    behind = [in_route(name) for name in route.deployments]
    enabled = config.cache.enabled if route.cache.enabled is None else route.cache.enabled
    fingerprint = hashlib.blake2b(
        f"{route.model_name}\x00{route.drop_unsupported}\x00".encode(), digest_size=16
    )
    if route.require is not None:
        fingerprint.update(msgspec.json.encode(route.require))
    for deployment in behind:
        place = providers[deployment.provider_name].base_url
        fingerprint.update(f"{deployment.name}\x00{place}\x00{deployment.model}\x00".encode())
        if deployment.version:  # an answer is served under the version that made it
            fingerprint.update(f"{deployment.version}\x00".encode())
    return Route(
        alias=route.alias,
        name="" if direct else route.alias,
        deployments=behind,
        order=ORDERS[route.strategy],
        # a route without a baseline is measured against the deployment it prefers
        baseline=in_route(route.baseline) if route.baseline else behind[0],
        retry=route.retry or config.retry,
        deadline_s=deadline_s,
        cache_ttl_s=(route.cache.ttl_s or config.cache.ttl_s) if enabled else 0.0,
        drop_unsupported=route.drop_unsupported,
        model_name=route.model_name,
        fingerprint=fingerprint.hexdigest(),
        require=route.require,
    )
