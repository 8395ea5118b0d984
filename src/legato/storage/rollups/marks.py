"""Up to where each rollup is."""

from sqlalchemy import Connection, insert, select, update

from legato.storage.tables.rollups import rollup_mark


def mark_of(connection: Connection, name: str) -> tuple[int, int]:
    """Return up to which row a rollup is, and from which bucket on its fine rows are kept."""
    c = rollup_mark.c
    row = connection.execute(select(c.entry_id, c.kept_from).where(c.name == name)).first()
    return (0, 0) if row is None else (row.entry_id, row.kept_from)


def set_mark(connection: Connection, name: str, **values: int) -> None:
    """Change `entry_id`, `kept_from` or both, in the caller's transaction."""
    changed = update(rollup_mark).where(rollup_mark.c.name == name).values(values)
    if connection.execute(changed).rowcount == 0:
        row = {"name": name, "entry_id": 0, "kept_from": 0, **values}
        connection.execute(insert(rollup_mark).values(row))
