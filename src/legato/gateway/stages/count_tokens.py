"""Counting tokens costs nothing, so it takes no hold and enters no books."""

import asyncio
from typing import TYPE_CHECKING

from legato.core.errors import ProviderTimeout, ProviderUnavailable
from legato.core.wire import CountSurface, Operation, WireRequest
from legato.gateway.context import Reply
from legato.gateway.stages.terms import may_take
from legato.providers.base import Target, TokenCounter
from legato.providers.transport import TransportError

if TYPE_CHECKING:
    from legato.gateway.context import Call
    from legato.gateway.directory import Deployment

_OK = 200
_BYTES_MAX = 1024 * 1024
_BYTES_PER_TOKEN = 4


async def count_tokens(call: "Call") -> Reply:
    """Ask the first deployment that can count and may be sent the text; estimate without one.

    An estimate is marked: `"estimated": true` in the body.

    Raises:
        UpstreamError: the provider refused or failed.
    """
    route = call.route
    if route is None:
        msg = "count_tokens runs after resolve"
        raise AssertionError(msg)
    for deployment in route.deployments:
        if not may_take(deployment, call):
            continue
        request = _request(call, deployment, drop=route.drop_unsupported)
        if request is None:
            continue
        call.deployment = deployment
        body = await _sent(deployment, request, route.deadline_s)
        provider = deployment.provider
        if provider.dialect is call.surface.dialect or not isinstance(provider, TokenCounter):
            return Reply(body)
        return _reply(call, provider.to_count(body), estimated=False)
    return _reply(call, -(-call.body_bytes // _BYTES_PER_TOKEN), estimated=True)


def _reply(call: "Call", tokens: int, *, estimated: bool) -> Reply:
    surface = call.surface
    if not isinstance(surface, CountSurface):
        msg = f"the surface {surface.name} counts no tokens"
        raise TypeError(msg)
    return Reply(surface.render_count(tokens, estimated=estimated))


def _request(call: "Call", deployment: "Deployment", *, drop: bool) -> WireRequest | None:
    """Write the request, None where the provider can't count for this caller."""
    provider, target = deployment.provider, Target(deployment.model)
    if not provider.supports(Operation.COUNT_TOKENS):
        return None
    if provider.dialect is call.surface.dialect:
        return provider.request(Operation.COUNT_TOKENS, call.body, call.view, target)
    if isinstance(provider, TokenCounter):
        chat = call.surface.to_chat(call.body, drop_unsupported=drop)
        return provider.request_for_count(chat, target)
    return None


async def _sent(deployment: "Deployment", request: WireRequest, deadline_s: float) -> bytes:
    try:
        async with asyncio.timeout(deadline_s):
            if deployment.authorize is not None:
                request = await deployment.authorize(request)
            response = await deployment.transport.send(
                request.path, request.headers, request.body, timeouts=deployment.timeouts
            )
            body = await response.read(_BYTES_MAX)
    except TransportError as error:
        msg = f"{deployment.name}: {error}"
        raise ProviderUnavailable(msg) from error
    except TimeoutError:
        msg = f"{deployment.name}: no answer within {deadline_s:g} s"
        raise ProviderTimeout(msg) from None
    if response.status != _OK:
        raise deployment.provider.failure(response.status, response.headers, body)
    return body
