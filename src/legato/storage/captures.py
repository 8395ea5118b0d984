"""Captured requests of an organisation: sealed contents, readable heads.

Ids rise in the order rows become visible: writers take turns, so who reads on from a cursor
misses none.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Engine, delete, func, select, tuple_

from legato.core.captured import POINTS, CapturedHead, sample_point
from legato.core.tenant import Reach, Tenant
from legato.storage.capture_schema import capture, capture_erasure
from legato.storage.dialect import lock, upsert
from legato.storage.engine import reading, writing
from legato.storage.tenancy import within
from legato.storage.version_filter import in_arm, made_by

_WRITERS: Final = "captures"
_ROWS_PER_READ: Final = 200
_ROWS_PER_WRITE: Final = 500
_ERASURES_KEPT_NS: Final = 366 * 86_400_000_000_000
_HEAD: Final = CapturedHead.__struct_fields__


class SealedCapture(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A captured request on its way in: its content sealed under its organisation's key."""

    head: CapturedHead
    content_bytes: int
    sealed: bytes


class KeptCapture(msgspec.Struct, frozen=True):
    """A captured request as it is kept. `id` is the cursor to read on from."""

    id: int
    head: CapturedHead
    content_bytes: int
    sealed: bytes


class CaptureFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which; what is None does not narrow. `since_ns` is inclusive, `until_ns` not.

    `share` keeps that part of the requests, the same ones each time; `tags` wants all of these.
    """

    since_ns: int | None = None
    until_ns: int | None = None
    team: str | None = None
    feature: str | None = None
    key_id: str | None = None
    end_user: str | None = None
    surface: str | None = None
    model_requested: str | None = None
    route: str | None = None
    deployment: str | None = None
    versions: str | None = None
    arm: str | None = None
    http_status: int | None = None
    share: float = 1.0
    tags: dict[str, str] = {}

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return them for a WHERE over `capture`; tags are compared where rows are read."""
        wanted = msgspec.structs.asdict(self)
        since_ns, until_ns = wanted.pop("since_ns"), wanted.pop("until_ns")
        share, versions = wanted.pop("share"), wanted.pop("versions")
        arm = wanted.pop("arm")
        del wanted["tags"]
        table = capture.c
        found = [table[name] == value for name, value in wanted.items() if value is not None]
        if versions is not None:
            found.append(made_by(table.versions, versions))
        if arm is not None:
            found.append(in_arm(table.arm, arm))
        if since_ns is not None:
            found.append(table.at_ns >= since_ns)
        if until_ns is not None:
            found.append(table.at_ns < until_ns)
        if share < 1.0:
            found.append(table.point < round(share * POINTS))
        return found

    def admits(self, head: CapturedHead) -> bool:
        """Whether the tags are there."""
        return all(head.tags.get(name) == value for name, value in self.tags.items())


class CaptureReader:
    """Reads what is within reach. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, reach: Reach) -> None:
        self._engine = engine
        self._within = within(reach, capture)

    def after(
        self, cursor: int, count: int, wanted: CaptureFilter | None = None
    ) -> list[KeptCapture]:
        """Return up to `count` that were taken in behind a cursor (0 for all), oldest first."""
        filtered = wanted or CaptureFilter()
        found: list[KeptCapture] = []
        while len(found) < count:
            page = self._page([capture.c.id > cursor, *filtered.conditions()], newest=False)
            found += [one for one in page if filtered.admits(one.head)]
            if len(page) < _ROWS_PER_READ:
                break
            cursor = page[-1].id
        return found[:count]

    def newest(
        self, count: int, before: int | None = None, wanted: CaptureFilter | None = None
    ) -> list[KeptCapture]:
        """Return up to `count`, newest first, that were taken in before a cursor."""
        filtered = wanted or CaptureFilter()
        found: list[KeptCapture] = []
        while len(found) < count:
            bound = [] if before is None else [capture.c.id < before]
            page = self._page([*bound, *filtered.conditions()], newest=True)
            found += [one for one in page if filtered.admits(one.head)]
            if len(page) < _ROWS_PER_READ:
                break
            before = page[-1].id
        return found[:count]

    def all(self, wanted: CaptureFilter | None = None) -> Iterator[KeptCapture]:
        """Yield all, oldest first, in constant memory."""
        cursor = 0
        while page := self.after(cursor, _ROWS_PER_READ, wanted):
            yield from page
            cursor = page[-1].id

    def get(self, request_id: str) -> KeptCapture | None:
        """Return one, None where it is not captured or not any more."""
        page = self._page([capture.c.request_id == request_id], newest=False)
        return page[0] if page else None

    def last_cursor(self) -> int:
        """Return the cursor of the newest, 0 where there is none."""
        newest = select(func.max(capture.c.id)).where(*self._within)
        with reading(self._engine) as connection:
            return int(connection.execute(newest).scalar() or 0)

    def count(self, wanted: CaptureFilter | None = None) -> tuple[int, int]:
        """Return how many there are and their content's bytes; a filter's tags don't count."""
        conditions = (wanted or CaptureFilter()).conditions()
        total = select(func.count(), func.sum(capture.c.content_bytes)).where(
            *self._within, *conditions
        )
        with reading(self._engine) as connection:
            number, size = connection.execute(total).one()
        return int(number), int(size or 0)

    def _page(
        self, conditions: Sequence[ColumnElement[bool]], *, newest: bool
    ) -> list[KeptCapture]:
        order = capture.c.id.desc() if newest else capture.c.id
        statement = (
            select(capture).where(*self._within, *conditions).order_by(order).limit(_ROWS_PER_READ)
        )
        with reading(self._engine) as connection:
            return [_kept(row) for row in connection.execute(statement).mappings()]


class CaptureErasure:
    """Forgets captured requests of one tenant. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, tenant: Tenant) -> None:
        self._engine = engine
        self._org = tenant.org

    def erase_user(self, end_user: str, now_ns: int) -> int:
        """Delete what is captured of a user, by pseudonym, up to now; return how many there were.

        What of it still waits on a disk to be taken in is not taken in.
        """
        mark = {"org": self._org, "end_user": end_user, "at_ns": now_ns}
        with writing(self._engine) as connection:
            lock(connection, [_WRITERS])
            marked = upsert(connection, capture_erasure).values(mark)
            connection.execute(
                marked.on_conflict_do_update(
                    index_elements=["org", "end_user"], set_={"at_ns": now_ns}
                )
            )
            gone = delete(capture).where(
                capture.c.org == self._org,
                capture.c.end_user == end_user,
                capture.c.at_ns <= now_ns,
            )
            return connection.execute(gone).rowcount

    def erase_request(self, request_id: str) -> bool:
        """Delete one; return whether there was one."""
        gone = delete(capture).where(capture.c.org == self._org, capture.c.request_id == request_id)
        with writing(self._engine) as connection:
            return connection.execute(gone).rowcount > 0


class CaptureStore:
    """Takes captures of every tenant in. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def put(self, captures: Sequence[SealedCapture]) -> None:
        """Keep them, in their order; what is kept already, or of erased users, changes nothing."""
        if not captures:
            return
        with writing(self._engine) as connection:
            lock(connection, [_WRITERS])
            whose = {(one.head.org, one.head.end_user) for one in captures if one.head.end_user}
            marks = select(capture_erasure).where(
                tuple_(capture_erasure.c.org, capture_erasure.c.end_user).in_(whose)
            )
            erased = {(row.org, row.end_user): row.at_ns for row in connection.execute(marks)}
            rows = [
                _row(one)
                for one in captures
                if one.head.at_ns > erased.get((one.head.org, one.head.end_user), -1)
            ]
            if rows:
                connection.execute(upsert(connection, capture).on_conflict_do_nothing(), rows)


def prune_captures(engine: Engine, now_ns: int) -> int:
    """Delete what has had its time, of all organisations; return how much.

    Goes in small transactions, since others' writes wait behind each.

    Raises:
        StorageUnavailable: the database does not answer.
    """
    table = capture.c
    oldest = (
        select(table.id)
        .where(table.expires_at_ns < now_ns)
        .order_by(table.expires_at_ns)
        .limit(_ROWS_PER_WRITE)
    )
    total = 0
    while True:
        with writing(engine) as connection:
            gone = connection.execute(delete(capture).where(table.id.in_(oldest))).rowcount
        total += gone
        if gone < _ROWS_PER_WRITE:
            break
    old = delete(capture_erasure).where(capture_erasure.c.at_ns < now_ns - _ERASURES_KEPT_NS)
    with writing(engine) as connection:
        connection.execute(old)
    return total


def _row(one: SealedCapture) -> dict[str, Any]:
    head = msgspec.structs.asdict(one.head)
    return {
        **head,
        "tags": msgspec.json.encode(one.head.tags).decode(),
        "point": sample_point(one.head.request_id),
        "content_bytes": one.content_bytes,
        "sealed": one.sealed,
    }


def _kept(row: Any) -> KeptCapture:
    head = {name: row[name] for name in _HEAD}
    head["tags"] = msgspec.json.decode(row["tags"], type=dict[str, str])
    return KeptCapture(row["id"], CapturedHead(**head), row["content_bytes"], bytes(row["sealed"]))
