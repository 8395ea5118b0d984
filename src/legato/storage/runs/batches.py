"""Batches of calls, and what came of each of their lines; what callers wrote is sealed."""

from collections.abc import Collection, Iterator
from typing import Any, Final

import msgspec
from sqlalchemy import Engine, Row, case, delete, func, insert, select, update

from legato.storage.database.dialect import upsert
from legato.storage.database.engine import reading, writing
from legato.storage.tables.schema import batch, batch_line

OPEN: Final = ("validating", "in_progress", "finalizing", "cancelling")
DELETED: Final = "deleted"
"""What a batch's row says that was deleted: a run of it that isn't recorded to its end finds it."""
_LINES_PER_READ: Final = 500


class BatchRecord(msgspec.Struct, frozen=True):
    """One batch; the fields are those of the table."""

    org: str
    id: str
    key_id: str
    endpoint: str
    input_file_id: str
    output_file_id: str
    error_file_id: str
    status: str
    created_at_ns: int
    expires_at_ns: int
    sealed: bytes
    lines: int = 0
    completed: int = 0
    failed: int = 0
    times: str = "{}"
    sealed_errors: bytes = b""


class BatchStore:
    """Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def create(self, record: BatchRecord) -> None:
        """Keep a new batch."""
        with writing(self._engine) as connection:
            connection.execute(insert(batch), msgspec.structs.asdict(record))

    def get(self, org: str, batch_id: str) -> BatchRecord | None:
        """Return one batch of an organisation."""
        wanted = select(batch).where(batch.c.org == org, batch.c.id == batch_id)
        with reading(self._engine) as connection:
            row = connection.execute(wanted).first()
        return None if row is None else _record(row)

    def page(
        self, org: str, endpoints: Collection[str], *, after: str = "", before: str = "", limit: int
    ) -> list[BatchRecord]:
        """Return an organisation's batches of some endpoints, newest first.

        Those older than `after`, or those next to `before` that are newer than it.
        """
        table = batch
        wanted = select(table).where(
            table.c.org == org, table.c.endpoint.in_(endpoints), table.c.status != DELETED
        )
        if after:
            wanted = wanted.where(table.c.id < after)
        if before:
            wanted = wanted.where(table.c.id > before)
        ordered = wanted.order_by(table.c.id.asc() if before else table.c.id.desc()).limit(limit)
        with reading(self._engine) as connection:
            found = [_record(row) for row in connection.execute(ordered)]
        return found[::-1] if before else found

    def open(self) -> list[tuple[str, str]]:
        """Return organisation and id of every batch that hasn't ended, oldest first."""
        wanted = select(batch.c.org, batch.c.id).where(batch.c.status.in_(OPEN))
        with reading(self._engine) as connection:
            return [(row.org, row.id) for row in connection.execute(wanted.order_by(batch.c.id))]

    def open_over(self, org: str, file_id: str) -> str:
        """Return the id of a batch that hasn't ended and reads this file, "" for none."""
        wanted = select(batch.c.id).where(
            batch.c.org == org, batch.c.input_file_id == file_id, batch.c.status.in_(OPEN)
        )
        with reading(self._engine) as connection:
            return connection.execute(wanted.limit(1)).scalar() or ""

    def change(self, org: str, batch_id: str, before: tuple[str, ...], **values: Any) -> bool:
        """Change a batch that is in one of the states `before`; return whether it was."""
        table = batch
        statement = update(table).where(
            table.c.org == org, table.c.id == batch_id, table.c.status.in_(before)
        )
        with writing(self._engine) as connection:
            return connection.execute(statement.values(values)).rowcount > 0

    def record_line(
        self, org: str, batch_id: str, number: int, *, failed: bool, sealed: bytes
    ) -> None:
        """Keep what came of a line and count it; what is recorded stays."""
        row = {"org": org, "batch_id": batch_id, "number": number, "failed": failed}
        counted = {"failed": batch.c.failed + 1} if failed else {"completed": batch.c.completed + 1}
        with writing(self._engine) as connection:
            kept = upsert(connection, batch_line).values(**row, sealed=sealed)
            # psycopg doesn't count rows of such an insert
            new = kept.on_conflict_do_nothing().returning(batch_line.c.number)
            if connection.execute(new).first() is not None:
                own = (batch.c.org == org, batch.c.id == batch_id)
                connection.execute(update(batch).where(*own).values(counted))

    def recorded(self, org: str, batch_id: str, first: int, end: int) -> set[int]:
        """Return which lines from `first` to before `end` are recorded."""
        table = batch_line
        with reading(self._engine) as connection:
            return set(
                connection.execute(
                    select(table.c.number).where(
                        table.c.org == org,
                        table.c.batch_id == batch_id,
                        table.c.number >= first,
                        table.c.number < end,
                    )
                ).scalars()
            )

    def lines(self, org: str, batch_id: str, *, failed: bool) -> Iterator[tuple[int, bytes]]:
        """Return the recorded lines, in order, those that failed or the others."""
        table, last = batch_line, -1
        while True:
            wanted = select(table.c.number, table.c.sealed).where(
                table.c.org == org,
                table.c.batch_id == batch_id,
                table.c.failed == failed,
                table.c.number > last,
            )
            with reading(self._engine) as connection:
                rows = connection.execute(
                    wanted.order_by(table.c.number).limit(_LINES_PER_READ)
                ).all()
            yield from ((row.number, bytes(row.sealed)) for row in rows)
            if len(rows) < _LINES_PER_READ:
                return
            last = rows[-1].number

    def counts(self, org: str, batch_id: str) -> tuple[int, int]:
        """Return how many lines are recorded as answered and as failed."""
        table = batch_line
        failed = func.coalesce(func.sum(case((table.c.failed, 1), else_=0)), 0)
        wanted = select(func.count(), failed).where(
            table.c.org == org, table.c.batch_id == batch_id
        )
        with reading(self._engine) as connection:
            total, bad = connection.execute(wanted).one()
        return int(total) - int(bad), int(bad)

    def forget_lines(self, org: str, batch_id: str) -> None:
        """Delete the lines of a batch: they stand in its files."""
        own = (batch_line.c.org == org, batch_line.c.batch_id == batch_id)
        with writing(self._engine) as connection:
            connection.execute(delete(batch_line).where(*own))


def _record(row: Row[Any]) -> BatchRecord:
    values = row._asdict()
    values["sealed"], values["sealed_errors"] = bytes(row.sealed), bytes(row.sealed_errors)
    return BatchRecord(**values)
