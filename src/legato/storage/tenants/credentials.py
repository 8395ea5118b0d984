"""The store of provider credentials. It sees sealed bytes only."""

from collections.abc import Sequence
from typing import Final

import msgspec
from sqlalchemy import Connection, Engine, delete, insert, select, update

from legato.audit.event import Act, Detail, Subject
from legato.core.clock import Clock
from legato.core.errors import NotFound
from legato.storage.audit.writing import recorded
from legato.storage.database.dialect import lock
from legato.storage.database.engine import reading, writing
from legato.storage.database.versions import bump, version
from legato.storage.tables.schema import credential

_VERSION_NAME: Final = "credentials"


class CredentialRecord(msgspec.Struct, frozen=True):
    """What may be shown of a credential; `version` counts how often it was set."""

    name: str
    version: int
    changed_at_ns: int


class CredentialStore:
    """Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    def put(self, name: str, sealed: bytes) -> CredentialRecord:
        """Set a credential, new or in the place of the last."""
        values = {"sealed": sealed, "changed_at_ns": self._clock.now_ns()}
        with writing(self._engine) as connection:
            lock(connection, [f"legato:credential:{name}"])
            number = 1 + (_number(connection, name) or 0)
            if number == 1:
                connection.execute(insert(credential), {"name": name, "version": 1, **values})
            else:
                of_name = update(credential).where(credential.c.name == name)
                connection.execute(of_name, {"version": number, **values})
            bump(connection, _VERSION_NAME)
            recorded(connection, _act("set", name, {"version": number}))
        return CredentialRecord(name, number, values["changed_at_ns"])  # type: ignore[arg-type]

    def remove(self, name: str) -> None:
        """Forget a credential. Raises NotFound."""
        with writing(self._engine) as connection:
            gone = connection.execute(delete(credential).where(credential.c.name == name))
            if not gone.rowcount:
                raise NotFound(f"the vault has no credential named {name}", param="name")
            bump(connection, _VERSION_NAME)
            recorded(connection, _act("remove", name, {}))

    def list(self) -> list[CredentialRecord]:
        """Return all by name, without their secret."""
        columns = (credential.c.name, credential.c.version, credential.c.changed_at_ns)
        with reading(self._engine) as connection:
            rows = connection.execute(select(*columns).order_by(credential.c.name))
            return [CredentialRecord(*row) for row in rows]

    def read(self, names: Sequence[str]) -> dict[str, bytes]:
        """Return the sealed credentials of those names; what is missing is left out."""
        wanted = select(credential.c.name, credential.c.sealed).where(credential.c.name.in_(names))
        with reading(self._engine) as connection:
            return {name: bytes(sealed) for name, sealed in connection.execute(wanted)}

    def version(self) -> int:
        """Return a number that rises with every change: one row, cheap to poll."""
        with reading(self._engine) as connection:
            return version(connection, _VERSION_NAME)


def _act(action: str, name: str, details: dict[str, Detail]) -> Act:
    return Act("", f"credential.{action}", Subject("credential", name), details=details)


def _number(connection: Connection, name: str) -> int | None:
    wanted = select(credential.c.version).where(credential.c.name == name)
    return connection.execute(wanted).scalar()
