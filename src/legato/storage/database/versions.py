"""Numbers that rise with every change of something that others poll for."""

from sqlalchemy import Connection, select

from legato.storage.database.dialect import upsert
from legato.storage.tables.schema import store_version


def version(connection: Connection, name: str) -> int:
    """Return the number now, 0 before the first change."""
    wanted = select(store_version.c.version).where(store_version.c.name == name)
    return int(connection.execute(wanted).scalar() or 0)


def bump(connection: Connection, name: str) -> None:
    """Raise the number; seen by others when the transaction commits."""
    statement = upsert(connection, store_version).values(name=name, version=1)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["name"], set_={"version": store_version.c.version + 1}
        )
    )
