"""Questions of known meaning, from files."""

from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from legato.core.errors import InvalidRequest
from legato.evaluation.question_files import Known, read_questions

EXPECTED = [Known("what is a, b?", "1"), Known("tell me what c is", "2")]


def test_every_form_reads_alike_and_in_order(tmp_path: Path) -> None:
    csv, lines, columns = (tmp_path / f"q.{form}" for form in ("csv", "jsonl", "parquet"))
    csv.write_text('pos,text,cluster\n1,tell me what c is,2\n0,"what is a, b?",1\n')
    lines.write_text(
        '{"pos": 1, "text": "tell me what c is", "cluster": 2}\n\n'
        '{"pos": 0, "text": "what is a, b?", "cluster": 1}\n'
    )
    parquet.write_table(
        pa.table({"pos": [1, 0], "text": [one.text for one in EXPECTED[::-1]], "cluster": [2, 1]}),
        columns,
    )
    assert read_questions(csv) == read_questions(lines) == read_questions(columns) == EXPECTED


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("q.csv", "text,group\na,1\n", "row 1: it needs a column 'cluster'"),
        ("q.csv", "text,cluster\na,1\n,2\n", "row 2: it needs a column 'text'"),
        ("q.csv", "", "holds no questions"),
        ("q.csv", "pos,text,cluster\nx,a,1\n", "`pos` must be a whole number"),
        ("q.jsonl", "[1]\n", "row 1"),
        ("q.jsonl", '{"text": ["a"], "cluster": 1}', "row 1: it needs a column 'text'"),
        ("q.jsonl", "{", "can't be read"),
        ("q.parquet", "no", "can't be read"),
        ("q.txt", "", "must end with"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, name: str, content: str, said: str) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(InvalidRequest, match=said):
        read_questions(path)
