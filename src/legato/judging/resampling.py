"""Bootstrap intervals: how much a figure would differ with other items of the same kind.

The percentile interval of Efron (1979, Ann. Statist. 7), over items drawn with replacement: what
was said of one item stays together. The seed is fixed, so the same items give the same interval.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import Final, TypeVar

import msgspec

Item = TypeVar("Item")

RESAMPLES: Final = 500
CONFIDENCE: Final = 0.95
ITEMS_MIN: Final = 5
"""Of fewer no interval is given: the resamples would be nearly the sample itself."""
_SEED: Final = 20_261_121
_DEFINED_MIN: Final = 0.9


class Estimate(msgspec.Struct, frozen=True):
    """A figure with its interval; None where it can't be told."""

    value: float | None
    low: float | None = None
    high: float | None = None


def estimated(items: Sequence[Item], figure: Callable[[Sequence[Item]], float | None]) -> Estimate:
    """Return a figure of items with its interval at `CONFIDENCE`."""
    value = figure(items)
    if value is None or len(items) < ITEMS_MIN:
        return Estimate(value)
    random = Random(_SEED)  # noqa: S311 - reproducible on purpose, guards nothing
    drawn = (figure(random.choices(items, k=len(items))) for _ in range(RESAMPLES))
    found = sorted(one for one in drawn if one is not None)
    if len(found) < _DEFINED_MIN * RESAMPLES:
        return Estimate(value)
    tail = (1 - CONFIDENCE) / 2
    return Estimate(value, found[int(tail * len(found))], found[-1 - int(tail * len(found))])
