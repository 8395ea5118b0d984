"""Order the deployments of a route that can serve a call."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from legato.core.capability import CHAT, NEEDS
from legato.core.config import Strategy
from legato.core.errors import CallerError, InvalidRequest
from legato.gateway.stages.rules import ruling_of
from legato.gateway.stages.terms import may_take, nothing_left, unfulfilled
from legato.routing.strategies import ORDERS

if TYPE_CHECKING:
    from legato.gateway.context import Call
    from legato.gateway.directory import Deployment, Route

_BY_LATENCY = ORDERS[Strategy.LEAST_LATENCY]
_BY_PEAK = ORDERS[Strategy.PEAK_EWMA]
_BY_LOAD = (ORDERS[Strategy.LEAST_OUTSTANDING], _BY_PEAK)
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
    deployments = route.deployments
    if len(deployments) == 1:
        only = deployments[0]
        if can_serve(only, call):
            return deployments
    else:
        able = [d for d in deployments if can_serve(d, call)]
        if able:
            arranged = _by_strategy if route.rules is None else _by_rules
            ordered = arranged(call, route, able, random)
            return ordered if able[0].load is None else _near_last(call, ordered)
    raise _refusal(call, route)


def _by_strategy(
    call: "Call",
    route: "Route",
    able: "list[Deployment]",
    random: Callable[[], float],
    *,
    floor: float | None = None,
) -> "Sequence[Deployment]":
    if route.cascade is not None:
        from legato.gateway.stages.cascade import in_steps  # noqa: PLC0415 - the same

        return in_steps(call, route, able, random)
    if route.quality is not None:
        from legato.gateway.stages.quality import (  # noqa: PLC0415 - where a route asks for it only
            by_quality,
        )

        return by_quality(call, route, able, floor=floor, random=random)
    candidates = [d.candidate for d in able]
    if route.order is _BY_LATENCY:
        call.latencies = tuple(one.latency_ms for one in candidates)
    elif route.order in _BY_LOAD:
        _read_loads(call, able, by_latency=route.order is _BY_PEAK)
    ordered = route.order(candidates, call.drawing(random))
    if ordered is candidates:
        return able
    by_name = {d.name: d for d in able}
    return [by_name[candidate.name] for candidate in ordered]


def _by_rules(
    call: "Call", route: "Route", able: "list[Deployment]", random: Callable[[], float]
) -> "Sequence[Deployment]":
    """Return what the rules leave: those that one names first, then the rest by the strategy."""
    rule = ruling_of(call, route, [one.name for one in able])
    if rule is None:
        return _by_strategy(call, route, able, random)
    names = rule.left([one.name for one in able])
    by_name = {one.name: one for one in able}
    setting = rule.setting
    if setting.use:
        return [by_name[name] for name in names]
    first = [by_name[name] for name in names if name in setting.prefer]
    left = [one for one in able if one.name in names]
    rest = _by_strategy(call, route, left, random, floor=setting.floor)
    return [*first, *(one for one in rest if one not in first)] if first else rest


def _read_loads(call: "Call", able: "Sequence[Deployment]", *, by_latency: bool) -> None:
    for one in able:
        weight = one.candidate.weight
        busy = 0.0 if one.load is None else one.load.busy(weight, by_latency=by_latency)
        one.candidate.load = busy
    call.loads = tuple(one.candidate.load for one in able)


def _near_last(call: "Call", ordered: "Sequence[Deployment]") -> "Sequence[Deployment]":
    """Put those behind the rest whose providers may refuse the call."""
    tokens = call.tokens_needed
    near = [one for one in ordered if one.load is not None and one.load.is_near(tokens)]
    if not near:
        return ordered
    call.near = tuple(one.name for one in near)
    return [*(one for one in ordered if one not in near), *near]


def can_serve(deployment: "Deployment", call: "Call") -> bool:
    """Tell whether a deployment can take a call, by what is known of it."""
    if not deployment.provider.supports(call.surface.operation):
        return False
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
        reasons.append(f"{deployment.name}: {', '.join(reasons_against(deployment, call))}")
    shared = [words for bit, words in NEEDS.items() if lacking & view.needs & bit]
    asked = shared[0].asked if shared else "serve this request"
    msg = f"no deployment of {route.alias!r} can {asked}: {'; '.join(reasons)}"
    return InvalidRequest(msg, param=shared[0].param if shared else "model")


def reasons_against(deployment: "Deployment", call: "Call") -> list[str]:
    """Say why a deployment can't serve a call, in words; nothing where it can."""
    ability, bound = deployment.ability, call.view.max_output_tokens
    lacks = ability.lacks & call.view.needs
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
