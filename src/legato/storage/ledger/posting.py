"""What one batch of journal records does to the tables, inside the caller's transaction.

Every step looks at what is known of an attempt before it writes, so records may come again,
in any order and in any grouping, and the ledger ends the same.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, select

from legato.core.leases import LimitKind, kind_in_ledger
from legato.core.records import Record, Settled, Voided, decode_record
from legato.core.usage import TOKEN_CLASSES
from legato.economics.waterfall import NO_STEPS, STEP_COLUMNS
from legato.storage.database.copying import copy_rows
from legato.storage.database.dialect import insert_statement, upsert
from legato.storage.ledger.batch import Batch, Undecodable
from legato.storage.ledger.closing import closed_until, moved, split_plain
from legato.storage.ledger.decided import add_routes
from legato.storage.ledger.entry_rows import Row, settled_row, unknown_row
from legato.storage.ledger.known_entries import KnownEntries, known_entries
from legato.storage.ledger.late_entries import Posted, correcting_rows, entry_id, late_rows
from legato.storage.ledger.newest_ids import newest_ids, within
from legato.storage.ledger.open_attempts import OpenAttempt, end_attempts, open_attempts
from legato.storage.ledger.scrub import scrubbed
from legato.storage.ledger.trace_blocks import Block, add_traces
from legato.storage.limits import limit_windows
from legato.storage.limits.budget_events import tell_reached
from legato.storage.limits.budget_sets import Members
from legato.storage.limits.limit_windows import Spend
from legato.storage.registry.rollout_outcomes import add_outcomes
from legato.storage.registry.shadow_outcomes import add_shadow_outcomes
from legato.storage.tables.schema import (
    ENTRY_COLUMNS,
    PLAIN_COLUMNS,
    journal_alarm,
    ledger_entry,
)

_AT_REST: Final = {"original_at_ns": "NULL", "reverses_entry": "NULL", "provisional": "FALSE"}
# Both kinds of rows have these at the same places.
_BUDGET_ID: Final = ENTRY_COLUMNS.index("budget_id")
_BUDGET_AT: Final = ENTRY_COLUMNS.index("budget_at_ns")
_COST: Final = ENTRY_COLUMNS.index("cost")
_TOKENS: Final = slice(
    ENTRY_COLUMNS.index(TOKEN_CLASSES[0]), ENTRY_COLUMNS.index(TOKEN_CLASSES[-1]) + 1
)


_COPIED_MIN: Final = 8
"""Fewer rows take less by INSERT: a COPY is two exchanges with the server."""
_COPY: Final = (
    f"COPY {ledger_entry.name} ({', '.join((*PLAIN_COLUMNS, *STEP_COLUMNS, 'provisional'))}) "
    "FROM STDIN"
)


class Statements(NamedTuple):
    """The hot INSERTs, written once per database."""

    plain: str
    """Takes `PLAIN_COLUMNS`; binding NULL and a boolean costs SQLite's driver more than text."""
    stepped: str
    """Takes the steps of the waterfall behind them, for where an entry has one."""
    entry: str
    copied: bool
    """Whether many of the first two kinds go by COPY."""

    @classmethod
    def of(cls, dialect_name: str) -> "Statements":
        """Write them for one of the twins."""
        return cls(
            insert_statement(dialect_name, ledger_entry, PLAIN_COLUMNS, _AT_REST),
            insert_statement(dialect_name, ledger_entry, (*PLAIN_COLUMNS, *STEP_COLUMNS), _AT_REST),
            insert_statement(dialect_name, ledger_entry, ENTRY_COLUMNS),
            copied=dialect_name != "sqlite",
        )


class Posting:
    """Writes over one connection, for one writer, at one time."""

    def __init__(
        self,
        connection: Connection,
        statements: Statements,
        writer: str,
        now_ns: int,
        *,
        leased_elsewhere: bool = False,
    ) -> None:
        self._connection = connection
        self._statements = statements
        self._writer = writer
        self._now_ns = now_ns
        self._leased_elsewhere = leased_elsewhere
        self._members = Members(connection)
        self.counters: set[int] = set()
        """Of limits, which changed."""

    def post(self, batch: Batch, block: Block) -> None:
        """Apply one batch; budgets follow the entries, in the same transaction."""
        request_ids = batch.request_ids()
        if request_ids:
            newest = newest_ids(self._connection)
            self._members.learn({s.budget_id: s.facts.org for s in batch.settled.values()})
            known = known_entries(self._connection, within(newest.entry, request_ids))
            closed = closed_until(self._connection)
            posted = Posted(self._members, self._now_ns, closed)
            late = late_rows(self._connection, batch, known, posted) if known else []
            in_order, spans = _rows_in_order(batch, known)
            # The holder's lease paid for what it spent in order; a late outcome comes after the
            # lease went back.
            spends = [
                *self._spends(in_order, from_lease=True, spans=spans),
                *self._spends(late, from_lease=False),
            ]
            self._lock(spends)
            in_time, moved_on = split_plain(in_order, closed, self._now_ns)
            self._insert_in_order(in_time)
            self._insert(self._statements.entry, [*moved_on, *late])
            self._settle(spends)
            end_attempts(self._connection, batch, newest, self._now_ns)
            open_attempts(self._connection, batch, known, newest, writer=self._writer)
        if batch.served:
            add_traces(self._connection, block, batch.served)
        if batch.routes:
            add_routes(self._connection, batch.routes)
        if batch.outcomes:
            add_outcomes(self._connection, batch.outcomes)
        if batch.shadows:
            add_shadow_outcomes(self._connection, batch.shadows)

    def lock_all(self, payloads: Iterable[bytes]) -> None:
        """Own every limit that these touch, before they are posted one by one.

        Taken one after the other they could be waited for in a circle.
        """
        records = [_readable(payload) for payload in payloads]
        budget_ids = {one.budget_id for one in records if isinstance(one, Settled)}
        limit_ids = {limit_id for ids in budget_ids for limit_id in ids.split()}
        attempts = {_attempt(one) for one in records if isinstance(one, Settled | Voided)}
        known = known_entries(self._connection, {request_id for request_id, _ in attempts})
        entries = [one.id for attempt in attempts for one in known.get(attempt, ())]
        if entries:
            column = ledger_entry.c.budget_id
            charged = select(column.distinct()).where(ledger_entry.c.id.in_(entries))
            for name in self._connection.execute(charged).scalars():
                limit_ids.update(self._members.of(name))
        limits: dict[LimitKind, set[str]] = {}
        for limit_id in limit_ids:
            limits.setdefault(kind_in_ledger(limit_id), set()).add(limit_id)
        limit_windows.lock(self._connection, limits)

    def close(self, attempts: Iterable[OpenAttempt]) -> None:
        """Enter attempts as unknown, provisionally, at their best estimate."""
        attempts = list(attempts)
        lost = [unknown_row(attempt.intent, attempt.progress) for attempt in attempts]
        rows = moved(lost, closed_until(self._connection), self._now_ns)
        intents = [attempt.intent for attempt in attempts]
        self._members.learn({intent.budget_id: intent.facts.org for intent in intents})
        spans = [intent.budget_spans for intent in intents]
        spends = self._spends(rows, from_lease=True, spans=spans)
        self._lock(spends)
        self._insert(self._statements.entry, rows)
        self._settle(spends)

    def correct(self, entry: Mapping[str, Any], changed: Mapping[str, Any]) -> tuple[int, int]:
        """Reverse an entry and enter what replaces it; return the ids of both.

        `changed` are the columns of the replacement that differ. Budgets follow.
        """
        self._members.learn({entry["budget_id"]: entry["org"]})
        posted = Posted(self._members, self._now_ns, closed_until(self._connection))
        rows = correcting_rows(self._connection, entry, changed, posted)
        spends = self._spends(rows, from_lease=False)
        self._lock(spends)
        self._insert(self._statements.entry, rows)
        self._settle(spends)
        reversal, replacement = (entry_id(self._connection, row) for row in rows)
        return reversal, replacement

    def alarm(self, segment: str, offset: int, lost: Iterable[Undecodable]) -> None:
        """Keep payloads that can't be read, once each."""
        for digest, reason, payload in lost:
            statement = upsert(self._connection, journal_alarm).values(
                digest=digest,
                segment=segment,
                segment_offset=offset,
                at_ns=self._now_ns,
                reason=reason,
                payload=payload,
            )
            self._connection.execute(statement.on_conflict_do_nothing())

    def _lock(self, spends: Iterable[Spend]) -> None:
        limits: dict[LimitKind, set[str]] = {}
        for limit_id in {spend.limit_id for spend in spends} | self._members.counters:
            limits.setdefault(kind_in_ledger(limit_id), set()).add(limit_id)
        limit_windows.lock(self._connection, limits)
        self._members.save()

    def _insert(self, statement: str, rows: Sequence[Row]) -> None:
        if rows:
            self._connection.exec_driver_sql(statement, list(rows))

    def _insert_in_order(self, rows: list[Row]) -> None:
        """Insert all by one statement: what a request's entries are told by is their order."""
        plain = len(PLAIN_COLUMNS)
        if self._statements.copied and len(rows) >= _COPIED_MIN:
            copy_rows(self._connection, _COPY, map(_whole, rows))
        elif all(len(row) == plain for row in rows):
            self._insert(self._statements.plain, rows)
        else:
            whole = [row if len(row) > plain else (*row, *NO_STEPS) for row in rows]
            self._insert(self._statements.stepped, whole)

    def _settle(self, spends: Sequence[Spend]) -> None:
        if spends:
            settled = limit_windows.settle(
                self._connection, spends, self._writer, elsewhere=self._leased_elsewhere
            )
            self.counters.update(settled)
            tell_reached(self._connection, settled.values(), self._now_ns)

    def _spends(
        self, rows: Iterable[Row], *, from_lease: bool, spans: Sequence[str] = ()
    ) -> list[Spend]:
        """`spans` are those of each row's counters, with spaces between; "" for not known."""
        spends = []
        for row, of_row in zip(rows, spans or repeat(""), strict=False):
            limit_ids = self._members.of(row[_BUDGET_ID])
            paid = of_row.split()
            if len(paid) != len(limit_ids):
                paid = [""] * len(limit_ids)
            for limit_id, span in zip(limit_ids, paid, strict=True):
                is_tokens = kind_in_ledger(limit_id) is LimitKind.TOKENS
                amount = sum(row[_TOKENS]) if is_tokens else row[_COST]
                if amount:
                    spends.append(Spend(limit_id, row[_BUDGET_AT], amount, from_lease, span))
        return spends


def _whole(row: Row) -> Row:
    """Return what is copied of an entry: its steps stand behind it where one isn't 0."""
    return (*row, False) if len(row) > len(PLAIN_COLUMNS) else (*row, *NO_STEPS, False)


def _readable(payload: bytes) -> Record | None:
    try:
        return scrubbed(decode_record(payload))
    except ValueError:
        return None


def _attempt(record: Settled | Voided) -> tuple[str, int]:
    if isinstance(record, Settled):
        return record.facts.request_id, record.facts.attempt
    return record.request_id, record.attempt


def _rows_in_order(batch: Batch, known: KnownEntries) -> tuple[list[Row], list[str]]:
    """Rows of attempts the ledger holds nothing of, or only entries of another identity.

    With each goes of which windows its budgets paid.
    """
    fresh = (
        [
            settled
            for identity, settled in batch.settled.items()
            if not any(
                e.provisional or (e.kind, e.seq) == identity[2:]
                for e in known.get(identity[:2], ())
            )
        ]
        if known
        else list(batch.settled.values())
    )
    return (
        [settled_row(settled, settled.seq) for settled in fresh],
        [settled.budget_spans for settled in fresh],
    )
