"""A circuit breaker's rules over the history of one deployment.

The history is an integer: one bit per finished call, the newest lowest (1 = failed), under
a sentinel bit that marks its length, so that it fits a single machine word which all
workers share.
"""

from enum import IntEnum

from legato.core.config import Breaker

EMPTY = 1
HISTORY_CALLS_MAX = 62


class State(IntEnum):
    """Closed lets calls through, open refuses, half-open lets one probe through."""

    CLOSED = 0
    OPEN = 1
    HALF_OPEN = 2


def remember(history: int, *, failed: bool) -> int:
    """Return the history with one more call."""
    history = history << 1 | failed
    if history >> (HISTORY_CALLS_MAX + 1):
        history = history & ((1 << HISTORY_CALLS_MAX) - 1) | 1 << HISTORY_CALLS_MAX
    return history


def should_open(history: int, rules: Breaker) -> bool:
    """Tell whether the history calls for opening."""
    calls = history.bit_length() - 1
    failures = min(rules.failures, HISTORY_CALLS_MAX)
    in_a_row = (1 << failures) - 1
    if calls >= failures and history & in_a_row == in_a_row:
        return True
    window = min(rules.window_calls, HISTORY_CALLS_MAX)
    failed = (history & ((1 << window) - 1)).bit_count()
    return calls >= window and failed >= rules.failure_share * window
