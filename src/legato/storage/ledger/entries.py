"""Reading the ledger: one entry, the newest ones, all of them."""

from collections.abc import Iterator
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Engine, select

from legato.core.tenant import Area, Reach, reaches
from legato.storage.database.engine import reading
from legato.storage.database.tenancy import orgs_within, within
from legato.storage.ledger.trace_blocks import Position, count_traces, find_trace, read_traces
from legato.storage.tables.schema import ledger_entry, trace_block

_ROWS_PER_READ: Final = 1_000

Row = dict[str, Any]
"""A row by column name: `tags` is a dict, flags are bool, amounts are nano-USD or None."""


class EntryFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which entries; what is None does not narrow. `since_ns` is inclusive, `until_ns` not."""

    since_ns: int | None = None
    until_ns: int | None = None
    team: str | None = None
    feature: str | None = None
    key_id: str | None = None
    end_user: str | None = None
    model_requested: str | None = None
    deployment: str | None = None
    provider: str | None = None
    route: str | None = None
    kind: str | None = None
    status: str | None = None
    request_id: str | None = None
    evaluation: str | None = None
    """The run that a tag of ours names."""

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return them for a WHERE over `ledger_entry`."""
        wanted = msgspec.structs.asdict(self)
        since_ns, until_ns = wanted.pop("since_ns"), wanted.pop("until_ns")
        evaluation = wanted.pop("evaluation")
        columns = ledger_entry.c
        found = [columns[name] == value for name, value in wanted.items() if value is not None]
        if since_ns is not None:
            found.append(columns.at_ns >= since_ns)
        if until_ns is not None:
            found.append(columns.at_ns < until_ns)
        if evaluation is not None:
            tag = msgspec.json.encode({"evaluation": evaluation}).decode().strip("{}")
            found.append(columns.tags.contains(tag, autoescape=True))
        return found


class EntryReader:
    """Reads entries and traces within reach. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, reach: Reach) -> None:
        self._engine = engine
        self._entries = within(reach, ledger_entry)
        self._reach = reach
        # a block holds an organisation's: what lies in which team is told when it is read
        self._traces = orgs_within(reach, trace_block)

    def tail(self, count: int, wanted: EntryFilter | None = None) -> list[Row]:
        """Return the newest `count` entries, oldest of them first."""
        conditions = [*self._entries, *(wanted or EntryFilter()).conditions()]
        statement = (
            select(ledger_entry).where(*conditions).order_by(ledger_entry.c.id.desc()).limit(count)
        )
        with reading(self._engine) as connection:
            rows = [_entry(row) for row in connection.execute(statement).mappings()]
        return rows[::-1]

    def page(self, count: int, before_id: int | None, wanted: EntryFilter) -> list[Row]:
        """Return up to `count` entries, newest first, that are older than an entry's id."""
        conditions = [*self._entries, *wanted.conditions()]
        if before_id is not None:
            conditions.append(ledger_entry.c.id < before_id)
        newest_first = select(ledger_entry).where(*conditions).order_by(ledger_entry.c.id.desc())
        with reading(self._engine) as connection:
            rows = connection.execute(newest_first.limit(count)).mappings()
            return [_entry(row) for row in rows]

    def export_rows(self, wanted: EntryFilter | None = None) -> Iterator[Row]:
        """Yield entries in the order of their ids, in constant memory.

        Each thousand is a read of its own: a long export never holds back SQLite's log.
        """
        conditions = [*self._entries, *(wanted or EntryFilter()).conditions()]
        last_id = 0
        while True:
            statement = (
                select(ledger_entry)
                .where(ledger_entry.c.id > last_id, *conditions)
                .order_by(ledger_entry.c.id)
                .limit(_ROWS_PER_READ)
            )
            with reading(self._engine) as connection:
                rows = [_entry(row) for row in connection.execute(statement).mappings()]
            yield from rows
            if len(rows) < _ROWS_PER_READ:
                return
            last_id = rows[-1]["id"]

    def trace(self, request_id: str) -> Row | None:
        """Return the trace of a request: `stages` as (name, µs) pairs, `usage` as a list."""
        with reading(self._engine) as connection:
            found = find_trace(connection, request_id, self._traces)
        return found if found is not None and self._reaches(found) else None

    def traces(self, since_ns: int = 0) -> Iterator[Row]:
        """Yield the traces of requests that came at `since_ns` or later.

        They come in the blocks they were kept in, each in the order of arrival: a request of
        one block may be older than one before it by as long as requests take. In constant
        memory: every few blocks are a read of their own.
        """
        after: Position | None = (0, 0)
        while after is not None:
            with reading(self._engine) as connection:
                page = read_traces(connection, since_ns, after, self._traces)
            yield from filter(self._reaches, page.traces)
            after = page.following

    def count_traces(self) -> int:
        """Return how many traces are kept. Raises Forbidden below an organisation."""
        with reading(self._engine) as connection:
            return count_traces(connection, within(self._reach, trace_block))

    def entries_of(self, request_id: str) -> list[Row]:
        """Return the entries of a request in the order they were made."""
        return list(self.export_rows(EntryFilter(request_id=request_id)))

    def _reaches(self, trace: Row) -> bool:
        return reaches(self._reach, Area(trace["org"], trace["team"], trace["feature"]))


def _entry(row: Any) -> Row:
    return {**row, "tags": msgspec.json.decode(row["tags"], type=dict[str, str])}
