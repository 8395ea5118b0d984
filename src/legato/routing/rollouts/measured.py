"""What a holdout proves: how much two arms differ, and how certain that is.

A mean over requests is a ratio of sums over users, whose requests are alike. With n requests that
sum to x of each of m users, R = Σx/Σn, its variance is Σ(x - R·n)² / (Σn)² · m/(m-1) (Cochran 1977,
Sampling Techniques, ch. 6: the ratio estimator, here of clusters). The difference of two arms that
share no users has the sum of both variances, and is near normal with many users: ± 1.96 standard
errors hold with 95 % at one look. The wider bounds hold at all looks together (see `sequential`).
"""

import math
from typing import Final

import msgspec

from legato.routing.rollouts.contrast import Scale, Stratum, contrast, outward
from legato.routing.rollouts.moments import Moments
from legato.routing.rollouts.sequential import boundary

USERS_MIN: Final = 80.0
"""Of equal size, in either arm: with fewer the intervals hold less often than they say (93 of 100
times with 45 in `tests/unit/routing/rollouts/test_measured.py`, where users differ much)."""
_Z_95: Final = 1.959964
"""The standard normal's quantile at 97.5 %: 2.5 % are left on either side."""
_ALPHA: Final = 0.05


class Interval(msgspec.Struct, frozen=True):
    """Treated less holdout, between bounds that hold with 95 %: at one look, and at all."""

    difference: float
    low: float
    high: float
    low_always: float
    high_always: float

    @property
    def is_proven(self) -> bool:
        """Whether there is a difference, as far as one look can tell."""
        return self.low > 0 or self.high < 0


def measured(holdout: Moments, treated: Moments, scale: Scale) -> Interval | None:
    """Compare the arms; None while either has too few users (`USERS_MIN`)."""
    if min(holdout.units, treated.units) < USERS_MIN:
        return None
    seen = contrast([Stratum(holdout, treated)], scale)
    if seen is None:
        return None
    half = _Z_95 * seen.standard_error
    always = boundary(_ALPHA / 2, seen.pairs) * seen.standard_error
    bounds = (0.0, -half, half, -always, always)
    return Interval(*(outward(seen.difference + bound, scale) for bound in bounds))


def requests_needed(
    holdout: Moments, treated: Moments, interval: Interval | None, share_bp: int
) -> int | None:
    """Return about how many more requests of the route are needed to measure its cost.

    Until both arms have `USERS_MIN` users; then until a difference such as the one seen would
    stand out: certainty grows with the root of the sample. 0 where it is measured; None where
    nothing tells.
    """
    if interval is None:
        return _until_comparable(holdout, treated, share_bp)
    if interval.is_proven:
        return 0
    if not interval.difference:
        return None
    half = interval.high - interval.difference
    times = (half / interval.difference) ** 2
    return math.ceil((holdout.count + treated.count) * (times - 1))


def _until_comparable(holdout: Moments, treated: Moments, share_bp: int) -> int | None:
    requests = holdout.count + treated.count
    users = holdout.units + treated.units
    if not users:
        return None
    share = min(share_bp, 10_000 - share_bp) / 10_000
    wanted = USERS_MIN * (requests / users) / share
    return max(1, math.ceil(wanted - requests))
