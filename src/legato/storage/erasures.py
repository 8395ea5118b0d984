"""The record of an erasure, its marks, and which requests it is about."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Connection, Engine, func, insert, select, update

from legato.audit.event import Act, Detail, Subject
from legato.core.clock import Clock
from legato.core.erasure import Subject as Erased
from legato.core.ids import IdSource
from legato.core.origin import Origin
from legato.core.tenant import Tenant
from legato.core.tombstones import Grave
from legato.storage.audit.writing import recorded
from legato.storage.burying import bury
from legato.storage.database.dialect import lock, upsert
from legato.storage.database.engine import reading, writing
from legato.storage.erasure_marks import marks_lock
from legato.storage.tables.captures import capture, capture_erasure
from legato.storage.tables.erasures import erased_request, erasure
from legato.storage.tables.schema import ledger_entry

_ROWS_PER_WRITE: Final = 500


class ErasureRecord(msgspec.Struct, frozen=True):
    """One act of erasing. `counts` is how much of each kind; it was cut off if it has no end."""

    id: str
    author: str
    end_user: str
    request_id: str
    counts: dict[str, int]
    at_ns: int
    ended_at_ns: int | None


class ErasureStore:
    """One tenant's. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, clock: Clock, ids: IdSource, tenant: Tenant) -> None:
        self._engine = engine
        self._now_ns = clock.now_ns
        self._ids = ids
        self._org = tenant.org

    def begin(self, subject: Erased, author: str) -> ErasureRecord:
        """Mark what is erased, so that no more of it comes in, and record who asked.

        One that was cut off goes on under its own record.
        """
        with writing(self._engine) as connection:
            lock(connection, [marks_lock(self._org)])
            at_ns = self._now_ns()
            if subject.user:
                mark = {"org": self._org, "end_user": subject.user, "at_ns": at_ns}
                marked = upsert(connection, capture_erasure).values(mark)
                connection.execute(
                    marked.on_conflict_do_update(
                        index_elements=["org", "end_user"], set_={"at_ns": at_ns}
                    )
                )
            else:
                row = {"org": self._org, "request_id": subject.request_id, "at_ns": at_ns}
                marked = upsert(connection, erased_request).values(row)
                connection.execute(marked.on_conflict_do_nothing())
            table = erasure.c
            cut = connection.execute(
                select(erasure).where(
                    table.org == self._org,
                    table.end_user == subject.user,
                    table.request_id == subject.request_id,
                    table.ended_at_ns.is_(None),
                )
            ).first()
            if cut is not None:
                return _record(cut)
            new = ErasureRecord(
                self._ids.new(), author, subject.user, subject.request_id, {}, at_ns, None
            )
            row = {**msgspec.structs.asdict(new), "org": self._org, "counts": "{}"}
            connection.execute(insert(erasure), row)
            kind = Grave.USER if subject.user else Grave.REQUEST
            bury(connection, kind, self._org, subject.user or subject.request_id)
            self._tell(connection, "begin", new.id, {"by": author, **_meant(subject)})
        return new

    def count(self, erasure_id: str, counts: Mapping[str, int], *, ended: bool = False) -> None:
        """Keep how much was erased so far."""
        with writing(self._engine) as connection:
            values: dict[str, Any] = {"counts": msgspec.json.encode(counts, order="sorted")}
            values["counts"] = values["counts"].decode()
            if ended:
                values["ended_at_ns"] = self._now_ns()
            connection.execute(
                update(erasure)
                .where(erasure.c.org == self._org, erasure.c.id == erasure_id)
                .values(values)
            )
            if ended:
                self._tell(connection, "end", erasure_id, dict(counts))

    def _tell(
        self, connection: Connection, action: str, erasure_id: str, told: dict[str, Detail]
    ) -> None:
        subject = Subject("erasure", erasure_id)
        recorded(connection, Act(self._org, f"erasure.{action}", subject, details=told))

    def requests(self, subject: Erased) -> set[str]:
        """Return the requests that are meant."""
        if not subject.user:
            return {subject.request_id}
        found: set[str] = set()
        with reading(self._engine) as connection:
            for table in (ledger_entry, capture):
                named = table.c.org == self._org, table.c.end_user == subject.user
                wanted = select(table.c.request_id).where(*named).distinct()
                found.update(connection.execute(wanted).scalars())
        return found

    def entries(self, request_ids: set[str], subject: Erased) -> int:
        """Return how many entries of the ledger name the subject: they stay."""
        table = ledger_entry.c
        named: ColumnElement[bool] = table.end_user == subject.user
        if not subject.user:
            named = table.request_id.in_(request_ids)
        counted = select(func.count()).where(table.org == self._org, named)
        with reading(self._engine) as connection:
            return int(connection.execute(counted).scalar_one())

    def origin_of(self, request_id: str) -> Origin:
        """Return a request with its user, as far as the ledger or a capture knows of it."""
        with reading(self._engine) as connection:
            for table in (ledger_entry, capture):
                user = connection.execute(
                    select(table.c.end_user)
                    .where(table.c.org == self._org, table.c.request_id == request_id)
                    .limit(1)
                ).scalar()
                if user:
                    return Origin(request_id, user)
        return Origin(request_id)

    def page(self, count: int, before_id: str | None) -> list[ErasureRecord]:
        """Return up to `count` acts, newest first, that are older than the one of an id."""
        wanted = select(erasure).where(erasure.c.org == self._org)
        if before_id is not None:
            wanted = wanted.where(erasure.c.id < before_id)
        with reading(self._engine) as connection:
            rows = connection.execute(wanted.order_by(erasure.c.id.desc()).limit(count)).all()
        return [_record(row) for row in rows]


def _meant(subject: Erased) -> dict[str, Detail]:
    """Return who or what is meant: a user by the pseudonym that the ledger has."""
    return {"user": subject.user, "request_id": subject.request_id}


def chunks(texts: Iterable[str], size: int = _ROWS_PER_WRITE) -> Iterator[list[str]]:
    """Yield them some at a time."""
    found = sorted(texts)
    for first in range(0, len(found), size):
        yield found[first : first + size]


def _record(row: Any) -> ErasureRecord:
    counts = msgspec.json.decode(row.counts, type=dict[str, int])
    return ErasureRecord(
        row.id, row.author, row.end_user, row.request_id, counts, row.at_ns, row.ended_at_ns
    )
