"""What the predictor learns from judged answers, against a world whose truth is known."""

from functools import cache

import numpy as np
import pytest
from tests.unit.routing.quality.a_world import a_world, judged

from legato.routing.quality.learning import Judged, Learned, learn
from legato.routing.quality.prediction import Prediction

NAMES = ("small", "large")
WORLD = a_world(1_500, (0.0, 2.0))
UNSEEN = a_world(400, (0.0, 2.0), seed=2)


@cache
def learned() -> Learned:
    """Learned where a test asks, not wherever tests are listed."""
    return learn(judged(WORLD, NAMES), "made@1")


@cache
def predicted() -> list[list[Prediction]]:
    return [learned().model.predict(one, NAMES) for one in UNSEEN.questions]


def means() -> np.ndarray:
    return np.array([[one.mean for one in row] for row in predicted()])


def deviations() -> np.ndarray:
    return np.array([[one.deviation for one in row] for row in predicted()])


def test_means_are_close_to_the_truth() -> None:
    assert np.abs(means() - UNSEEN.truth).mean() < 0.08
    assert np.corrcoef(means()[:, 0], UNSEEN.truth[:, 0])[0, 1] > 0.9


def test_of_answers_said_to_be_good_as_often_as_that_are() -> None:
    for low in np.arange(0.1, 0.9, 0.2):
        among = (low <= means()) & (low + 0.2 > means())
        if among.sum() > 40:
            assert abs(UNSEEN.truth[among].mean() - means()[among].mean()) < 0.08


def test_the_truth_lies_within_two_deviations() -> None:
    within = np.abs(means() - UNSEEN.truth) <= 2.0 * deviations()
    assert within.mean() > 0.85
    assert deviations().mean() < 0.15


def test_the_abler_deployment_is_expected_to_do_better() -> None:
    assert (means()[:, 1] > means()[:, 0]).mean() > 0.97


def test_what_is_crossfitted_is_no_better_than_what_is_unseen() -> None:
    unseen = ((means() - UNSEEN.outcomes) ** 2).mean()
    crossfitted = ((learned().crossfit - WORLD.outcomes) ** 2).mean()
    assert abs(unseen - crossfitted) < 0.02


def test_costs_are_learned_beside_quality() -> None:
    costs = np.array([[one.cost_usd for one in row] for row in predicted()])
    assert np.corrcoef(np.log(costs[:, 1]), np.log(UNSEEN.costs[:, 1]))[0, 1] > 0.8
    assert costs.mean() == pytest.approx(UNSEEN.costs.mean(), rel=0.3)


def test_a_deployment_with_few_answers_is_known_less_well() -> None:
    outcomes = WORLD.outcomes.copy()
    outcomes[15:, 0] = np.nan
    few = learn(Judged(WORLD.questions, NAMES, outcomes), "made@1").model
    small, large = few.predict(UNSEEN.questions[0], NAMES)
    assert (small.evidence, large.evidence) == (15, 1_500)
    assert small.deviation > large.deviation
    assert small.cost_usd is None


def test_more_good_answers_raise_what_is_expected() -> None:
    """Turn bad answers into good ones: no prediction may fall by it on the whole."""
    better = WORLD.outcomes.copy()
    better[::3, 0] = 1.0
    raised = learn(Judged(WORLD.questions, NAMES, better), "made@1").model
    after = np.array([raised.predict(one, NAMES)[0].mean for one in UNSEEN.questions])
    assert after.mean() > means()[:, 0].mean() + 0.1


def test_the_same_answers_make_the_same_predictor() -> None:
    again = learn(judged(WORLD, NAMES), "made@1")
    assert again.model.version == learned().model.version
    assert np.array_equal(again.crossfit, learned().crossfit)


def test_too_few_questions_are_refused_with_their_number() -> None:
    few = a_world(12, (0.0, 2.0))
    with pytest.raises(ValueError, match=r"12 judged questions, 20 are needed"):
        learn(judged(few, NAMES), "made@1")


def test_what_is_hardly_trusted_hardly_counts() -> None:
    count = len(WORLD.questions)
    wrong = np.arange(count) % 2 == 1
    outcomes = np.where(wrong[:, None], 1.0 - WORLD.outcomes, WORLD.outcomes)
    trust = np.where(wrong[:, None], 1e-6, 1.0) * np.ones_like(outcomes)
    names = tuple(NAMES)
    judged = Judged(WORLD.questions, names, outcomes)
    right = Judged(WORLD.questions, names, WORLD.outcomes)
    by_trust = learn(judged._replace(trust=trust), "made@1").crossfit
    by_all = learn(judged, "made@1").crossfit
    truth = learn(right, "made@1").crossfit
    assert np.abs(by_trust - truth).mean() < 0.5 * np.abs(by_all - truth).mean()
    ones = np.ones_like(outcomes)
    told = learn(right._replace(trust=ones), "made@1").model.version
    assert told == learn(right, "made@1").model.version
