"""Reading the ledger: one entry, the newest ones, all of them."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Connection, Engine, func, select

from legato.core.tenant import Area, Reach, reaches
from legato.economics.waterfall import StepName
from legato.storage.database.dialect import expect_few_rows
from legato.storage.database.engine import reading
from legato.storage.database.tenancy import orgs_within, within
from legato.storage.ledger.trace_blocks import (
    Position,
    Spot,
    TraceHead,
    count_traces,
    find_trace,
    newest_blocks,
    newest_heads,
    read_trace,
    read_traces,
)
from legato.storage.rollups.marks import mark_of
from legato.storage.rollups.rolling import SPEND
from legato.storage.tables.rollups import spend_day
from legato.storage.tables.schema import ledger_entry, trace_block

_ROWS_PER_READ: Final = 1_000
_SUMMED: Final = ("team", "feature", "key_id", "deployment", "provider", "route", "kind")
"""What narrows entries by names that sums by day have, too."""
_HOUR_NS: Final = 3_600_000_000_000
_BLOCKS_FIRST: Final = 2
_BLOCKS_MOST: Final = 32
"""So many are read at once: few for a page that fills at once, more the longer one looks."""

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
    """The evaluation that a tag of ours names."""
    run: str | None = None
    """The run of a workflow, with all below it, that a tag of ours names."""
    child: str | None = None
    """A run below another: what it did itself."""

    @property
    def place(self) -> ColumnElement[int]:
        """What entries are ordered by: their ids; those of a request are looked up, then sorted.

        Without statistics Postgres would go through the whole ledger by id to find them.
        """
        found: ColumnElement[int] = ledger_entry.c.id
        return found if self.request_id is None else found + 0

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return them for a WHERE over `ledger_entry`."""
        wanted = msgspec.structs.asdict(self)
        since_ns, until_ns = wanted.pop("since_ns"), wanted.pop("until_ns")
        tags = {name: wanted.pop(name) for name in ("evaluation", "run", "child")}
        columns = ledger_entry.c
        found = [columns[name] == value for name, value in wanted.items() if value is not None]
        if since_ns is not None:
            found.append(columns.at_ns >= since_ns)
        if until_ns is not None:
            found.append(columns.at_ns < until_ns)
        for name, value in tags.items():
            if value is not None:
                tag = msgspec.json.encode({name: value}).decode().strip("{}")
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
        place = wanted.place
        conditions = [*self._entries, *wanted.conditions()]
        if before_id is not None:
            conditions.append(place < before_id)
        with reading(self._engine) as connection:
            conditions += self._behind_sums(connection, wanted)
            newest_first = select(ledger_entry).where(*conditions).order_by(place.desc())
            expect_few_rows(connection)  # or Postgres reads and sorts all of a key's
            rows = connection.execute(newest_first.limit(count)).mappings()
            return [_entry(row) for row in rows]

    def _behind_sums(
        self, connection: Connection, wanted: EntryFilter
    ) -> list[ColumnElement[bool]]:
        """Return a condition that leaves what sums haven't taken in, where they know of no match.

        Else the ledger would be read to its end to find nothing: a minute for 10 million entries.
        Where they know of one there is none: Postgres without statistics would read and sort all.
        """
        c = spend_day.c
        where = [
            c[name] == value for name in _SUMMED if (value := getattr(wanted, name)) is not None
        ]
        if not where:
            return []
        mark, _ = mark_of(connection, SPEND)  # first: sums may move on meanwhile
        found = select(c.bucket).where(*within(self._reach, spend_day), *where).limit(1)
        known = connection.execute(found).first() is not None
        return [] if known else [ledger_entry.c.id > mark]

    def export_rows(self, wanted: EntryFilter | None = None) -> Iterator[Row]:
        """Yield entries in the order of their ids, in constant memory.

        Each thousand is a read of its own: a long export never holds back SQLite's log.
        """
        wanted = wanted or EntryFilter()
        place = wanted.place
        conditions = [*self._entries, *wanted.conditions()]
        last_id = 0
        while True:
            statement = (
                select(ledger_entry)
                .where(place > last_id, *conditions)
                .order_by(place)
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
        return found if found is not None and self._reaches_row(found) else None

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
            yield from filter(self._reaches_row, page.traces)
            after = page.following

    def newest_traces(
        self,
        before: Spot | None,
        until_ns: int | None = None,
        fits: Callable[[TraceHead], bool] = lambda _: True,
    ) -> Iterator[tuple[Spot, Row | None]]:
        """Yield traces, newest first, each with the spot behind it, from which one may go on.

        They come by their blocks: a request may come after one that arrived a little before it.
        `until_ns` is not included. A spot without a trace is one of a block's end, or of a trace
        that doesn't fit or is out of reach.
        """
        spot, count = before, _BLOCKS_FIRST
        if until_ns is not None and (spot is None or spot.last_at_ns > until_ns + _HOUR_NS):
            spot = Spot(until_ns + _HOUR_NS, 2**62, 0)  # a block spans an hour at most
        while True:
            with reading(self._engine) as connection:
                blocks = newest_blocks(connection, spot, count, self._traces)
            for began, records in blocks:
                heads = newest_heads(records)[began.passed :]
                for passed, (head, record) in enumerate(heads, began.passed + 1):
                    spot = Spot(began.last_at_ns, began.id, passed)
                    is_shown = fits(head) and self._reaches(head)
                    yield spot, read_trace(record) if is_shown else None
                spot = Spot(began.last_at_ns, began.id - 1, 0)
                yield spot, None
            if len(blocks) < count:
                return
            count = min(_BLOCKS_MOST, 2 * count)

    def count_traces(self) -> int:
        """Return how many traces are kept. Raises Forbidden below an organisation."""
        with reading(self._engine) as connection:
            return count_traces(connection, within(self._reach, trace_block))

    def with_step(self, request_ids: Sequence[str], step: StepName) -> set[str]:
        """Return which of these requests a step of the waterfall saved something of, or cost."""
        request_id, amount = ledger_entry.c.request_id, ledger_entry.c[f"step_{step}"]
        wanted = select(request_id).where(request_id.in_(request_ids), *self._entries)
        changed = wanted.group_by(request_id).having(func.sum(amount) != 0)
        with reading(self._engine) as connection:
            return set(connection.execute(changed).scalars())

    def entries_of(self, request_id: str) -> list[Row]:
        """Return the entries of a request in the order they were made."""
        return list(self.export_rows(EntryFilter(request_id=request_id)))

    def _reaches(self, head: TraceHead) -> bool:
        return reaches(self._reach, Area(head.org, head.team, head.feature))

    def _reaches_row(self, trace: Row) -> bool:
        return reaches(self._reach, Area(trace["org"], trace["team"], trace["feature"]))


def _entry(row: Any) -> Row:
    return {**row, "tags": msgspec.json.decode(row["tags"], type=dict[str, str])}
