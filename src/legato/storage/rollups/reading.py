"""Reads sums from the rollups, and what entries behind their mark add: never stale.

Statements are built once for a question, and kept: a dashboard asks the same all day, and to build
one takes longer than SQLite does to answer it.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec
from sqlalchemy import (
    Column,
    ColumnElement,
    Dialect,
    Engine,
    Select,
    Table,
    exists,
    func,
    literal_column,
    select,
)

from legato.core.errors import InvalidRequest
from legato.core.tenant import Areas, Reach, Tenant
from legato.storage.database.dialect import group_few_by_hashing
from legato.storage.database.engine import reading
from legato.storage.database.prepared import Prepared
from legato.storage.database.tenancy import within
from legato.storage.rollups.last_days import LAST_DAYS, whose
from legato.storage.rollups.rolling import BY_NAME, RUNS, SPEND, USERS, WORKFLOWS
from legato.storage.rollups.sources import (
    ENTRY,
    HOURS_PER_DAY,
    bucket_of,
    dimension_of,
    has,
    sum_of,
)
from legato.storage.tables.rollups import (
    rollup_mark,
    spend_day,
    spend_hour,
    spend_run_day,
    spend_user_day,
    spend_workflow_day,
)
from legato.storage.tables.schema import ledger_entry

if TYPE_CHECKING:
    from sqlalchemy.sql import CompoundSelect

_STATEMENTS_MAX: Final = 128
_LISTED_MAX: Final = 400
"""So many buckets are listed by name: then an index finds an organisation's within each."""
NAMES: Final = {"key": "key_id", "user": "end_user"}
_HOUR_NS: Final = 3_600_000_000_000
DAY_NS: Final = HOURS_PER_DAY * _HOUR_NS
BUCKETS: Final = {"hour": _HOUR_NS, "day": DAY_NS}


class Span(msgspec.Struct, frozen=True):
    """Whole hours or days, from the first to the one behind the last, counted from the epoch."""

    first: int
    end: int
    by_hour: bool = False

    @property
    def bucket_ns(self) -> int:
        """How long each bucket lasts."""
        return _HOUR_NS if self.by_hour else DAY_NS


_BY_DAY_ALONE: Final = (
    ("end_user", spend_user_day, USERS),
    ("run", spend_run_day, RUNS),
    ("workflow", spend_workflow_day, WORKFLOWS),
)


class SpendQuery(msgspec.Struct, frozen=True):
    """What is asked: sums of some measures, split by dimensions, of what is narrowed to values.

    Dimensions are those of `tables.rollups`, `key` and `user` for their columns, and `bucket`.
    """

    span: Span
    measures: tuple[str, ...]
    by: tuple[str, ...] = ()
    where: Mapping[str, Sequence[str]] = {}


class SpendRow(msgspec.Struct, frozen=True):
    """One group: its values in the order of `by` (a bucket as a number), its sums by measure."""

    group: tuple[Any, ...]
    sums: dict[str, int]


class SpendReader:
    """Of what is within reach. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, reach: Reach) -> None:
        self._engine = engine
        self._reach = reach

    def read(self, query: SpendQuery) -> list[SpendRow]:
        """Return a row for each group that has an entry, in the order of the groups.

        Raises:
            InvalidRequest: a dimension or measure isn't one of this span's rollup.
            Forbidden: the reach doesn't tell apart what is asked.
        """
        return _merged(self.rows(_sums, query), query)

    def rows(self, statement_of: "StatementOf", query: SpendQuery) -> Sequence[Any]:
        """Return the rows of a statement that is made for this reach and a question, once."""
        where = tuple((name, tuple(values)) for name, values in query.where.items())
        asked = _Asked(statement_of, self._reach, query.span, query.measures, query.by, where)
        prepared = _prepared(asked, self._engine.dialect)
        with reading(self._engine) as connection:
            group_few_by_hashing(connection)  # of those behind the mark
            return prepared.run(connection, prepared.values({})).all()

    def count_distinct(self, query: SpendQuery, counted: str) -> dict[tuple[Any, ...], int]:
        """Return how many values of a dimension each group has, without sums. Raises as `read`."""
        wanted = msgspec.structs.replace(query, by=(*query.by, counted))
        by_last_day = self._tells(wanted) and self.rows(_ends_it, wanted)
        statement_of = _distinct_by_last_day if by_last_day else _distinct
        return {tuple(row[:-1]): int(row[-1]) for row in self.rows(statement_of, wanted)}

    def _tells(self, query: SpendQuery) -> bool:
        """Whether a table of last days has all that is asked, for this reach."""
        names = {NAMES.get(name, name) for name in (*query.by, *query.where)}
        _, rollup = _source(query)
        is_plain = rollup in LAST_DAYS and not isinstance(self._reach, Areas)
        return is_plain and names <= set(whose(LAST_DAYS[rollup][0]))

    def total(self, query: SpendQuery) -> dict[str, int]:
        """Return the sums of all groups together."""
        found = self.read(msgspec.structs.replace(query, by=()))
        return found[0].sums if found else dict.fromkeys(query.measures, 0)


StatementOf = Callable[[Reach, SpendQuery], "Select[Any] | CompoundSelect[Any]"]


class _Asked(NamedTuple):
    statement_of: StatementOf
    reach: Reach
    span: Span
    measures: tuple[str, ...]
    by: tuple[str, ...]
    where: tuple[tuple[str, tuple[str, ...]], ...]


@lru_cache(_STATEMENTS_MAX)
def _prepared(asked: _Asked, dialect: Dialect) -> Prepared:
    query = SpendQuery(asked.span, asked.measures, asked.by, dict(asked.where))
    return Prepared(asked.statement_of(asked.reach, query), dialect)


def _sums(reach: Reach, query: SpendQuery) -> "CompoundSelect[Any]":
    """Return what the rollup has, and what the entries behind its mark sum to."""
    table, _ = _source(query)
    old, new = _parts(reach, query, table)
    kept = [func.sum(table.c[name]).label(name) for name in query.measures]
    behind = [sum_of(name) for name in query.measures]
    return _summed(old, kept).union_all(_summed(new, behind))


def _summed(groups: Select[Any], sums: Sequence[ColumnElement[Any]]) -> Select[Any]:
    names = [one.name for one in groups.selected_columns]
    found = groups.add_columns(*sums)
    return found.group_by(*names) if names else found


def _distinct(reach: Reach, query: SpendQuery) -> Select[Any]:
    """Count the values of the last dimension in each group of those before it."""
    table, _ = _source(query)
    return _counted(*_parts(reach, query, table))


def _distinct_by_last_day(reach: Reach, query: SpendQuery) -> Select[Any]:
    """Count the same, where nobody spent after the period."""
    old, new = _parts(reach, query, _last_days_of(query))
    if not isinstance(reach, Tenant) or len(query.by) > 1:
        return _counted(old, new)
    # each has one row: only those behind the mark have to be looked up
    (name,), behind = old.selected_columns, new.distinct().subquery()
    unknown = select(func.count()).where(~old.where(name == behind.c[0]).exists())
    known = select(func.count()).select_from(old.subquery())
    return select(known.scalar_subquery() + unknown.select_from(behind).scalar_subquery())


def _ends_it(_reach: Reach, query: SpendQuery) -> Select[Any]:
    """Return a row where the table of last days knows all, and nobody spent after the period."""
    table, (_, rollup) = _last_days_of(query), _source(query)
    later = exists().where(table.c.bucket >= query.span.end)
    return select(literal_column("1")).where(_mark_of(table.name) == _mark_of(rollup), ~later)


def _last_days_of(query: SpendQuery) -> Table:
    _, rollup = _source(query)
    return LAST_DAYS[rollup][0]


def _counted(old: Select[Any], new: Select[Any]) -> Select[Any]:
    both = old.union(new).subquery()
    *groups, _ = both.c
    counted = select(*groups, func.count()).select_from(both)
    return counted.group_by(*groups) if groups else counted


def _parts(reach: Reach, query: SpendQuery, table: Table) -> tuple[Select[Any], Select[Any]]:
    """Select the groups of what a table has, and of the entries behind its rollup's mark."""
    names = [NAMES.get(name, name) for name in query.by]
    where = {NAMES.get(name, name): values for name, values in query.where.items()}
    _, rollup = _source(query)
    span = query.span
    kept = [
        *within(reach, table),
        *_in_span(table.c.bucket, span, reach),
        *(table.c[name].in_(values) for name, values in where.items()),
    ]
    behind = [
        ENTRY.id > _mark_of(rollup),
        # the sum keeps SQLite from going by the time: the mark leaves few
        ENTRY.at_ns + 0 >= span.first * span.bucket_ns,
        ENTRY.at_ns + 0 < span.end * span.bucket_ns,
        *has(BY_NAME[rollup].of),
        *within(reach, ledger_entry),
        *(dimension_of(name).in_(values) for name, values in where.items()),
    ]
    hours = 1 if span.by_hour else HOURS_PER_DAY
    groups = [bucket_of(hours) if name == "bucket" else dimension_of(name) for name in names]
    old, new = select(*(table.c[name] for name in names)), select(*groups)
    return old.where(*kept), new.where(*behind)


def _in_span(bucket: Column[int], span: Span, reach: Reach) -> list[ColumnElement[bool]]:
    if isinstance(reach, Tenant) and span.end - span.first <= _LISTED_MAX:
        return [bucket.in_(range(span.first, span.end))]
    return [bucket >= span.first, bucket < span.end]


def _source(query: SpendQuery) -> tuple[Table, str]:
    """Return the table that has all that is asked, and its rollup. Raises InvalidRequest."""
    names = {NAMES.get(name, name) for name in (*query.by, *query.where)}
    table, rollup = spend_hour if query.span.by_hour else spend_day, SPEND
    for name, of_name, other in _BY_DAY_ALONE:
        if name in names:
            if query.span.by_hour:
                raise InvalidRequest(f"by: what a {name} spends is kept by day alone", param="by")
            table, rollup = of_name, other
            break
    known = {"bucket", *BY_NAME[rollup].dimensions}
    for name in sorted(names - known):
        told = ", ".join(sorted(known - {"bucket"}))
        raise InvalidRequest(f"by: {name[:40]!r} is none of {told}", param="by")
    for name in query.measures:
        if name not in BY_NAME[rollup].measures:
            raise InvalidRequest(f"{name[:40]!r} isn't kept by {rollup}", param="by")
    return table, rollup


def _mark_of(rollup: str) -> ColumnElement[int]:
    wanted = select(rollup_mark.c.entry_id).where(rollup_mark.c.name == rollup)
    return func.coalesce(wanted.scalar_subquery(), 0)


def _merged(rows: Sequence[Any], query: SpendQuery) -> list[SpendRow]:
    """Add up both parts; Postgres sums bigint to numeric, and nothing at all to NULL."""
    keys, found = len(query.by), dict[tuple[Any, ...], list[int]]()
    for row in rows:
        values = [int(value or 0) for value in row[keys:]]
        known = found.setdefault(tuple(row[:keys]), values)
        if known is not values:
            known[:] = [a + b for a, b in zip(known, values, strict=True)]
    return [
        SpendRow(group, dict(zip(query.measures, found[group], strict=True)))
        for group in sorted(found)
    ]
