from __future__ import annotations

from statistics import median

import pytest

from legato.replay.twin.dice import uniform
from legato.replay.twin.service_times import Changed, Empirical, Given, Sample, Took


def drawn(times: Empirical | Given | Changed, input_tokens: int, count: int = 2000) -> list[Took]:
    return [times.draw(uniform(1, 1, n), input_tokens) for n in range(count)]


def test_what_is_drawn_was_recorded() -> None:
    samples = [Sample(100, 10, 50_000 + n, 150_000 + n, streamed=True) for n in range(100)]
    took = drawn(Empirical(samples), 100)
    assert {round(one.first_us) for one in took} <= set(range(50_000, 50_100))
    assert all(one.per_token_us == pytest.approx(10_000) for one in took)


def test_long_inputs_take_as_long_as_long_inputs_did() -> None:
    short = [Sample(100, 10, 50_000, 50_000, streamed=True) for _ in range(30)]
    long = [Sample(9_000, 10, 900_000, 900_000, streamed=True) for _ in range(30)]
    times = Empirical(short + long)
    assert {one.first_us for one in drawn(times, 90)} == {50_000}
    assert {one.first_us for one in drawn(times, 8_500)} == {900_000}
    assert {one.first_us for one in drawn(times, 100_000)} == {900_000}


def test_few_of_a_length_are_joined_with_their_neighbours() -> None:
    short = [Sample(100, 10, 50_000, 50_000, streamed=True) for _ in range(30)]
    few = [Sample(9_000, 10, 900_000, 900_000, streamed=True) for _ in range(3)]
    assert {one.first_us for one in drawn(Empirical(short + few), 9_000)} == {50_000, 900_000}
    assert {one.first_us for one in drawn(Empirical(few), 1)} == {900_000}


def test_of_whole_answers_the_time_per_token_is_the_slope() -> None:
    samples = [Sample(100, out, 0, 200_000 + 5_000 * out, streamed=False) for out in range(10, 110)]
    took = drawn(Empirical(samples), 100, 50)
    assert all(one.per_token_us == pytest.approx(5_000) for one in took)
    assert all(one.first_us == pytest.approx(200_000) for one in took)


def test_given_quantiles_are_kept() -> None:
    took = sorted(one.first_us for one in drawn(Given(200, 1, 600), 1, 20_000))
    assert median(took) == pytest.approx(200_000, rel=0.03)
    assert took[int(0.95 * len(took))] == pytest.approx(600_000, rel=0.05)


def test_a_change_is_a_factor() -> None:
    changed = Changed(Given(100, 10), 2.0, 0.5)
    assert changed.draw(0.5, 1) == Took(200_000, 5_000)
    assert changed.draw(0.5, 1).total_us(10) == 250_000
