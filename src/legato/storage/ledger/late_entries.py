"""Entries that are replaced: reversal and replacement.

By outcomes that arrive after their attempt was closed as unknown, and by hand.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, func, select

from legato.core.leases import LimitKind, kind_in_ledger
from legato.core.records import EntryKind, Settled
from legato.core.usage import TOKEN_CLASSES, USAGE_CLASSES
from legato.economics.waterfall import STEP_COLUMNS, plain_steps
from legato.storage.database.windows import period_of
from legato.storage.ledger.batch import Batch
from legato.storage.ledger.closing import ClosedUntil, is_closed
from legato.storage.ledger.entry_rows import Row, settled_row
from legato.storage.ledger.known_entries import KnownEntries
from legato.storage.limits import limit_windows
from legato.storage.limits.budget_sets import Members
from legato.storage.tables.accounting import ledger_correction
from legato.storage.tables.schema import ENTRY_COLUMNS, PLAIN_COLUMNS, ledger_entry

_NEGATED: Final = (*USAGE_CLASSES, "cost", "baseline_cost", *STEP_COLUMNS)
_IDENTITY: Final = ("request_id", "attempt", "kind", "seq")
_COUNTED: Final = {LimitKind.BUDGET: ("cost",), LimitKind.TOKENS: TOKEN_CLASSES}
_entry: Final = ledger_entry.c


class Posted(NamedTuple):
    """What decides where a late row goes: its budgets, the time now, which books are closed."""

    members: Members
    now_ns: int
    closed: ClosedUntil


def late_rows(
    connection: Connection, batch: Batch, known: KnownEntries, posted: Posted
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
        lost = _row(connection, provisional.id)
        replacements = [_late(settled) for settled in outcomes]
        moves = _moves_on(lost, replacements, posted.members)
        if all(entry.reverses_entry != provisional.id for entry in entries):
            rows.append(_posted(connection, _reversal(lost), posted, moves_on=moves))
        elif _is_corrected(connection, provisional.id):
            continue  # somebody said by hand what it cost
        taken = {(entry.kind, entry.seq) for entry in entries}
        rows.extend(
            _posted(connection, late, posted, moves_on=moves)
            for late in replacements
            if (late["kind"], late["seq"]) not in taken
        )
    return rows


def correcting_rows(
    connection: Connection,
    entry: Mapping[str, Any],
    changed: Mapping[str, Any],
    posted: Posted,
) -> list[Row]:
    """Return the reversal of an entry and what replaces it."""
    reversal = {**entry, "seq": _next_seq(connection, entry, EntryKind.CORRECTION.value)}
    replacement = {
        **entry,
        **changed,
        **_steps_moved(entry, changed),
        "seq": _next_seq(connection, entry, entry["kind"]),
        "reverses_entry": None,
        "provisional": False,
    }
    moves = _moves_on(entry, [replacement], posted.members)
    return [
        _posted(connection, _reversal(reversal), posted, moves_on=moves),
        _posted(connection, replacement, posted, moves_on=moves),
    ]


def _steps_moved(entry: Mapping[str, Any], changed: Mapping[str, Any]) -> dict[str, int]:
    """Return the steps with what is saved otherwise now, in the one that an entry's kind names."""
    after = {**entry, **changed}
    before = _saved(entry["cost"], entry["baseline_cost"])
    more = _saved(after["cost"], after["baseline_cost"]) - before
    moved = plain_steps(entry["kind"], 0, more)
    names = zip(STEP_COLUMNS, moved, strict=True)
    return {name: entry[name] + step for name, step in names}


def _saved(cost: int | None, baseline: int | None) -> int:
    return 0 if cost is None or baseline is None else baseline - cost


def entry_id(connection: Connection, row: Row) -> int:
    """Return the id that a row was given."""
    values = dict(zip(ENTRY_COLUMNS, row, strict=True))
    same = [_entry[name] == values[name] for name in _IDENTITY]
    return int(connection.execute(select(_entry.id).where(*same)).scalar_one())


def _next_seq(connection: Connection, entry: Mapping[str, Any], kind: str) -> int:
    wanted = select(func.coalesce(func.max(_entry.seq), -1)).where(
        _entry.request_id == entry["request_id"],
        _entry.attempt == entry["attempt"],
        _entry.kind == kind,
    )
    return int(connection.execute(wanted).scalar_one()) + 1


def _is_corrected(connection: Connection, entry_id: int) -> bool:
    by_hand = ledger_correction.c
    wanted = select(by_hand.id).where(by_hand.entry_id == entry_id, by_hand.state == "posted")
    return connection.execute(wanted).first() is not None


def _row(connection: Connection, entry_id: int) -> dict[str, Any]:
    wanted = select(ledger_entry).where(_entry.id == entry_id)
    return dict(connection.execute(wanted).mappings().one())


def _reversal(entry: Mapping[str, Any]) -> dict[str, Any]:
    row = dict(entry)
    for name in _NEGATED:
        row[name] = None if row[name] is None else -row[name]
    row["reverses_entry"] = row.pop("id")
    row["kind"] = EntryKind.CORRECTION.value
    row["provisional"] = False
    return row


def _late(settled: Settled) -> dict[str, Any]:
    row = settled_row(settled, settled.seq + 1)
    late = dict.fromkeys(STEP_COLUMNS, 0) | dict(
        zip((*PLAIN_COLUMNS, *STEP_COLUMNS), row, strict=False)
    )
    return late | {"reverses_entry": None, "provisional": False}


def _moves_on(
    before: Mapping[str, Any], after: Sequence[Mapping[str, Any]], members: Members
) -> bool:
    """Whether what replaces an entry is no less than it was, of all that its budgets count.

    Else it would leave a budget's open window more to spend than its limit.
    """
    kinds = {kind_in_ledger(limit_id) for limit_id in members.of(before["budget_id"])}
    return all(
        sum(row[name] or 0 for row in after for name in _COUNTED[kind])
        >= sum(before[name] or 0 for name in _COUNTED[kind])
        for kind in kinds
    )


def _posted(connection: Connection, row: dict[str, Any], posted: Posted, *, moves_on: bool) -> Row:
    """Post at its own time while its month and books are open, else now.

    Budgets count it in the window of its hold, or where that is over, what is more in the open one.
    """
    members, now_ns, closed = posted
    at_ns = row["at_ns"]
    row["original_at_ns"] = row.get("original_at_ns") or at_ns
    if period_of(at_ns) != period_of(now_ns) or is_closed(closed, row["org"], at_ns):
        row["at_ns"] = now_ns
        row["period"] = period_of(now_ns)
    if row["budget_id"] and moves_on:
        limit_ids = members.of(row["budget_id"])
        start_ns = limit_windows.newest_start(connection, limit_ids, now_ns)
        if row["budget_at_ns"] < start_ns:
            row["budget_at_ns"] = now_ns
    return tuple(row[name] for name in ENTRY_COLUMNS)
