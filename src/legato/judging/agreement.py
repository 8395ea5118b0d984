"""How far two labellers, or many, agree beyond chance.

Labels are levels of one criterion: numbers whose order means something.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from itertools import permutations
from statistics import fmean
from typing import Final

Pair = tuple[float, float]
"""What two labellers said of one item."""
_PAIRS_MIN: Final = 2


def exact_agreement(pairs: Sequence[Pair]) -> float | None:
    """Return the share of pairs that are equal; None of nothing."""
    return fmean(one == other for one, other in pairs) if pairs else None


def cohen_kappa(pairs: Sequence[Pair]) -> float | None:
    """Return Cohen's kappa (1960, Educ. Psychol. Meas. 20): every disagreement counts alike.

    None where chance alone would agree always, or there are no pairs.
    """
    return _kappa(pairs, lambda one, other: float(one != other))


def quadratic_kappa(pairs: Sequence[Pair]) -> float | None:
    """Return Cohen's weighted kappa (1968, Psychol. Bull. 70), weights the squared distance."""
    return _kappa(pairs, lambda one, other: (one - other) ** 2)


def spearman(pairs: Sequence[Pair]) -> float | None:
    """Return Spearman's rank correlation (1904), ties at their mean rank.

    It is Pearson's correlation of the ranks. None where one side never changes.
    """
    if len(pairs) < _PAIRS_MIN:
        return None
    return _pearson(_ranks([one for one, _ in pairs]), _ranks([other for _, other in pairs]))


def confusion(pairs: Sequence[Pair]) -> dict[Pair, int]:
    """Return how often each pair of labels was given, in order."""
    return dict(sorted(Counter(pairs).items()))


def krippendorff_alpha(units: Sequence[Sequence[float]]) -> float | None:
    """Return Krippendorff's alpha with the ordinal metric, of any number of labellers.

    `units` has each item's labels; items with fewer than two say nothing. From the coincidences:
    Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability". None where all labels are
    the same, or none is doubled.
    """
    coincidences: defaultdict[Pair, float] = defaultdict(float)
    for labels in units:
        for pair in permutations(labels, 2):
            coincidences[pair] += 1 / (len(labels) - 1)
    totals: defaultdict[float, float] = defaultdict(float)
    for (one, _), count in coincidences.items():
        totals[one] += count
    whole = sum(totals.values())
    distance = _ordinal_distance(totals)
    expected = sum(
        totals[one] * totals[other] * distance(one, other) for one in totals for other in totals
    )
    if whole <= 1 or not expected:
        return None
    observed = sum(count * distance(*pair) for pair, count in coincidences.items())
    return 1 - (whole - 1) * observed / expected


def _ordinal_distance(totals: Mapping[float, float]) -> Callable[[float, float], float]:
    ordered = sorted(totals)
    below, running = {}, 0.0
    for value in ordered:
        running += totals[value]
        below[value] = running

    def distance(one: float, other: float) -> float:
        low, high = min(one, other), max(one, other)
        between = below[high] - below[low] + totals[low]
        return 0.0 if low == high else (between - (totals[low] + totals[high]) / 2) ** 2

    return distance


def _kappa(pairs: Sequence[Pair], weight: Callable[[float, float], float]) -> float | None:
    count = len(pairs)
    ones, others = Counter(one for one, _ in pairs), Counter(other for _, other in pairs)
    chance = sum(weight(one, other) * ones[one] * others[other] for one in ones for other in others)
    if not chance:
        return None
    return 1 - count * sum(weight(one, other) for one, other in pairs) / chance


def _pearson(ones: Sequence[float], others: Sequence[float]) -> float | None:
    mean_one, mean_other = fmean(ones), fmean(others)
    spread = math.sqrt(
        sum((one - mean_one) ** 2 for one in ones)
        * sum((other - mean_other) ** 2 for other in others)
    )
    if not spread:
        return None
    shared = sum(
        (one - mean_one) * (other - mean_other) for one, other in zip(ones, others, strict=True)
    )
    return shared / spread


def _ranks(values: Sequence[float]) -> list[float]:
    counts, rank_of, before = Counter(values), {}, 0.0
    for value in sorted(counts):
        rank_of[value] = before + (counts[value] + 1) / 2
        before += counts[value]
    return [rank_of[value] for value in values]
