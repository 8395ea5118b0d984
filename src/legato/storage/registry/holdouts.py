"""Holdouts: a share of a route's callers that has its baseline, so that savings are measured."""

from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Engine, Row, case, func, insert, or_, select, update

from legato.audit.event import Act, Detail, Subject
from legato.core.clock import Clock
from legato.core.errors import Conflict, NotFound
from legato.core.ids import IdSource
from legato.core.records import EntryKind
from legato.core.tenant import Tenant
from legato.storage.audit.writing import recorded
from legato.storage.database.dialect import lock
from legato.storage.database.engine import reading, writing
from legato.storage.database.versions import bump, version
from legato.storage.registry.rollout_outcomes import RolloutOutcomes
from legato.storage.tables.holdouts import holdout
from legato.storage.tables.schema import ledger_entry

HOLDOUT_VERSION: Final = "holdouts"
"""The number that workers poll."""
_OF_CALLS: Final = (EntryKind.USAGE, EntryKind.RETRY, EntryKind.HEDGE, EntryKind.CACHE)
_COUNTED: Final = tuple(kind.value for kind in _OF_CALLS)


class Holdout(msgspec.Struct, frozen=True):
    """One holdout of a route, under way while `ended_at_ns` is None."""

    org: str
    id: str
    route: str
    share_bp: int
    author: str
    reason: str
    started_at_ns: int
    ended_at_ns: int | None
    ended_by: str


class RouteTraffic(msgspec.Struct, frozen=True):
    """What a route's requests cost, and what they would have at its baseline; nano-USD.

    Entries without either price are in none of the two sums.
    """

    requests: int
    cost: int
    baseline_cost: int
    unpriced: int
    first_at_ns: int | None


class HoldoutStore:
    """One organisation's. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, clock: Clock, ids: IdSource, tenant: Tenant) -> None:
        self._engine = engine
        self._clock = clock
        self._ids = ids
        self._org = tenant.org

    def now_ns(self) -> int:
        """Return the time that holdouts are dated by."""
        return self._clock.now_ns()

    def start(self, route: str, share_bp: int, author: str, reason: str) -> Holdout:
        """Begin one. Raises Conflict where the route has one already."""
        with writing(self._engine) as connection:
            lock(connection, [f"legato:holdout:{self._org}"])
            c = holdout.c
            there = select(c.id).where(
                c.org == self._org, c.route == route, c.ended_at_ns.is_(None)
            )
            if connection.execute(there).first() is not None:
                raise Conflict(f"{route} has a holdout already: end it first", param="route")
            row = {
                "org": self._org,
                "id": self._ids.new(),
                "route": route,
                "share_bp": share_bp,
                "author": author,
                "reason": reason,
                "started_at_ns": self._clock.now_ns(),
                "ended_at_ns": None,
                "ended_by": "",
            }
            connection.execute(insert(holdout), row)
            bump(connection, HOLDOUT_VERSION)
            made = self._get(connection, str(row["id"]))
            recorded(connection, _act("start", made, author))
            return made

    def end(self, holdout_id: str, by: str) -> Holdout:
        """End one. Raises NotFound, Conflict where it has ended."""
        with writing(self._engine) as connection:
            lock(connection, [f"legato:holdout:{self._org}"])
            if self._get(connection, holdout_id).ended_at_ns is not None:
                raise Conflict("this holdout has ended already")
            values = {"ended_at_ns": self._clock.now_ns(), "ended_by": by}
            connection.execute(update(holdout).where(*self._is(holdout_id)), values)
            bump(connection, HOLDOUT_VERSION)
            ended = self._get(connection, holdout_id)
            recorded(connection, _act("end", ended, by))
            return ended

    def get(self, holdout_id: str) -> Holdout:
        """Return one. Raises NotFound."""
        with reading(self._engine) as connection:
            return self._get(connection, holdout_id)

    def page(self, count: int, before_id: str | None = None) -> list[Holdout]:
        """Return up to `count`, newest first."""
        wanted = select(holdout).where(holdout.c.org == self._org)
        if before_id is not None:
            wanted = wanted.where(holdout.c.id < before_id)
        with reading(self._engine) as connection:
            rows = connection.execute(wanted.order_by(holdout.c.id.desc()).limit(count))
            return [_record(row) for row in rows]

    def traffic(self, route: str, since_ns: int, until_ns: int | None = None) -> RouteTraffic:
        """Return what a route's requests cost in a span of time, by the ledger."""
        c, undone = ledger_entry.c, ledger_entry.alias("undone")
        priced = c.cost.is_not(None) & c.baseline_cost.is_not(None)
        # What was entered as lost and then known is reversed: without that it would count twice.
        reverses = (
            select(undone.c.id)
            .where(undone.c.id == c.reverses_entry, undone.c.kind.in_(_COUNTED))
            .exists()
        )
        wanted = select(
            func.count(c.request_id.distinct()),
            func.coalesce(func.sum(case((priced, c.cost))), 0),
            func.coalesce(func.sum(case((priced, c.baseline_cost))), 0),
            func.coalesce(func.sum(case((priced, 0), (c.kind.in_(_COUNTED), 1), else_=-1)), 0),
            func.min(c.at_ns),
        ).where(
            c.org == self._org,
            c.route == route,
            c.at_ns >= since_ns,
            or_(c.kind.in_(_COUNTED), reverses),
        )
        if until_ns is not None:
            wanted = wanted.where(c.at_ns < until_ns)
        with reading(self._engine) as connection:
            row = connection.execute(wanted).one()
        first_at_ns = None if row[4] is None else int(row[4])
        return RouteTraffic(int(row[0]), int(row[1]), int(row[2]), int(row[3]), first_at_ns)

    def _get(self, connection: Connection, holdout_id: str) -> Holdout:
        row = connection.execute(select(holdout).where(*self._is(holdout_id))).first()
        if row is None:
            raise NotFound("there is no holdout with this id", param="id")
        return _record(row)

    def _is(self, holdout_id: str) -> tuple[Any, ...]:
        return (holdout.c.org == self._org, holdout.c.id == holdout_id)


class HoldoutSnapshots:
    """Holdouts as workers read them: all that are under way. May raise StorageUnavailable."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def version(self) -> int:
        """Return a number that rises with every change."""
        with reading(self._engine) as connection:
            return version(connection, HOLDOUT_VERSION)

    def read(self) -> tuple[int, list[Holdout]]:
        """Return those under way, and the number they are at least as new as."""
        wanted = select(holdout).where(holdout.c.ended_at_ns.is_(None))
        with reading(self._engine) as connection:
            # Read first: a change in between makes the rows newer than they claim, never older.
            number = version(connection, HOLDOUT_VERSION)
            return number, [_record(row) for row in connection.execute(wanted)]


def holdout_stores(
    engine: Engine, clock: Clock, ids: IdSource, tenant: Tenant
) -> tuple[HoldoutStore, RolloutOutcomes]:
    """Return one organisation's holdouts, and what became of the requests in their arms."""
    return HoldoutStore(engine, clock, ids, tenant), RolloutOutcomes(engine, tenant)


def _act(action: str, of: Holdout, by: str) -> Act:
    details: dict[str, Detail] = {"route": of.route, "share_bp": of.share_bp, "by": by}
    reason = of.reason if action == "start" else ""
    subject = Subject("holdout", of.id)
    return Act(of.org, f"holdout.{action}", subject, reason=reason, details=details)


def _record(row: Row[Any]) -> Holdout:
    return Holdout(
        row.org,
        row.id,
        row.route,
        row.share_bp,
        row.author,
        row.reason,
        row.started_at_ns,
        row.ended_at_ns,
        row.ended_by,
    )
