"""The measures of a router between two models, on cases that can be told by hand."""

import numpy as np
import pytest

from legato.evaluation.routing.pairs import Pair, apgr, curve, intervals, outcome, share_at

STRONG = np.array([1.0, 1.0, 1.0, 1.0])
WEAK = np.array([0.0, 0.0, 1.0, 1.0])
PAIR = Pair(STRONG, WEAK, np.ones(4), np.zeros(4))


def test_a_perfect_score_needs_the_strong_model_only_where_it_gains() -> None:
    points = curve(np.array([4.0, 3.0, 2.0, 1.0]), PAIR)
    assert points.accuracy.tolist() == [0.5, 0.75, 1.0, 1.0, 1.0]
    assert share_at(points) == 0.5
    assert share_at(points, 0.75) == 0.25
    assert apgr(points) == pytest.approx(0.75)


def test_the_worst_score_needs_it_everywhere() -> None:
    points = curve(np.array([1.0, 2.0, 3.0, 4.0]), PAIR)
    assert share_at(points) == 1.0
    assert apgr(points) == pytest.approx(0.25)


def test_costs_are_a_share_of_all_strong() -> None:
    pair = PAIR._replace(cost_strong=np.full(4, 10.0), cost_weak=np.full(4, 1.0))
    points = curve(np.array([4.0, 3.0, 2.0, 1.0]), pair)
    assert points.cost[0] == pytest.approx(0.1)
    assert share_at(points) == pytest.approx((2 * 10 + 2 * 1) / 40)


def test_models_that_are_alike_have_no_gap_to_recover() -> None:
    assert np.isnan(apgr(curve(np.arange(4.0), PAIR._replace(weak=STRONG))))


def test_an_interval_holds_what_was_measured() -> None:
    chance = np.random.default_rng(3)
    strong = (chance.random(400) < 0.9).astype(float)
    weak = (chance.random(400) < 0.6).astype(float)
    pair = Pair(strong, weak, np.ones(400), np.zeros(400))
    score = strong - weak + chance.normal(size=400)
    sent = score > 0.5
    found = intervals(score, sent, pair)
    for name, value in {**outcome(sent, pair), "apgr": apgr(curve(score, pair))}.items():
        low, high = found[name]
        assert low < value < high
