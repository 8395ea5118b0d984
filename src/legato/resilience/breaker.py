"""A circuit breaker's rules over the history of one deployment.

The history is an integer: one bit per finished call, the newest lowest (1 = failed), under
a sentinel bit that marks its length, so that it fits a single machine word which all
workers share.
"""

from enum import IntEnum
from typing import NamedTuple

from legato.core.config import Breaker

EMPTY = 1
HISTORY_CALLS_MAX = 62
PROBE_S = 60.0
"""A probe that has not come back by then no longer blocks the next one."""


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


class Cell(NamedTuple):
    """What is known of one deployment: its state, until when it holds, its last calls.

    Times are seconds of any clock that doesn't go back.
    """

    state: State = State.CLOSED
    until_s: float = 0.0
    history: int = EMPTY


HEALTHY = Cell()


def probe(cell: Cell, now_s: float) -> Cell | None:
    """Return the cell once a call has been let through, None where none may be sent now.

    Of an open one that has waited long enough, the first who asks is the probe.
    """
    if cell.state is State.CLOSED:
        return cell
    return None if now_s < cell.until_s else Cell(State.HALF_OPEN, now_s + PROBE_S, cell.history)


def after_failure(cell: Cell, rules: Breaker, now_s: float) -> Cell:
    """Return the cell after a failure of the provider, which may open it."""
    history = remember(cell.history, failed=True)
    opens = cell.state is State.HALF_OPEN or (
        cell.state is State.CLOSED and should_open(history, rules)
    )
    if opens:
        return Cell(State.OPEN, now_s + rules.open_s, history)
    return Cell(cell.state, cell.until_s, history)


def after_success(cell: Cell) -> Cell:
    """Return the cell after a good answer: whatever was open is closed, and forgotten."""
    if cell.state is not State.CLOSED or cell.history == EMPTY:
        return HEALTHY
    return Cell(history=remember(cell.history, failed=False))


def after_silence(cell: Cell, now_s: float) -> Cell:
    """Return the cell after a call that told nothing: the next one may be the probe."""
    if cell.state is State.HALF_OPEN:
        return Cell(State.OPEN, now_s, cell.history)
    return cell
