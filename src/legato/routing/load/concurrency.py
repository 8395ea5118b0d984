"""How many calls a deployment is sent at once: as many as it has shown that it bears."""

from enum import Enum

_LOWERED = 0.7
LOWERED_EVERY_S = 1.0
"""Calls that were under way together fail together: that is one sign, not many."""


class Priority(Enum):
    """How urgent a call is: the share of a deployment's places that it may take.

    What is kept from lower ones is there for higher ones, so low priority is shed first.
    """

    LOW = 0.5
    NORMAL = 0.9
    HIGH = 1.0
    REFUSED = 0.0
    """What a caller wrote is none: the call is refused."""


def raised(limit: float, outstanding: float, ceiling: float) -> float:
    """Return the limit after a good answer: one more per round of calls, where it is in use.

    Additive increase, multiplicative decrease (Chiu and Jain, 1989).
    """
    if outstanding * 2.0 < limit:
        return limit
    return min(ceiling, limit + 1.0 / limit)


def lowered(limit: float) -> float:
    """Return the limit after a sign that there was too much."""
    return max(1.0, limit * _LOWERED)


def places(limit: float, priority: Priority) -> float:
    """Return how many calls may be under way for one more of this priority; never none."""
    return max(1.0, limit * priority.value)


def wait_s(ewma_ms: float, limit: float) -> float:
    """Return when a place should be free: one of `limit` answers that take so long."""
    return max(ewma_ms / 1000.0 / limit, 0.05)
