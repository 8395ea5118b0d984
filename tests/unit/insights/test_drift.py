from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from legato.insights.drift import Direction, Drift, Terms, Watch, Window, watched

if TYPE_CHECKING:
    from collections.abc import Callable

TERMS = Terms(alpha=0.05, reference_scores=100, epoch_scores=100)


def scores(seed: int, count: int, mean: Callable[[int], float]) -> list[float]:
    random = Random(seed)
    return [float(random.random() < mean(index)) for index in range(count)]


def ran(seed: int, mean: Callable[[int], float], count: int = 1_000) -> tuple[Watch, Drift | None]:
    return watched(Watch(), scores(seed, count, mean), TERMS)


def test_scores_that_stay_raise_a_false_alarm_at_most_as_often_as_stated() -> None:
    """Over ten epochs, looked at after every score."""
    alarms = sum(ran(seed, lambda _: 0.8)[1] is not None for seed in range(150))
    assert alarms <= 0.05 * 150


def test_a_fall_is_found_and_told_with_its_evidence() -> None:
    found = [ran(seed, lambda index: 0.9 if index < 350 else 0.5)[1] for seed in range(20)]
    lower = [one for one in found if one is not None and one.direction is Direction.LOWER]
    assert len(lower) >= 18
    one = lower[0]
    assert one.mean < one.reference_mean
    assert one.log_e >= one.log_e_needed
    assert one.epoch <= 5


def test_a_rise_is_a_drift_too() -> None:
    drift = ran(1, lambda index: 0.3 if index < 100 else 0.8)[1]
    assert drift is not None
    assert (drift.direction, drift.epoch) == (Direction.HIGHER, 1)


def test_taken_in_piece_by_piece_it_comes_to_the_same() -> None:
    whole = scores(5, 390, lambda index: 0.7 if index < 300 else 0.5)
    at_once, drift = watched(Watch(), whole, TERMS)
    watch, found = Watch(), None
    for score in whole:
        if found is None:
            watch, found = watched(watch, [score], TERMS)
    assert (watch, found) == (at_once, drift)


def test_a_window_knows_its_mean() -> None:
    assert Window().mean is None
    assert Window().plus(1.0).plus(0.0).mean == 0.5
