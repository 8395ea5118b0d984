"""Brings the database to the schema of this code, or says clearly why that can't be.

The migration itself is one transaction on both databases. The marker covers what such a
transaction can't: a step that must run outside of it, or a copy restored in the middle.
"""

from enum import StrEnum
from pathlib import Path
from typing import Final, NamedTuple

from sqlalchemy import Connection, Engine, delete, insert, inspect, select, text

from legato.core.errors import OperatorError
from legato.storage.backup import copy_database
from legato.storage.creation import create_schema
from legato.storage.database.dialect import is_sqlite, lock
from legato.storage.database.engine import reading, writing
from legato.storage.tables.schema import SCHEMA_VERSION, TABLES, migration_marker

_VERSION_TABLE: Final = "alembic_version"


class SchemaStatus(StrEnum):
    """How the database stands to this code."""

    EMPTY = "empty"
    OLDER = "older"
    CURRENT = "current"
    NEWER = "newer"
    BROKEN = "broken"  # half migrated, or tables are missing


class SchemaState(NamedTuple):
    """What was found: the version written in the database ("" for none) and what is amiss."""

    status: SchemaStatus
    version: str = ""
    problem: str = ""


def state(engine: Engine) -> SchemaState:
    """Look at the schema; a few milliseconds.

    Raises:
        StorageUnavailable: the database does not answer.
    """
    with reading(engine) as connection:
        return _state(connection)


def check(engine: Engine) -> None:
    """Return if this code can work with the database as it is.

    Raises:
        OperatorError: it can't; the message names the remedy.
        StorageUnavailable: the database does not answer.
    """
    found = state(engine)
    if found.status is SchemaStatus.EMPTY:
        raise OperatorError("the database is empty: start Legato once with `legato up`")
    if found.status is SchemaStatus.OLDER:
        raise OperatorError(
            f"the database has schema {found.version}, this Legato needs {SCHEMA_VERSION}: "
            "stop every older Legato, then `legato up` upgrades it"
        )
    _refuse_unusable(found)


def upgrade(engine: Engine, *, step_by_step: bool = False) -> None:
    """Create or upgrade the schema; does nothing when it is current.

    A SQLite file that holds data is copied beside itself first (`NAME.before-VERSION.bak`).
    `step_by_step` runs every migration in an empty database, too.

    Raises:
        OperatorError: the schema is newer than this code, or broken.
        StorageUnavailable: the database does not answer.
    """
    found = state(engine)
    if found.status is SchemaStatus.CURRENT:
        return
    _refuse_unusable(found)
    older = found.status is SchemaStatus.OLDER
    if older:
        _mark(engine, found.version, _back_up(engine))
    with writing(engine) as connection:
        lock(connection, ["legato:migrate"])
        version = _version(connection)
        if not version and not step_by_step:
            create_schema(connection)
        elif version != SCHEMA_VERSION:  # another process may have been first
            _run_alembic(connection)
        if older:
            connection.execute(delete(migration_marker))


def _refuse_unusable(found: SchemaState) -> None:
    if found.status is SchemaStatus.NEWER:
        raise OperatorError(
            f"the database has schema {found.version}, this Legato knows up to {SCHEMA_VERSION}: "
            "install the newer Legato that wrote it, or restore the copy made before the upgrade"
        )
    if found.status is SchemaStatus.BROKEN:
        raise OperatorError(f"the database can't be used: {found.problem}")


def _state(connection: Connection) -> SchemaState:
    tables = set(inspect(connection).get_table_names())
    version = _version(connection) if _VERSION_TABLE in tables else ""
    if not version:
        ours = sorted(tables & TABLES)
        if not ours:
            return SchemaState(SchemaStatus.EMPTY)
        return _broken("", f"it holds {ours[0]} but no schema version; restore a backup")
    if version > SCHEMA_VERSION:
        return SchemaState(SchemaStatus.NEWER, version)
    marked = _marked(connection) if migration_marker.name in tables else ""
    if marked:
        return _broken(version, marked)
    if version < SCHEMA_VERSION:
        return SchemaState(SchemaStatus.OLDER, version)
    missing = sorted(TABLES - tables)
    if missing:
        return _broken(version, f"table {missing[0]} is missing; restore a backup")
    return SchemaState(SchemaStatus.CURRENT, version)


def _broken(version: str, problem: str) -> SchemaState:
    return SchemaState(SchemaStatus.BROKEN, version, problem)


def _version(connection: Connection) -> str:
    if not inspect(connection).has_table(_VERSION_TABLE):
        return ""
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return str(found or "")


def _marked(connection: Connection) -> str:
    row = connection.execute(select(migration_marker)).first()
    if row is None:
        return ""
    remedy = f"put {row.backup} in its place" if row.backup else "restore a backup"
    return f"the upgrade from {row.from_version} to {row.to_version} was cut off; {remedy}"


def _mark(engine: Engine, version: str, backup: str) -> None:
    row = {"from_version": version, "to_version": SCHEMA_VERSION, "backup": backup}
    with writing(engine) as connection:
        connection.execute(insert(migration_marker), row)


def _back_up(engine: Engine) -> str:
    """Copy a SQLite file beside itself and return the copy's name, "" on Postgres."""
    if engine.dialect.name != "sqlite" or engine.url.database is None:
        return ""
    source = Path(engine.url.database)
    copy = source.with_name(f"{source.name}.before-{SCHEMA_VERSION}.bak")
    copy.unlink(missing_ok=True)
    copy_database(source, copy)
    return copy.name


def _run_alembic(connection: Connection) -> None:
    # Imported here: a start with a current schema should not pay 0.2 s for it.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    if is_sqlite(connection):
        connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
    command.upgrade(config, SCHEMA_VERSION)
