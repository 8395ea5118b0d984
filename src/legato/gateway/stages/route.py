"""Order the deployments of a route that can serve a call."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from legato.core.capability import CHAT, NEEDS
from legato.core.config import Strategy
from legato.core.errors import CallerError, InvalidRequest
from legato.gateway.stages.terms import may_take, nothing_left, unfulfilled
from legato.routing.strategies import ORDERS

if TYPE_CHECKING:
    from legato.gateway.context import Call
    from legato.gateway.directory import Deployment, Route

_BY_LATENCY = ORDERS[Strategy.LEAST_LATENCY]
_BYTES_PER_TOKEN = 6
"""More than text takes on average, so that nothing is refused that may still fit: about 4 in
English, fewer in other languages. Between the two the provider decides."""


def order_candidates(
    call: "Call", route: "Route", random: Callable[[], float]
) -> "Sequence[Deployment]":
    """Return the deployments that can serve this call, best first.

    Raises:
        InvalidRequest: none of them can; the message says why for each.
        Forbidden: none of them is known to fulfil what the route or the key requires.
    """
    operation = call.surface.operation
    deployments = route.deployments
    if len(deployments) == 1:
        only = deployments[0]
        if only.provider.supports(operation) and _can_serve(only, call):
            return deployments
    else:
        able = [d for d in deployments if d.provider.supports(operation) and _can_serve(d, call)]
        if able:
            candidates = [d.candidate for d in able]
            if route.order is _BY_LATENCY:
                call.latencies = tuple(one.latency_ms for one in candidates)
            ordered = route.order(candidates, call.drawing(random))
            if ordered is candidates:
                return able
            by_name = {d.name: d for d in able}
            return [by_name[candidate.name] for candidate in ordered]
    raise _refusal(call, route)


def _can_serve(deployment: "Deployment", call: "Call") -> bool:
    if not may_take(deployment, call):
        return False
    ability, view = deployment.ability, call.view
    if ability.lacks & view.needs:
        return False
    context_tokens = ability.context_tokens if view.needs & CHAT else 0  # else of each text
    if context_tokens and call.body_bytes > context_tokens * _BYTES_PER_TOKEN:
        return _text_tokens(call) <= context_tokens
    bound = ability.output_tokens_max
    return not bound or view.max_output_tokens is None or view.max_output_tokens <= bound


def _refusal(call: "Call", route: "Route") -> CallerError:
    """Say for each deployment why it can't, in the words of what was asked."""
    operation, view = call.surface.operation, call.view
    if not any(may_take(one, call) for one in route.deployments):
        return nothing_left(call, route)
    reasons = []
    lacking = ~0
    for deployment in route.deployments:
        if not deployment.provider.supports(operation):
            reasons.append(f"{deployment.name}: its provider has no {operation.value}")
            lacking = 0
            continue
        lacks = deployment.ability.lacks & view.needs
        lacking &= lacks
        reasons.append(f"{deployment.name}: {', '.join(_reasons(deployment, lacks, call))}")
    shared = [words for bit, words in NEEDS.items() if lacking & view.needs & bit]
    asked = shared[0].asked if shared else "serve this request"
    msg = f"no deployment of {route.alias!r} can {asked}: {'; '.join(reasons)}"
    return InvalidRequest(msg, param=shared[0].param if shared else "model")


def _reasons(deployment: "Deployment", lacks: int, call: "Call") -> list[str]:
    ability, bound = deployment.ability, call.view.max_output_tokens
    reasons = [words.missing for bit, words in NEEDS.items() if lacks & bit]
    reasons += [f"not as required: {term}" for term in unfulfilled(deployment, call)]
    if ability.context_tokens and call.view.needs & CHAT:
        tokens = _text_tokens(call)
        if tokens > ability.context_tokens:
            reasons.append(
                f"input of at least {tokens} tokens, its context holds {ability.context_tokens}"
            )
    if ability.output_tokens_max and bound is not None and bound > ability.output_tokens_max:
        reasons.append(f"{bound} output tokens asked for, it writes {ability.output_tokens_max}")
    return reasons


def _text_tokens(call: "Call") -> int:
    if call.text_tokens < 0:
        call.text_tokens = _tokens_at_least(call.body)
    return call.text_tokens


def _tokens_at_least(body: dict[str, Any]) -> int:
    """A low estimate from the text in a body; images and files in it are not counted."""
    size = 0
    waiting: list[Any] = [body]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            size += 0 if value.startswith("data:") else len(value)
        elif isinstance(value, dict):
            if value.get("type") in _BINARY:
                continue
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
    return size // _BYTES_PER_TOKEN


_BINARY = frozenset({"base64", "input_audio", "image", "document", "file", "input_file"})
