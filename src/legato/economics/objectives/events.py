"""Which finished requests are events of an objective, and which of them are bad."""

from typing import Final

from legato.core.objective import Measured, Objective
from legato.core.records import Outcome

_CALLERS: Final = frozenset(
    {
        "cancelled", "conflict", "erased", "forbidden", "input_blocked", "invalid_api_key",
        "invalid_request", "method_not_allowed", "not_found", "precondition_failed",
        "precondition_required", "provider_rejected", "rate_limit_exceeded", "budget_exceeded",
        "request_too_large",
    }
)  # fmt: skip
"""Codes of what a caller can mend, or did; their limits and budgets among them."""
_OWN_FIRST_STAGES: Final = frozenset({"reserve", "call"})
"""A caller's request begins with authentication; judges, shadows and checks begin here."""
_US_PER_MS: Final = 1_000


def is_request(outcome: Outcome) -> bool:
    """Whether it is a caller's, to a route or deployment there is: what objectives are about."""
    first = outcome.stages[0][0] if outcome.stages else ""
    return bool(outcome.model_requested) and first not in _OWN_FIRST_STAGES


def is_bad(objective: Objective, outcome: Outcome) -> bool | None:
    """Whether a request is bad by an objective; None where it is no event of it.

    Errors: what a caller got wrong is no event, whatever else had no full answer is bad.
    Latency and cost: only what was answered is an event, and cost only where it is known.
    """
    if outcome.error_code in _CALLERS:
        return None
    if objective.measured is Measured.ERRORS:
        return outcome.error_code != ""
    if outcome.error_code:
        return None
    if objective.measured is Measured.LATENCY:
        return outcome.total_us > objective.limit * _US_PER_MS
    return None if outcome.cost is None else outcome.cost > objective.limit
