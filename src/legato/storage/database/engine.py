"""Opens the database, and turns its failures into `StorageUnavailable`."""

import os
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from legato.core.errors import ConfigInvalid, StorageUnavailable
from legato.storage.database.turns import turns_at

_WRITES: Final = "legato_writes"
_WAIT_S: Final = "legato_wait_s"
_LOOKS_MS: Final = 8
"""SQLite looks after 1, 2 and 5 ms, so again and again, and later and later after that."""
_WAL_BYTES_KEPT: Final = 64 * 1024 * 1024
# Primary result codes of SQLite that tell of the place, not of the statement: READONLY, BUSY,
# LOCKED, IOERR, CORRUPT, FULL, CANTOPEN, PROTOCOL, NOTADB.
_SQLITE_AWAY: Final = frozenset({8, 5, 6, 10, 11, 13, 14, 15, 26})
# A standby that was promoted away: read_only_sql_transaction is no OperationalError.
_POSTGRES_AWAY: Final = frozenset({"25006"})


def open_engine(
    url: str,
    *,
    schema: str | None = None,
    wait_s: float = 5.0,
    statement_s: float = 60.0,
    idle_s: float = 0.0,
) -> Engine:
    """Open `sqlite:///path` or `postgresql://...`; nothing is connected to yet.

    `wait_s` bounds the wait for a lock, a connection or a place in the pool; `schema` is the
    Postgres schema to work in. With `idle_s` Postgres ends a transaction in which nothing has been
    asked for so long, so that a process which sleeps keeps no locks; 0: as the server has it.

    Raises:
        ConfigInvalid: the URL can't be read or names another database.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ConfigInvalid("storage.url: write sqlite:///PATH or postgresql://...") from None
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        return _open_sqlite(parsed, wait_s)
    if backend in {"postgresql", "postgres"}:
        bounds = {"lock_timeout": wait_s, "statement_timeout": statement_s}
        if idle_s:
            bounds["idle_in_transaction_session_timeout"] = idle_s
        return _open_postgres(parsed, schema, wait_s, bounds)
    raise ConfigInvalid(f"storage.url: {backend} is neither sqlite nor postgresql")


def _open_sqlite(url: URL, wait_s: float) -> Engine:
    if not url.database or url.database == ":memory:":
        raise ConfigInvalid("storage.url: SQLite needs a file, workers share it")
    path = Path(url.database)
    engine = create_engine(
        url,
        connect_args={"timeout": wait_s, "check_same_thread": False},
        pool_timeout=wait_s,
        pool_size=2,  # each connection keeps 2 to 3 MB, the schema and pages: so the fewest
        max_overflow=13,
        pool_use_lifo=True,
        hide_parameters=True,
    )

    @event.listens_for(engine, "do_connect")
    def create_private(*_: Any) -> None:
        # SQLite gives its side files the mode of the main file. A file that exists must not be
        # opened here: closing it again would drop the locks of this process's connections, and
        # the next process to leave would take itself for the last one and delete our log.
        if path.parent.is_dir() and not path.exists():
            with suppress(FileExistsError):
                os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        # Transactions are begun below, so that DDL is inside them and writers start IMMEDIATE.
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode=WAL")
        # FULL: a journal segment is deleted once its rows are committed, so a commit must
        # outlive a power cut. Leases and keys are written seldom enough to pay the same.
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute(f"PRAGMA journal_size_limit={_WAL_BYTES_KEPT}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A writer that starts as a reader can fail with BUSY at once when it upgrades.
        if connection.get_execution_options().get(_WRITES):
            _lock_sqlite(connection, wait_s)
        else:
            connection.exec_driver_sql("BEGIN")

    engine.update_execution_options(**{_WAIT_S: wait_s})
    return engine


def _lock_sqlite(connection: Connection, wait_s: float) -> None:
    """Begin with the write lock, looking for it often: seldom is too late beside busy processes."""
    until_s = time.monotonic() + wait_s
    driver: Any = connection.connection.driver_connection
    driver.execute(f"PRAGMA busy_timeout={_LOOKS_MS}")
    try:
        while True:
            try:
                driver.execute("BEGIN IMMEDIATE")
            except sqlite3.Error as error:
                busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
                if busy and time.monotonic() < until_s:
                    continue
                connection.exec_driver_sql("BEGIN IMMEDIATE")  # which tells why it can't
            return
    finally:
        driver.execute(f"PRAGMA busy_timeout={round(1000 * wait_s)}")


def _open_postgres(
    url: URL, schema: str | None, wait_s: float, bounds: Mapping[str, float]
) -> Engine:
    options = [f"-c {name}={int(seconds * 1000)}" for name, seconds in bounds.items()]
    if schema is not None:
        options.append(f"-c search_path={schema}")
    return create_engine(
        url.set(drivername="postgresql+psycopg"),
        connect_args={
            "options": " ".join(options),
            "connect_timeout": max(2, round(wait_s)),
            "application_name": "legato",
        },
        pool_size=4,
        max_overflow=12,
        pool_timeout=wait_s,
        pool_use_lifo=True,
        pool_pre_ping=True,
        hide_parameters=True,
    )


def make_file(url: str) -> None:
    """Make an SQLite file for another library: this user's alone, readers beside a writer.

    Does nothing for Postgres. Raises StorageUnavailable.
    """
    if make_url(url).get_backend_name() == "sqlite":
        engine = open_engine(url)
        with reading(engine):
            pass  # the first connection makes the file and its mode stays with it
        engine.dispose()


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """One read transaction.

    Raises:
        StorageUnavailable: the database is away, locked, full or broken.
    """
    with _unavailable_told(), engine.connect() as connection, connection.begin():
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One write transaction, committed at the end; on SQLite it owns the write lock at once.

    Raises:
        StorageUnavailable: the database is away, locked, full or broken.
    """
    with _unavailable_told(), _turn(engine), engine.connect() as raw:
        connection = raw.execution_options(**{_WRITES: True})
        with connection.begin():
            yield connection


@contextmanager
def connected(engine: Engine) -> Iterator[Connection]:
    """One connection for several transactions, which `begun` begins.

    Raises:
        StorageUnavailable: the database is away, locked, full or broken.
    """
    with _unavailable_told(), engine.connect() as connection:
        yield connection


@contextmanager
def begun(connection: Connection, *, writes: bool = False) -> Iterator[None]:
    """One transaction, committed at the end; one that writes owns SQLite's write lock at once."""
    connection.execution_options(**{_WRITES: writes})
    with _turn(connection.engine) if writes else nullcontext(), connection.begin():
        yield


def _turn(engine: Engine) -> AbstractContextManager[None]:
    """A turn of this process to write: SQLite has one writer."""
    if engine.dialect.name != "sqlite":
        return nullcontext()
    wait_s: float = engine.get_execution_options()[_WAIT_S]
    return turns_at(str(engine.url.database)).one(wait_s, _no_turn)


def _no_turn() -> StorageUnavailable:
    return StorageUnavailable("the database is busy: others of this process write for too long")


def overwrite_deleted(connection: Connection) -> None:
    """Let SQLite write zeros over what this transaction deletes; Postgres leaves it to VACUUM."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete=ON")


def empty_log(engine: Engine) -> None:
    """Take SQLite's log into its file and cut it, where nobody reads: old pages lie in it.

    Raises:
        StorageUnavailable: the database is away, locked, full or broken.
    """
    if engine.dialect.name != "sqlite":
        return
    with _unavailable_told():
        raw = engine.raw_connection()
        try:
            raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            raw.close()


@contextmanager
def _unavailable_told() -> Iterator[None]:
    try:
        yield
    except PoolTimeout:
        raise StorageUnavailable("the database is busy: no free connection in time") from None
    except DBAPIError as error:
        reason = _reason_away(error)
        if reason is None:
            raise
        raise StorageUnavailable(f"the database is unavailable: {reason}") from error


def _reason_away(error: DBAPIError) -> str | None:
    """Why the database can't serve, or None for a mistake in the statement or its values."""
    cause = error.orig
    code = getattr(cause, "sqlite_errorcode", None)
    if code is not None:
        return str(cause) if code & 0xFF in _SQLITE_AWAY else None
    state = getattr(cause, "sqlstate", None)
    away = error.connection_invalidated or state in _POSTGRES_AWAY
    if away or type(error).__name__ in {"OperationalError", "InterfaceError"}:
        # The text of a connection error names host and user; the SQLSTATE says enough.
        return f"SQLSTATE {state}" if state else "no connection"
    return None
