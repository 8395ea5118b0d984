"""What one batch of journal records does to the tables, inside the caller's transaction.

Every step looks at what is known of an attempt before it writes, so records may come again,
in any order and in any grouping, and the ledger ends the same.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from sqlalchemy import Connection

from legato.core.leases import LimitKind, kind_in_ledger
from legato.core.usage import TOKEN_CLASSES
from legato.storage.database.dialect import insert_statement, upsert
from legato.storage.ledger.batch import Batch, Undecodable
from legato.storage.ledger.decided import add_routes
from legato.storage.ledger.entry_rows import Row, settled_row, unknown_row
from legato.storage.ledger.known_entries import KnownEntries, known_entries
from legato.storage.ledger.late_entries import late_rows
from legato.storage.ledger.newest_ids import newest_ids, within
from legato.storage.ledger.open_attempts import OpenAttempt, end_attempts, open_attempts
from legato.storage.ledger.trace_blocks import Block, add_traces
from legato.storage.limits import limit_windows
from legato.storage.limits.budget_events import tell_reached
from legato.storage.limits.budget_sets import Members
from legato.storage.limits.limit_windows import Spend
from legato.storage.registry.rollout_outcomes import add_outcomes
from legato.storage.registry.shadow_outcomes import add_shadow_outcomes
from legato.storage.tables.schema import ENTRY_COLUMNS, PLAIN_COLUMNS, journal_alarm, ledger_entry

_AT_REST: Final = {"original_at_ns": "NULL", "reverses_entry": "NULL", "provisional": "FALSE"}
# Both kinds of rows have these at the same places.
_BUDGET_ID: Final = ENTRY_COLUMNS.index("budget_id")
_BUDGET_AT: Final = ENTRY_COLUMNS.index("budget_at_ns")
_COST: Final = ENTRY_COLUMNS.index("cost")
_TOKENS: Final = slice(
    ENTRY_COLUMNS.index(TOKEN_CLASSES[0]), ENTRY_COLUMNS.index(TOKEN_CLASSES[-1]) + 1
)


class Statements(NamedTuple):
    """The two hot INSERTs, written once per database."""

    plain: str
    """Takes `PLAIN_COLUMNS`; binding NULL and a boolean costs SQLite's driver more than text."""
    entry: str

    @classmethod
    def of(cls, dialect_name: str) -> "Statements":
        """Write them for one of the twins."""
        return cls(
            insert_statement(dialect_name, ledger_entry, PLAIN_COLUMNS, _AT_REST),
            insert_statement(dialect_name, ledger_entry, ENTRY_COLUMNS),
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
            late = (
                late_rows(self._connection, batch, known, (self._members, self._now_ns))
                if known
                else []
            )
            in_order = _rows_in_order(batch, known)
            # The holder's lease paid for what it spent in order; a late outcome comes after the
            # lease went back.
            spends = [
                *self._spends(in_order, from_lease=True),
                *self._spends(late, from_lease=False),
            ]
            self._lock(spends)
            self._insert(self._statements.plain, in_order)
            self._insert(self._statements.entry, late)
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

    def close(self, attempts: Iterable[OpenAttempt]) -> None:
        """Enter attempts as unknown, provisionally, at their best estimate."""
        attempts = list(attempts)
        rows = [unknown_row(attempt.intent, attempt.progress) for attempt in attempts]
        intents = [attempt.intent for attempt in attempts]
        self._members.learn({intent.budget_id: intent.facts.org for intent in intents})
        spends = self._spends(rows, from_lease=True)
        self._lock(spends)
        self._insert(self._statements.entry, rows)
        self._settle(spends)

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

    def _settle(self, spends: Sequence[Spend]) -> None:
        if spends:
            settled = limit_windows.settle(
                self._connection, spends, self._writer, elsewhere=self._leased_elsewhere
            )
            self.counters.update(settled)
            tell_reached(self._connection, settled.values(), self._now_ns)

    def _spends(self, rows: Iterable[Row], *, from_lease: bool) -> list[Spend]:
        spends = []
        for row in rows:
            for limit_id in self._members.of(row[_BUDGET_ID]):
                is_tokens = kind_in_ledger(limit_id) is LimitKind.TOKENS
                amount = sum(row[_TOKENS]) if is_tokens else row[_COST]
                if amount:
                    spends.append(Spend(limit_id, row[_BUDGET_AT], amount, from_lease))
        return spends


def _rows_in_order(batch: Batch, known: KnownEntries) -> list[Row]:
    """Rows of attempts the ledger holds nothing of, or only entries of another identity."""
    if not known:
        return [settled_row(settled, settled.seq) for settled in batch.settled.values()]
    rows = []
    for identity, settled in batch.settled.items():
        entries = known.get(identity[:2], ())
        if not any(e.provisional or (e.kind, e.seq) == identity[2:] for e in entries):
            rows.append(settled_row(settled, settled.seq))
    return rows
