"""How certain a mean score is, and a difference of two: 95 % intervals.

Scores lie between 0 and 1. One observation is one case: repetitions of a case are alike, so they
are averaged first. `docs/explanation/evaluation-statistics.md` says why each formula is used.
"""

import math
from collections.abc import Sequence
from typing import Final

import msgspec

CONFIDENCE: Final = 0.95
_Z: Final = 1.959963984540054
"""The normal quantile of 97.5 %."""
_TAIL: Final = (1 - CONFIDENCE) / 2
_STEPS: Final = 200
_TINY: Final = 1e-300


class Interval(msgspec.Struct, frozen=True):
    """A point between its bounds."""

    point: float
    low: float
    high: float


def mean_interval(values: Sequence[float], weights: Sequence[float] | None = None) -> Interval:
    """Return the mean of scores in [0, 1] with its interval.

    Wilson (1927) where every value is 0 or 1, else Student's t, cut to [0, 1]. Where all values
    are the same t has no width, so Wilson's formula bounds it: of all scores with a mean m those
    of 0 and 1 vary most (Bhatia & Davis 2000). With weights, n is Kish's effective size (1965).

    Raises:
        ValueError: there is no value.
    """
    shares = _shares(values, weights)
    size = 1 / math.fsum(share * share for share in shares)
    mean = math.fsum(share * value for share, value in zip(shares, values, strict=True))
    spread = math.fsum(
        share * (value - mean) ** 2 for share, value in zip(shares, values, strict=True)
    )
    if size < 2 or spread < 1e-18 or all(value in {0.0, 1.0} for value in values):  # noqa: PLR2004
        return _wilson(min(1.0, max(0.0, mean)), size)
    half = t_quantile(size - 1) * math.sqrt(spread / (size - 1))
    return Interval(mean, max(0.0, mean - half), min(1.0, mean + half))


def paired_interval(
    candidate: Sequence[float], baseline: Sequence[float], weights: Sequence[float] | None = None
) -> Interval:
    """Return the mean of candidate minus baseline, case by case, with its interval in [-1, 1].

    Newcombe's (1998) tenth method where all scores are 0 or 1 and weigh the same, else Student's t
    over the differences. Where all differences are the same t has no width: then the share of
    cases that would differ is bounded by Wilson's upper limit for none in n.

    Raises:
        ValueError: there is no pair.
    """
    pairs = list(zip(candidate, baseline, strict=True))
    shares = _shares(pairs, weights)
    alike = max(shares) - min(shares) < 1e-12  # noqa: PLR2004
    if alike and all(value in {0.0, 1.0} for pair in pairs for value in pair):
        return _newcombe(pairs)
    differences = [one - other for one, other in pairs]
    size = 1 / math.fsum(share * share for share in shares)
    mean = math.fsum(share * one for share, one in zip(shares, differences, strict=True))
    spread = math.fsum(
        share * (one - mean) ** 2 for share, one in zip(shares, differences, strict=True)
    )
    if size < 2 or spread < 1e-18:  # noqa: PLR2004
        half = _wilson(0.0, size).high
    else:
        half = t_quantile(size - 1) * math.sqrt(spread / (size - 1))
    return Interval(mean, max(-1.0, mean - half), min(1.0, mean + half))


def t_quantile(freedom: float) -> float:
    """Return Student's t quantile of 97.5 %, by bisection of its distribution's tail."""
    low, high = _Z, 1e4
    for _ in range(_STEPS):
        middle = (low + high) / 2
        # P(T > t) is half of I_x(freedom / 2, 1/2) at x = freedom / (freedom + t²)
        tail = _beta_share(freedom / (freedom + middle * middle), freedom / 2, 0.5) / 2
        low, high = (middle, high) if tail > _TAIL else (low, middle)
    return (low + high) / 2


def percentile(values: Sequence[float], share: float) -> float:
    """Return the nearest-rank percentile. Raises ValueError where there is no value."""
    ordered = sorted(values)
    if not ordered:
        msg = "there is no value"
        raise ValueError(msg)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def _shares(values: Sequence[object], weights: Sequence[float] | None) -> list[float]:
    if not values:
        msg = "there is no value"
        raise ValueError(msg)
    if weights is None:
        return [1 / len(values)] * len(values)
    total = math.fsum(weights)
    return [weight / total for _, weight in zip(values, weights, strict=True)]


def _wilson(mean: float, size: float) -> Interval:
    """Return the score interval (Wilson 1927) of a share among `size` observations."""
    squared = _Z * _Z
    middle = (mean + squared / (2 * size)) / (1 + squared / size)
    half = (
        _Z
        / (1 + squared / size)
        * math.sqrt(mean * (1 - mean) / size + squared / (4 * size * size))
    )
    low = 0.0 if mean <= 0 else max(0.0, middle - half)
    high = 1.0 if mean >= 1 else min(1.0, middle + half)
    return Interval(mean, low, high)


def _newcombe(pairs: Sequence[tuple[float, float]]) -> Interval:
    """Return the interval of a difference of paired shares (Newcombe 1998, method 10)."""
    size = len(pairs)
    both = sum(one == other == 1 for one, other in pairs)
    gained = sum(one > other for one, other in pairs)
    lost = sum(one < other for one, other in pairs)
    neither = size - both - gained - lost
    one, other = _wilson((both + gained) / size, size), _wilson((both + lost) / size, size)
    correlation = _correlation(both, gained, lost, neither)
    difference = (gained - lost) / size
    down = _combined(one.point - one.low, other.high - other.point, correlation)
    up = _combined(one.high - one.point, other.point - other.low, correlation)
    return Interval(difference, max(-1.0, difference - down), min(1.0, difference + up))


def _correlation(both: int, gained: int, lost: int, neither: int) -> float:
    """Return phi of a two-by-two table, with Newcombe's correction; 0 where a margin is empty."""
    margins = (both + gained) * (lost + neither) * (both + lost) * (gained + neither)
    if not margins:
        return 0.0
    product: float = both * neither - gained * lost
    if product > 0:
        product = max(product - (both + gained + lost + neither) / 2, 0)
    return product / math.sqrt(margins)


def _combined(one: float, other: float, correlation: float) -> float:
    return math.sqrt(max(0.0, one * one - 2 * correlation * one * other + other * other))


def _beta_share(at: float, one: float, other: float) -> float:
    """Return the regularised incomplete beta function I_at(one, other).

    By its continued fraction (DLMF 8.17.22) as Lentz evaluates it.
    """
    if at > (one + 1) / (one + other + 2):
        return 1 - _beta_share(1 - at, other, one)
    scale = math.exp(
        math.lgamma(one + other)
        - math.lgamma(one)
        - math.lgamma(other)
        + one * math.log(max(at, _TINY))
        + other * math.log1p(-at)
    )
    upper, lower, fraction = 1.0, 0.0, 1.0
    for step in range(_STEPS):
        half = step // 2
        if not step:
            term = 1.0
        elif step % 2:
            term = -(one + half) * (one + other + half) * at / ((one + step - 1) * (one + step))
        else:
            term = half * (other - half) * at / ((one + step - 1) * (one + step))
        lower = 1 / ((1 + term * lower) or _TINY)
        upper = (1 + term / upper) or _TINY
        fraction *= upper * lower
        if step and abs(1 - upper * lower) < 1e-14:  # noqa: PLR2004
            break
    return scale * (fraction - 1) / one
