"""How often a confidence is right, and a mapping that makes it so: calibration from outcomes.

Two mappings are tried, as in `judging.calibration`: a rising staircase (isotonic regression), and
Platt's logistic curve over the confidence's log odds (Platt 1999, in Advances in Large Margin
Classifiers), with his targets that keep a few points from fitting it too steep. How far off each is
is measured on outcomes it wasn't fitted to: the expected calibration error over bins of equally
many (Naeini et al. 2015, AAAI), and the Brier score, by which one is taken, or none.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from math import exp, log
from random import Random
from statistics import fmean
from typing import Final

import msgspec

from legato.judging.calibration import FOLDS, ITEMS_MIN, Form, Mapping, Point, stairs

BINS: Final = 10
PLATT: Final = "platt"
_SEED: Final = 20_261_122
_EDGE: Final = 1e-4
_STEPS: Final = 50
_ALIKE: Final = 1e-12
_KNOTS: Final = 33


class ConfidenceFit(msgspec.Struct, frozen=True, kw_only=True):
    """A calibration: `ece` and `brier` of the confidence as stated, and of the mapping out of fold.

    `form` is `as_is`, `stairs` or `platt`; `knots` are (stated, calibrated), linear in between.
    """

    form: str
    knots: tuple[Point, ...]
    items: int
    correct: int
    ece_stated: float
    ece: float
    brier_stated: float
    brier: float
    told: str

    def __call__(self, confidence: float) -> float:
        """Return how often a confidence like this one was right."""
        return Mapping(Form.AS_IS, self.knots)(confidence)


def fit_confidence(points: Sequence[Point]) -> ConfidenceFit:
    """Find the mapping that tells best how often a confidence is right.

    `points` are (confidence, 1.0 where it was right else 0.0); the same ones give the same fit.

    Raises:
        ValueError: there are fewer than ITEMS_MIN, or all of one kind.
    """
    correct = sum(outcome > 0 for _, outcome in points)
    if len(points) < ITEMS_MIN or correct in {0, len(points)}:
        msg = (
            f"{len(points)} outcomes, {correct} of them right: a calibration needs {ITEMS_MIN} and "
            "some of either kind"
        )
        raise ValueError(msg)
    stated = [min(1.0, max(0.0, confidence)) for confidence, _ in points]
    outcomes = [outcome for _, outcome in points]
    held_out = {form: _held_out(points, fit) for form, fit in _FITS.items()}
    briers = {form: _brier(said, outcomes) for form, said in held_out.items()}
    best = min(briers, key=briers.__getitem__)
    before = _brier(stated, outcomes)
    helps = briers[best] < before
    knots = _FITS[best](points).knots if helps else ()
    return ConfidenceFit(
        form=best if helps else Form.AS_IS.value,
        knots=knots,
        items=len(points),
        correct=correct,
        ece_stated=expected_error(stated, outcomes),
        ece=expected_error(held_out[best] if helps else stated, outcomes),
        brier_stated=before,
        brier=briers[best] if helps else before,
        told=f"{best}: {'better' if helps else 'no better'} on outcomes kept aside",
    )


def expected_error(said: Sequence[float], outcomes: Sequence[float]) -> float:
    """Return by how much confidences are off, on average over bins of equally many (ECE)."""
    ordered = sorted(zip(said, outcomes, strict=True))
    count = min(BINS, len(ordered))
    edges = [round(number * len(ordered) / count) for number in range(count + 1)]
    total = 0.0
    for start, end in pairwise(edges):
        some = ordered[start:end]
        apart = fmean(one for one, _ in some) - fmean(outcome for _, outcome in some)
        total += len(some) * abs(apart)
    return total / len(ordered)


def _held_out(points: Sequence[Point], fit: Callable[[Sequence[Point]], Mapping]) -> list[float]:
    """Return what mappings fitted without each point say of it."""
    places = list(range(len(points)))
    Random(_SEED).shuffle(places)  # noqa: S311 - points may come in an order that means something
    said = [0.0] * len(points)
    for fold in range(FOLDS):
        aside = set(places[fold::FOLDS])
        mapping = fit([point for place, point in enumerate(points) if place not in aside])
        for place in aside:
            said[place] = mapping(points[place][0])
    return said


def _brier(said: Sequence[float], outcomes: Sequence[float]) -> float:
    return fmean((one - outcome) ** 2 for one, outcome in zip(said, outcomes, strict=True))


def _platt(points: Sequence[Point]) -> Mapping:
    """Fit two numbers by Newton's method, and lay the curve out as knots."""
    right = sum(outcome > 0 for _, outcome in points)
    high, low = (right + 1) / (right + 2), 1 / (len(points) - right + 2)
    odds = [_log_odds(confidence) for confidence, _ in points]
    targets = [high if outcome > 0 else low for _, outcome in points]
    slope, base = 1.0, 0.0
    for _ in range(_STEPS):
        said = [_share(slope * x + base) for x in odds]
        weights = [max(p * (1 - p), 1e-9) for p in said]
        misses = [p - t for p, t in zip(said, targets, strict=True)]
        by_slope = sum(m * x for m, x in zip(misses, odds, strict=True)) + 1e-6 * slope
        by_base = sum(misses)
        xx = sum(w * x * x for w, x in zip(weights, odds, strict=True)) + 1e-6
        x1 = sum(w * x for w, x in zip(weights, odds, strict=True))
        ones = sum(weights) + 1e-9
        room = xx * ones - x1 * x1
        if room < _ALIKE:  # all confidences alike: only the base can be learnt
            base -= by_base / ones
            continue
        slope -= (ones * by_slope - x1 * by_base) / room
        base -= (xx * by_base - x1 * by_slope) / room
    slope = max(slope, 0.0)  # a falling curve would turn the confidence over
    stated = [number / (_KNOTS - 1) for number in range(_KNOTS)]
    return Mapping(Form.LINE, tuple((x, _share(slope * _log_odds(x) + base)) for x in stated))


def _log_odds(confidence: float) -> float:
    inside = min(1 - _EDGE, max(_EDGE, confidence))
    return log(inside / (1 - inside))


def _share(odds: float) -> float:
    return 1 / (1 + exp(-odds)) if odds >= 0 else exp(odds) / (1 + exp(odds))


_FITS: Final[dict[str, Callable[[Sequence[Point]], Mapping]]] = {
    Form.STAIRS.value: stairs,
    PLATT: _platt,
}
