"""What pairs of answers prove about a loss of quality, whenever anybody looks.

A pair is an answer of the choice and one of the baseline to the same request: the choice's is
worse (a loss of 1), as good (0) or better (-1). Against "the mean loss is at least m" one bets:
after each pair the capital is multiplied by 1 + b·(m - loss), which nobody can expect to gain by
where that is true, so the chance that the capital ever reaches 1/alpha is at most alpha (Ville
1939). Several bets at once, an equal part of the capital on each, spare guessing how good the
choice is. Waudby-Smith & Ramdas (2024), "Estimating means of bounded random variables by betting",
JRSS B 86. As losses take three values only and a bet never changes, three counts are all that has
to be kept.
"""

import math
from typing import Final

import msgspec

_BETS: Final = (1 / 64, 1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 3 / 4, 15 / 16)
"""As parts of the greatest bet that can't lose all."""
_STEPS: Final = 40


class Pairs(msgspec.Struct, frozen=True):
    """How the choice's answers were, beside the baseline's."""

    better: int = 0
    equal: int = 0
    worse: int = 0

    @property
    def count(self) -> int:
        """All pairs."""
        return self.better + self.equal + self.worse

    @property
    def mean_loss(self) -> float:
        """Worse less better, as a share of all; 0 without any."""
        return (self.worse - self.better) / self.count if self.count else 0.0

    def with_loss(self, loss: int) -> "Pairs":
        """Return the counts with one more pair: a loss of 1, 0 or -1."""
        return Pairs(self.better + (loss < 0), self.equal + (loss == 0), self.worse + (loss > 0))


def log_capital(pairs: Pairs, limit: float) -> float:
    """Return the logarithm of the evidence against a mean loss of `limit` (0 to 1) or more."""
    logs = []
    for part in _BETS:
        bet = part / (1 - limit)
        logs.append(
            pairs.better * math.log1p(bet * (limit + 1))
            + pairs.equal * math.log1p(bet * limit)
            + pairs.worse * math.log1p(bet * (limit - 1))
        )
    greatest = max(logs)
    return greatest + math.log(sum(math.exp(one - greatest) for one in logs) / len(_BETS))


def greatest_loss(pairs: Pairs, alpha: float) -> float:
    """Return what the mean loss is below, with a confidence of 1 - alpha at all times together."""
    wanted = -math.log(alpha)
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if 0 < middle < 1 and log_capital(pairs, middle) >= wanted:
            high = middle
        else:
            low = middle
    return high


Detector = tuple[float, ...]
NOTHING_SEEN: Final[Detector] = (0.0,) * len(_BETS)


def watched(detector: Detector, loss: int, limit: float) -> Detector:
    """Return the detector of a mean loss above `limit` after one more pair.

    A Shiryaev-Roberts sum of bets that begin at each pair: while the mean loss is at most `limit`,
    it takes `threshold` pairs on average at least until it reaches a threshold (Shin, Ramdas &
    Rinaldo 2022, "E-detectors", arXiv:2203.03532); whenever it begins to be above, it is soon
    noticed.
    """
    return tuple(
        (1 + sum_) * (1 + part / (1 + limit) * (loss - limit))
        for part, sum_ in zip(_BETS, detector, strict=True)
    )


def alarm_of(detector: Detector) -> float:
    """Return what the detector says; compare it with a threshold."""
    return sum(detector) / len(detector)
