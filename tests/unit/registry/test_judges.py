from __future__ import annotations

from typing import Any

import pytest

from legato.judging.judge import Way
from legato.registry.judges import check_judge, read_judge
from legato.registry.reading import ContentInvalid

LEVELS = [{"value": 0, "meaning": "no"}, {"value": 1, "meaning": "yes"}]
RUBRIC = {"criteria": [{"name": "right", "question": "Is it right?", "levels": LEVELS}]}


def test_each_way_of_judging_is_a_judge() -> None:
    for way, content in (
        (Way.RUBRIC, {"rubric": RUBRIC}),
        (Way.PAIRWISE, {"pairwise": {"instruction": "Shorter is better."}}),
        (Way.GROUNDING, {"grounding": {}}),
    ):
        plain = {"model": "grader", **content}
        assert check_judge(plain).way is way
        assert read_judge(plain) == check_judge(plain)


@pytest.mark.parametrize(
    ("content", "places"),
    [
        ({"model": "m"}, ["rubric"]),
        ({"model": "m", "grounding": {}, "pairwise": {"instruction": "x"}}, ["rubric"]),
        ({"model": "m", "rubric": {"criteria": []}}, ["rubric.criteria"]),
        ({"rubric": RUBRIC, "kind": "x"}, ["kind", "model"]),
        ({"model": "m", "rubric": RUBRIC, "samples": 3}, ["samples"]),
        ({"model": "m", "grounding": {}, "samples": 3, "temperature": 1}, ["samples"]),
        (
            {"model": "m", "rubric": {"criteria": RUBRIC["criteria"] * 2}},
            ["rubric.criteria[1].name"],
        ),
        (
            {
                "model": "m",
                "rubric": {"criteria": [{**RUBRIC["criteria"][0], "levels": [LEVELS[0]] * 2}]},
            },
            ["rubric.criteria[0].levels"],
        ),
    ],
)
def test_problems_are_told_at_their_place(content: Any, places: list[str]) -> None:
    with pytest.raises(ContentInvalid) as refused:
        check_judge(content)
    assert [problem.place for problem in refused.value.problems] == places
