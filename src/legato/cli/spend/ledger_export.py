"""Writing the ledger out: CSV, JSON lines, Parquet; in constant memory."""

import csv
import io
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import IO, Any, Final

import msgspec

from legato.app.desks.stored_data import StoredData
from legato.core.errors import InvalidRequest, OperatorError
from legato.core.money import NanoUSD, exact_usd
from legato.economics.waterfall import STEP_COLUMNS
from legato.storage.ledger.entries import EntryFilter, Row

_AMOUNTS: Final = ("cost", "baseline_cost", *STEP_COLUMNS)
_ROWS_PER_GROUP: Final = 10_000
_NS_PER_S: Final = 1_000_000_000


def exported(row: Row) -> dict[str, Any]:
    """Return an entry as exports show it: amounts named by their unit, time readable too."""
    shown: dict[str, Any] = {"at": _iso(row["at_ns"])}
    for name, value in row.items():
        if name in _AMOUNTS:
            shown[f"{name}_nano_usd"] = value
            shown[f"{name}_usd"] = None if value is None else exact_usd(NanoUSD(value))
        else:
            shown[name] = value
    return shown


def export(stored: StoredData, wanted: EntryFilter, form: str, output: Path | None) -> None:
    """Write all wanted entries.

    Raises:
        InvalidRequest: Parquet to stdout.
        OperatorError: the file can't be written, or Parquet's library is missing.
    """
    columns = exported_columns(stored.entry_columns())
    rows = map(exported, stored.entries().export_rows(wanted))
    if form == "parquet":
        if output is None:
            raise InvalidRequest("Parquet needs a file: add --output FILE", param="output")
        with whole_file(output) as binary:
            _write_parquet(columns, rows, binary)
        return
    write = _write_csv if form == "csv" else _write_lines
    if output is None:
        write(columns, rows, sys.stdout.buffer)
    else:
        with whole_file(output) as binary:
            write(columns, rows, binary)


def exported_columns(columns: Mapping[str, type]) -> dict[str, type]:
    """Return the exports' columns and their types."""
    found: dict[str, type] = {"at": str}
    for name, kind in columns.items():
        if name in _AMOUNTS:
            found |= {f"{name}_nano_usd": int, f"{name}_usd": str}
        else:
            found[name] = kind
    return found


def _write_csv(columns: Mapping[str, type], rows: Iterable[Row], output: IO[bytes]) -> None:
    text = io.TextIOWrapper(output, encoding="utf-8", newline="", write_through=True)
    writer = csv.DictWriter(text, list(columns))
    writer.writeheader()
    for row in rows:
        writer.writerow({**row, "tags": msgspec.json.encode(row["tags"]).decode()})
    text.detach()


def _write_lines(_columns: Mapping[str, type], rows: Iterable[Row], output: IO[bytes]) -> None:
    for row in rows:
        output.write(msgspec.json.encode(row) + b"\n")


def _write_parquet(columns: Mapping[str, type], rows: Iterable[Row], output: IO[bytes]) -> None:
    try:
        import pyarrow as pa  # noqa: PLC0415 - an extra
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError:
        raise OperatorError("Parquet needs an extra: pip install 'legato[parquet]'") from None
    types = {int: pa.int64(), bool: pa.bool_(), str: pa.string()}
    schema = pa.schema([(name, types.get(kind, pa.string())) for name, kind in columns.items()])
    ready = ({**row, "tags": msgspec.json.encode(row["tags"]).decode()} for row in rows)
    with parquet.ParquetWriter(output, schema) as writer:
        while group := list(islice(ready, _ROWS_PER_GROUP)):
            writer.write_table(pa.Table.from_pylist(group, schema=schema))


@contextmanager
def whole_file(output: Path) -> Iterator[IO[bytes]]:
    """Open a file that appears under its name only when it is whole."""
    part = output.with_name(f"{output.name}.part")
    try:
        with part.open("wb") as binary:
            yield binary
            binary.flush()
            os.fsync(binary.fileno())
        part.replace(output)
    except OSError as error:
        raise OperatorError(f"{output} can't be written: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)


def _iso(at_ns: int) -> str:
    second, rest_ns = divmod(at_ns, _NS_PER_S)
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S}.{rest_ns:09d}Z"
