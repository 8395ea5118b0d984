import random
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato.core.errors import InvalidRequest
from legato.routing.rollouts.moments import Moments

VALUES = st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=50)


def of_values(values: list[float]) -> Moments:
    return Moments.of_units(len(values), sum(values), sum(value * value for value in values))


@given(VALUES)
def test_single_observations_have_the_ordinary_variance(values: list[float]) -> None:
    moments = of_values(values)
    assert moments.units == len(values)
    assert moments.mean == pytest.approx(statistics.fmean(values), abs=1e-9)
    expected = statistics.variance(values) / len(values)
    assert moments.variance_of_mean == pytest.approx(expected, rel=1e-6, abs=1e-6)


@given(VALUES)
def test_units_add_up_in_any_split(values: list[float]) -> None:
    one_by_one = Moments()
    for value in values:
        one_by_one = one_by_one.with_unit(1, value)
    halves = of_values(values[:1]) + of_values(values[1:])
    for sums in (one_by_one, halves):
        assert sums.count == len(values)
        assert sums.total == pytest.approx(of_values(values).total, abs=1e-6)
        assert sums.total_squares == pytest.approx(of_values(values).total_squares, abs=1e-6)


def test_the_number_of_requests_of_one_user_makes_nothing_more_certain() -> None:
    shares = [0.0, 0.1, 0.2, 0.5, 0.7]
    few, many = Moments(), Moments()
    for share in shares:
        few = few.with_unit(10, 10 * share)
        many = many.with_unit(1_000, 1_000 * share)
    assert many.units == few.units == len(shares)
    assert many.mean == few.mean
    assert many.variance_of_mean == pytest.approx(few.variance_of_mean)


def test_one_busy_user_counts_for_little_more_than_one() -> None:
    moments = Moments.of_rate(10, 1).with_unit(1_000, 900)
    assert moments.units == pytest.approx(1.02, abs=0.01)


def test_the_variance_of_clustered_means_is_that_of_repeated_draws() -> None:
    draw = random.Random(3)

    def drawn() -> Moments:
        moments = Moments()
        for _ in range(200):
            chance, count = draw.betavariate(0.5, 4.5), draw.choice([1, 2, 5, 20])
            moments = moments.with_unit(count, sum(draw.random() < chance for _ in range(count)))
        return moments

    samples = [drawn() for _ in range(400)]
    seen = statistics.variance(sample.mean for sample in samples)
    claimed = statistics.fmean(sample.variance_of_mean for sample in samples)
    assert claimed == pytest.approx(seen, rel=0.2)
    by_request = statistics.fmean(s.mean * (1 - s.mean) / s.count for s in samples)
    assert by_request < 0.5 * seen


@given(st.integers(2, 10_000))
def test_answers_that_all_agree_are_not_certain(count: int) -> None:
    for hits in (0, count):
        moments = Moments.of_rate(count, hits)
        assert moments.variance_of_mean == 0
        assert 0.5 < moments.variance_of_rate * (count + 2) ** 2 < 2


@pytest.mark.parametrize("sums", [(10, 11, 11), (-1, 0, 0), (4, 2, -1)])
def test_sums_of_no_values_are_refused(sums: tuple[float, float, float]) -> None:
    with pytest.raises(InvalidRequest, match="moments"):
        Moments.of_units(*sums)
