import math

import pytest

from legato.routing.rollouts.contrast import (
    Scale,
    Stratum,
    Unit,
    contrast,
    inward,
    outward,
)
from legato.routing.rollouts.moments import Moments

BUSY = Stratum(Moments.of_rate(9_500, 1_900), Moments.of_rate(500, 100))  # 20 % in both
QUIET = Stratum(Moments.of_rate(500, 25), Moments.of_rate(500, 25))  # 5 % in both


def values(count: int, mean: float, spread: float) -> Moments:
    return Moments.of_units(count, count * mean, count * (mean**2 + spread**2))


def test_a_change_of_traffic_between_steps_is_no_difference_between_arms() -> None:
    seen = contrast([BUSY, QUIET], Scale.RATE)
    assert seen is not None
    assert seen.difference == pytest.approx(0, abs=1e-12)
    together = contrast(
        [Stratum(BUSY.champion + QUIET.champion, BUSY.candidate + QUIET.candidate)], Scale.RATE
    )
    assert together is not None
    assert together.difference < -0.06


def test_a_rate_is_compared_in_points() -> None:
    arms = Stratum(Moments.of_rate(2_000, 200), Moments.of_rate(2_000, 300))
    seen = contrast([arms], Scale.RATE)
    assert seen is not None
    assert seen.difference == pytest.approx(0.05)
    plain = math.sqrt(0.1 * 0.9 / 2_000 + 0.15 * 0.85 / 2_000)
    assert seen.standard_error == pytest.approx(plain, rel=0.01)
    assert seen.pairs == pytest.approx(1_000)


def test_a_cost_is_compared_as_a_share_of_the_champions() -> None:
    for money in (1.0, 1e-6):
        arms = Stratum(values(400, 2 * money, money), values(400, 2.5 * money, money))
        seen = contrast([arms], Scale.RELATIVE)
        assert seen is not None
        assert seen.difference == pytest.approx(0.25)
        own, champions = 1 / 400 / 4, 1.25**2 / 400 / 4
        assert seen.standard_error == pytest.approx(math.sqrt(own + champions), rel=0.01)


def test_nothing_is_a_share_of_nothing() -> None:
    free = Stratum(values(400, 0, 0), values(400, 1, 1))
    assert contrast([free], Scale.RELATIVE) is None
    assert contrast([Stratum(free.candidate, free.champion)], Scale.RELATIVE) is not None


def test_few_units_are_left_aside() -> None:
    few = Stratum(Moments.of_rate(900, 90), Moments.of_rate(19, 19))
    assert contrast([few], Scale.RATE) is None
    assert contrast([few, BUSY], Scale.RATE) == contrast([BUSY], Scale.RATE)
    assert contrast([], Scale.RATE) is None


def test_units_that_happen_to_agree_are_not_certain() -> None:
    agreeing = Stratum(values(1_900, 0.9, 0.3), values(25, 1.0, 0.0))
    seen = contrast([agreeing], Scale.MEAN)
    assert seen is not None
    assert seen.standard_error > 0.3 / 5


def test_rounding_is_not_evidence() -> None:
    same = Stratum(
        Moments.of_units(1_000, sum([0.1] * 1_000), sum([0.1**2] * 1_000)),
        Moments.of_units(1_000, 0.1 * 1_000, 0.1**2 * 1_000),
    )
    seen = contrast([same], Scale.MEAN)
    assert seen is not None
    assert abs(seen.difference) < 0.01 * seen.standard_error


def test_steps_of_returning_users_add_no_certainty() -> None:
    step = Stratum(Moments.of_rate(1_000, 100), Moments.of_rate(1_000, 120))
    one = contrast([step], Scale.RATE)
    users, requests = (contrast([step] * 4, Scale.RATE, unit) for unit in Unit)
    assert one is not None
    assert users is not None
    assert requests is not None
    assert users.standard_error == pytest.approx(one.standard_error)
    assert users.pairs == pytest.approx(one.pairs)
    assert requests.standard_error == pytest.approx(one.standard_error / 2)
    assert requests.pairs == pytest.approx(4 * one.pairs)


def test_logarithms_are_shown_as_shares() -> None:
    assert outward(inward(0.1, Scale.LOGARITHM), Scale.LOGARITHM) == pytest.approx(0.1)
    assert inward(1.0, Scale.LOGARITHM) == pytest.approx(math.log(2))
    assert inward(0.1, Scale.RATE) == outward(0.1, Scale.RATE) == 0.1
