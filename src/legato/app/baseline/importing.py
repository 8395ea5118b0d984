"""One file of somebody else's usage, taken in."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from legato.accounting.imports.files import digest_of
from legato.accounting.imports.problems import SHOWN_MAX, Problem, Problems
from legato.accounting.imports.reading import Reading
from legato.accounting.repeats import RepeatCounter, Repeats
from legato.accounting.sums import Sums
from legato.core.errors import InvalidRequest
from legato.core.imported_usage import ImportedUsage, UsageImport
from legato.embedding.base import Embedder
from legato.storage.imports.usage_imports import UsageImports

_NS_PER_MS: Final = 10**6


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """How a file is taken in."""

    org: str
    overlap: str = "refuse"
    within_s: int = 86_400
    embedder: Embedder | None = None
    """Looks for nearly identical questions; None looks for none."""
    dry_run: bool = False


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a file."""

    record: UsageImport
    was_there: bool = False
    coarse: bool = False
    problems: list[Problem] = []
    remedies: dict[str, int] = {}
    """How many lines each remedy would help."""
    repeats: Repeats | None = None
    sums: list[ImportedUsage] = []
    """Of a dry run alone."""


def take_in(
    store: UsageImports, reading: Reading, path: Path, terms: Terms, *, told: Callable[[int], None]
) -> Taken:
    """Read a file once and keep the sums over its lines; `told` hears how many there were.

    The same content again changes nothing.

    Raises:
        InvalidRequest: no reader fits it, no line could be read, or too many couldn't.
        Conflict, NotFound: as `UsageImports.add`.
    """
    digest = digest_of(path)
    if (known := store.known(terms.org, digest)) is not None:
        return Taken(record=known, was_there=True)
    sums, calls, counter = Sums(), 0, RepeatCounter(within_s=terms.within_s)
    try:
        for row, asked in reading.calls():
            sums.add(row)
            if reading.reader is not None and reading.reader.calls:
                calls += 1
                counter.add(row, asked)
            told(sums.lines)
        rows = sums.rows()
        _require_any(path, reading, rows)
        repeats = _repeats(counter, terms.embedder) if calls else None
    finally:
        counter.close()
    record = UsageImport(
        org=terms.org,
        source=reading.reader.name if reading.reader else "",
        name=path.name,
        digest=digest,
        start_ns=min(row.start_ns for row in rows),
        end_ns=max(row.end_ns for row in rows),
        lines=sums.lines,
        skipped=reading.skipped,
        bad=reading.problems.count,
        rows=len(rows),
        calls=calls,
        problems=msgspec.json.encode(reading.problems.shown).decode(),
        repeats=msgspec.json.encode(repeats).decode() if repeats else "{}",
    )
    if not terms.dry_run:
        record = store.add(record, rows, overlap=terms.overlap)
    return Taken(
        record=record,
        coarse=sums.coarse,
        problems=reading.problems.shown[:SHOWN_MAX],
        remedies=dict(reading.problems.remedies.most_common()),
        repeats=repeats,
        sums=rows if terms.dry_run else [],
    )


def _repeats(counter: RepeatCounter, embedder: Embedder | None) -> Repeats:
    if embedder is None:
        return counter.result()
    return counter.result(embedder.embed, embedder.name)


def _require_any(path: Path, reading: Reading, rows: list[ImportedUsage]) -> None:
    if rows:
        return
    problems: Problems = reading.problems
    if problems.shown:
        first = problems.shown[0]
        raise InvalidRequest(
            f"{path}: none of its lines can be read; line {first.line}: {first.message}; "
            f"{first.remedy}"
        )
    if reading.skipped:
        raise InvalidRequest(
            f"{path}: its {reading.skipped} lines are all of other things than models"
        )
    raise InvalidRequest(f"{path} holds no lines")
