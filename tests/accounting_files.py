"""Files of exports as tests write and read them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from legato.accounting.imports.reading import Reading

if TYPE_CHECKING:
    from pathlib import Path

    from legato.accounting.imports.problems import Problems
    from legato.accounting.imports.row import UsageRow


class Found(NamedTuple):
    rows: list[UsageRow]
    problems: Problems
    skipped: int


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def read(path: Path) -> Found:
    reading = Reading(path)
    return Found(list(reading.rows()), reading.problems, reading.skipped)


def read_one(path: Path) -> UsageRow:
    found = read(path)
    assert not found.problems.shown
    (row,) = found.rows
    return row
