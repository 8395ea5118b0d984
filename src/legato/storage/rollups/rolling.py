"""Keeps the rollups up with the ledger.

Entries never change and ids rise, so a rollup is the sum of all entries up to one id, its mark, and
who reads adds those behind it: nothing is ever stale. Entries are summed before the write
transaction begins; that one moves the mark only from where the sums began.
"""

from collections.abc import Callable
from typing import Final

from sqlalchemy import Connection, Engine, delete, func, select

from legato.storage.audit.segments import ROWS_LOCK
from legato.storage.database.dialect import is_sqlite, lock, wait_for_sharers
from legato.storage.database.engine import begun, connected, reading, writing
from legato.storage.rollups import last_days
from legato.storage.rollups.adding import (
    Kept,
    Range,
    Rollup,
    add_aside,
    add_at_once,
    sum_aside,
)
from legato.storage.rollups.last_days import LAST_DAYS
from legato.storage.rollups.marks import mark_of, set_mark
from legato.storage.rollups.sources import ENTRY, HOURS_PER_DAY
from legato.storage.tables.rollups import (
    DIMENSIONS,
    MEASURES,
    RUN_DIMENSIONS,
    USER_DIMENSIONS,
    USER_MEASURES,
    WORKFLOW_DIMENSIONS,
    spend_day,
    spend_hour,
    spend_run_day,
    spend_user_day,
    spend_workflow_day,
)

ENTRIES_AT_ONCE: Final = 50_000
"""So many are summed by one statement."""
HOURS_KEPT_DAYS: Final = 64
USERS_KEPT_DAYS: Final = 92
RUNS_KEPT_DAYS: Final = 400
"""How long the fine rollups are kept; those by day and by workflow are kept for ever."""
SPEND, USERS, RUNS, WORKFLOWS = "spend", "users", "runs", "workflows"

ROLLUPS: Final = (
    Rollup(SPEND, DIMENSIONS, MEASURES,
           (Kept(spend_hour, 1, HOURS_KEPT_DAYS), Kept(spend_day, HOURS_PER_DAY))),
    Rollup(USERS, USER_DIMENSIONS, USER_MEASURES,
           (Kept(spend_user_day, HOURS_PER_DAY, USERS_KEPT_DAYS),), of="end_user"),
    Rollup(RUNS, RUN_DIMENSIONS, USER_MEASURES,
           (Kept(spend_run_day, HOURS_PER_DAY, RUNS_KEPT_DAYS),), of="run"),
    Rollup(WORKFLOWS, WORKFLOW_DIMENSIONS, MEASURES, (Kept(spend_workflow_day, HOURS_PER_DAY),),
           of="run"),
)  # fmt: skip
BY_NAME: Final = {one.name: one for one in ROLLUPS}


class Roller:
    """Of the whole instance. Every method may raise StorageUnavailable, and be repeated."""

    def __init__(self, engine: Engine, *, at_once: int = ENTRIES_AT_ONCE) -> None:
        self._engine = engine
        self._at_once = at_once

    def behind(self, name: str) -> int:
        """Return how many ids lie behind a rollup's mark."""
        with reading(self._engine) as connection:
            newest = connection.execute(select(func.max(ENTRY.id))).scalar() or 0
            return max(0, newest - mark_of(connection, name)[0])

    def roll(self, name: str) -> int:
        """Take the next entries in; return how far the mark moved, 0 for nothing to do."""
        rollup = BY_NAME[name]
        with reading(self._engine) as connection:
            # a writer elsewhere may not have committed a row that has a lower id than ours
            wait_for_sharers(connection, ROWS_LOCK)
            newest = connection.execute(select(func.max(ENTRY.id))).scalar() or 0
        with connected(self._engine) as connection:
            taken = self._next(connection, rollup, newest)
            if taken is None:
                return 0
            with begun(connection, writes=True):
                lock(connection, [f"rollup {name}"])
                mark, kept_from = mark_of(connection, name)
                if mark == taken.after:  # else another process was first
                    _add(connection, rollup, taken._replace(kept_from=kept_from))
                    set_mark(connection, name, entry_id=taken.until)
        return taken.until - taken.after

    def _next(self, connection: Connection, rollup: Rollup, newest: int) -> Range | None:
        """Return what is taken in next, None for nothing; SQLite sums it before it is locked."""
        with begun(connection):
            mark, kept_from = mark_of(connection, rollup.name)
            taken = Range(mark, min(newest, mark + self._at_once), kept_from)
            if taken.until <= mark:
                return None
            if is_sqlite(connection):
                sum_aside(connection, rollup, taken)
            return taken

    def catch_up(self, name: str, told: Callable[[int], None] = lambda _: None) -> None:
        """Take in all that there is; `told` hears how far the mark moved each time."""
        while moved := self.roll(name):
            told(moved)

    def forget(self, name: str, now_ns: int) -> int:
        """Delete fine rows that had their time; return how many."""
        rollup, gone = BY_NAME[name], 0
        for kept in rollup.tables:
            if kept.days is None:
                continue
            hour = now_ns // (3_600 * 10**9)
            first = (hour // HOURS_PER_DAY - kept.days) * HOURS_PER_DAY // kept.hours
            with writing(self._engine) as connection:
                lock(connection, [f"rollup {name}"])
                if mark_of(connection, name)[1] >= first:
                    continue
                old = delete(kept.table).where(kept.table.c.bucket < first)
                gone += connection.execute(old).rowcount
                if name in LAST_DAYS:
                    last_days.forget(connection, name, first)
                set_mark(connection, name, kept_from=first)
        return gone

    def empty(self, name: str) -> None:
        """Begin a rollup anew: until it has caught up, what is read comes from the entries."""
        with writing(self._engine) as connection:
            lock(connection, [f"rollup {name}"])
            for kept in BY_NAME[name].tables:
                connection.execute(delete(kept.table))
            set_mark(connection, name, entry_id=0)
            if name in LAST_DAYS:
                last_days.renew(connection, name)
                last_days.mark(connection, name, 0)


def _add(connection: Connection, rollup: Rollup, taken: Range) -> None:
    were_kept_up = rollup.name in LAST_DAYS and last_days.are_kept_up(connection, rollup.name)
    if is_sqlite(connection):
        add_aside(connection, rollup, taken)
    else:
        add_at_once(connection, rollup, taken)
    if rollup.name in LAST_DAYS:
        if not were_kept_up:
            last_days.renew(connection, rollup.name)
        last_days.mark(connection, rollup.name, taken.until)
