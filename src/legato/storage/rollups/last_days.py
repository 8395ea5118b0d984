"""On which day each user and each run spent last, so that those of a period are counted fast.

Whoever spent last on a day of a period, or spent then and later, is of that period. So where nobody
spent later, as in a period that ends today, one row for each is read instead of one for each day.
Each table is made from the finest rollup of its kind, and has a mark of its own: where the two
differ, as after an upgrade, it isn't read, and is made anew with the next entries.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from sqlalchemy import (
    Connection,
    FromClause,
    Insert,
    Select,
    Table,
    bindparam,
    delete,
    except_,
    func,
    insert,
    select,
)

from legato.storage.database.dialect import upsert_into
from legato.storage.rollups.marks import mark_of, set_mark
from legato.storage.tables.rollups import (
    run_last_day,
    spend_run_day,
    spend_user_day,
    user_last_day,
)

LAST_DAYS: Final[Mapping[str, tuple[Table, Table]]] = {
    "users": (user_last_day, spend_user_day),
    "runs": (run_last_day, spend_run_day),
}
"""By the name of a rollup: the table, and the one that it is made from."""


def whose(table: Table) -> tuple[str, ...]:
    """Return what its rows are of."""
    return tuple(column.name for column in table.primary_key.columns)


@cache
def addition(name: str, sums: FromClause, *, sqlite: bool) -> Insert:
    """Return what moves last days on by sums of new entries, from the bucket `kept_from` on."""
    table, _ = LAST_DAYS[name]
    wanted = _last(table, sums).where(sums.c.bucket >= bindparam("kept_from"))
    statement = upsert_into(table, sqlite=sqlite).from_select([*whose(table), "bucket"], wanted)
    moved: Any = statement.on_conflict_do_update(
        index_elements=whose(table),
        set_={"bucket": statement.excluded.bucket},
        where=statement.excluded.bucket > table.c.bucket,
    )
    return moved  # type: ignore[no-any-return]


def are_kept_up(connection: Connection, name: str) -> bool:
    """Whether the table knows all entries that its rollup has."""
    return mark_of(connection, LAST_DAYS[name][0].name)[0] == mark_of(connection, name)[0]


def renew(connection: Connection, name: str) -> None:
    """Make the table anew."""
    table, source = LAST_DAYS[name]
    connection.execute(delete(table))
    columns = [*whose(table), "bucket"]
    connection.execute(insert(table).from_select(columns, _last(table, source)))


def mark(connection: Connection, name: str, entry_id: int) -> None:
    """Say up to which entry the table is."""
    set_mark(connection, LAST_DAYS[name][0].name, entry_id=entry_id)


def forget(connection: Connection, name: str, first: int) -> None:
    """Delete who spent nothing from a bucket on."""
    table, _ = LAST_DAYS[name]
    connection.execute(delete(table).where(table.c.bucket < first))


def wrong_day(connection: Connection, name: str) -> int | None:
    """Return a day on which the table and its rollup differ, None for none."""
    if not are_kept_up(connection, name):
        return None
    table, source = LAST_DAYS[name]
    kept = select(*[table.c[one] for one in (*whose(table), "bucket")])
    expected = _last(table, source)
    for one in (except_(kept, expected), except_(expected, kept)):
        if found := connection.execute(one.limit(1)).first():
            return int(found[-1])
    return None


def _last(table: Table, sums: FromClause) -> Select[Any]:
    columns = [sums.c[one] for one in whose(table)]
    return select(*columns, func.max(sums.c.bucket).label("bucket")).group_by(*columns)
