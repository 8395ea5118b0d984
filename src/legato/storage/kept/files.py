"""Files kept for callers, sealed in parts: what the database knows of one is whose, when, how long.

A file's row comes after its parts: without it there is no file, whatever was cut off.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from sqlalchemy import Engine, Row, delete, func, select, update

from legato.storage.database.dialect import upsert
from legato.storage.database.engine import overwrite_deleted, reading, writing
from legato.storage.tables.schema import stored_file, stored_file_part

_HEX_OF_MS: Final = 12


class FileRecord(msgspec.Struct, frozen=True):
    """A file; its name is sealed, since names tell."""

    org: str
    id: str
    purpose: str
    size: int
    parts: int
    created_at_ns: int
    sealed_name: bytes


class FileStore:
    """Every method wants the organisation, and may raise StorageUnavailable."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def put_part(self, org: str, file_id: str, number: int, sealed: bytes) -> None:
        """Keep a part; the same number again replaces it."""
        row = {"org": org, "file_id": file_id, "number": number, "sealed": sealed}
        with writing(self._engine) as connection:
            connection.execute(
                upsert(connection, stored_file_part)
                .values(row)
                .on_conflict_do_update(
                    index_elements=["org", "file_id", "number"], set_={"sealed": sealed}
                )
            )

    def publish(self, record: FileRecord) -> None:
        """Make a file of the parts that were put; again changes nothing."""
        row = msgspec.structs.asdict(record)
        with writing(self._engine) as connection:
            connection.execute(upsert(connection, stored_file).values(row).on_conflict_do_nothing())

    def get(self, org: str, file_id: str) -> FileRecord | None:
        """Return one file."""
        table = stored_file
        with reading(self._engine) as connection:
            row = connection.execute(
                select(table).where(table.c.org == org, table.c.id == file_id)
            ).first()
        return None if row is None else _record(row)

    def page(
        self, org: str, *, after: str = "", limit: int, newest_first: bool = True
    ) -> list[FileRecord]:
        """Return files by id, which is by age, from the one after `after`."""
        column = stored_file.c.id
        wanted = select(stored_file).where(stored_file.c.org == org)
        if after:
            wanted = wanted.where(column < after if newest_first else column > after)
        ordered = wanted.order_by(column.desc() if newest_first else column).limit(limit)
        with reading(self._engine) as connection:
            return [_record(row) for row in connection.execute(ordered)]

    def part(self, org: str, file_id: str, number: int) -> bytes | None:
        """Return one part, counted from 0."""
        table = stored_file_part
        with reading(self._engine) as connection:
            found = connection.execute(
                select(table.c.sealed).where(
                    table.c.org == org, table.c.file_id == file_id, table.c.number == number
                )
            ).scalar()
        return None if found is None else bytes(found)

    def rewrite(self, org: str, file_id: str, parts: Mapping[int, bytes]) -> None:
        """Put parts in the place of those that are there, all or none."""
        table = stored_file_part.c
        with writing(self._engine) as connection:
            overwrite_deleted(connection)
            for number, sealed in parts.items():
                mine = (table.org == org, table.file_id == file_id, table.number == number)
                connection.execute(update(stored_file_part).where(*mine).values(sealed=sealed))

    def delete(self, org: str, file_id: str) -> bool:
        """Delete a file; return whether there was one."""
        files, parts = stored_file, stored_file_part
        with writing(self._engine) as connection:
            there = connection.execute(
                delete(files).where(files.c.org == org, files.c.id == file_id)
            )
            connection.execute(delete(parts).where(parts.c.org == org, parts.c.file_id == file_id))
            return there.rowcount > 0

    def bytes_kept(self, org: str) -> int:
        """Return how much an organisation's files hold."""
        total = func.coalesce(func.sum(stored_file.c.size), 0)
        with reading(self._engine) as connection:
            kept = connection.execute(select(total).where(stored_file.c.org == org)).scalar_one()
        return int(kept)

    def forget_unfinished(self, before_ns: int) -> int:
        """Delete parts of uploads that were cut off before a time; return how many."""
        table = stored_file_part
        oldest = f"file-{before_ns // 1_000_000:0{_HEX_OF_MS}x}"
        published = select(stored_file.c.id).where(
            stored_file.c.org == table.c.org, stored_file.c.id == table.c.file_id
        )
        with writing(self._engine) as connection:
            left = delete(table).where(table.c.file_id < oldest, ~published.exists())
            return connection.execute(left).rowcount


def _record(row: Row[Any]) -> FileRecord:
    return FileRecord(
        row.org,
        row.id,
        row.purpose,
        row.size,
        row.parts,
        row.created_at_ns,
        bytes(row.sealed_name),
    )
