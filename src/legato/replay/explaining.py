"""Why a recorded request went where it went: decided again by the gateway's code, and told."""

from typing import Any

import msgspec

from legato.core.decisions import Step
from legato.core.errors import LegatoError
from legato.core.money import NanoUSD, exact_usd
from legato.gateway.decisions import facts_of
from legato.gateway.explaining import Explanation, explain
from legato.gateway.stages.route import order_candidates
from legato.replay.day import Day
from legato.replay.deciding import call_of, set_measured
from legato.replay.recorded import Row, Unreplayable, recorded
from legato.replay.script import Diverged, Script


class ExplainedRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request's way, and what came of it; costs in exact dollars, None where unpriced.

    `baseline_cost_usd` is what the same tokens would have cost at the baseline.
    """

    request_id: str
    explanation: Explanation
    steps: tuple[Step, ...]
    deployment: str
    cache: str
    cost_usd: str | None
    baseline_cost_usd: str | None


def explained(trace: Row, day: Day) -> ExplainedRequest:
    """Explain a request by its record.

    Raises:
        Unreplayable: too little of it was kept, or nothing was routed.
    """
    of = recorded(trace, ())
    if trace["cache"] == "hit":
        raise Unreplayable("it was answered from the cache: nothing was routed")
    route = day.route(of.decision.route)
    call = call_of(of)
    call.route = route
    unasked: Any = None  # the books: nothing is called
    draws = iter(of.decision.draws)
    try:
        set_measured(route, of, Script(of, unasked))
        ordered = order_candidates(call, route, lambda: next(draws, 0.0))
    except Diverged as difference:
        raise Unreplayable(str(difference)) from None
    except LegatoError as error:
        raise Unreplayable(f"none of its deployments could serve: {error.message}") from None
    return ExplainedRequest(
        request_id=of.request_id,
        explanation=explain(call, route, facts_of(route), ordered),
        steps=of.decision.steps,
        deployment=trace["deployment"],
        cache=trace["cache"],
        cost_usd=_usd(trace["cost"]),
        baseline_cost_usd=_usd(of.decision.baseline_cost),
    )


def _usd(nano: int | None) -> str | None:
    return None if nano is None else exact_usd(NanoUSD(nano))
