"""Reversals of what no answer to a caller was, by the kind of entry that they take back.

A rollup knows a reversal as a `correction`, whatever it reverses. Where answers are counted, one of
a judge's call must not take an answer away: so these few are read from the entries.
"""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Select, select

from legato.core.records import EntryKind
from legato.core.tenant import Reach
from legato.storage.database.tenancy import within
from legato.storage.rollups.reading import NAMES, SpendQuery, SpendReader, SpendRow
from legato.storage.rollups.sources import ENTRY, HOURS_PER_DAY, bucket_of, dimension_of, sum_of
from legato.storage.tables.schema import ledger_entry

_KIND: Final = "kind"
_ANSWERS: Final = (EntryKind.USAGE.value, EntryKind.CACHE.value)
_TAKEN_BACK: Final = ledger_entry.alias("taken_back")


def rows_by_kind(reader: SpendReader, query: SpendQuery) -> list[SpendRow]:
    """Return a query's rows, with reversals of what is no answer under the kind they take back.

    `query` is of days, and split by kind. Raises as `SpendReader.read`.
    """
    rows, at = reader.read(query), query.by.index(_KIND)
    for row in reader.rows(_reversals, query):
        kind, group, counts = row[0], tuple(row[1 : 1 + len(query.by)]), row[1 + len(query.by) :]
        sums = dict(zip(query.measures, map(int, counts), strict=True))
        rows.append(SpendRow(group, {name: -value for name, value in sums.items()}))
        rows.append(SpendRow((*group[:at], kind, *group[at + 1 :]), sums))
    return rows


def _reversals(reach: Reach, query: SpendQuery) -> Select[Any]:
    span = query.span
    groups = [_dimension(NAMES.get(name, name)) for name in query.by]
    kind = _TAKEN_BACK.c.kind.label("kind_taken_back")
    wanted = (
        select(kind, *groups, *[sum_of(name) for name in query.measures])
        .join(_TAKEN_BACK, ENTRY.reverses_entry == _TAKEN_BACK.c.id)
        .where(
            ENTRY.reverses_entry.is_not(None),
            _TAKEN_BACK.c.kind.not_in(_ANSWERS),
            # the sum keeps SQLite from going by the time: reversals are few, and have an index
            ENTRY.at_ns + 0 >= span.first * span.bucket_ns,
            ENTRY.at_ns + 0 < span.end * span.bucket_ns,
            *within(reach, ledger_entry),
            *_narrowed(query),
        )
    )
    return wanted.group_by(kind, *groups)


def _narrowed(query: SpendQuery) -> Sequence[Any]:
    return [dimension_of(NAMES.get(name, name)).in_(values) for name, values in query.where.items()]


def _dimension(name: str) -> Any:
    return bucket_of(HOURS_PER_DAY) if name == "bucket" else dimension_of(name)
