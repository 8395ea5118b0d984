"""Counts events of objectives as traces come, and says how many there were in some time.

Blocks of traces never change and their ids rise, so an objective's counts are those of all
blocks up to one, its mark, and both move in one transaction: however often a process is
killed, each request is counted once.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import Connection, Engine, case, delete, func, select, update

from legato.core.objective import Objective
from legato.core.records import Outcome
from legato.economics.objectives.burning import Counted, Minute
from legato.economics.objectives.events import is_bad, is_request
from legato.storage.audit.segments import ROWS_LOCK
from legato.storage.database.dialect import lock, upsert, wait_for_sharers
from legato.storage.database.engine import reading, writing
from legato.storage.objectives.objectives import ObjectiveStore
from legato.storage.tables.objectives import objective, objective_count
from legato.storage.tables.schema import trace_block

DAY_MIN: Final = 1_440
_MINUTES_KEPT: Final = 4 * DAY_MIN
_BLOCKS_AT_ONCE: Final = 200
_NS_PER_MIN: Final = 60_000_000_000
_decode_block: Final = msgspec.msgpack.Decoder(list[Outcome]).decode
_c: Final = objective_count.c
_Key = tuple[str, str, int, int, int]


class _Marked(NamedTuple):
    objectives: list[Objective]
    after: int
    until: int


class ObjectiveCounts:
    """Of the whole instance. Every method may raise StorageUnavailable, and be repeated."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def count(self, store: ObjectiveStore) -> int:
        """Take the next traces in; return how many blocks there were, 0 for nothing to do."""
        listed = store.in_force()
        with reading(self._engine) as connection:
            # a writer elsewhere may not have committed a block that has a lower id than ours
            wait_for_sharers(connection, ROWS_LOCK)
        with reading(self._engine) as connection:
            marked = self._next(connection, listed)
            if marked is None:
                return 0
            found = _counts(connection, marked)
        with writing(self._engine) as connection:
            lock(connection, ["legato:objective counts"])
            if not all(_mark(connection, one) == marked.after for one in marked.objectives):
                return marked.until - marked.after  # another process was first
            _add(connection, found)
            for one in marked.objectives:
                connection.execute(_of(one).values(counted_to=marked.until))
        return max(1, marked.until - marked.after)

    def sums(self, one: Objective, minute: int, spans: Sequence[int]) -> list[Counted]:
        """Return the events of the last minutes, up to one and with it, for each span."""
        wanted = select(
            *[
                func.coalesce(func.sum(case((_c.bucket > minute - span, column), else_=0)), 0)
                for span in spans
                for column in (_c.total, _c.bad)
            ]
        ).where(*_where(one, 1), _c.bucket > minute - max(spans), _c.bucket <= minute)
        with reading(self._engine) as connection:
            row = connection.execute(wanted).one()
        return [Counted(int(row[at]), int(row[at + 1])) for at in range(0, 2 * len(spans), 2)]

    def minutes(self, one: Objective, minute: int, span: int) -> list[Minute]:
        """Return each of the last minutes in which there was anything, the oldest first."""
        return self._listed(one, 1, minute - span + 1, minute)

    def days(self, one: Objective, day: int, count: int) -> list[Minute]:
        """Return each of the last days in which there was anything, likewise; `minute` is a day."""
        return self._listed(one, DAY_MIN, day - count + 1, day)

    def _listed(self, one: Objective, minutes: int, first: int, last: int) -> list[Minute]:
        wanted = (
            select(_c.bucket, _c.total, _c.bad)
            .where(*_where(one, minutes), _c.bucket >= first, _c.bucket <= last)
            .order_by(_c.bucket)
        )
        with reading(self._engine) as connection:
            rows = connection.execute(wanted).all()
        return [Minute(bucket, Counted(total, bad)) for bucket, total, bad in rows]

    def forget_minutes(self, now_minute: int) -> int:
        """Delete minutes that no window of an alert reaches; return how many."""
        return self._forget(1, now_minute - _MINUTES_KEPT)

    def forget_days(self, before_day: int) -> int:
        """Delete days before one; return how many."""
        return self._forget(DAY_MIN, before_day)

    def _forget(self, minutes: int, before: int) -> int:
        old = delete(objective_count).where(_c.minutes == minutes, _c.bucket < before)
        with writing(self._engine) as connection:
            return connection.execute(old).rowcount

    def _next(self, connection: Connection, listed: Sequence[Objective]) -> _Marked | None:
        if not listed:
            return None
        newest = connection.execute(select(func.max(trace_block.c.id))).scalar() or 0
        marks: dict[int, list[Objective]] = defaultdict(list)
        for one in listed:
            marks[_mark(connection, one)].append(one)
        lowest, *others = sorted(marks)
        if lowest > newest:  # all traces are gone, and ids begin anew
            return _Marked(marks[lowest], lowest, 0)
        until = min([newest, lowest + _BLOCKS_AT_ONCE, *others[:1]])
        return _Marked(marks[lowest], lowest, until) if until > lowest else None


def _counts(connection: Connection, marked: _Marked) -> dict[_Key, list[int]]:
    by_org: dict[str, list[Objective]] = defaultdict(list)
    for one in marked.objectives:
        by_org[one.org].append(one)
    table = trace_block.c
    wanted = select(table.org, table.records).where(
        table.id > marked.after, table.id <= marked.until, table.org.in_(list(by_org))
    )
    found: dict[_Key, list[int]] = defaultdict(lambda: [0, 0])
    for org, records in connection.execute(wanted):
        for outcome in _decode_block(records):
            if is_request(outcome):
                _count(found, by_org[org], outcome)
    return found


def _count(found: dict[_Key, list[int]], objectives: Sequence[Objective], outcome: Outcome) -> None:
    minute = outcome.ended_ns // _NS_PER_MIN
    for one in objectives:
        if not one.covers(outcome.model_requested, outcome.team, outcome.feature):
            continue
        bad = is_bad(one, outcome)
        if bad is None:
            continue
        for minutes, bucket in ((1, minute), (DAY_MIN, minute // DAY_MIN)):
            counted = found[one.org, one.name, one.version, minutes, bucket]
            counted[0] += 1
            counted[1] += bad


def _add(connection: Connection, found: dict[_Key, list[int]]) -> None:
    if not found:
        return
    names = ("org", "name", "version", "minutes", "bucket", "total", "bad")
    rows = [dict(zip(names, (*key, *sums), strict=True)) for key, sums in found.items()]
    new = upsert(connection, objective_count)
    added = {name: _c[name] + new.excluded[name] for name in ("total", "bad")}
    connection.execute(new.on_conflict_do_update(index_elements=list(names[:5]), set_=added), rows)


def _mark(connection: Connection, one: Objective) -> int:
    wanted = select(objective.c.counted_to).where(*_same(one))
    return int(connection.execute(wanted).scalar_one())


def _of(one: Objective) -> Any:
    return update(objective).where(*_same(one))


def _same(one: Objective) -> tuple[Any, ...]:
    table = objective.c
    return (table.org == one.org, table.name == one.name, table.version == one.version)


def _where(one: Objective, minutes: int) -> tuple[Any, ...]:
    return (
        _c.org == one.org,
        _c.name == one.name,
        _c.version == one.version,
        _c.minutes == minutes,
    )
