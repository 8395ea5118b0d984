"""Captured requests beside what a candidate makes of them: cost, latency and answers, in pairs.

Each difference is candidate minus original of the same request. Its mean has a 95 % interval by
Student's t over the differences; costs and times are skewed, so with few pairs it is too narrow.
"""

import math
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

_PAIRS_MIN: Final = 2


class Told(msgspec.Struct, frozen=True):
    """One answer: cost in nano-USD, None where unpriced."""

    cost: int | None
    total_us: int
    text: str


class Pair(msgspec.Struct, frozen=True):
    """One request's two answers."""

    request_id: str
    original: Told
    candidate: Told


class Difference(msgspec.Struct, frozen=True):
    """A mean difference of pairs, between its bounds; None where there are too few pairs."""

    pairs: int
    original: float
    candidate: float
    mean: float
    low: float | None
    high: float | None


class Comparison(msgspec.Struct, frozen=True):
    """What the pairs show. Costs are dollars, times ms, lengths characters."""

    pairs: int
    equal: int
    """Answers that are the same text."""
    cost: Difference
    latency: Difference
    length: Difference


def compared(pairs: Sequence[Pair], t_quantile: Callable[[float], float]) -> Comparison:
    """Sum pairs up. Raises ValueError where there is none."""
    if not pairs:
        msg = "there is no pair"
        raise ValueError(msg)
    priced = [
        (a.cost * 1e-9, b.cost * 1e-9)
        for a, b in ((pair.original, pair.candidate) for pair in pairs)
        if a.cost is not None and b.cost is not None
    ]
    return Comparison(
        len(pairs),
        sum(pair.original.text == pair.candidate.text for pair in pairs),
        _difference(priced, t_quantile),
        _difference(
            [(p.original.total_us / 1e3, p.candidate.total_us / 1e3) for p in pairs], t_quantile
        ),
        _difference([(len(p.original.text), len(p.candidate.text)) for p in pairs], t_quantile),
    )


def _difference(
    pairs: Sequence[tuple[float, float]], t_quantile: Callable[[float], float]
) -> Difference:
    size = len(pairs)
    if not size:
        return Difference(0, 0.0, 0.0, 0.0, None, None)
    original, candidate = (math.fsum(pair[side] for pair in pairs) / size for side in (0, 1))
    differences = [after - before for before, after in pairs]
    mean = math.fsum(differences) / size
    if size < _PAIRS_MIN:
        return Difference(size, original, candidate, mean, None, None)
    spread = math.fsum((one - mean) ** 2 for one in differences) / (size - 1)
    half = t_quantile(size - 1) * math.sqrt(spread / size)
    return Difference(size, original, candidate, mean, mean - half, mean + half)
