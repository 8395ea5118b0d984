"""The few places where SQLite and PostgreSQL differ.

Statements that run with every batch are built once, by cached functions of the dialect:
building one with SQLAlchemy costs three times as much as running it.
"""

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import msgspec
from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Connection,
    Table,
    Text,
    any_,
    bindparam,
    func,
    literal,
    select,
    text,
)

from legato.core.clock import Clock, SystemClock

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql
    from sqlalchemy.dialects import sqlite as sqlite_dialect

_POSTGRES_NOW = text("SELECT (extract(epoch FROM clock_timestamp()) * 1000000000)::bigint")

_SCANS: Final = "SET LOCAL enable_seqscan = off"
_PREPARING: Final = "SET LOCAL jit = off; SET LOCAL max_parallel_workers_per_gather = 0"
_HASHING: Final = "SET LOCAL enable_sort = off; SET LOCAL work_mem = '64MB'"
# each by one statement: to say them one by one takes a round trip for each
_NO_TABLE_SCANS: Final = text(_SCANS)
_FEW_ROWS: Final = text(f"{_SCANS}; {_PREPARING}")
_BY_HASHING: Final = text(f"{_PREPARING}; {_HASHING}")
_FEW_BY_HASHING: Final = text(f"{_SCANS}; {_PREPARING}; {_HASHING}")


def is_sqlite(connection: Connection) -> bool:
    """Which twin this is."""
    return connection.dialect.name == "sqlite"


def upsert(connection: Connection, table: Table) -> "sqlite_dialect.Insert | postgresql.Insert":
    """Return an INSERT that knows ON CONFLICT."""
    return upsert_into(table, sqlite=is_sqlite(connection))


def upsert_into(table: Table, *, sqlite: bool) -> "sqlite_dialect.Insert | postgresql.Insert":
    """Return an INSERT that knows ON CONFLICT, for a statement built once."""
    # the one that is in use: the other's drivers take 2 MiB of each process
    if sqlite:
        from sqlalchemy.dialects.sqlite import insert as sqlite_insert  # noqa: PLC0415

        return sqlite_insert(table)
    from sqlalchemy.dialects.postgresql import insert  # noqa: PLC0415

    return insert(table)


def one_of(column: ColumnElement[str], *, sqlite: bool) -> ColumnElement[bool]:
    """`column` is one of the parameter `listed`: one parameter, so the text never changes."""
    if sqlite:
        rows = func.json_each(bindparam("listed")).table_valued("value")
        return column.in_(select(rows.c.value))
    return column == any_(bindparam("listed", type_=ARRAY(Text)))


def listed(connection: Connection, texts: Iterable[str]) -> dict[str, str | list[str]]:
    """Return the parameter of `one_of`."""
    found = list(texts)
    return {"listed": msgspec.json.encode(found).decode() if is_sqlite(connection) else found}


def insert_statement(
    dialect_name: str,
    table: Table,
    columns: tuple[str, ...],
    fixed: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Return the INSERT with positional marks, for plain tuples straight to the driver.

    `fixed` columns have the same value, given as SQL, in each row.
    Core's own executemany makes a dict of each row and a tuple of each dict again.
    """
    mark = "?" if dialect_name == "sqlite" else "%s"
    marks = ", ".join([*[mark] * len(columns), *fixed.values()])
    names = ", ".join([*columns, *fixed])
    return f"INSERT INTO {table.name} ({names}) VALUES ({marks})"  # noqa: S608 (our own names)


def now_ns(connection: Connection, clock: Clock | None) -> int:
    """Return the store's clock: the one of the Postgres server, or of this machine."""
    if clock is not None:
        return clock.now_ns()
    if is_sqlite(connection):
        return SystemClock.now_ns()
    return int(connection.execute(_POSTGRES_NOW).scalar_one())


def lock(connection: Connection, names: Iterable[str]) -> None:
    """Take the named locks until the transaction ends; SQLite has one writer anyway.

    The numbers are taken in rising order, so two transactions can't wait for each other.
    """
    if is_sqlite(connection):
        return
    numbers = sorted({_lock_number(name) for name in names})
    if numbers:
        wanted = func.unnest(literal(numbers, ARRAY(BigInteger))).column_valued("number")
        connection.execute(select(func.pg_advisory_xact_lock(wanted)))


def share(connection: Connection, name: str) -> None:
    """Be one of those whom `wait_for_sharers` waits for, until the transaction ends."""
    if not is_sqlite(connection):
        connection.execute(select(func.pg_advisory_xact_lock_shared(_lock_number(name))))


def wait_for_sharers(connection: Connection, name: str) -> None:
    """Wait until all who share it have ended; who comes meanwhile waits until we do.

    SQLite has one writer: who reads sees all that ever got a lower id.
    """
    if not is_sqlite(connection):
        connection.execute(select(func.pg_advisory_xact_lock(_lock_number(name))))


def look_up_by_index(connection: Connection) -> None:
    """For this transaction, keep Postgres from reading whole tables to find a few rows.

    Before the first ANALYZE it takes 500 request ids for a large part of the ledger.
    """
    if not is_sqlite(connection):
        connection.execute(_NO_TABLE_SCANS)


def expect_few_rows(connection: Connection) -> None:
    """For this transaction, keep Postgres from preparing for many rows where it can't tell.

    Compiling a sum takes it 100 ms and starting processes 10, which pays from millions of rows on.
    """
    if not is_sqlite(connection):
        connection.execute(_FEW_ROWS)


def group_by_hashing(connection: Connection) -> None:
    """For this transaction, have Postgres group some ten thousand rows by many texts in memory.

    It would sort them by the rules of a language, on the disk, and compile for longer than it sums.
    """
    if not is_sqlite(connection):
        connection.execute(_BY_HASHING)


def group_few_by_hashing(connection: Connection) -> None:
    """For this transaction, have Postgres expect few rows, and group them in memory."""
    if not is_sqlite(connection):
        connection.execute(_FEW_BY_HASHING)


def _lock_number(name: str) -> int:
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), signed=True)
