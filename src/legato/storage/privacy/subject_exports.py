"""The record of exports about people: nothing is given out before it is written."""

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import Engine, insert, select, update

from legato.audit.event import Act, Detail, Subject
from legato.core.clock import Clock
from legato.core.erasure import Subject as Meant
from legato.core.tenant import Tenant
from legato.storage.audit.writing import recorded
from legato.storage.database.engine import reading, writing
from legato.storage.tables.subject_exports import subject_export

_table = subject_export.c


class NewExport(msgspec.Struct, frozen=True):
    """Who asks for what about whom; the reason is sealed."""

    id: str
    subject: Meant
    author: str
    sealed_reason: bytes


class ExportRecord(msgspec.Struct, frozen=True):
    """One that was begun; it was cut off if it has no end."""

    id: str
    author: str
    end_user: str
    request_id: str
    counts: dict[str, int]
    at_ns: int
    ended_at_ns: int | None
    sealed: bytes


class SubjectExports:
    """One tenant's. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, clock: Clock, tenant: Tenant) -> None:
        self._engine = engine
        self._now_ns = clock.now_ns
        self._org = tenant.org

    def begin(self, new: NewExport) -> None:
        """Record one, before anything is read."""
        row: dict[str, Any] = {
            "org": self._org,
            "id": new.id,
            "author": new.author,
            "end_user": new.subject.user,
            "request_id": new.subject.request_id,
            "counts": "{}",
            "at_ns": self._now_ns(),
            "sealed": new.sealed_reason,
        }
        said: dict[str, Detail] = {
            "by": new.author,
            "user": new.subject.user,
            "request_id": new.subject.request_id,
        }
        with writing(self._engine) as connection:
            connection.execute(insert(subject_export), row)
            about = Subject("subject_export", new.id)
            recorded(connection, Act(self._org, "privacy.export", about, "granted", details=said))

    def end(self, export_id: str, counts: Mapping[str, int]) -> None:
        """Record that all of it was given out."""
        said: dict[str, Detail] = dict(counts)
        told = msgspec.json.encode(counts, order="sorted").decode()
        with writing(self._engine) as connection:
            connection.execute(
                update(subject_export)
                .where(_table.org == self._org, _table.id == export_id)
                .values(counts=told, ended_at_ns=self._now_ns())
            )
            about = Subject("subject_export", export_id)
            recorded(connection, Act(self._org, "privacy.exported", about, details=said))

    def page(self, count: int, before_id: str | None) -> list[ExportRecord]:
        """Return up to `count`, newest first, that are older than one."""
        conditions = [_table.org == self._org]
        if before_id is not None:
            conditions.append(_table.id < before_id)
        wanted = select(subject_export).where(*conditions).order_by(_table.id.desc()).limit(count)
        with reading(self._engine) as connection:
            return [
                ExportRecord(
                    row.id, row.author, row.end_user, row.request_id,
                    msgspec.json.decode(row.counts, type=dict[str, int]),
                    row.at_ns, row.ended_at_ns, bytes(row.sealed),
                )
                for row in connection.execute(wanted)
            ]  # fmt: skip
