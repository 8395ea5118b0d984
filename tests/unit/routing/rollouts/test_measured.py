import random

import pytest

from legato.routing.rollouts.contrast import Scale
from legato.routing.rollouts.measured import measured, requests_needed
from legato.routing.rollouts.moments import Moments


def arm(draw: random.Random, users: int, mean: float) -> Moments:
    """Users who differ in what a request costs them, and in how much they ask."""
    summed = Moments()
    for _ in range(users):
        requests = draw.randint(1, 30)
        each = mean * draw.lognormvariate(-0.125, 0.5)
        summed = summed.with_unit(requests, requests * each)
    return summed


def test_the_interval_holds_about_as_often_as_it_says() -> None:
    draw = random.Random(7)
    held = always = 0
    for _ in range(400):
        found = measured(arm(draw, 120, 2.0), arm(draw, 300, 1.0), Scale.MEAN)
        assert found is not None
        held += found.low <= -1.0 <= found.high
        always += found.low_always <= -1.0 <= found.high_always
    assert 0.92 <= held / 400 <= 0.98
    assert always >= held


def test_requests_of_one_user_are_one_observation() -> None:
    one_user = Moments().with_unit(10_000, 10_000.0)
    many = arm(random.Random(1), 100, 1.0)
    assert measured(one_user, many, Scale.MEAN) is None


def test_a_large_difference_is_proven_and_a_small_one_asks_for_more() -> None:
    draw = random.Random(3)
    holdout = arm(draw, 120, 2.0)
    far, near = arm(draw, 600, 1.0), arm(draw, 600, 1.95)
    proven = measured(holdout, far, Scale.MEAN)
    assert proven is not None
    assert proven.is_proven
    assert requests_needed(holdout, far, proven, 1_000) == 0
    unsure = measured(holdout, near, Scale.MEAN)
    assert unsure is not None
    assert not unsure.is_proven
    more = requests_needed(holdout, near, unsure, 1_000)
    assert more is not None
    assert more > 1_000


@pytest.mark.parametrize(("share_bp", "about"), [(1_000, 800), (5_000, 160)])
def test_too_few_users_are_told_by_the_requests_still_missing(share_bp: int, about: int) -> None:
    few = Moments().with_unit(1, 1.0)
    needed = requests_needed(few, few, None, share_bp)
    assert needed == about - 2
    assert requests_needed(Moments(), Moments(), None, share_bp) is None
