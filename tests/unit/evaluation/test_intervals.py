from collections.abc import Callable

import pytest

from legato.evaluation.intervals import (
    mean_interval,
    paired_interval,
    percentile,
    t_quantile,
)


@pytest.mark.parametrize(
    ("freedom", "quantile"),
    [(1, 12.7062), (2, 4.3027), (4, 2.7764), (9, 2.2622), (29, 2.0452), (999, 1.9623)],
)
def test_students_quantile_is_that_of_the_tables(freedom: float, quantile: float) -> None:
    assert t_quantile(freedom) == pytest.approx(quantile, abs=1e-4)


def test_shares_have_wilsons_interval() -> None:
    found = mean_interval([1.0] * 15 + [0.0] * 5)
    assert (found.point, found.low, found.high) == pytest.approx((0.75, 0.5313, 0.8881), abs=1e-4)


def test_means_have_students_interval_within_the_scale() -> None:
    found = mean_interval([0.2, 0.3, 0.4, 0.5, 0.6])
    assert (found.point, found.low, found.high) == pytest.approx((0.4, 0.2037, 0.5963), abs=1e-4)
    assert mean_interval([0.2, 0.4, 0.9]).low == 0.0


def test_scores_that_are_all_the_same_are_not_certain() -> None:
    assert mean_interval([1.0] * 10).low == pytest.approx(0.7225, abs=1e-4)
    assert mean_interval([0.5] * 10).low == pytest.approx(0.2366, abs=1e-4)


def test_weights_move_the_mean_and_widen_the_interval() -> None:
    found = mean_interval([1.0, 0.0, 0.0, 0.0], [3.0, 1.0, 1.0, 1.0])
    alike = mean_interval([1.0, 0.0, 0.0, 0.0])
    assert found.point == pytest.approx(0.5)
    assert found.high - found.low > alike.high - alike.low


def test_paired_shares_have_newcombes_interval() -> None:
    """The table of Newcombe (1998): 36 both, 12 gained, 2 lost, none neither."""
    candidate = [1.0] * 36 + [1.0] * 12 + [0.0] * 2
    baseline = [1.0] * 36 + [0.0] * 12 + [1.0] * 2
    found = paired_interval(candidate, baseline)
    assert (found.point, found.low, found.high) == pytest.approx((0.2, 0.0569, 0.3404), abs=1e-4)


def test_pairing_makes_a_difference_certain_that_the_means_leave_open() -> None:
    baseline = [0.1, 0.3, 0.5, 0.7, 0.9]
    candidate = [value + 0.05 + 0.001 * index for index, value in enumerate(baseline)]
    assert paired_interval(candidate, baseline).low > 0
    assert mean_interval(candidate).low < mean_interval(baseline).high


def test_differences_that_are_all_the_same_are_not_certain() -> None:
    found = paired_interval([0.5] * 20, [0.5] * 20)
    assert found.point == 0
    assert found.high == -found.low == pytest.approx(0.1611, abs=1e-4)


def test_the_nearest_rank_is_the_percentile() -> None:
    assert percentile([3, 1, 2], 0.5) == 2
    assert percentile(range(1, 101), 0.95) == 95


@pytest.mark.parametrize(
    "ask", [lambda: mean_interval([]), lambda: paired_interval([], []), lambda: percentile([], 0.5)]
)
def test_nothing_has_no_interval(ask: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match="no value"):
        ask()
