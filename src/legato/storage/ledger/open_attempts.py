"""Attempts that are under way: opened by an intent, ended by an outcome or a void.

Most intents end in the batch that brings them and never come here.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    Connection,
    Delete,
    Executable,
    Select,
    Table,
    and_,
    bindparam,
    delete,
    select,
)

from legato.core.records import Intent, Progress, decode_record
from legato.storage.database.dialect import is_sqlite, listed, one_of, upsert_into
from legato.storage.database.prepared import run, run_many
from legato.storage.ledger.batch import Attempt, Batch
from legato.storage.ledger.known_entries import KnownEntries
from legato.storage.ledger.newest_ids import NewestIds, within
from legato.storage.ledger.scrub import scrubbed
from legato.storage.tables.schema import open_intent, open_progress, voided_attempt


class OpenAttempt(NamedTuple):
    """An attempt whose outcome has not come: its intent, and how far it is known to have got."""

    intent: Intent
    progress: Progress | None


class EncodedAttempt(NamedTuple):
    """The same as stored."""

    intent: bytes
    progress: bytes | None

    def decoded(self) -> OpenAttempt:
        """Read the records; ValueError where one is damaged."""
        intent = scrubbed(decode_record(self.intent))
        progress = None if self.progress is None else decode_record(self.progress)
        if not isinstance(intent, Intent) or not isinstance(progress, Progress | None):
            raise TypeError("open attempts hold an intent and progress only")
        return OpenAttempt(intent, progress)


def end_attempts(connection: Connection, batch: Batch, newest: NewestIds, now_ns: int) -> None:
    """Close what the batch ends; remember the voided, which leave no entry behind."""
    ended = batch.ended()
    if not ended:
        return
    _delete(connection, open_intent, ended, newest.intent)
    _delete(connection, open_progress, ended, newest.progress)
    if batch.voided:
        rows = [
            {"request_id": a[0], "attempt": a[1], "at_ns": now_ns, "reason": voided.reason}
            for a, voided in batch.voided.items()
        ]
        run_many(connection, _insert(voided_attempt, sqlite=is_sqlite(connection)), rows)


def open_attempts(
    connection: Connection, batch: Batch, known: KnownEntries, newest: NewestIds, *, writer: str
) -> None:
    """Open the batch's intents that have not ended, here or before, and note progress."""
    ended = batch.ended() | known.keys()
    intents = [attempt for attempt in batch.intents if attempt not in ended]
    progress = [attempt for attempt in batch.progress if attempt not in ended]
    if not intents and not progress:
        return
    voided = _held(connection, voided_attempt, [*intents, *progress], newest.voided)
    _open_intents(connection, batch, [a for a in intents if a not in voided], writer)
    _note_progress(connection, batch, [a for a in progress if a not in voided], writer)


def read_open(connection: Connection, writer: str) -> list[EncodedAttempt]:
    """Return a writer's open attempts in the order of their ids."""
    joined = open_intent.outerjoin(
        open_progress,
        and_(
            open_progress.c.request_id == open_intent.c.request_id,
            open_progress.c.attempt == open_intent.c.attempt,
        ),
    )
    wanted = (
        select(open_intent.c.payload, open_progress.c.payload.label("progress"))
        .select_from(joined)
        .where(open_intent.c.writer == writer)
        .order_by(open_intent.c.request_id, open_intent.c.attempt)
    )
    return [EncodedAttempt(row.payload, row.progress) for row in connection.execute(wanted)]


def forget_open(connection: Connection, writer: str) -> None:
    """Drop all that a writer has open."""
    for table in (open_intent, open_progress):
        connection.execute(delete(table).where(table.c.writer == writer))


def _delete(connection: Connection, table: Table, ended: set[Attempt], newest: str | None) -> None:
    held = _held(connection, table, ended, newest) & ended
    rows = [{"of_request": request_id, "of_attempt": attempt} for request_id, attempt in held]
    run_many(connection, _delete_one(table), rows)


def _held(
    connection: Connection, table: Table, attempts: Iterable[Attempt], newest: str | None
) -> set[Attempt]:
    """Return the attempts a table holds of the same requests."""
    request_ids = set(within(newest, (request_id for request_id, _ in attempts)))
    if not request_ids:
        return set()
    statement = _by_request(table, sqlite=is_sqlite(connection))
    rows = run(connection, statement, **listed(connection, request_ids)).all()
    return {(row[0], row[1]) for row in rows}


def _open_intents(
    connection: Connection, batch: Batch, attempts: Sequence[Attempt], writer: str
) -> None:
    rows: list[dict[str, Any]] = []
    for attempt in attempts:
        intent, payload = batch.intents[attempt]
        rows.append(
            {
                "request_id": attempt[0],
                "attempt": attempt[1],
                "writer": writer,
                "at_ns": intent.at_ns,
                "payload": payload,
            }
        )
    run_many(connection, _insert(open_intent, sqlite=is_sqlite(connection)), rows)


def _note_progress(
    connection: Connection, batch: Batch, attempts: Sequence[Attempt], writer: str
) -> None:
    rows: list[dict[str, Any]] = []
    for attempt in attempts:
        progress, payload = batch.progress[attempt]
        rows.append(
            {
                "request_id": attempt[0],
                "attempt": attempt[1],
                "writer": writer,
                "tokens": progress.estimate.total_tokens,
                "payload": payload,
            }
        )
    run_many(connection, _insert_progress(sqlite=is_sqlite(connection)), rows)


@cache
def _by_request(table: Table, *, sqlite: bool) -> Select[str, int]:
    wanted: Select[str, int] = select(table.c.request_id, table.c.attempt)
    return wanted.where(one_of(table.c.request_id, sqlite=sqlite))


@cache
def _delete_one(table: Table) -> Delete:
    return delete(table).where(
        table.c.request_id == bindparam("of_request"), table.c.attempt == bindparam("of_attempt")
    )


@cache
def _insert(table: Table, *, sqlite: bool) -> Executable:
    return upsert_into(table, sqlite=sqlite).on_conflict_do_nothing()


@cache
def _insert_progress(*, sqlite: bool) -> Executable:
    statement = upsert_into(open_progress, sqlite=sqlite)
    return statement.on_conflict_do_update(
        index_elements=["request_id", "attempt"],
        set_={"tokens": statement.excluded.tokens, "payload": statement.excluded.payload},
        where=statement.excluded.tokens > open_progress.c.tokens,
    )
