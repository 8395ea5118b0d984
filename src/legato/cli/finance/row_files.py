"""Reads files of rows: CSV with column names, or a JSON array of objects."""

import csv
import io
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from legato.core.errors import InvalidRequest

Row = TypeVar("Row", bound=msgspec.Struct)
_BYTES_MAX = 64 * 1024 * 1024


def read_rows(file: Path, kind: type[Row]) -> list[Row]:
    """Return a file's rows; empty cells count as left out.

    Raises:
        InvalidRequest: naming the line or the element, and the field.
    """
    if file.stat().st_size > _BYTES_MAX:
        raise InvalidRequest(f"{file}: larger than {_BYTES_MAX >> 20} MiB: cut it into parts")
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidRequest(f"{file}: not a text in UTF-8") from None
    if file.suffix.lower() == ".json":
        return _read_json(file, text, kind)
    return _read_csv(file, text, kind)


def _read_json(file: Path, text: str, kind: type[Row]) -> list[Row]:
    try:
        return msgspec.json.decode(text, type=list[kind])  # type: ignore[valid-type]
    except msgspec.DecodeError as error:
        raise InvalidRequest(f"{file}: {error}") from None


def _read_csv(file: Path, text: str, kind: type[Row]) -> list[Row]:
    known = kind.__struct_fields__
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    unknown = sorted(set(reader.fieldnames or ()) - set(known))
    if unknown or not reader.fieldnames:
        told = f"{file}: no column {unknown[0]!r}" if unknown else f"{file}: it has no header"
        raise InvalidRequest(f"{told}; known are {', '.join(sorted(known))}")
    try:
        return [_converted(f"{file}, line {reader.line_num}", row, kind) for row in reader]
    except csv.Error as error:
        raise InvalidRequest(f"{file}, line {reader.line_num}: {error}") from None


def _converted(place: str, row: dict[str, Any], kind: type[Row]) -> Row:
    if None in row or None in row.values():
        raise InvalidRequest(f"{place}: not as many cells as the header has columns")
    given = {name: value.strip() for name, value in row.items() if value.strip()}
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        raise InvalidRequest(f"{place}: {error}") from None
