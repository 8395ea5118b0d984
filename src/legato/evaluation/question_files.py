"""Questions whose meaning is known, read from a file: `text`, `cluster` and maybe `pos`."""

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from legato.core.errors import InvalidRequest, OperatorError

_COLUMNS = ("text", "cluster")


class Known(NamedTuple):
    """A question, and which meaning it has: those of one `cluster` have one answer."""

    text: str
    cluster: str


def read_questions(path: Path) -> list[Known]:
    """Read Parquet, CSV or lines of JSON, by the file's name; in the order of `pos`, if it has one.

    Raises:
        InvalidRequest: naming the row or column that is wrong.
        OperatorError: Parquet, and what reads it isn't installed.
    """
    try:
        rows = list(_rows(path))
    except (OSError, UnicodeDecodeError, csv.Error, msgspec.DecodeError) as error:
        raise InvalidRequest(f"{path} can't be read: {error}") from None
    for number, row in enumerate(rows, start=1):
        for column in _COLUMNS:
            given = row.get(column) if isinstance(row, Mapping) else None
            if not isinstance(given, str | int) or given == "":
                raise InvalidRequest(f"{path}, row {number}: it needs a column {column!r}")
    if rows and "pos" in rows[0]:
        try:
            rows.sort(key=lambda row: int(row["pos"]))
        except (KeyError, TypeError, ValueError):
            raise InvalidRequest(f"{path}: `pos` must be a whole number in each row") from None
    if not rows:
        raise InvalidRequest(f"{path} holds no questions")
    return [Known(str(row["text"]), str(row["cluster"])) for row in rows]


def _rows(path: Path) -> Iterable[Any]:
    if path.suffix == ".parquet":
        return _parquet(path)
    text = path.read_text(encoding="utf-8-sig")
    if path.suffix == ".csv":
        return csv.DictReader(text.splitlines(keepends=True))
    if path.suffix in {".jsonl", ".ndjson"}:
        return [msgspec.json.decode(line) for line in text.splitlines() if line.strip()]
    raise InvalidRequest(f"{path}: its name must end with .parquet, .csv or .jsonl")


def _parquet(path: Path) -> Iterable[Mapping[str, Any]]:
    try:
        import pyarrow as pa  # noqa: PLC0415 - an extra
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError:
        raise OperatorError("Parquet needs an extra: pip install 'legato[parquet]'") from None
    try:
        rows: list[dict[str, Any]] = parquet.read_table(path).to_pylist()
    except pa.ArrowException as error:
        raise InvalidRequest(f"{path} can't be read: {error}") from None
    return rows
