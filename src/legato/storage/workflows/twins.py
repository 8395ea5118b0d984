"""States of things that workflows mirror: one row each, changed in the transaction of a step."""

from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Engine, select, update

from legato.core.origin import Origin
from legato.core.tenant import Tenant
from legato.storage.database.dialect import share, upsert
from legato.storage.database.engine import reading
from legato.storage.erasure_marks import erased_among, marks_lock
from legato.storage.tables.twins import workflow_twin

_TABLE: Final = workflow_twin.c


class TwinPlace(msgspec.Struct, frozen=True):
    """Which thing: the twin's name, and the pseudonym of its key."""

    twin: str
    whose: str


class TwinState(msgspec.Struct, frozen=True):
    """A state as it is kept; `version` counts its changes."""

    version: int
    sealed: bytes
    changed_at_ns: int


_NONE_YET: Final = TwinState(0, b"", 0)


class TwinStates:
    """One organisation's. Methods may raise StorageUnavailable."""

    def __init__(self, engine: Engine, tenant: Tenant) -> None:
        self._engine = engine
        self._org = tenant.org

    def find(self, place: TwinPlace) -> TwinState | None:
        """Return how a thing stands; None for one that nobody mirrored."""
        with reading(self._engine) as connection:
            row = connection.execute(select(workflow_twin).where(*self._at(place))).first()
        return None if row is None else _state(row)

    def may_keep(self, connection: Connection, place: TwinPlace, run_id: str) -> bool:
        """Whether a run may write here: not where who the key names was erased since it began.

        Until the transaction ends no erasure begins.
        """
        share(connection, marks_lock(self._org))
        return not erased_among(connection, self._org, [Origin(run_id, place.whose)])

    def locked(self, connection: Connection, place: TwinPlace) -> TwinState:
        """Return how a thing stands, of version 0 for a new one; it is ours until the end.

        Whoever else comes for it meanwhile waits: on SQLite for the one writer, else for the row,
        which is therefore made first. Who calls this has to `put`.
        """
        row = {
            "org": self._org,
            **msgspec.structs.asdict(place),
            **msgspec.structs.asdict(_NONE_YET),
        }
        made = upsert(connection, workflow_twin).values(row).on_conflict_do_nothing()
        connection.execute(made)
        wanted = select(workflow_twin).where(*self._at(place)).with_for_update()
        return _state(connection.execute(wanted).one())

    def put(self, connection: Connection, place: TwinPlace, state: TwinState) -> None:
        """Keep a state, of a thing that is `locked` in this transaction."""
        values = msgspec.structs.asdict(state)
        connection.execute(update(workflow_twin).where(*self._at(place)).values(values))

    def _at(self, place: TwinPlace) -> list[Any]:
        return [
            _TABLE.org == self._org,
            _TABLE.twin == place.twin,
            _TABLE.whose == place.whose,
        ]


def _state(row: Any) -> TwinState:
    return TwinState(row.version, bytes(row.sealed), row.changed_at_ns)
