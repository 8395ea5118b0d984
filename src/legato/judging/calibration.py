"""Whether a judge's scores get nearer to people's by a mapping, measured on items kept aside.

Two mappings are tried: a line (least squares, kept within 0 and 1), and a rising staircase
(isotonic regression by pooling adjacent violators: Ayer et al. 1955, Ann. Math. Statist. 26).
One is taken only where cross-validation shows it to be better than the score as it is, by an
interval that leaves 0 out; else the score stays as it is.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from enum import StrEnum
from random import Random
from statistics import fmean
from typing import Final

import msgspec

from legato.judging.resampling import Estimate, estimated

ITEMS_MIN: Final = 30
"""Fewer labelled items fit no mapping."""
FOLDS: Final = 5
_SEED: Final = 20_261_121

Point = tuple[float, float]
"""A judge's score and the people's, of one item."""


class Form(StrEnum):
    """Which mapping."""

    AS_IS = "as_is"
    LINE = "line"
    STAIRS = "stairs"


class Mapping(msgspec.Struct, frozen=True):
    """A mapping of scores: `knots` are (score, mapped), rising, linear in between."""

    form: Form = Form.AS_IS
    knots: tuple[Point, ...] = ()

    def __call__(self, score: float) -> float:
        """Return the score as people would give it."""
        if not self.knots:
            return score
        at = bisect_right(self.knots, score, key=lambda knot: knot[0])
        if at == 0:
            return self.knots[0][1]
        if at == len(self.knots):
            return self.knots[-1][1]
        (left, low), (right, high) = self.knots[at - 1], self.knots[at]
        return low + (high - low) * (score - left) / (right - left)


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured: `error` the mean squared error of the score as it is.

    `gain` is by how much the best mapping lowers it on items it wasn't fitted to.
    """

    mapping: Mapping
    items: int
    error: float | None
    gain: Estimate
    told: str


def calibrated(points: Sequence[Point]) -> Calibration:
    """Find the mapping that helps, if one does; the same points give the same one."""
    if not points:
        told = "no labelled items"
        return Calibration(mapping=Mapping(), items=0, error=None, gain=Estimate(None), told=told)
    error = fmean((score - wanted) ** 2 for score, wanted in points)
    if len(points) < ITEMS_MIN:
        told = f"fewer than {ITEMS_MIN} labelled items: scores stay as they are"
        return Calibration(
            mapping=Mapping(), items=len(points), error=error, gain=Estimate(None), told=told
        )
    gains = {form: _held_out_gains(points, fit) for form, fit in _FITS.items()}
    best = max(gains, key=lambda form: fmean(gains[form]))
    gain = estimated(gains[best], fmean)
    helps = gain.low is not None and gain.low > 0
    return Calibration(
        mapping=_FITS[best](points) if helps else Mapping(),
        items=len(points),
        error=error,
        gain=gain,
        told=f"{best.value}: {'helps' if helps else 'not shown to help'} on items kept aside",
    )


def _held_out_gains(
    points: Sequence[Point], fit: Callable[[Sequence[Point]], Mapping]
) -> list[float]:
    mixed = list(points)
    Random(_SEED).shuffle(mixed)  # noqa: S311 - items may come in an order that means something
    gains = []
    for fold in range(FOLDS):
        mapping = fit([point for index, point in enumerate(mixed) if index % FOLDS != fold])
        gains += [
            (score - wanted) ** 2 - (mapping(score) - wanted) ** 2
            for score, wanted in mixed[fold::FOLDS]
        ]
    return gains


def _line(points: Sequence[Point]) -> Mapping:
    mean_score, mean_wanted = (fmean(values) for values in zip(*points, strict=True))
    spread = sum((score - mean_score) ** 2 for score, _ in points)
    shared = sum((score - mean_score) * (wanted - mean_wanted) for score, wanted in points)
    slope = max(0.0, shared / spread) if spread else 0.0  # a falling line would turn the judge over
    base = mean_wanted - slope * mean_score
    within = [0.0, 1.0]
    if slope:  # where the line leaves 0 and 1
        within += [x for x in (-base / slope, (1 - base) / slope) if 0 < x < 1]
    knots = [(x, min(1.0, max(0.0, base + slope * x))) for x in sorted(within)]
    return Mapping(Form.LINE, tuple(knots))


def stairs(points: Sequence[Point]) -> Mapping:
    """Fit a rising staircase."""
    blocks: list[list[float]] = []  # sum, count, first and last score
    for score in sorted({score for score, _ in points}):
        found = [wanted for each, wanted in points if each == score]
        blocks.append([sum(found), len(found), score, score])
        while len(blocks) > 1 and _mean(blocks[-2]) >= _mean(blocks[-1]):
            total, count, _, last = blocks.pop()
            blocks[-1] = [blocks[-1][0] + total, blocks[-1][1] + count, blocks[-1][2], last]
    knots = [(edge, _mean(block)) for block in blocks for edge in sorted({block[2], block[3]})]
    return Mapping(Form.STAIRS, tuple(knots))


def _mean(block: Sequence[float]) -> float:
    return block[0] / block[1]


_FITS: Final = {Form.LINE: _line, Form.STAIRS: stairs}
