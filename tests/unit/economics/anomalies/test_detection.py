"""What is unusual is found, what is usual is not, and nothing is said too early."""

from __future__ import annotations

import math
from random import Random

import pytest

from legato.economics.anomalies.detection import WEEK_HOURS, Hour, Terms, judge, learn

USD = 1_000_000_000
TERMS = Terms()


def week(random: Random, level: float = 1.0) -> list[Hour]:
    """A week of about level x (1 to 10) dollars an hour, busier at noon."""
    hours = []
    for place in range(WEEK_HOURS):
        shape = 1 + 9 * math.exp(-(((place % 24 - 12) / 5) ** 2))
        cost = level * shape * math.exp(random.gauss(0, 0.1))
        hours.append(Hour(round(cost * USD), round(cost * 100)))
    return hours


def history(weeks: int, growth: float = 0.0) -> list[Hour]:
    random = Random(1)
    return [hour for number in range(weeks) for hour in week(random, (1 + growth) ** number)]


def doubled(hour: Hour, by: float) -> Hour:
    return Hour(round(hour.cost * by), round(hour.requests * by))


@pytest.mark.parametrize("by", [1.0, 1.3])
def test_what_is_usual_is_no_anomaly(by: float) -> None:
    model = learn(history(8))
    assert model is not None
    following = [doubled(hour, by) for hour in week(Random(2))]
    found = [
        offset
        for offset in range(1, WEEK_HOURS)
        if judge(model, offset, (following[offset - 1], following[offset]), TERMS)
    ]
    assert found == []


def test_threefold_spend_is_found_with_what_it_costs() -> None:
    model = learn(history(8))
    assert model is not None
    following = week(Random(2))
    both = (doubled(following[11], 3), doubled(following[12], 3))
    found = judge(model, 12, both, TERMS)
    assert found is not None
    assert found.cost == both[0].cost + both[1].cost
    assert found.z > TERMS.z_min
    assert abs(found.excess / found.cost - 2 / 3) < 0.1


def test_one_hour_alone_is_none() -> None:
    model = learn(history(8))
    assert model is not None
    following = week(Random(2))
    assert judge(model, 12, (following[11], doubled(following[12], 20)), TERMS) is None


def test_below_the_floor_is_none() -> None:
    model = learn(history(8))
    assert model is not None
    following = week(Random(2))
    both = (doubled(following[11], 3), doubled(following[12], 3))
    assert judge(model, 12, both, Terms(floor_nano=100 * USD)) is None


def test_growth_is_usual() -> None:
    model = learn(history(8, growth=0.15))
    assert model is not None
    following = week(Random(2), 1.15**8)
    found = [
        offset
        for offset in range(1, WEEK_HOURS)
        if judge(model, offset, (following[offset - 1], following[offset]), TERMS)
    ]
    assert found == []


def test_two_holidays_are_no_new_level() -> None:
    hours = history(8)
    off = range(len(hours) - 48, len(hours))
    hours = [doubled(hour, 0.1) if place in off else hour for place, hour in enumerate(hours)]
    model, without = learn(hours), learn(history(8))
    assert model is not None
    assert without is not None
    assert abs(model.expected(12) / without.expected(12) - 1) < 0.1


@pytest.mark.parametrize("hours", [0, 10, WEEK_HOURS, 2 * WEEK_HOURS - 1])
def test_nothing_is_said_too_early(hours: int) -> None:
    assert learn([*[Hour()] * 500, *history(2)[:hours]]) is None


def test_nothing_is_learnt_of_nothing() -> None:
    assert learn([]) is None
    assert learn([Hour()] * 2_000) is None
