"""What an online bound has seen, in sums: those of several workers add up."""

from math import exp, log
from typing import Final, Self

import msgspec

BINS: Final = 200
_BINS_PER_NEPER: Final = 40.0
"""Scores are counted by the logarithm of 1 - score, down to 0.007 of error."""


class Tally(msgspec.Struct):
    """What happened in one partition, or in several together.

    Counts of a whole life: `requests`, `hits`, `checked` hits, `wrong` ones among those,
    and how often (`broken`) it was proven that the bound had not held. Fading
    sums, in which old requests weigh less: `recent` requests and
    `recent_hits`, `spent` (wrong hits that the scores
    of hits expected), and of checked hits `fresh_wrong` against `expected` by their scores.
    `scores` counts the candidates of recent requests by score, in `BINS` steps.
    """

    requests: int = 0
    hits: int = 0
    checked: int = 0
    wrong: int = 0
    broken: int = 0
    recent: float = 0.0
    recent_hits: float = 0.0
    spent: float = 0.0
    expected: float = 0.0
    fresh_wrong: float = 0.0
    scores: list[float] = msgspec.field(default_factory=lambda: [0.0] * BINS)

    def add(self, other: Self) -> None:
        """Take in another's sums."""
        self.add_counts(other)
        self.scores = [
            mine + theirs for mine, theirs in zip(self.scores, other.scores, strict=True)
        ]

    def add_counts(self, other: Self) -> None:
        """Take in another's sums but for its scores."""
        for name in self.__struct_fields__[:-1]:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def fade_requests(self, factor: float) -> None:
        """Let all that was seen of requests weigh less by a factor."""
        self.recent *= factor
        self.recent_hits *= factor
        self.spent *= factor
        self.scores = [count * factor for count in self.scores]

    def fade_checks(self, factor: float) -> None:
        """Let all that was seen of checks weigh less by a factor."""
        self.expected *= factor
        self.fresh_wrong *= factor


def bin_of(score: float) -> int:
    """Return where a score in [0, 1) is counted."""
    return min(int(-log(1 - score) * _BINS_PER_NEPER), BINS - 1)


def lowest_score(place: int) -> float:
    """Return the score at which a bin begins."""
    return 1 - exp(-place / _BINS_PER_NEPER)


def typical_error(place: int) -> float:
    """Return 1 - score in the middle of a bin."""
    return exp(-(place + 0.5) / _BINS_PER_NEPER)
