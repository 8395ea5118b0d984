"""Says why a call goes where it goes: who was considered, what was expected, what decided."""

from typing import TYPE_CHECKING, Any, Final

import msgspec

from legato.core.decisions import Routed, RouteFacts, Weighed
from legato.core.money import NanoUSD, exact_usd
from legato.gateway.stages.route import reasons_against
from legato.routing import good_enough

if TYPE_CHECKING:
    from collections.abc import Sequence

    from legato.gateway.context import Call
    from legato.gateway.directory import Deployment, Route

_INTERVAL: Final = 1.96
"""Deviations to both sides: 95 % of a normal distribution."""
_WORDS: Final = {
    good_enough.CHOSEN: "chosen",
    good_enough.BASELINE: "the baseline: tried next",
    good_enough.NO_ESTIMATE: "nothing is known of its quality",
    good_enough.UNPRICED: "its price is unknown",
    good_enough.BELOW_FLOOR: "its quality, with caution, is below the floor",
    good_enough.DEARER: "no cheaper than the baseline",
    good_enough.HELD_BACK: "held back: more freedom isn't proven yet",
    good_enough.LESS_VALUE: "good enough, but another is cheaper or worth more",
}


class Considered(msgspec.Struct, frozen=True, kw_only=True):
    """One deployment of the route. `place` is when it is tried, from 1; None: not at all.

    `quality` is the probability that its answer is good enough, `interval` where that lies by 95 %.
    """

    deployment: str
    place: int | None
    reason: str
    quality: float | None = None
    interval: tuple[float, float] | None = None
    expected_cost_usd: str | None = None
    latency_ms: float | None = None


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """Why a call went where it went. `features` are those that its rules asked for."""

    route: str
    strategy: str
    baseline: str
    rule: str | None
    failed_rules: tuple[str, ...]
    emptied_rules: tuple[str, ...]
    features: dict[str, Any]
    floor: float | None
    input_tokens: int | None
    freedom: float | None
    router: str | None
    draws: tuple[float, ...]
    considered: tuple[Considered, ...]


def explain(
    call: "Call", route: "Route", facts: RouteFacts, ordered: "Sequence[Deployment]"
) -> Explanation:
    """Explain a call that was ordered; `ordered` are its candidates, best first."""
    routed = call.routed or Routed()
    weighed = {one.deployment: one for one in routed.options}
    places = {one.name: place for place, one in enumerate(ordered, 1)}
    considered = [
        _considered(one, places.get(one.name), weighed.get(one.name), _left_out(one, call, routed))
        for one in route.deployments
    ]
    if routed.rejected:
        considered = _with_rejections(considered, routed)
    considered.sort(key=lambda one: len(considered) if one.place is None else one.place)
    return Explanation(
        route=route.alias,
        strategy=facts.strategy,
        baseline=route.baseline.name,
        rule=routed.rule or None,
        failed_rules=routed.failed,
        emptied_rules=routed.emptied,
        features=routed.features,
        floor=routed.floor if weighed else None,
        input_tokens=routed.input_tokens if weighed else None,
        freedom=routed.freedom,
        router=routed.router or None,
        draws=call.draws,
        considered=tuple(considered),
    )


def _with_rejections(considered: list[Considered], routed: Routed) -> list[Considered]:
    failed = dict(routed.rejected)
    return [
        one
        if one.deployment not in failed
        else msgspec.structs.replace(
            one, reason=f"its answer failed the check `{failed[one.deployment]}`"
        )
        for one in considered
    ]


def _left_out(one: "Deployment", call: "Call", routed: Routed) -> str:
    if not one.provider.supports(call.surface.operation):
        return f"its provider has no {call.surface.operation.value}"
    reasons = reasons_against(one, call)
    if reasons:
        return ", ".join(reasons)
    return f"left out by the rule {routed.rule}" if routed.rule else "never drawn: its weight is 0"


def _considered(
    one: "Deployment", place: int | None, weighed: Weighed | None, left_out: str
) -> Considered:
    if place is None:
        return Considered(deployment=one.name, place=None, reason=left_out)
    if weighed is None:
        return Considered(deployment=one.name, place=place, reason="in this order")
    mean, spread = weighed.mean, _INTERVAL * weighed.deviation
    return Considered(
        deployment=one.name,
        place=place,
        reason=_WORDS.get(weighed.reason, weighed.reason),
        quality=mean,
        interval=None if mean is None else (max(0.0, mean - spread), min(1.0, mean + spread)),
        expected_cost_usd=None if weighed.cost is None else exact_usd(NanoUSD(weighed.cost)),
        latency_ms=weighed.latency_ms or None,
    )
