"""How much a candidate differs from its champion, and how certain that is."""

import math
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

import msgspec

from legato.routing.rollouts.moments import Moments

UNITS_MIN: Final = 20.0
"""Fewer of either arm are left aside: the statistics rest on means being near normal."""
_CERTAINTY_MAX: Final = 1e-9
"""Of a standard error, as a share of the means: what is below is rounding."""


class Scale(StrEnum):
    """What is compared, and what a difference of 0.05 means."""

    RATE = "rate"  # of yes-or-no observations: 5 points
    MEAN = "mean"  # 0.05 of the score's own unit
    RELATIVE = "relative"  # 5 % of the champion's mean
    LOGARITHM = "logarithm"  # of values kept as natural logarithms: a typical value 5 % higher


class Stratum(msgspec.Struct, frozen=True):
    """What both arms showed while their shares stayed the same: one step of a rollout.

    Steps are compared each by itself. Were they added up, a busy Monday at 5 % and a quiet Tuesday
    at 50 % would look like a difference between the arms (Simpson's paradox).
    """

    champion: Moments
    candidate: Moments


class Contrast(msgspec.Struct, frozen=True):
    """The candidate less the champion, on the scale's inner axis (logarithms as such).

    `pairs` is the sample as time goes by for the test: what n pairs of one unit each would be.
    """

    difference: float
    standard_error: float
    pairs: float


class Unit(StrEnum):
    """Whose answers are alike."""

    USER = "user"  # and so are those of one user in two strata
    REQUEST = "request"  # each stands for itself


def contrast(strata: Sequence[Stratum], scale: Scale, unit: Unit = Unit.USER) -> Contrast | None:
    """Compare arms over all strata, weighted by their pairs (Cochran 1954, Mantel & Haenszel 1959).

    Users return in the next step, so strata of users count as dependent on each other as can be:
    standard errors add up, and pairs only so far as they make it more certain. None while no
    stratum has `UNITS_MIN` units in both arms.
    """
    pairs = weighted = variance = errors = 0.0
    for stratum in strata:
        if not _comparable(stratum, scale):
            continue
        weight = _pairs(stratum)
        own_variance = _variance(stratum, scale)
        pairs += weight
        weighted += weight * _difference(stratum, scale)
        variance += weight * weight * own_variance
        errors += weight * math.sqrt(own_variance)
    if not pairs:
        return None
    if unit is Unit.REQUEST:
        return Contrast(weighted / pairs, math.sqrt(variance) / pairs, pairs)
    return Contrast(weighted / pairs, errors / pairs, pairs * variance / errors**2)


def outward(difference: float, scale: Scale) -> float:
    """Return a difference of the inner axis as people read it: shares instead of logarithms."""
    return math.expm1(difference) if scale is Scale.LOGARITHM else difference


def inward(difference: float, scale: Scale) -> float:
    """Return what people write as a difference on the inner axis."""
    return math.log1p(difference) if scale is Scale.LOGARITHM else difference


def _comparable(stratum: Stratum, scale: Scale) -> bool:
    if min(stratum.champion.units, stratum.candidate.units) < UNITS_MIN:
        return False
    return scale is not Scale.RELATIVE or stratum.champion.mean > 0  # no share of nothing


def _pairs(stratum: Stratum) -> float:
    one, other = stratum.champion.units, stratum.candidate.units
    return one * other / (one + other)


def _difference(stratum: Stratum, scale: Scale) -> float:
    champion, candidate = stratum.champion.mean, stratum.candidate.mean
    return candidate / champion - 1 if scale is Scale.RELATIVE else candidate - champion


def _variance(stratum: Stratum, scale: Scale) -> float:
    """Return the difference's variance: each arm's own, but no less than were they alike.

    Were they not pooled, an arm of few units that happen to agree would look certain.
    """
    one, other = stratum.champion, stratum.candidate
    if scale is Scale.RATE:
        spreads = one.variance_of_rate * one.units, other.variance_of_rate * other.units
    else:
        spreads = one.variance_of_mean * one.units, other.variance_of_mean * other.units
    divisor = 1.0
    if scale is Scale.RELATIVE:  # the delta method, for the ratio of two independent means
        divisor = one.mean**2
        spreads = spreads[0] * (other.mean / one.mean) ** 2, spreads[1]
    apart = spreads[0] / one.units + spreads[1] / other.units
    alike = spreads[0] / other.units + spreads[1] / one.units  # pooled by units
    rounding = _CERTAINTY_MAX * (abs(one.mean) + abs(other.mean) + _CERTAINTY_MAX)
    return (max(apart, alike) + rounding**2) / divisor
