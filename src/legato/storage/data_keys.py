"""The store of wrapped data keys. It never sees one in the clear."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, delete, func, insert, select, update

from legato.audit.event import Act, Detail, Subject
from legato.core.tombstones import Grave
from legato.core.wrapped_key import WrappedKey
from legato.storage.audit.writing import recorded
from legato.storage.burying import bury
from legato.storage.database.dialect import lock
from legato.storage.database.engine import empty_log, overwrite_deleted, reading, writing
from legato.storage.database.versions import bump, version
from legato.storage.kept.semantic_entries import forget_organisation
from legato.storage.registry.changes import REGISTRY_VERSION
from legato.storage.tables.erasures import destroyed_data_key
from legato.storage.tables.schema import data_key

_LOCK = "legato:data keys"
_DESTRUCTIONS = "destroyed data keys"


class DataKeyTable:
    """Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def of(self, org: str) -> list[WrappedKey]:
        """Return an organisation's keys, oldest version first."""
        wanted = select(data_key).where(data_key.c.org == org).order_by(data_key.c.version)
        with reading(self._engine) as connection:
            return [_key(row) for row in connection.execute(wanted)]

    def all(self) -> list[WrappedKey]:
        """Return all keys, by organisation and version."""
        with reading(self._engine) as connection:
            return _all(connection)

    def add(self, key: WrappedKey) -> bool:
        """Store a key; False where its version exists or another master key is in use."""
        same_version = (data_key.c.org == key.org) & (data_key.c.version == key.version)
        in_the_way = select(data_key.c.id).where(
            same_version | (data_key.c.master_id != key.master_id)
        )
        with writing(self._engine) as connection:
            lock(connection, [_LOCK])
            if connection.execute(in_the_way.limit(1)).first() is not None:
                return False
            connection.execute(insert(data_key), msgspec.structs.asdict(key))
            recorded(connection, _act("create", key.org, {"id": key.id, "version": key.version}))
            return True

    def generation(self) -> int:
        """Return a number that rises with every key that is destroyed."""
        with reading(self._engine) as connection:
            return version(connection, _DESTRUCTIONS)

    def next_version(self, org: str) -> int:
        """Return the version that a new key of an organisation gets, destroyed ones counted."""
        with reading(self._engine) as connection:
            found = [
                connection.execute(
                    select(func.max(table.c.version)).where(table.c.org == org)
                ).scalar()
                for table in (data_key, destroyed_data_key)
            ]
        return 1 + max(one or 0 for one in found)

    def is_destroyed(self, org: str, key_id: str) -> bool:
        """Whether an organisation had this key, and it was destroyed."""
        table = destroyed_data_key.c
        wanted = select(table.id).where(table.org == org, table.id == key_id)
        with reading(self._engine) as connection:
            return connection.execute(wanted).first() is not None

    def destroy(self, org: str, author: str, now_ns: int, ids: Sequence[str] | None = None) -> int:
        """Delete an organisation's keys for good, or some of them; return how many there were.

        SQLite overwrites them in its file and its log.
        """
        some = [] if ids is None else [data_key.c.id.in_(ids)]
        with writing(self._engine) as connection:
            lock(connection, [_LOCK])
            overwrite_deleted(connection)
            gone = connection.execute(
                delete(data_key)
                .where(data_key.c.org == org, *some)
                .returning(data_key.c.id, data_key.c.version)
            ).all()
            rows = [
                {
                    "org": org,
                    "id": one.id,
                    "version": one.version,
                    "author": author,
                    "destroyed_at_ns": now_ns,
                }
                for one in gone
            ]
            if rows:
                connection.execute(insert(destroyed_data_key), rows)
                bump(connection, _DESTRUCTIONS)
                bump(connection, REGISTRY_VERSION)  # prompts in workers' memory go, too
                forget_organisation(connection, org, now_ns)  # and so do cached answers
                for one in gone:
                    bury(connection, Grave.DATA_KEY, org, one.id)
                recorded(connection, _act("destroy", org, {"keys": len(rows), "by": author}))
        empty_log(self._engine)
        return len(rows)

    def rewrap(self, change: Callable[[WrappedKey], WrappedKey]) -> int:
        """Replace every key by what `change` makes of it, all or none; return how many differ."""
        with writing(self._engine) as connection:
            lock(connection, [_LOCK])
            changed = [(key, change(key)) for key in _all(connection)]
            differing = [new for old, new in changed if new != old]
            for new in differing:
                values = {"master_id": new.master_id, "wrapped": new.wrapped}
                connection.execute(update(data_key).where(data_key.c.id == new.id), values)
            if differing:
                recorded(connection, _act("rewrap", "", {"keys": len(differing)}))
            return len(differing)


def _act(action: str, org: str, details: dict[str, Detail]) -> Act:
    return Act(org, f"data_key.{action}", Subject("data key", org), details=details)


def _all(connection: Connection) -> list[WrappedKey]:
    ordered = select(data_key).order_by(data_key.c.org, data_key.c.version)
    return [_key(row) for row in connection.execute(ordered)]


def _key(row: Any) -> WrappedKey:
    return WrappedKey(
        id=row.id,
        org=row.org,
        version=row.version,
        master_id=row.master_id,
        wrapped=bytes(row.wrapped),
        created_at_ns=row.created_at_ns,
    )
