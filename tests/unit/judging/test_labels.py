from __future__ import annotations

import pytest

from legato.judging.judge import Criterion, Level, Rubric
from legato.judging.labels import Judged, Label, label_problems, measured

RUBRIC = Rubric(
    (Criterion("good", "Is it?", (Level(1, "no"), Level(2, "so-so"), Level(3, "yes"))),)
)


def test_a_judge_is_compared_with_each_label_of_the_same_item() -> None:
    labels = [Label(f"i{index}", "ann", {"good": 1 + index % 3}) for index in range(30)]
    labels += [Label(f"i{index}", "ben", {"good": 1 + index % 3}) for index in range(6)]
    judged = [Judged(f"i{index}", {"good": 1.0 + index % 3}, index % 3 / 2) for index in range(20)]
    found = measured(RUBRIC, labels, [*judged, Judged("unknown", {"good": 1.0}, 0.0)], unjudged=2)
    (good,) = found.criteria
    assert (found.items, found.labellers, found.unjudged) == (20, 2, 2)
    assert (good.judge.items, good.judge.pairs) == (20, 26)
    assert good.judge.exact.value == good.judge.weighted_kappa.value == 1.0
    assert (good.people.items, good.alpha.value) == (6, 1.0)
    assert sum(count for _, _, count in good.confusion) == 26
    assert found.calibration.error == 0


def test_without_doubled_labels_people_s_agreement_is_unknown() -> None:
    found = measured(RUBRIC, [Label("i", "ann", {"good": 3})], [], unjudged=1)
    (good,) = found.criteria
    assert good.people.exact.value is good.alpha.value is good.judge.exact.value is None


@pytest.mark.parametrize(
    ("levels", "told"),
    [
        ({"good": 2}, ""),
        ({"good": 4}, "good: must be one of 1, 2, 3"),
        ({"good": True}, "good: must be one of 1, 2, 3"),
        ({"nice": 1}, "`nice` is no criterion; known: good"),
        ({}, "give a level for each of good"),
        (3, "give a level for each of good"),
    ],
)
def test_labels_are_levels_of_the_rubric(levels: object, told: str) -> None:
    assert label_problems(RUBRIC, levels) == told
