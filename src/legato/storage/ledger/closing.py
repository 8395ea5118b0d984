"""Entries that come for a period whose books are closed go into the open one."""

from collections.abc import Iterable, Mapping
from typing import Final

from sqlalchemy import Connection, func, select

from legato.economics.waterfall import NO_STEPS
from legato.storage.database.prepared import run
from legato.storage.database.windows import period_of
from legato.storage.ledger.entry_rows import Row
from legato.storage.tables.accounting import accounting_period
from legato.storage.tables.schema import ENTRY_COLUMNS, PLAIN_COLUMNS

ClosedUntil = Mapping[str, int]
"""Up to when each organisation's books are closed; those without a closed period aren't there."""

_period: Final = accounting_period.c
_CLOSED: Final = select(_period.org, func.max(_period.end_ns)).group_by(_period.org)
_ORG: Final = ENTRY_COLUMNS.index("org")
_AT: Final = ENTRY_COLUMNS.index("at_ns")
_PERIOD: Final = ENTRY_COLUMNS.index("period")
_ORIGINAL_AT: Final = ENTRY_COLUMNS.index("original_at_ns")


def closed_until(connection: Connection) -> ClosedUntil:
    """Read it; it holds for this transaction where that shares `ROWS_LOCK`, as posting does."""
    return {row[0]: row[1] for row in run(connection, _CLOSED)}


def is_closed(closed: ClosedUntil, org: str, at_ns: int) -> bool:
    """Whether the books of a time are closed."""
    return at_ns < closed.get(org, 0)


def split_plain(rows: list[Row], closed: ClosedUntil, now_ns: int) -> tuple[list[Row], list[Row]]:
    """Part plain rows into those that go where they belong, and full ones that can't."""
    if not closed:
        return rows, []
    in_time = [row for row in rows if not is_closed(closed, row[_ORG], row[_AT])]
    if len(in_time) == len(rows):
        return rows, []
    late = [_full(row) for row in rows if is_closed(closed, row[_ORG], row[_AT])]
    return in_time, moved(late, closed, now_ns)


def _full(row: Row) -> Row:
    steps = row[len(PLAIN_COLUMNS) :] or NO_STEPS
    return (*row[: len(PLAIN_COLUMNS)], None, None, False, *steps)


def moved(rows: Iterable[Row], closed: ClosedUntil, now_ns: int) -> list[Row]:
    """Return full rows, those of closed books at this time with the one when they happened."""
    return [_at(row, now_ns) if is_closed(closed, row[_ORG], row[_AT]) else row for row in rows]


def _at(row: Row, now_ns: int) -> Row:
    values = list(row)
    values[_ORIGINAL_AT] = values[_AT]
    values[_AT] = now_ns
    values[_PERIOD] = period_of(now_ns)
    return tuple(values)
