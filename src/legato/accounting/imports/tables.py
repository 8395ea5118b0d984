"""Rows of tables: CSV of any common separator, and Parquet."""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Final

from legato.accounting.imports.problems import BadLine, Problems
from legato.core.errors import InvalidRequest, OperatorError

_SEPARATORS: Final = (",", ";", "\t", "|")
_CELL_MAX: Final = 16 << 20
"""Characters of one cell: logs hold whole conversations."""
_BATCH: Final = 4096


def csv_rows(stream: IO[str], problems: Problems) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Yield each row by the names in the first line, with the line it ends at.

    Raises:
        InvalidRequest: there is no line of names, or a name stands twice.
    """
    csv.field_size_limit(_CELL_MAX)
    first = stream.readline().lstrip("\ufeff")
    separator = max(_SEPARATORS, key=first.count)
    try:
        names = [name.strip() for name in next(csv.reader([first], delimiter=separator), [])]
    except csv.Error as error:
        raise InvalidRequest(f"line 1: the names of the columns can't be read: {error}") from None
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise InvalidRequest(f"line 1: the column {twice[0]!r} stands there twice; rename one")
    reader = csv.reader(stream, delimiter=separator)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            problems.add(
                reader.line_num + 1,
                BadLine(f"it is no row of CSV: {error}", "quote cells that hold a separator"),
            )
            continue
        if not cells:
            continue
        line = reader.line_num + 1
        if len(cells) != len(names):
            problems.add(
                line,
                BadLine(
                    f"it has {len(cells)} cells, the first line names {len(names)} columns",
                    "export it again: cells are missing, or hold the separator unquoted",
                ),
            )
            continue
        yield line, dict(zip(names, cells, strict=True))


def parquet_rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield each row of a Parquet file by its columns, with its number.

    Raises:
        OperatorError: what reads Parquet isn't installed.
        InvalidRequest: the file is broken.
    """
    try:
        import pyarrow as pa  # noqa: PLC0415 - an extra
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError:
        raise OperatorError("Parquet needs an extra: pip install 'legato[parquet]'") from None
    number = 0
    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(_BATCH):
                for row in batch.to_pylist():
                    number += 1
                    yield number, row
    except (pa.ArrowException, OSError) as error:
        raise InvalidRequest(f"{path} can't be read: {error}") from None
