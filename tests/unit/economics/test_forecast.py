from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato.economics.forecast import outlook, runs_out

WEEK = [100, 120, 110, 130, 140, 20, 10]


def test_what_repeats_by_the_week_is_foreseen_exactly() -> None:
    said = outlook(WEEK * 8, 1.0, 6)
    assert (said.expected, said.low, said.high) == (630, 630, 630)
    assert said.per_day == tuple(WEEK)
    assert (said.off_by, said.held) == (pytest.approx(0), 1.0)


def test_today_counts_by_what_is_left_of_it() -> None:
    assert outlook(WEEK * 4, 0.5, 0).expected == 50


def test_few_days_give_no_interval() -> None:
    said = outlook([10, 20, 30], 1.0, 3)
    assert (said.expected, said.low, said.high, said.held) == (80, None, None, None)
    assert outlook([], 1.0, 3).expected == 0


def test_intervals_hold_about_as_often_as_they_say() -> None:
    held, random = 0, Random(7)
    for _ in range(200):
        days = [round(day * random.uniform(0.6, 1.4)) for day in WEEK * 12]
        said = outlook(days[:70], 1.0, 9)
        assert said.low is not None
        assert said.high is not None
        held += said.low <= sum(days[70:80]) <= said.high
    assert 0.6 <= held / 200 <= 0.95


@given(st.lists(st.integers(0, 10**12), max_size=90), st.floats(0, 1), st.integers(0, 30))
def test_an_outlook_is_never_negative_and_in_order(
    days: list[int], left: float, ahead: int
) -> None:
    said = outlook(days, left, ahead)
    assert len(said.per_day) == ahead + 1
    assert said.expected >= 0
    if said.low is not None and said.high is not None:
        assert 0 <= said.low <= said.high


def test_the_day_a_limit_is_reached() -> None:
    assert runs_out(90, 100, (5, 5, 5)) == 1
    assert runs_out(100, 100, (5,)) == 0
    assert runs_out(0, 100, (5, 5)) is None
