"""Whether a stream of scores has moved from a reference window, without false alarms beyond a rate.

The stream is cut into epochs of so many scores. Each epoch is compared with the reference by the
sequential test of rollouts, in both directions, so it may be looked at after every score. Epoch k
has alpha / (k (k + 1)) to spend; these add up to alpha. So the chance that a scorer and version
that never change *ever* raise an alarm is at most alpha (Bonferroni over epochs and directions:
it holds though all epochs share one reference), as far as means are near normal.
"""

import math
from collections.abc import Iterable
from enum import StrEnum
from typing import Final

import msgspec

from legato.routing.rollouts.contrast import Scale, Stratum, Unit, contrast
from legato.routing.rollouts.moments import Moments
from legato.routing.rollouts.sequential import log_e_value

ALPHA: Final = 0.05
"""The chance of ever a false alarm, of one scorer and version."""
REFERENCE_SCORES: Final = 500
EPOCH_SCORES: Final = 500


class Direction(StrEnum):
    """Where the scores went."""

    LOWER = "lower"
    HIGHER = "higher"


class Terms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How drift is looked for."""

    alpha: float = ALPHA
    reference_scores: int = REFERENCE_SCORES
    epoch_scores: int = EPOCH_SCORES


class Window(msgspec.Struct, frozen=True):
    """Scores summed up."""

    count: int = 0
    total: float = 0.0
    squares: float = 0.0

    def plus(self, score: float) -> "Window":
        """Return the window with one more."""
        return Window(self.count + 1, self.total + score, self.squares + score * score)

    @property
    def mean(self) -> float | None:
        """Their mean, None of nothing."""
        return self.total / self.count if self.count else None


class Watch(msgspec.Struct, frozen=True):
    """How far the watch over one stream is: everything an alarm follows from."""

    reference: Window = Window()
    epoch: int = 1
    current: Window = Window()
    alarmed: bool = False


class Drift(msgspec.Struct, frozen=True):
    """An alarm: from what mean to what mean, and the evidence against "the same"."""

    direction: Direction
    reference_mean: float
    mean: float
    scores: int
    epoch: int
    log_e: float
    log_e_needed: float


def watched(watch: Watch, scores: Iterable[float], terms: Terms) -> tuple[Watch, Drift | None]:
    """Take scores in, in order; return the watch after them, and the drift once it is proven.

    What comes after an alarm is not looked at: a watch is begun anew by whoever dealt with it.
    """
    for score in () if watch.alarmed else scores:
        watch = _plus(watch, score, terms)
        drift = _drift(watch, terms)
        if drift is not None:
            return msgspec.structs.replace(watch, alarmed=True), drift
    return watch, None


def _plus(watch: Watch, score: float, terms: Terms) -> Watch:
    if watch.reference.count < terms.reference_scores:
        return Watch(watch.reference.plus(score))
    if watch.current.count >= terms.epoch_scores:
        return Watch(watch.reference, watch.epoch + 1, Window().plus(score))
    return Watch(watch.reference, watch.epoch, watch.current.plus(score))


def _drift(watch: Watch, terms: Terms) -> Drift | None:
    if not watch.current.count or watch.reference.mean is None or watch.current.mean is None:
        return None
    stratum = Stratum(_moments(watch.reference), _moments(watch.current))
    seen = contrast((stratum,), Scale.MEAN, Unit.REQUEST)
    if seen is None:
        return None
    z = seen.difference / seen.standard_error if seen.standard_error else 0.0
    needed = -math.log(terms.alpha / (watch.epoch * (watch.epoch + 1)) / len(Direction))
    evidence = log_e_value(abs(z), seen.pairs)
    if evidence < needed:
        return None
    return Drift(
        direction=Direction.LOWER if z < 0 else Direction.HIGHER,
        reference_mean=watch.reference.mean,
        mean=watch.current.mean,
        scores=watch.current.count,
        epoch=watch.epoch,
        log_e=evidence,
        log_e_needed=needed,
    )


def _moments(window: Window) -> Moments:
    return Moments.of_units(window.count, window.total, window.squares)
