"""Wires the native lane of batches: which deployments have it, and how their providers are asked.

The process that runs batches has no event loop of its own, and asks a provider now and then: each
exchange opens a connection and closes it.
"""

import asyncio
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from legato.api.anthropic.messages import Messages
from legato.api.openai.chat import ChatCompletions
from legato.api.openai.completions import Completions
from legato.api.openai.embeddings import Embeddings
from legato.app.catalogue import build_provider
from legato.app.context import BatchContext
from legato.app.egress import egress_of
from legato.app.pricing import address_of
from legato.app.provider_settings import provider_settings
from legato.app.upstream import transport_to
from legato.app.waits import changed
from legato.core.clock import Clock
from legato.core.config import Config, DataUse, Deployment, Requirements
from legato.core.egress import PERMISSIVE
from legato.core.errors import ConfigInvalid, ProviderTimeout, ProviderUnavailable
from legato.core.principal import Principal
from legato.core.wire import Operation, Surface
from legato.providers.base import Provider, ProviderSettings
from legato.providers.batching import BatchCall, BatchReply, Send
from legato.providers.transport import (
    ConnectTimeout,
    FirstByteTimeout,
    IdleTimeout,
    Timeouts,
    TransportError,
)
from legato.routing.ability import data_use_in_force
from legato.routing.terms import shortfalls
from legato.workflows.batches import MESSAGES
from legato.workflows.native_lane import Lane, LaneOf

_REPLY_BYTES_MAX = 512 * 1024 * 1024
_UPLOAD_S = 600.0
_CHATS_ALONE = frozenset({"anthropic", "gemini"})
"""Kinds of providers whose batches run nothing else: our own queue does."""


def native_lanes(
    context: BatchContext,
    credentials: Callable[[], Mapping[str, str]],
    principal_of: Callable[[str], Principal | None],
    clock: Clock,
) -> LaneOf:
    """Return what knows the lane of each model; `credentials` reads those of the vault."""
    surfaces: dict[str, Surface] = {
        "/v1/chat/completions": ChatCompletions(clock),
        "/v1/embeddings": Embeddings(),
        "/v1/completions": Completions(),
        MESSAGES: Messages(),
    }
    config = context.loaded.config
    data_use = {
        one.name: _data_use(config, one) for one in config.deployments if one.batch.lane == "native"
    }
    named = _native_by_name(config, data_use)
    kinds = {provider.name: provider.kind for provider in config.providers}

    def lane_of(model: str, endpoint: str, *, key_id: str | None = None) -> Lane | None:
        deployment, surface = named.get(model), surfaces.get(endpoint)
        if deployment is None or surface is None:
            return None
        if surface.operation is not Operation.CHAT and kinds[deployment.provider] in _CHATS_ALONE:
            return None
        if key_id is not None:
            principal = principal_of(key_id)
            if principal is None or not _fit(principal.require, deployment, data_use):
                return None
        return _lane(context, model, deployment, surface=surface, credentials=credentials)

    return lane_of


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


def _data_use(config: Config, deployment: Deployment) -> DataUse:
    provider = next(one for one in config.providers if one.name == deployment.provider)
    host = urlsplit(address_of(provider)).hostname or ""
    return data_use_in_force(deployment, provider.kind, host)


def _lane(
    context: BatchContext,
    model: str,
    deployment: Deployment,
    *,
    surface: Surface,
    credentials: Callable[[], Mapping[str, str]],
) -> Lane:
    route = next((one for one in context.loaded.config.routes if one.alias == model), None)
    baseline = deployment.name
    if route is not None:
        baseline = route.baseline or route.deployments[0]

    def connect() -> tuple[Provider, Send]:
        settings = provider_settings(context, credentials())[deployment.provider]
        provider = build_provider(settings)
        return provider, _sender(context, settings, provider.base_url)

    return Lane(
        alias=model,
        route="" if route is None else route.alias,
        deployment=deployment.name,
        provider_name=deployment.provider,
        model=deployment.model,
        region=deployment.region,
        max_output_tokens=deployment.max_output_tokens,
        price=context.batch_prices[deployment.name],
        baseline=baseline,
        baseline_price=context.prices[baseline],
        drop_unsupported=route is not None and route.drop_unsupported,
        renames=route is not None and route.model_name == "alias",
        surface=surface,
        connect=connect,
    )


def _sender(context: BatchContext, settings: ProviderSettings, base_url: str) -> Send:
    config, provider = context.loaded.config, settings.config
    waits = changed(config.timeouts, provider.timeouts)
    timeouts = Timeouts(
        connect_s=waits.connect_s, first_byte_s=_UPLOAD_S, idle_s=max(waits.idle_s, 60.0)
    )
    egress = PERMISSIVE if provider.name in context.managed else egress_of(config)

    async def exchange(call: BatchCall) -> BatchReply:
        transport = transport_to(provider, base_url, timeouts, egress)
        try:
            response = await transport.send(call.path, call.headers, call.body, method=call.method)
            try:
                body = await response.read(_REPLY_BYTES_MAX)
            finally:
                response.close()
            return BatchReply(response.status, response.headers, body)
        finally:
            await transport.close()

    def send(call: BatchCall) -> BatchReply:
        try:
            return asyncio.run(exchange(call))
        except (ConnectTimeout, FirstByteTimeout, IdleTimeout) as error:
            raise ProviderTimeout(f"{provider.name}: {error}") from error
        except TransportError as error:
            raise ProviderUnavailable(f"{provider.name}: {error}") from error
        except ValueError as error:  # an address or a header that can't be used
            raise ConfigInvalid(f"providers[{provider.name}]: {error}") from error

    return send
