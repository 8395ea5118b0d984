import random

import pytest

from legato.routing.load.balance import (
    outstanding_load,
    peak_ewma_load,
    peak_ewma_ms,
    ramp,
    two_choices,
)
from legato.routing.strategies import Candidate


def candidates(*loads: float) -> list[Candidate]:
    return [Candidate(str(at), 1, None, load=load) for at, load in enumerate(loads)]


def test_the_less_loaded_of_two_goes_first_and_the_rest_follow_by_load() -> None:
    draws = iter((0.7, 0.0))  # the third, then the first
    ordered = two_choices(candidates(2.0, 0.0, 9.0, 1.0), lambda: next(draws))
    assert [one.name for one in ordered] == ["0", "1", "3", "2"]


def test_two_choices_keep_the_most_loaded_from_being_chosen() -> None:
    draw = random.Random(3).random
    firsts = [two_choices(candidates(5.0, 1.0, 3.0), draw)[0].name for _ in range(3000)]
    assert "0" not in firsts
    assert 0.6 < firsts.count("1") / 3000 < 0.73


def test_equal_loads_are_shared_and_weight_zero_takes_nothing() -> None:
    draw = random.Random(5).random
    alike = [*candidates(1.0, 1.0), Candidate("never", 0, None)]
    firsts = [two_choices(alike, draw)[0].name for _ in range(2000)]
    assert "never" not in firsts
    assert 0.45 < firsts.count("0") / 2000 < 0.55
    assert two_choices([Candidate("never", 0, None)], draw) == []


def test_a_peak_counts_at_once_and_fades() -> None:
    assert peak_ewma_ms(100.0, 1.0, 900.0) == 900.0
    assert peak_ewma_ms(900.0, 10.0, 100.0) == pytest.approx(100 + 800 / 2.718281828)
    assert peak_ewma_load(200.0, 2, 1, 1.0) == 600.0
    assert peak_ewma_load(0.0, 0, 1, 1.0) == 0.0 < peak_ewma_load(0.0, 1, 1, 1.0)


def test_who_comes_back_counts_as_more_loaded_for_a_while() -> None:
    assert ramp(0.0, 30.0) == 0.1
    assert ramp(15.0, 30.0) == 0.5
    assert ramp(30.0, 30.0) == ramp(0.0, 0.0) == 1.0
    assert outstanding_load(0, 1, 0.1) == 10.0 > outstanding_load(4, 1, 1.0)
    assert outstanding_load(1, 2, 1.0) == outstanding_load(0, 1, 1.0)
