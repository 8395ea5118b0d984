"""The journal's sink: rows and journal offset in one transaction.

`benchmarks/ledger.py` measures it. What a request costs is the binding of its entry's columns;
what a commit costs is its number of statements, so they go to the driver as text (`prepared`),
and requests that are new are not looked up (`newest_ids`).
"""

from collections.abc import Collection, Sequence
from functools import cache
from typing import Final, Protocol

from sqlalchemy import Connection, Engine, Executable, delete, select
from sqlalchemy.exc import DataError, IntegrityError

from legato.core.clock import Clock
from legato.core.leases import LimitKind, kind_in_ledger
from legato.core.records import decode_record, encode_record
from legato.storage.audit.segments import ROWS_LOCK
from legato.storage.database.dialect import is_sqlite, look_up_by_index, now_ns, share, upsert_into
from legato.storage.database.engine import reading, writing
from legato.storage.database.prepared import run
from legato.storage.ledger.batch import Batch, read_batch, undecodable
from legato.storage.ledger.lost_writers import record_write_off
from legato.storage.ledger.open_attempts import EncodedAttempt, OpenAttempt, forget_open, read_open
from legato.storage.ledger.posting import Posting, Statements
from legato.storage.ledger.scrub import scrubbed
from legato.storage.ledger.trace_blocks import Block, read_place
from legato.storage.limits import limit_windows
from legato.storage.tables.schema import journal_offset

# A value no column can hold: an integer beyond int64, or NUL in a text on Postgres.
_UNSTORABLE: Final = (DataError, IntegrityError, OverflowError)
_RELEASED: Final = (LimitKind.BUDGET, LimitKind.TOKENS, LimitKind.SLOTS)
"""Of a writer that is finished. What it used of rates isn't known: they end with their window."""


class LeaseFeed(Protocol):
    """Hears what a transaction changed, after it; neither method fails."""

    def posted(self, window_ids: Collection[int]) -> None:
        """These counters of limits have changed."""

    def finished(self, holder: str, window_ids: Collection[int]) -> None:
        """So have these, and all that a holder spent is in the ledger."""


class Ledger:
    """Takes journal records in. Every method may raise StorageUnavailable and be repeated."""

    def __init__(
        self, engine: Engine, clock: Clock | None = None, *, feed: LeaseFeed | None = None
    ) -> None:
        """`clock` is the store's own when none is given, `feed` where another store has leases."""
        self._engine = engine
        self._clock = clock
        self._feed = feed
        self._statements = Statements.of(engine.dialect.name)

    def offsets(self) -> dict[str, int]:
        """Return up to where each segment is committed."""
        with reading(self._engine) as connection:
            rows = connection.execute(select(journal_offset.c.segment, journal_offset.c.committed))
            return {row.segment: row.committed for row in rows}

    def commit(self, segment: str, offset: int, payloads: Sequence[bytes]) -> None:
        """Take in the payloads that end at `offset` of a segment `WRITER/NAME`.

        What is not readable or storable is kept in `journal_alarm` and costs the rest nothing.
        """
        batch = read_batch(payloads)
        try:
            with writing(self._engine) as connection:
                posting = self._posting(connection, segment)
                block = Block(segment, offset, read_place(connection, segment))
                if _advance(connection, segment, offset):
                    posting.post(batch, block)
                    posting.alarm(segment, offset, batch.undecodable)
            self._tell(posting)
        except _UNSTORABLE:
            self._commit_one_by_one(segment, offset, payloads)

    def writer_finished(self, writer: str) -> None:
        """Close what a dead writer left open as unknown, and take back its leases.

        Call it when all its segments are committed.
        """
        self._finish(writer)

    def write_off(self, writer: str) -> None:
        """Do the same for one whose segments are lost, on record.

        Raises:
            NotFound: the database knows nothing of it.
        """
        self._finish(writer, is_lost=True)
        self.forget_segments(f"{writer}/")

    def _finish(self, writer: str, *, is_lost: bool = False) -> None:
        with writing(self._engine) as connection:
            if is_lost:
                record_write_off(connection, writer)
            posting = self._posting(connection, writer)
            attempts = _readable(posting, read_open(connection, writer), writer)
            limits = limit_windows.held(connection, writer, _RELEASED)
            for attempt in attempts:
                for limit_id in attempt.intent.budget_id.split():
                    limits.setdefault(kind_in_ledger(limit_id), set()).add(limit_id)
            # All at once, so that two such transactions can't deadlock.
            limit_windows.lock(connection, limits)
            for attempt in attempts:
                _close(connection, posting, attempt, writer)
            forget_open(connection, writer)
            posting.counters.update(limit_windows.release(connection, writer, _RELEASED))
            limit_windows.end_holder(connection, writer, now_ns(connection, self._clock))
        if self._feed is not None:
            self._feed.finished(writer, posting.counters)

    def forget_segment(self, segment: str) -> None:
        """Drop the offset of a segment that is deleted."""
        with writing(self._engine) as connection:
            gone = delete(journal_offset).where(journal_offset.c.segment == segment)
            connection.execute(gone)

    def forget_segments(self, beginning: str) -> None:
        """Drop the offsets of all segments whose names begin so."""
        named = journal_offset.c.segment.startswith(beginning, autoescape=True)
        with writing(self._engine) as connection:
            connection.execute(delete(journal_offset).where(named))

    def _posting(self, connection: Connection, segment: str) -> Posting:
        look_up_by_index(connection)
        share(connection, ROWS_LOCK)
        writer = segment.partition("/")[0]
        at_ns = now_ns(connection, self._clock)
        elsewhere = self._feed is not None
        return Posting(connection, self._statements, writer, at_ns, leased_elsewhere=elsewhere)

    def _tell(self, posting: Posting) -> None:
        if self._feed is not None:
            self._feed.posted(posting.counters)

    def _commit_one_by_one(self, segment: str, offset: int, payloads: Sequence[bytes]) -> None:
        with writing(self._engine) as connection:
            posting = self._posting(connection, segment)
            block = Block(segment, offset, read_place(connection, segment))
            if not _advance(connection, segment, offset):
                return
            posting.lock_all(payloads)
            for payload in payloads:
                batch = read_batch([payload])
                posting.alarm(segment, offset, batch.undecodable)
                if batch.undecodable or _tried(connection, posting, batch, block):
                    continue
                clean = read_batch([encode_record(scrubbed(decode_record(payload)))])
                if not _tried(connection, posting, clean, block):
                    lost = undecodable(payload, "a value is out of range")
                    posting.alarm(segment, offset, [lost])
        self._tell(posting)


def _advance(connection: Connection, segment: str, offset: int) -> bool:
    """Write the offset; False when the segment was committed up to here before."""
    statement = _advance_statement(sqlite=is_sqlite(connection))
    return run(connection, statement, segment=segment, committed=offset).first() is not None


@cache
def _advance_statement(*, sqlite: bool) -> Executable:
    statement = upsert_into(journal_offset, sqlite=sqlite)
    further = statement.on_conflict_do_update(
        index_elements=["segment"],
        set_={"committed": statement.excluded.committed},
        where=statement.excluded.committed > journal_offset.c.committed,
    )
    return further.returning(journal_offset.c.committed)


def _tried(connection: Connection, posting: Posting, batch: Batch, block: Block) -> bool:
    try:
        with connection.begin_nested():
            posting.post(batch, block)
    except _UNSTORABLE:
        return False
    return True


def _readable(
    posting: Posting, encoded: Sequence[EncodedAttempt], writer: str
) -> list[OpenAttempt]:
    attempts = []
    for attempt in encoded:
        try:
            attempts.append(attempt.decoded())
        except ValueError as error:
            posting.alarm(writer, 0, [undecodable(attempt.intent, str(error))])
    return attempts


def _close(connection: Connection, posting: Posting, attempt: OpenAttempt, writer: str) -> None:
    try:
        with connection.begin_nested():
            posting.close([attempt])
    except _UNSTORABLE:
        lost = undecodable(encode_record(attempt.intent), "its estimate is out of range")
        posting.alarm(writer, 0, [lost])
