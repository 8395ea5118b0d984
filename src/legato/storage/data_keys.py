"""The store of wrapped data keys. It never sees one in the clear."""

from collections.abc import Callable
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, insert, select, update

from legato.core.wrapped_key import WrappedKey
from legato.storage.dialect import lock
from legato.storage.engine import reading, writing
from legato.storage.schema import data_key

_LOCK = "legato:data keys"


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
            return True

    def rewrap(self, change: Callable[[WrappedKey], WrappedKey]) -> int:
        """Replace every key by what `change` makes of it, all or none; return how many differ."""
        with writing(self._engine) as connection:
            lock(connection, [_LOCK])
            changed = [(key, change(key)) for key in _all(connection)]
            differing = [new for old, new in changed if new != old]
            for new in differing:
                values = {"master_id": new.master_id, "wrapped": new.wrapped}
                connection.execute(update(data_key).where(data_key.c.id == new.id), values)
            return len(differing)


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
