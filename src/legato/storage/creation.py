"""Makes the schema of this code in an empty database at once, without its history.

To run every migration there ever was takes six times as long, for tables that come out the same:
a test holds one way against the other.
"""

from typing import Any, Final

from sqlalchemy import Connection, create_mock_engine
from sqlalchemy.schema import CreateIndex

from legato.storage.database.dialect import is_sqlite
from legato.storage.tables.schema import SCHEMA_VERSION, metadata

# as Alembic makes it, which goes on from here
_VERSION_TABLE: Final = (
    "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, "
    "CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
)
_VERSION_ROW: Final = f"INSERT INTO alembic_version (version_num) VALUES ('{SCHEMA_VERSION}')"  # noqa: S608 (ours)


def create_schema(connection: Connection) -> None:
    """Make every table and index, and write which version they are of."""
    statements = [*_definitions(connection), _VERSION_TABLE, _VERSION_ROW]
    if is_sqlite(connection):
        for statement in statements:
            connection.exec_driver_sql(statement)
    else:  # in one round trip
        connection.exec_driver_sql("; ".join(statements))


def _definitions(connection: Connection) -> list[str]:
    found: list[str] = []

    def write(statement: Any, *_: object, **__: object) -> None:
        text = str(statement.compile(dialect=connection.dialect))
        if isinstance(statement, CreateIndex) and not is_sqlite(connection):
            text += _condition(statement)
        found.append(text)

    metadata.create_all(create_mock_engine(connection.engine.url, write), checkfirst=False)
    return found


def _condition(statement: CreateIndex) -> str:
    """Return what Postgres is told of an index's condition, which tables have as SQLite's."""
    condition = statement.element.dialect_options["sqlite"]["where"]
    return "" if condition is None else f" WHERE {condition}"
