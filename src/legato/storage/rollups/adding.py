"""Sums entries and adds them to a rollup's tables, all of it within the database.

Rows that pass through Python cost more than to sum them. SQLite sums into a table of the
connection's own, so that nobody who writes waits meanwhile; Postgres does all in one statement,
which makes nobody wait, and keeps its catalogue free of tables that come and go.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    Column,
    Connection,
    FromClause,
    Insert,
    Integer,
    MetaData,
    Select,
    Table,
    bindparam,
    delete,
    func,
    insert,
    select,
)

from legato.storage.database.dialect import group_by_hashing, upsert_into
from legato.storage.rollups import last_days
from legato.storage.rollups.last_days import LAST_DAYS
from legato.storage.rollups.sources import ENTRY, bucket_of, dimension_of, has, sum_of

_OWN: Final = MetaData()


class Kept(NamedTuple):
    """A table, how many hours its buckets have, and for how many days they are kept."""

    table: Table
    hours: int
    days: int | None = None


class Rollup(NamedTuple):
    """Tables that have one mark: the first is summed from entries, the others from the first."""

    name: str
    dimensions: tuple[str, ...]
    measures: tuple[str, ...]
    tables: tuple[Kept, ...]
    of: str = ""
    """A dimension: only of entries that have it."""


class Range(NamedTuple):
    """Entries behind one id up to another, and from which bucket on fine rows are kept."""

    after: int
    until: int
    kept_from: int


def sum_aside(connection: Connection, rollup: Rollup, taken: Range) -> None:
    """Sum entries into a table that this connection alone has. SQLite's."""
    aside = _aside(rollup)
    aside.create(connection, checkfirst=True)
    connection.execute(delete(aside))
    statement = insert(aside).from_select(_names(rollup), _sums(rollup))
    connection.execute(statement, taken._asdict())


def add_aside(connection: Connection, rollup: Rollup, taken: Range) -> None:
    """Add what was summed aside, and drop it."""
    aside = _aside(rollup)
    for statement in _additions(rollup, aside, sqlite=True):
        connection.execute(statement, taken._asdict())
    if rollup.name in LAST_DAYS:
        statement = last_days.addition(rollup.name, aside, sqlite=True)
        connection.execute(statement, taken._asdict())
    aside.drop(connection)


def add_at_once(connection: Connection, rollup: Rollup, taken: Range) -> None:
    """Sum entries and add the sums by one statement. Postgres'."""
    group_by_hashing(connection)
    connection.execute(_summing_addition(rollup), taken._asdict())


@cache
def _summing_addition(rollup: Rollup) -> Insert:
    sums = _sums(rollup).cte("sums")
    *fine, last = _additions(rollup, sums, sqlite=False)
    if rollup.name in LAST_DAYS:
        fine.append(last_days.addition(rollup.name, sums, sqlite=False))
    with_fine: Insert = last.add_cte(
        *(one.cte(f"added_{number}") for number, one in enumerate(fine))
    )
    return with_fine


@cache
def _aside(rollup: Rollup) -> Table:
    columns = [Column(name, rollup.tables[0].table.c[name].type) for name in _names(rollup)]
    return Table(f"{rollup.name}_aside", _OWN, *columns, prefixes=["TEMPORARY"])


@cache
def _sums(rollup: Rollup) -> Select[Any]:
    groups = [bucket_of(rollup.tables[0].hours), *map(dimension_of, rollup.dimensions)]
    by_kind = "kind" in rollup.dimensions
    sums = [sum_of(name, by_kind=by_kind) for name in rollup.measures]
    wanted = select(*groups, *sums).where(
        ENTRY.id > bindparam("after"), ENTRY.id <= bindparam("until"), *has(rollup.of)
    )
    return wanted.group_by(*[one.name for one in groups])


def _names(rollup: Rollup) -> Sequence[str]:
    return ["bucket", *rollup.dimensions, *rollup.measures]


@cache
def _additions(rollup: Rollup, sums: FromClause, *, sqlite: bool) -> list[Any]:
    """Return an upsert for each table, of sums by the buckets of the first."""
    return [_addition(rollup, kept, sums, sqlite=sqlite) for kept in rollup.tables]


def _addition(rollup: Rollup, kept: Kept, sums: FromClause, *, sqlite: bool) -> Any:
    buckets = kept.hours // rollup.tables[0].hours
    if buckets == 1:
        wanted = select(*(sums.c[name] for name in _names(rollup)))
    else:
        coarse = (sums.c.bucket // buckets).label("bucket")
        groups = [coarse, *(sums.c[name] for name in rollup.dimensions)]
        wanted = select(*groups, *(func.sum(sums.c[name]) for name in rollup.measures))
        wanted = wanted.group_by(*groups)
    first = bindparam("kept_from", type_=Integer) if kept.days is not None else 0
    # SQLite takes the ON of a conflict for that of a join where no WHERE stands before it
    wanted = wanted.where(sums.c.bucket >= first)
    statement = upsert_into(kept.table, sqlite=sqlite).from_select(_names(rollup), wanted)
    keys = ["bucket", *rollup.dimensions]
    added = {
        name: kept.table.c[name] + statement.excluded[name]
        for name in kept.table.columns.keys()  # noqa: SIM118 (a collection of columns)
        if name not in keys
    }
    return statement.on_conflict_do_update(index_elements=keys, set_=added)
