"""Invoice lines as a plain CSV, or as JSON objects with the same names."""

import csv
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from legato.accounting.imports.row import Charge, UsageRow
from legato.core.errors import InvalidRequest
from legato.core.money import amount
from legato.core.usage import USAGE_CLASSES, Usage

NEEDED: Final = frozenset({"start", "end", "cost"})
_TEXTS: Final = (
    "vendor", "account", "project", "key", "model", "service", "sku", "region", "tier", "unit",
    "quantity", "currency", "invoice", "identity",
)  # fmt: skip
FIELDS: Final = (*NEEDED, *_TEXTS, *USAGE_CLASSES, "requests", "charge", "description")


def is_plain(path: Path) -> bool:
    """Whether a file's first line names the columns of plain invoice lines."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            names = next(csv.reader(file), [])
    except (OSError, UnicodeDecodeError, csv.Error):
        return False
    return set(names) >= NEEDED


def plain_rows(path: Path, vendor: str) -> Iterator[UsageRow]:
    """Read a CSV with `start,end,cost` and any others of `FIELDS`.

    Raises:
        InvalidRequest: naming the line and the column.
    """
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = csv.DictReader(file)
        unknown = set(rows.fieldnames or ()) - set(FIELDS)
        if unknown:
            msg = f"{path}: unknown columns {', '.join(sorted(unknown))}; known are "
            raise InvalidRequest(msg + ", ".join(sorted(FIELDS)))
        for row in rows:
            yield plain_row(row, vendor, rows.line_num)


def plain_row(said: Mapping[str, Any], vendor: str, line: int) -> UsageRow:
    """Read one line. Raises InvalidRequest naming it."""
    values = {name: str(value).strip() for name, value in said.items() if value is not None}
    try:
        texts = {name: values[name] for name in _TEXTS if values.get(name)}
        row = UsageRow(
            source="plain",
            vendor=vendor,
            start_ms=_time_ms(values, "start"),
            end_ms=_time_ms(values, "end"),
            usage=Usage(*(_whole(values, name) for name in USAGE_CLASSES)),
            requests=_whole(values, "requests") if values.get("requests") else None,
            cost=amount(values.get("cost") or "") if values.get("cost") else None,
            charge=Charge(values.get("charge") or Charge.USAGE.value),
            line=line,
        )
        return msgspec.structs.replace(row, **texts)
    except (ValueError, msgspec.ValidationError) as error:
        raise InvalidRequest(f"line {line}: {error}") from None


def _time_ms(values: Mapping[str, str], name: str) -> int:
    text = values.get(name, "")
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        msg = f"{name}: {text!r}: write 2026-10-01 or 2026-10-01T00:00:00+02:00"
        raise ValueError(msg) from None
    read = read if read.tzinfo else read.replace(tzinfo=UTC)
    return int(read.timestamp() * 1000)


def _whole(values: Mapping[str, str], name: str) -> int:
    text = values.get(name) or "0"
    if not text.isascii() or not text.isdigit() or len(text) > _DIGITS:
        msg = f"{name}: {text!r} is no whole number"
        raise ValueError(msg)
    return int(text)


_DIGITS: Final = 18
