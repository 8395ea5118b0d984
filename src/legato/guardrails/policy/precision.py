"""How often a rule was right, as far as people have said, and where its threshold could stand."""

from collections.abc import Iterable, Sequence
from math import ceil, sqrt
from statistics import NormalDist
from typing import Final

import msgspec

CONFIDENCE: Final = 0.95
_GRID: Final = tuple(number / 100 for number in range(5, 100, 5))


class Precision(msgspec.Struct, frozen=True):
    """The share of confirmed finds among those that were judged, with its 95 % interval."""

    confirmed: int
    rejected: int
    share: float
    low: float
    high: float


class Judged(msgspec.Struct, frozen=True):
    """A find that somebody has judged."""

    score: float
    at_least: float
    """What the rule asked for when it was found: below that nothing was seen."""
    right: bool


class Step(msgspec.Struct, frozen=True):
    """What a threshold would have let through, and the bound on its precision."""

    at_least: float
    confirmed: int
    rejected: int
    low: float


class Tuning(msgspec.Struct, frozen=True):
    """What judged finds say of a rule's threshold. `proposed` is None where they say too little."""

    target: float
    now: float
    proposed: float | None
    judged: int
    needed: int
    """Finds without any rejection that would be enough, over all thresholds tried."""
    steps: tuple[Step, ...]
    told: str


def precision(confirmed: int, rejected: int) -> Precision | None:
    """Return the share with its interval (Wilson 1927); None where nothing is judged."""
    total = confirmed + rejected
    if not total:
        return None
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    low, high = _wilson(confirmed, total, z)
    return Precision(confirmed, rejected, confirmed / total, low, high)


def tuned(judged: Sequence[Judged], now: float, target: float) -> Tuning:
    """Return the lowest threshold, of `now` and hundredths divisible by five, that meets a target.

    A threshold meets it where the lower bound of its precision does. The bounds hold together with
    95 % confidence, however many thresholds are tried (Bonferroni), so that trying more doesn't
    find one by luck. Finds of a time when the rule asked for more than a threshold don't count for
    it: below what was asked for nothing was seen.
    """
    tried = tuple(one for one in sorted({now, *_GRID}) if one >= now)
    z = NormalDist().inv_cdf(1 - (1 - CONFIDENCE) / len(tried))
    needed = ceil(target * z * z / (1 - target))
    steps = tuple(_step(one, judged, z) for one in tried)
    met = next((one.at_least for one in steps if one.low >= target), None)
    return Tuning(target, now, met, len(judged), needed, steps, _told(judged, steps, met, needed))


def _step(at_least: float, judged: Iterable[Judged], z: float) -> Step:
    seen = [one for one in judged if one.score >= at_least >= one.at_least]
    confirmed = sum(one.right for one in seen)
    low = _wilson(confirmed, len(seen), z)[0] if seen else 0.0
    return Step(at_least, confirmed, len(seen) - confirmed, low)


def _told(judged: Sequence[Judged], steps: Sequence[Step], met: float | None, needed: int) -> str:
    if met is not None:
        step = next(one for one in steps if one.at_least == met)
        seen = step.confirmed + step.rejected
        return (
            f"At {met:g}, {step.confirmed} of {seen} judged finds were right: at least "
            f"{step.low:.3f}, with 95 % confidence over all {len(steps)} thresholds tried."
        )
    most = max((one.confirmed + one.rejected for one in steps), default=0)
    if most < needed:
        return (
            f"Too few samples: {most} are judged, and {needed} without a single rejection would "
            "be needed. Judge more: `legato guard samples --open`."
        )
    if len({one.score for one in judged}) == 1:
        return "All finds have the same score: no threshold parts the right ones from the wrong."
    best = max(steps, key=lambda one: one.low)
    return f"No threshold meets it: the best, {best.at_least:g}, has at least {best.low:.3f}."


def _wilson(successes: int, size: int, z: float) -> tuple[float, float]:
    share = successes / size
    scale = 1 + z * z / size
    middle = (share + z * z / (2 * size)) / scale
    half = z * sqrt(share * (1 - share) / size + z * z / (4 * size * size)) / scale
    return max(0.0, middle - half), min(1.0, middle + half)
