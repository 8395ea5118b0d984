"""Reading one file: which reader fits, and its rows with what could not be read."""

from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any, Final

from legato.accounting.imports import (
    anthropic,
    aws,
    azure,
    google,
    helicone,
    langfuse,
    litellm,
    openai,
)
from legato.accounting.imports.cells import Cells
from legato.accounting.imports.files import GUESSED, is_parquet, opened, text_of
from legato.accounting.imports.json_values import json_objects
from legato.accounting.imports.problems import BadLine, Problems, TooManyBadLines
from legato.accounting.imports.reader import Asked, Reader
from legato.accounting.imports.row import UsageRow
from legato.accounting.imports.tables import csv_rows, parquet_rows
from legato.core.errors import InvalidRequest

READERS: Final[dict[str, Reader]] = {
    module.READER.name: module.READER
    for module in (openai, anthropic, aws, azure, google, litellm, langfuse, helicone)
}
_JSON: Final = frozenset(b"{[")
_Record = tuple[int, Mapping[str, Any]]


class Reading:
    """The rows of one file, in its order; `problems` grows as they are read.

    `skipped` counts lines that are good and of something else, such as a machine's hours.
    """

    def __init__(
        self,
        path: Path,
        *,
        source: str = GUESSED,
        encoding: str = GUESSED,
        problems: Problems | None = None,
        reader: Reader | None = None,
    ) -> None:
        """`source` names a reader, `auto` takes the one whose columns are there.

        `reader` is one of its own, such as of a mapping file.

        Raises:
            InvalidRequest: there is no such reader.
        """
        if source not in {GUESSED, *READERS}:
            raise InvalidRequest(
                f"source: {source!r} is unknown; give {GUESSED} or one of {', '.join(READERS)}"
            )
        self._path, self._encoding = path, encoding
        self.problems = problems or Problems()
        self.skipped = 0
        self.reader = reader or READERS.get(source)

    def rows(self) -> Iterator[UsageRow]:
        """Yield every row that can be read.

        Raises:
            InvalidRequest: no reader fits, or there are too many bad lines.
            OperatorError: the file is Parquet, and what reads it isn't installed.
        """
        for row, _ in self.calls():
            yield row

    def calls(self) -> Iterator[tuple[UsageRow, Asked | None]]:
        """Yield as `rows`, each with what was asked, where the export is a log of calls."""
        try:
            records = self._records()
            first = next(records, None)
            if first is None:
                return
            reader = self.reader = self.reader or _fitting(self._path, first[1])
            for line, values in chain((first,), records):
                yield from self._read(reader, line, values)
        except TooManyBadLines as error:
            raise InvalidRequest(f"{self._path}: {error}") from None

    def _read(
        self, reader: Reader, line: int, values: Mapping[str, Any]
    ) -> Iterator[tuple[UsageRow, Asked | None]]:
        any_row = False
        try:
            for row in reader.rows(Cells(values)):
                any_row = True
                row.line = _in_order(row, line)
                yield row, reader.asked(values) if reader.calls else None
            self.skipped += not any_row
        except BadLine as bad:
            self.problems.add(line, bad)

    def _records(self) -> Iterator[_Record]:
        if is_parquet(self._path):
            yield from parquet_rows(self._path)
            return
        with text_of(self._path, self._encoding) as stream:
            if _is_json(self._path):
                yield from json_objects(stream, self.problems)
            else:
                yield from csv_rows(stream, self.problems)


def _in_order(row: UsageRow, line: int) -> int:
    if row.end_ms < row.start_ms:
        raise BadLine("it ends before it begins", "export it again")
    return line


def _fitting(path: Path, values: Mapping[str, Any]) -> Reader:
    names = frozenset(map(str, values))
    for reader in READERS.values():
        if reader.fits(names):
            return reader
    seen = ", ".join(sorted(names)[:12]) or "nothing"
    raise InvalidRequest(
        f"{path}: no export that is known has these columns: {seen}. Name it with --source, or "
        "give --mapping for a table of your own"
    )


def _is_json(path: Path) -> bool:
    """Tell by the first character that isn't blank, past a byte order mark of any width."""
    with opened(path) as stream:
        head = stream.read(4096).lstrip(b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n")
    return head[:1] != b"" and head[0] in _JSON
