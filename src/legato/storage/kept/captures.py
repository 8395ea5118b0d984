"""Captured requests of an organisation: sealed contents, readable heads.

Ids rise in the order rows become visible: writers take turns, so who reads on from a cursor
misses none.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Engine, delete, func, select

from legato.core.captured import POINTS, CapturedHead, sample_point
from legato.core.origin import Origin
from legato.core.tenant import Reach
from legato.storage.database.dialect import lock, upsert
from legato.storage.database.engine import reading, writing
from legato.storage.database.tenancy import within
from legato.storage.database.version_filter import in_arm, made_by
from legato.storage.erasure_marks import erased_among, forget_marks, marks_lock
from legato.storage.tables.captures import capture

_WRITERS: Final = "captures"
_ROWS_PER_READ: Final = 200
_ROWS_PER_WRITE: Final = 500
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


class CaptureStore:
    """Takes captures of every tenant in. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def put(self, captures: Sequence[SealedCapture]) -> None:
        """Keep them, in their order; what is kept already, or of erased users, changes nothing."""
        if not captures:
            return
        by_org: dict[str, list[SealedCapture]] = {}
        for one in captures:
            by_org.setdefault(one.head.org, []).append(one)
        with writing(self._engine) as connection:
            lock(connection, [_WRITERS, *map(marks_lock, by_org)])
            erased = {
                org: erased_among(connection, org, map(_origin, ones))
                for org, ones in by_org.items()
            }
            rows = [_row(one) for one in captures if _origin(one) not in erased[one.head.org]]
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
    with writing(engine) as connection:
        forget_marks(connection, now_ns)
    return total


def _origin(one: SealedCapture) -> Origin:
    return Origin(one.head.request_id, one.head.end_user)


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
