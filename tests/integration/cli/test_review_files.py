from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from legato.cli.evaluation.review_files import read_items
from legato.core.errors import InvalidRequest
from legato.judging.judge import Criterion, Level, Rubric

if TYPE_CHECKING:
    from pathlib import Path

RUBRIC = Rubric((Criterion("right", "Is it?", (Level(0, "no"), Level(1, "yes"))),))


LABELLED = '{"answer": "x", "labels": [LABELS]}'


def label(level: int) -> str:
    return f'{{"by": "ann", "levels": {{"right": {level}}}}}'


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("a.jsonl", '{"answer": "x"}\n{"answer": 5}\n', "line 2"),
        ("a.jsonl", '{"answer": "x", "note": 1}', "unknown field `note`"),
        ("a.jsonl", LABELLED.replace("LABELS", f"{label(1)}, {label(0)}"), "answer twice"),
        ("a.csv", "answer,grade\nx,1\n", "unknown column 'grade'"),
        ("a.csv", "input\nx\n", "no column `answer`"),
        ("a.csv", "answer,by,right\nx,ann,good\n", "line 2: levels are whole numbers"),
        ("a.csv", "answer,by,right\nx,ann,\n", "give a level for each of right"),
        ("a.jsonl", "", "has no line"),
    ],
)
def test_what_is_wrong_in_a_file_is_told_with_its_place(
    tmp_path: Path, name: str, text: str, told: str
) -> None:
    file = tmp_path / name
    file.write_text(text)
    with pytest.raises(InvalidRequest) as refused:
        read_items(file, RUBRIC)
    assert told in refused.value.message


def test_rows_of_the_same_answer_are_one_item(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("answer,input,by,right\nx,q,ann,1\nx,q,ben,0\nx,p,ann,1\ny,q,,\n")
    items = read_items(file, RUBRIC)
    assert [(one.answer, one.input, [label.by for label in one.labels]) for one in items] == [
        ("x", "q", ["ann", "ben"]), ("x", "p", ["ann"]), ("y", "q", []),
    ]  # fmt: skip
