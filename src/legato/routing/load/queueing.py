"""What can become of a call that waits for a place, and how long the next one would."""

from typing import Final

from legato.core.decisions import QueueFacts, QueueTerms

PLACED: Final = "placed"
FULL: Final = "full"
"""There was no room to wait in."""
LATE: Final = "late"
"""No place became free in time."""
DISPLACED: Final = "displaced"
"""It had to make room for a call of somebody who has less waiting."""
LEFT: Final = "left"
"""Its caller hung up, or its time for all attempts was over."""
_KEPT: Final = 0.8
_TICK_MS: Final = 1.0


def could_be(outcome: str, *, waited_ms: float, patience_ms: float, left: int) -> bool:
    """Tell whether that can have become of a call; `left` places to wait in were left for it."""
    if outcome in {PLACED, LEFT}:
        return True
    if outcome == LATE:
        return waited_ms >= patience_ms - _TICK_MS
    return outcome == DISPLACED or (outcome == FULL and left <= 0)


def room_left(terms: QueueTerms, facts: QueueFacts) -> int:
    """Return how many more might have waited where a call came, itself among them."""
    part = terms.part - facts.ahead
    return max(part, terms.length_max - facts.ahead - facts.elsewhere)


class Pace:
    """How fast those who wait get places: a moving average, over times in which somebody waits."""

    def __init__(self) -> None:
        self._since_s: float | None = None
        self._each_s = 0.0

    def begins(self, now_s: float) -> None:
        """Take in that somebody waits now, where nobody did."""
        self._since_s = now_s

    def placed(self, now_s: float) -> None:
        """Count one that got a place."""
        if self._since_s is not None:
            took_s = max(0.0, now_s - self._since_s)
            known_s = self._each_s or took_s
            self._each_s = known_s * _KEPT + took_s * (1.0 - _KEPT)
        self._since_s = now_s

    def wait_s(self, ahead: int) -> float:
        """Return how long somebody waits who comes behind so many; 0 where it isn't known."""
        return self._each_s * (ahead + 1)
