"""Reading tables of judged answers, and what is told of bad ones."""

from pathlib import Path

import numpy as np
import pytest

from legato.core.errors import InvalidRequest
from legato.evaluation.routing.tables import read_table


def test_lines_and_tables_are_read_alike(tmp_path: Path) -> None:
    lines, table = tmp_path / "a.jsonl", tmp_path / "a.csv"
    lines.write_text(
        '{"prompt": "one", "task": "maths/sums", "m|correct": 1, "m|cost": 0.5}\n'
        '{"prompt": "two", "task": "law", "m|correct": 0.25, "m|cost": null}\n'
    )
    table.write_text("prompt,task,m|correct,m|cost\none,maths/sums,1,0.5\ntwo,law,0.25,\n")
    for path in (lines, table):
        read = read_table(path)
        assert read.prompts == ["one", "two"]
        assert read.models == ("m",)
        assert read.outcomes.tolist() == [[1.0], [0.25]]
        assert read.costs[0, 0] == 0.5
        assert np.isnan(read.costs[1, 0])
        assert read.within("maths").prompts == ["one"]


def test_plain_columns_can_be_named(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("prompt,strong,weak\none,1,0\n")
    assert read_table(path, ("strong", "weak")).outcomes.tolist() == [[1.0, 0.0]]


@pytest.mark.parametrize(
    ("content", "models", "told"),
    [
        ("text,m|correct\na,1\n", (), "no column prompt"),
        ("prompt,m|correct\na,1\n", ("n",), r"no column n\|correct; there are m"),
        ("prompt,m|correct\na,often\n", (), r"m\|correct: holds what is no number"),
        ("prompt,m|correct\na,7\n", (), "must lie between 0 and 1"),
        ("prompt,other\na,7\n", (), "name the models"),
        ("prompt,m|correct\n", (), "no column prompt"),
    ],
)
def test_what_is_wrong_with_a_table_is_named(
    tmp_path: Path, content: str, models: tuple[str, ...], told: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(content)
    with pytest.raises(InvalidRequest, match=told):
        read_table(path, models)
