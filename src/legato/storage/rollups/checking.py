"""Proves that rollups are the sums of their entries, a day at a time."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from sqlalchemy import Connection, select

from legato.storage.rollups.adding import Kept, Rollup
from legato.storage.rollups.last_days import LAST_DAYS, wrong_day
from legato.storage.rollups.marks import mark_of
from legato.storage.rollups.rolling import ROLLUPS
from legato.storage.rollups.sources import (
    ENTRY,
    HOURS_PER_DAY,
    bucket_of,
    dimension_of,
    has,
    sum_of,
)

Rows = list[tuple[Any, ...]]
_DAY_NS: Final = HOURS_PER_DAY * 3_600_000_000_000


def wrong_days(connection: Connection) -> Iterator[tuple[str, int]]:
    """Yield each table that isn't the sum of its entries, and the first day (from the epoch)."""
    for rollup in ROLLUPS:
        mark, kept_from = mark_of(connection, rollup.name)
        found: set[str] = set()
        for day in sorted(_days(connection, rollup, mark)):
            sums = _sums(connection, rollup, mark, day)
            for kept in rollup.tables:
                if kept.table.name in found:
                    continue
                expected = _coarser(sums, rollup, kept)
                if kept.days is not None:
                    expected = [row for row in expected if row[0] >= kept_from]
                if sorted(expected) != sorted(_rows(connection, rollup, kept, day)):
                    found.add(kept.table.name)
                    yield kept.table.name, day
        if rollup.name in LAST_DAYS and (wrong := wrong_day(connection, rollup.name)) is not None:
            yield LAST_DAYS[rollup.name][0].name, wrong


def _days(connection: Connection, rollup: Rollup, mark: int) -> set[int]:
    of_entries = select(bucket_of(HOURS_PER_DAY)).where(ENTRY.id + 0 <= mark).distinct()
    days = set(connection.execute(of_entries).scalars())
    for kept in rollup.tables:
        bucket = (kept.table.c.bucket * kept.hours // HOURS_PER_DAY).label("day")
        days |= set(connection.execute(select(bucket).distinct()).scalars())
    return days


def _sums(connection: Connection, rollup: Rollup, mark: int, day: int) -> Rows:
    groups = [bucket_of(rollup.tables[0].hours), *map(dimension_of, rollup.dimensions)]
    # the sum keeps SQLite from taking the range of ids, which is nearly all
    wanted = select(*groups, *map(sum_of, rollup.measures)).where(
        ENTRY.at_ns >= day * _DAY_NS,
        ENTRY.at_ns < (day + 1) * _DAY_NS,
        ENTRY.id + 0 <= mark,
        *has(rollup.of),
    )
    return _plain(connection.execute(wanted.group_by(*[one.name for one in groups])), rollup)


def _rows(connection: Connection, rollup: Rollup, kept: Kept, day: int) -> Rows:
    columns = [kept.table.c[name] for name in ("bucket", *rollup.dimensions, *rollup.measures)]
    per_day = HOURS_PER_DAY // kept.hours
    bucket = kept.table.c.bucket
    wanted = select(*columns).where(bucket >= day * per_day, bucket < (day + 1) * per_day)
    return _plain(connection.execute(wanted), rollup)


def _plain(rows: Any, rollup: Rollup) -> Rows:
    keys = 1 + len(rollup.dimensions)
    return [(*row[:keys], *map(int, row[keys:])) for row in rows]


def _coarser(sums: Rows, rollup: Rollup, kept: Kept) -> Rows:
    """Sum rows of a rollup's first table by the buckets of another."""
    buckets, keys = kept.hours // rollup.tables[0].hours, 1 + len(rollup.dimensions)
    if buckets == 1:
        return sums
    found: dict[tuple[Any, ...], Sequence[int]] = {}
    for row in sums:
        key, values = (row[0] // buckets, *row[1:keys]), row[keys:]
        known = found.get(key)
        found[key] = (
            values if known is None else [a + b for a, b in zip(known, values, strict=True)]
        )
    return [(*key, *values) for key, values in found.items()]
