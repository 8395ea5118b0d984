from __future__ import annotations

from random import Random
from statistics import fmean

from legato.judging.resampling import Estimate, estimated


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    random = Random(7)
    held = 0
    for _ in range(60):
        found = estimated([float(random.random() < 0.6) for _ in range(60)], fmean)
        assert found.low is not None
        assert found.high is not None
        held += found.low <= 0.6 <= found.high
    assert 51 <= held <= 60


def test_few_items_have_no_interval_and_the_same_items_the_same_one() -> None:
    assert estimated([1.0, 0.0], fmean) == Estimate(0.5)
    items = [1.0, 0.0, 1.0, 1.0, 0.0, 1.0]
    assert estimated(items, fmean) == estimated(items, fmean)
    assert estimated(items, lambda _: None) == Estimate(None)
