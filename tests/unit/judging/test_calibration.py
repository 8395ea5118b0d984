from __future__ import annotations

from random import Random

import pytest

from legato.judging.calibration import Form, Mapping, calibrated


def scored(count: int, people: object = None, noise: float = 0.1) -> list[tuple[float, float]]:
    random = Random(3)
    points = []
    for _ in range(count):
        truth = random.choice([0.0, 0.25, 0.5, 0.75, 1.0])
        wanted = truth + random.gauss(0, noise)
        points.append((truth if people is None else people(truth), wanted))  # type: ignore[operator]
    return points


def test_a_judge_that_is_too_kind_is_set_right() -> None:
    found = calibrated(scored(120, lambda truth: 0.5 + truth / 2))
    assert found.mapping.form is not Form.AS_IS
    assert found.gain.low is not None
    assert found.gain.low > 0
    assert found.error is not None
    assert found.mapping(0.5) == pytest.approx(0.05, abs=0.06)
    assert found.mapping(1.0) == pytest.approx(0.95, abs=0.06)


def test_a_judge_that_is_right_stays_as_it_is() -> None:
    found = calibrated(scored(120))
    assert (found.mapping.form, found.mapping(0.3)) == (Form.AS_IS, 0.3)
    assert "not shown to help" in found.told


def test_few_items_fit_nothing() -> None:
    found = calibrated(scored(20, lambda truth: 1 - truth / 2))
    assert found.mapping.form is Form.AS_IS
    assert "fewer than 30" in found.told
    assert calibrated([]).error is None


def test_a_mapping_never_falls() -> None:
    found = calibrated(scored(200, lambda truth: truth**3, noise=0.3))
    mapped = [found.mapping(step / 100) for step in range(101)]
    assert mapped == sorted(mapped)
    assert 0 <= mapped[0] <= mapped[-1] <= 1


def test_between_knots_a_mapping_is_straight() -> None:
    mapping = Mapping(Form.STAIRS, ((0.25, 0.1), (0.75, 0.5)))
    assert [mapping(score) for score in (0.0, 0.25, 0.5, 1.0)] == pytest.approx(
        [0.1, 0.1, 0.3, 0.5]
    )
