"""Wires the native lane of batches: which deployments have it, and at what price."""

from collections.abc import Callable, Mapping, Sequence
from urllib.parse import urlsplit

from legato.api.anthropic.messages import Messages
from legato.api.openai.chat import ChatCompletions
from legato.api.openai.completions import Completions
from legato.api.openai.embeddings import Embeddings
from legato.app.batches.batch_connections import BatchConnections
from legato.app.context import BatchContext
from legato.app.models.provider_settings import provider_settings
from legato.app.models.served_models import ServedModels
from legato.app.prices.pricing import address_of
from legato.core.clock import Clock
from legato.core.config import Config, DataUse, Deployment
from legato.core.config_parts import Requirements
from legato.core.principal import Principal
from legato.core.registry import DEFAULT_LABEL, Kind, ObjectName
from legato.core.wire import Operation, Surface
from legato.economics.estimate import image_tokens_max
from legato.providers.base import Provider
from legato.providers.batching import Send
from legato.routing.ability import ability_of, capabilities_in_force, data_use_in_force
from legato.routing.terms import shortfalls
from legato.storage.registry.records import LabelledVersion
from legato.workflows.batches import MESSAGES
from legato.workflows.native_lane import Lane, LaneOf

_CHATS_ALONE = frozenset({"anthropic", "gemini"})
"""Kinds of providers whose batches run nothing else: our own queue does."""


def native_lanes(
    context: BatchContext,
    credentials: Callable[[], Mapping[str, str]],
    principal_of: Callable[[str], Principal | None],
    clock: Clock,
    *,
    served: Callable[[], ServedModels],
    as_calls: Callable[[Principal, str, str], bool],
) -> LaneOf:
    """Return what knows the lane of each model; `credentials` reads those of the vault.

    `served` tells what callers can reach at the moment, `as_calls` whether the lines of a key, for
    a model at a deployment, have to run as calls: where policies look into them, or budgets of
    their own cover them.
    """
    surfaces: dict[str, Surface] = {
        "/v1/chat/completions": ChatCompletions(clock),
        "/v1/embeddings": Embeddings(),
        "/v1/completions": Completions(),
        MESSAGES: Messages(),
    }
    connections = BatchConnections(context)
    kinds = {provider.name: provider.kind for provider in context.loaded.config.providers}

    def lane_of(model: str, endpoint: str, *, key_id: str | None = None) -> Lane | None:
        now = served()
        data_use = _native_data_use(now.config)
        deployment = _native_by_name(now.config, data_use).get(model)
        surface = surfaces.get(endpoint)
        if deployment is None or surface is None:
            return None
        if surface.operation is not Operation.CHAT and kinds[deployment.provider] in _CHATS_ALONE:
            return None
        if key_id is not None:
            principal = principal_of(key_id)
            if principal is None or not _may_take(deployment, principal, data_use):
                return None
            if as_calls(principal, model, deployment.name):
                return None

        def connect() -> tuple[Provider, Send]:
            settings = provider_settings(context, credentials())[deployment.provider]
            return connections.open(settings)

        return _lane(now, model, deployment, surface=surface, connect=connect)

    return lane_of


def guarded_by(config: Config, labelled: Sequence[LabelledVersion], org: str) -> bool:
    """Whether the file has a policy, or an organisation has one in force in the registry."""
    in_force = (one for one in labelled if one.label == DEFAULT_LABEL)
    return bool(config.guardrails.policies) or any(one.org == org for one in in_force)


def _native_data_use(config: Config) -> dict[str, DataUse]:
    return {
        one.name: _data_use(config, one) for one in config.deployments if one.batch.lane == "native"
    }


def _native_by_name(config: Config, data_use: Mapping[str, DataUse]) -> dict[str, Deployment]:
    """Return by every name a caller can use the first deployment behind it that has the lane.

    What isn't known to fulfil a route's requirements is not behind it.
    """
    native = {one.name: one for one in config.deployments if one.batch.lane == "native"}
    named = dict(native)
    for route in config.routes:
        behind = [native[name] for name in route.deployments if name in native]
        first = next((one for one in behind if _fit(route.require, one, data_use)), None)
        if first is not None:
            named[route.alias] = first
    return named


def _fit(
    require: Requirements | None, deployment: Deployment, data_use: Mapping[str, DataUse]
) -> bool:
    if require is None:
        return True
    return not shortfalls(require, deployment.region, data_use[deployment.name])


def _may_take(
    deployment: Deployment, principal: Principal, data_use: Mapping[str, DataUse]
) -> bool:
    """Whether a key's lines may be handed over: where its tools are looked at, they are calls."""
    if any(one.budget is not None for one in principal.makers):
        return False  # a batch's hold is one key's
    access = principal.access
    if access is not None:
        known = data_use[deployment.name]
        refused = access.against_deployment(deployment.name, deployment.region, known)
        if refused or access.has_tools:
            return False
    return _fit(principal.require, deployment, data_use)


def _data_use(config: Config, deployment: Deployment) -> DataUse:
    provider = next(one for one in config.providers if one.name == deployment.provider)
    host = urlsplit(address_of(provider)).hostname or ""
    return data_use_in_force(deployment, provider.kind, host)


def _lane(
    served: ServedModels,
    model: str,
    deployment: Deployment,
    *,
    surface: Surface,
    connect: Callable[[], tuple[Provider, Send]],
) -> Lane:
    config = served.config
    route = next((one for one in config.routes if one.alias == model), None)
    baseline = deployment.name
    kind = next(one.kind for one in config.providers if one.name == deployment.provider)
    ability = ability_of(capabilities_in_force(deployment, kind))
    if route is not None:
        baseline = route.baseline or route.deployments[0]
    made_by = (
        served.versions.get(ObjectName(Kind.ROUTE, model)),
        served.versions.get(ObjectName(Kind.DEPLOYMENT, deployment.name)),
    )
    return Lane(
        alias=model,
        route="" if route is None else route.alias,
        deployment=deployment.name,
        provider_name=deployment.provider,
        model=deployment.model,
        region=deployment.region,
        max_output_tokens=deployment.max_output_tokens,
        image_tokens=image_tokens_max(deployment.model),
        context_tokens=ability.context_tokens,
        price=served.batch_prices[deployment.name],
        listed_price=served.prices[deployment.name],
        baseline=baseline,
        baseline_price=served.prices[baseline],
        drop_unsupported=route is not None and route.drop_unsupported,
        renames=route is not None and route.model_name == "alias",
        surface=surface,
        connect=connect,
        versions=", ".join(version for version in made_by if version),
    )
