"""Outcomes that arrive after their attempt was closed as unknown: reversal and replacement."""

from typing import Any, Final

from sqlalchemy import Connection, select

from legato.core.records import EntryKind, Settled
from legato.core.usage import USAGE_CLASSES
from legato.storage.database.windows import period_of
from legato.storage.ledger.batch import Batch
from legato.storage.ledger.entry_rows import Row, settled_row
from legato.storage.ledger.known_entries import KnownEntries
from legato.storage.limits import limit_windows
from legato.storage.limits.budget_sets import Members
from legato.storage.tables.schema import ENTRY_COLUMNS, PLAIN_COLUMNS, ledger_entry

_NEGATED: Final = (*USAGE_CLASSES, "cost", "baseline_cost")


def late_rows(
    connection: Connection, batch: Batch, known: KnownEntries, posted: tuple[Members, int]
) -> list[Row]:
    """Return what a batch adds to attempts that are in the ledger provisionally.

    A provisional entry is reversed once. What replaces it has the next `seq`, so an outcome
    that comes again finds its own identity taken.
    """
    rows: list[Row] = []
    for attempt, entries in known.items():
        provisional = next((entry for entry in entries if entry.provisional), None)
        if provisional is None:
            continue
        outcomes = [s for identity, s in batch.settled.items() if identity[:2] == attempt]
        if not outcomes and attempt not in batch.voided:
            continue
        if all(entry.reverses_entry != provisional.id for entry in entries):
            rows.append(_reversal(connection, provisional.id, posted))
        taken = {(entry.kind, entry.seq) for entry in entries}
        rows.extend(
            _replacement(connection, settled, posted)
            for settled in outcomes
            if (settled.kind.value, settled.seq + 1) not in taken
        )
    return rows


def _reversal(connection: Connection, entry_id: int, posted: tuple[Members, int]) -> Row:
    wanted = select(ledger_entry).where(ledger_entry.c.id == entry_id)
    row = dict(connection.execute(wanted).mappings().one())
    for name in _NEGATED:
        row[name] = None if row[name] is None else -row[name]
    row["reverses_entry"] = row.pop("id")
    row["kind"] = EntryKind.CORRECTION.value
    row["provisional"] = False
    return _posted(connection, row, posted)


def _replacement(connection: Connection, settled: Settled, posted: tuple[Members, int]) -> Row:
    row = settled_row(settled, settled.seq + 1)
    late = {**dict(zip(PLAIN_COLUMNS, row, strict=True)), "reverses_entry": None}
    late["provisional"] = False
    return _posted(connection, late, posted)


def _posted(connection: Connection, row: dict[str, Any], posted: tuple[Members, int]) -> Row:
    """Post at its own time while that period and all budget windows are open, else now."""
    members, now_ns = posted
    at_ns = row["original_at_ns"] = row["at_ns"]
    if period_of(at_ns) != period_of(now_ns):
        row["at_ns"] = now_ns
        row["period"] = period_of(now_ns)
    if row["budget_id"]:
        limit_ids = members.of(row["budget_id"])
        start_ns = limit_windows.newest_start(connection, limit_ids, now_ns)
        if row["budget_at_ns"] < start_ns:
            row["budget_at_ns"] = now_ns
    return tuple(row[name] for name in ENTRY_COLUMNS)
