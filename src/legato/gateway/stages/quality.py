"""Order a call's candidates by what they are expected to be worth: see routing.good_enough."""

from typing import TYPE_CHECKING

import msgspec

from legato.core.config_routing import Quality
from legato.core.decisions import Routed, Weighed
from legato.core.usage import Usage
from legato.economics.cost import priced
from legato.gateway.quality import Estimate
from legato.gateway.request_features import asked_text, input_tokens
from legato.routing.good_enough import CHOSEN, HELD_BACK, cautious, with_reasons

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from legato.gateway.context import Call
    from legato.gateway.directory import Deployment, Route
    from legato.gateway.quality import QualityChoice


def by_quality(
    call: "Call",
    route: "Route",
    able: "Sequence[Deployment]",
    *,
    floor: float | None,
    random: "Callable[[], float]",
) -> "list[Deployment]":
    """Return the one that is chosen, then the baseline, then the others by expected quality.

    What it was chosen by is kept with the call; a call decided again brings what was kept.
    """
    choice = route.quality
    if choice is None:
        msg = "by_quality orders where a route has terms of quality"
        raise AssertionError(msg)
    routed = call.routed or Routed()
    terms = choice.terms
    asked = terms.floor if floor is None else floor
    known = {one.deployment: one for one in routed.options}
    tokens = routed.input_tokens if known else input_tokens(call)
    usage = _expected_usage(call, terms, tokens)
    if known:
        router = routed.router
        options = [_again(one, known.get(one.name), usage) for one in able]
    else:
        names = [one.name for one in able]
        estimates, router = choice.estimates(call.caller.org, asked_text(call.body), names)
        options = [_weighed(one, estimates.get(one.name), usage) for one in able]
    weighed = with_reasons(options, route.baseline.name, terms, asked)
    call.routed = msgspec.structs.replace(
        routed, options=weighed, floor=asked, input_tokens=tokens, router=router
    )
    weighed = _within_guarantee(call, choice, route.baseline.name, random)
    by_name = {one.name: one for one in able}
    ranked = sorted(
        weighed,
        key=lambda one: (
            one.reason != CHOSEN,
            one.deployment != route.baseline.name,
            -cautious(one, terms),
        ),
    )
    return [by_name[one.deployment] for one in ranked]


def _within_guarantee(
    call: "Call", choice: "QualityChoice", baseline: str, random: "Callable[[], float]"
) -> tuple[Weighed, ...]:
    """Leave the baseline as often as is proven harmless; choose what is compared with the other."""
    guarantee, routed = choice.terms.guarantee, call.routed or Routed()
    chosen = next(one.deployment for one in routed.options if one.reason == CHOSEN)
    known = {one.deployment for one in routed.options}
    if guarantee is None or chosen == baseline or baseline not in known:
        return routed.options
    share = choice.freedom(call.caller.org) if routed.freedom is None else routed.freedom
    draw = call.drawing(random)
    free = draw() < share
    if draw() < guarantee.shadow_share:
        call.compare = baseline if free else chosen
    options = routed.options
    if not free:
        reasons = {chosen: HELD_BACK, baseline: CHOSEN}
        options = tuple(
            msgspec.structs.replace(one, reason=reasons.get(one.deployment, one.reason))
            for one in options
        )
    call.routed = msgspec.structs.replace(routed, options=options, freedom=share)
    return options


def _expected_usage(call: "Call", terms: Quality, tokens: int) -> Usage:
    bound = call.view.max_output_tokens
    written = terms.output_tokens if bound is None else min(bound, terms.output_tokens)
    return Usage(in_uncached=tokens, out_text=written * call.view.choices)


def _weighed(one: "Deployment", estimate: Estimate | None, usage: Usage) -> Weighed:
    return Weighed(
        one.name,
        None if estimate is None else estimate.mean,
        0.0 if estimate is None else estimate.deviation,
        priced(usage, one.price),
        one.candidate.latency_ms,
    )


def _again(one: "Deployment", then: Weighed | None, usage: Usage) -> Weighed:
    """Return a deployment as it is weighed by what was expected then."""
    if then is None:
        return _weighed(one, None, usage)
    return Weighed(one.name, then.mean, then.deviation, priced(usage, one.price), then.latency_ms)
