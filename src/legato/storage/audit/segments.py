"""Seals rows into segments that the audit log anchors, and reads them again."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter_ns
from typing import Any, Final

from sqlalchemy import Connection, Engine, insert, select, update

from legato.audit.event import Act, Detail, Subject
from legato.audit.segments import (
    FORM,
    RETENTION_ACTION,
    Item,
    Seal,
    SegmentKind,
    StoredSegment,
    root_of_leaves,
)
from legato.storage.audit.log import read_head
from legato.storage.audit.rows import NEWEST, READ, Row
from legato.storage.audit.writing import recorded
from legato.storage.database.dialect import lock, wait_for_sharers
from legato.storage.database.engine import reading, writing
from legato.storage.tables.audit_segments import audit_segment

LEAVES_MAX: Final = 32_768
"""Of a segment: looking at one holds as many hashes in memory."""
ROWS_LOCK: Final = "rows that the audit log seals"
_table: Final = audit_segment.c
_NEVER_NS: Final = 2**63 - 1


class Segments:
    """The instance's. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, took_us: Callable[[int], None] | None = None) -> None:
        """`took_us` is told how long each event took to append, its transaction included."""
        self._engine = engine
        self._took_us = took_us

    def events(self) -> int:
        """Return how many events the log has. Raises ValueError where its head is damaged."""
        with reading(self._engine) as connection:
            return read_head(connection).size

    def seal(self, kind: SegmentKind) -> Seal | None:
        """Seal what has come since the last time, as far as one segment holds; None for nothing.

        Rows are read before the write transaction begins: nobody waits for it but those who
        append to the log, and they as long as for any other event.
        """
        with reading(self._engine) as connection:
            number, after = _place(connection, kind)
            # a writer elsewhere may not have committed a row that has a lower id than ours
            wait_for_sharers(connection, ROWS_LOCK)
            newest = connection.exec_driver_sql(NEWEST[kind]).scalar()
        if newest is None or newest <= after:
            return None
        with reading(self._engine) as connection:
            start = after if number else None
            made = _made(kind, (number, after), READ[kind](connection, start, newest, FORM))
        if made is None:
            return None
        seal, stored = made
        began_ns = perf_counter_ns()
        with writing(self._engine) as connection:
            lock(connection, [f"audit segments of {kind}"])
            if _place(connection, kind) != (number, after):
                return None  # another process of this database was first
            _keep(connection, seal, stored)
        if self._took_us is not None:
            self._took_us((perf_counter_ns() - began_ns) // 1_000)
        return seal

    def stored(self, kind: str, number: int) -> StoredSegment | None:
        """Return what lies beside the rows of a segment, None where nothing does."""
        wanted = select(_table.hashes, _table.heads)
        with reading(self._engine) as connection:
            row = connection.execute(
                wanted.where(_table.kind == kind, _table.number == number)
            ).first()
        if row is None:
            return None
        return StoredSegment(bytes(row.hashes), tuple(bytes(row.heads).splitlines()))

    @contextmanager
    def items(self, seal: Seal) -> Iterator[Iterator[Item]]:
        """Give the rows there are in the range of a segment; the first has no lower end."""
        after = seal.after if seal.number else None
        with reading(self._engine) as connection:
            rows = READ[SegmentKind(seal.kind)](connection, after, seal.last, seal.form)
            yield (row.item for row in rows)

    def unsealed(self, kind: SegmentKind) -> tuple[int, int]:
        """Return the id up to which rows are sealed, and that of the newest row."""
        with reading(self._engine) as connection:
            newest = connection.exec_driver_sql(NEWEST[kind]).scalar()
            return _place(connection, kind)[1], newest or 0

    def segment_of(self, kind: SegmentKind, row: int) -> tuple[int, int] | None:
        """Return number and event of the segment that a row was sealed in, None for none."""
        wanted = select(_table.number, _table.event).where(
            _table.kind == kind, _table.after_id < row, _table.last_id >= row
        )
        with reading(self._engine) as connection:
            found = connection.execute(wanted).first()
        return None if found is None else (found.number, found.event)


def record_retention(connection: Connection, what: str, before_ns: int) -> None:
    """Say in the log that rows older than this may be missing from now on; hashes go as well."""
    if what == SegmentKind.DECISIONS:
        old = (_table.kind == what) & (_table.last_at_ns < before_ns)
        connection.execute(update(audit_segment).where(old).values(hashes=b"", heads=b""))
    details: dict[str, Detail] = {"before_ns": before_ns}
    recorded(connection, Act("", RETENTION_ACTION, Subject("retention", what), details=details))


def _place(connection: Connection, kind: SegmentKind) -> tuple[int, int]:
    """Return the next segment's number, and the id that it begins behind."""
    newest = (
        select(_table.number, _table.last_id)
        .where(_table.kind == kind)
        .order_by(_table.number.desc())
        .limit(1)
    )
    row = connection.execute(newest).first()
    return (0, 0) if row is None else (row.number + 1, row.last_id)


def _made(
    kind: SegmentKind, place: tuple[int, int], rows: Iterator[Row]
) -> tuple[Seal, StoredSegment] | None:
    items, leaves, last = 0, 0, place[1]
    first_ns, last_ns = _NEVER_NS, 0
    hashes, heads = bytearray(), []  # of rows there are thousands
    for row in rows:
        if leaves and leaves + row.leaves > LEAVES_MAX:
            break
        items += 1
        leaves += row.leaves
        last = row.item.id
        first_ns, last_ns = min(first_ns, row.item.at_ns), max(last_ns, row.item.at_ns)
        hashes += row.item.hashes
        if row.head:
            heads.append(row.head)
    if not items:
        return None
    stored = StoredSegment(bytes(hashes), tuple(heads))
    seal = Seal(
        kind=kind.value, number=place[0], form=FORM, after=place[1], last=last,
        items=items, leaves=leaves, first_at_ns=first_ns, last_at_ns=last_ns,
        root=root_of_leaves(stored.hashes),
    )  # fmt: skip
    return seal, stored


def _keep(connection: Connection, seal: Seal, stored: StoredSegment) -> None:
    row: dict[str, Any] = {
        "kind": seal.kind,
        "number": seal.number,
        "event": recorded(connection, seal.act()),
        "after_id": seal.after,
        "last_id": seal.last,
        "last_at_ns": seal.last_at_ns,
        "hashes": stored.hashes,
        "heads": b"\n".join(stored.heads),
    }
    connection.execute(insert(audit_segment), row)
