from __future__ import annotations

import pytest

from legato.guardrails.policy.precision import Judged, precision, tuned


def test_a_share_has_wilsons_interval() -> None:
    found = precision(8, 2)
    assert found is not None
    # Agresti and Coull (1998) and any table: 8 of 10 is .49 to .94
    assert (found.share, round(found.low, 3), round(found.high, 3)) == (0.8, 0.49, 0.943)
    assert precision(0, 0) is None
    all_right = precision(5, 0)
    assert all_right is not None
    assert all_right.low < 1 == all_right.high


def judged(score: float, right: int, wrong: int, at_least: float = 0.5) -> list[Judged]:
    return [Judged(score, at_least, right=one < right) for one in range(right + wrong)]


def test_the_lowest_threshold_that_is_proven_is_proposed() -> None:
    finds = [*judged(0.55, 10, 40), *judged(0.72, 60, 40), *judged(0.9, 300, 0)]
    found = tuned(finds, 0.5, 0.9)
    assert found.proposed == 0.75
    (step,) = [one for one in found.steps if one.at_least == 0.75]
    assert (step.confirmed, step.rejected) == (300, 0)
    assert step.low >= 0.9
    assert "300 of 300" in found.told
    assert tuned(finds, 0.5, 0.8).proposed == 0.6


def test_too_few_are_called_too_few() -> None:
    found = tuned(judged(0.9, 20, 0), 0.5, 0.95)
    assert found.proposed is None
    assert found.needed > 100
    assert "Too few samples: 20 are judged" in found.told
    enough = tuned(judged(0.9, found.needed, 0), 0.5, 0.95)
    assert enough.proposed == 0.5
    assert tuned(judged(0.9, found.needed - 1, 0), 0.5, 0.95).proposed is None
    assert "Too few" in tuned([], 0.5, 0.95).told


def test_what_cannot_be_parted_is_said() -> None:
    assert "same score" in tuned(judged(1.0, 300, 300), 0.5, 0.9).told
    mixed = [*judged(0.6, 200, 200), *judged(0.9, 200, 200)]
    assert "No threshold meets it" in tuned(mixed, 0.5, 0.9).told


def test_finds_of_a_stricter_time_do_not_count_for_a_lower_threshold() -> None:
    strict = judged(0.95, 300, 0, at_least=0.9)
    found = tuned(strict, 0.5, 0.9)
    assert found.proposed == 0.9
    assert not [one for one in found.steps if one.at_least < 0.9 and one.confirmed]


@pytest.mark.parametrize("now", [0.5, 0.63])
def test_a_threshold_is_never_lowered(now: float) -> None:
    found = tuned(judged(0.7, 500, 0, at_least=now), now, 0.9)
    assert found.proposed == now
    assert min(one.at_least for one in found.steps) == now
