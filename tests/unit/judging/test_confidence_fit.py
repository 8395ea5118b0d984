from math import exp, log
from random import Random

import pytest

from legato.judging.confidence_fit import expected_error, fit_confidence


def outcomes(count: int, right_at: float) -> list[tuple[float, float]]:
    """Return outcomes of confidences that overstate: at log odds x they are right as at x/3."""
    random = Random(7)
    found = []
    for _ in range(count):
        stated = random.uniform(0.5, 0.999)
        odds = log(stated / (1 - stated)) * right_at
        found.append((stated, float(random.random() < 1 / (1 + exp(-odds)))))
    return found


def test_what_overstates_is_brought_down_and_measured_out_of_fold() -> None:
    fit = fit_confidence(outcomes(2_000, 1 / 3))
    assert fit.form in {"platt", "stairs"}
    assert fit.ece_stated > 0.1
    assert fit.ece < 0.03
    assert fit.brier < fit.brier_stated
    odds = log(0.95 / 0.05) / 3
    assert fit(0.95) == pytest.approx(1 / (1 + exp(-odds)), abs=0.05)


def test_it_holds_on_outcomes_it_never_saw() -> None:
    fit = fit_confidence(outcomes(1_000, 1 / 3))
    later = outcomes(4_000, 1 / 3)[1_000:]
    right = [outcome for _, outcome in later]
    assert expected_error([fit(stated) for stated, _ in later], right) < 0.04


def test_what_is_right_as_often_as_it_says_is_hardly_changed() -> None:
    fit = fit_confidence(outcomes(2_000, 1.0))
    assert fit(0.8) == pytest.approx(0.8, abs=0.06)
    assert fit.ece < 0.05


def test_the_same_outcomes_give_the_same_fit_and_order_is_kept() -> None:
    points = outcomes(300, 0.5)
    fit = fit_confidence(points)
    assert fit == fit_confidence(points)
    said = [fit(number / 50) for number in range(51)]
    assert said == sorted(said)


@pytest.mark.parametrize("points", [[], [(0.9, 1.0)] * 100, outcomes(20, 1.0)])
def test_too_little_fits_nothing(points: list[tuple[float, float]]) -> None:
    with pytest.raises(ValueError, match="a calibration needs"):
        fit_confidence(points)
