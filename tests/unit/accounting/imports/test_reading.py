from __future__ import annotations

import gzip
import io
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from accounting_files import read, written
from legato.accounting.imports.files import digest_of
from legato.accounting.imports.json_values import json_objects
from legato.accounting.imports.problems import Problems
from legato.accounting.imports.reading import Reading
from legato.core.errors import InvalidRequest

if TYPE_CHECKING:
    from pathlib import Path

HEADER = "start_time,amount_value,amount_currency,line_item\n"


def test_packed_and_other_encodings_are_the_same_file(tmp_path: Path) -> None:
    text = HEADER + "1730419200,1.5,eur,Größe\n"
    plain = written(tmp_path, "a.csv", text)
    packed = tmp_path / "a.csv.gz"
    packed.write_bytes(gzip.compress(text.encode()))
    wide = tmp_path / "wide.csv"
    wide.write_bytes(text.encode("utf-16"))
    marked = tmp_path / "marked.csv"
    marked.write_bytes(text.encode("utf-8-sig"))
    latin = tmp_path / "latin.csv"
    latin.write_bytes(text.encode("cp1252"))
    for path in (plain, packed, wide, marked):
        (row,) = read(path).rows
        assert (row.sku, row.cost, row.currency) == ("Größe", 1_500_000_000, "EUR")
    (row,) = Reading(latin, encoding="cp1252").rows()
    assert row.sku == "Größe"
    assert digest_of(plain) == digest_of(packed) != digest_of(wide)


def test_separators_other_than_a_comma(tmp_path: Path) -> None:
    text = (HEADER + "1730419200,1.5,usd,x\n").replace(",", ";")
    assert len(read(written(tmp_path, "a.csv", text)).rows) == 1


def test_thousands_of_bad_lines_are_counted_and_the_first_shown(tmp_path: Path) -> None:
    lines = ["1730419200,0.1,usd,x", "1730419200,lots,usd,x", "short"] * 2000
    found = read(written(tmp_path, "a.csv", HEADER + "\n".join(lines)))
    assert len(found.rows) == 2000
    assert found.problems.count == 4000
    assert len(found.problems.shown) == 100
    assert [one.line for one in found.problems.shown[:3]] == [3, 4, 6]
    assert sum(found.problems.remedies.values()) == 4000


def test_too_many_bad_lines_end_it(tmp_path: Path) -> None:
    text = HEADER + "nothing,1,usd,x\n" * 50
    reading = Reading(written(tmp_path, "a.csv", text), problems=Problems(limit=10))
    with pytest.raises(InvalidRequest, match="more than 10 lines can't be read, the last is line"):
        list(reading.rows())


def test_an_unknown_table_names_its_columns(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match=r"these columns: a, b\. Name it with --source"):
        read(written(tmp_path, "a.csv", "a,b\n1,2\n"))


def test_an_empty_file_has_no_rows(tmp_path: Path) -> None:
    assert read(written(tmp_path, "a.csv", "")).rows == []
    assert read(written(tmp_path, "b.json", "[]")).rows == []


def test_a_file_that_breaks_off_says_so(tmp_path: Path) -> None:
    packed = tmp_path / "a.csv.gz"
    packed.write_bytes(gzip.compress((HEADER * 500).encode())[:60])
    with pytest.raises(InvalidRequest, match="can't be read"):
        read(packed)


def objects(text: str) -> tuple[list[tuple[int, object]], Problems]:
    problems = Problems()
    return list(json_objects(io.StringIO(text), problems)), problems


def test_json_of_four_shapes() -> None:
    rows = [{"a": 1}, {"a": 2}]
    for text in (
        '[{"a":1},\n{"a":2}]',
        '{"a":1}\n{"a":2}\n',
        '{"data":[{"a":1}]}{"data":[{"a":2}]}',
        '{"object":"list",\n "data":[{"a":1},{"a":2}]}',
    ):
        assert [row for _, row in objects(text)[0]] == rows


def test_a_broken_line_costs_that_line() -> None:
    found, problems = objects('{"a":1}\n{"a":\n{"a":3}\nxx\n{"a":4}')
    assert [row for _, row in found] == [{"a": 1}, {"a": 3}, {"a": 4}]
    assert [line for line, _ in found] == [1, 3, 5]
    assert [one.line for one in problems.shown] == [2, 4]


def test_a_long_page_over_unindented_lines_is_whole() -> None:
    rows = ",\n".join('{"a": "' + "x" * 1000 + '"}' for _ in range(3000))
    found, problems = objects('{"data":[\n' + rows + "]}")
    assert len(found) == 3000
    assert not problems.count


def test_a_broken_object_in_an_array_ends_it_and_says_so() -> None:
    found, problems = objects('[{"a":1},\n{"a":,\n{"a":3}]')
    assert [row for _, row in found] == [{"a": 1}]
    assert problems.shown[0].line == 2
    assert "nothing after it was read" in problems.shown[0].message


def test_depth_that_no_export_has_is_a_problem() -> None:
    found, problems = objects('{"a":' * 200_000)
    assert not found
    assert problems.count == 1


class Endless(io.TextIOBase):
    """Rows as long as they are asked for: 60 MB in all."""

    def __init__(self) -> None:
        self.left = 60

    def read(self, size: int | None = -1) -> str:
        self.left -= 1
        return '{"a": "' + "x" * (1 << 20) + '"},\n' if self.left >= 0 else ""


def test_memory_is_bounded() -> None:
    tracemalloc.start()
    count = sum(1 for _ in json_objects(Endless(), Problems()))  # type: ignore[arg-type]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 60
    assert peak < 30 << 20
