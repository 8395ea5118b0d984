"""When a second attempt is made beside a slow first one, and how often at most."""

from math import ceil, log2
from typing import Final

from legato.core.config_load import Hedge

_STEPS_PER_DOUBLING: Final = 8
_MEASURED_MIN: Final = 20
_MEASURED_MAX: Final = 1_000
"""Then all counts are halved, so that the quantile follows what happens lately."""
_CREDIT_MAX: Final = 10.0
_QUANTILE: Final = 0.95


class BeginTimes:
    """How long answers took to begin: counts in steps of a ninth (an eighth of a doubling)."""

    __slots__ = ("_counts", "_total")

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self._total = 0

    def add(self, time_s: float) -> None:
        """Count one."""
        step = ceil(log2(max(time_s, 1e-6)) * _STEPS_PER_DOUBLING)
        self._counts[step] = self._counts.get(step, 0) + 1
        self._total += 1
        if self._total >= _MEASURED_MAX:
            self._counts = {at: count // 2 for at, count in self._counts.items() if count > 1}
            self._total = sum(self._counts.values())

    def p95_s(self) -> float | None:
        """Return what 95 of 100 did not exceed, rounded up a step; None while too few are known."""
        if self._total < _MEASURED_MIN:
            return None
        left = ceil(self._total * _QUANTILE)
        for step in sorted(self._counts):
            left -= self._counts[step]
            if left <= 0:
                return float(2.0 ** (step / _STEPS_PER_DOUBLING))
        return None


class Hedging:
    """One route's hedging, as one worker has it.

    Each call that could be hedged adds `max_share` to a credit, each hedge takes 1 from it: so
    hedges never are more than that share of calls (as the retry budgets of Finagle and gRPC are).
    """

    def __init__(self, after_s: float | None, max_share: float) -> None:
        self.terms = Hedge(after_s=after_s, max_share=max_share)
        self._after_s = after_s
        self._max_share = max_share
        self._credit = 0.0
        self._times: dict[tuple[str, bool], BeginTimes] = {}

    def wait_s(self, deployment: str, *, stream: bool) -> float | None:
        """Count a call; return after how long it may be hedged, None where it may not."""
        self._credit = min(self._credit + self._max_share, _CREDIT_MAX)
        if self._credit < 1.0:
            return None
        if self._after_s is not None:
            return self._after_s
        times = self._times.get((deployment, stream))
        return None if times is None else times.p95_s()

    def take(self) -> bool:
        """Take a hedge from the credit; false where none is left."""
        if self._credit < 1.0:
            return False
        self._credit -= 1.0
        return True

    def began(self, deployment: str, time_s: float, *, stream: bool) -> None:
        """Measure how long an answer took to begin, or how long it had not begun when it lost."""
        if self._after_s is None:
            key = (deployment, stream)
            times = self._times.get(key)
            if times is None:
                times = self._times[key] = BeginTimes()
            times.add(time_s)
