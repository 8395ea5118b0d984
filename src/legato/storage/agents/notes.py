"""Notes of agents: written once with the step that made them, bounded, with a retention."""

from hashlib import blake2b
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Engine, delete, select

from legato.core.origin import Origin
from legato.core.tenant import Tenant
from legato.storage.database.dialect import upsert
from legato.storage.database.engine import reading, writing
from legato.storage.erasure_marks import locked_and_erased
from legato.storage.tables.agents import agent_note

_ROWS_PER_WRITE: Final = 500
_TABLE: Final = agent_note.c


class Shelf(msgspec.Struct, frozen=True):
    """Where notes lie: of a workflow, by scope and (keyed digest) whose."""

    workflow: str
    scope: str
    whose: str


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """A note whose text is sealed. `once` names the step that wrote it."""

    once: str
    run_id: str
    end_user: str
    at_ns: int
    expires_at_ns: int
    sealed: bytes

    @property
    def id(self) -> str:
        """What its row is named by."""
        return note_id(self.once)


def note_id(once: str) -> str:
    """Return the id of the note that a step writes."""
    return blake2b(once.encode(), digest_size=16).hexdigest()


class AgentNotes:
    """One organisation's. Methods may raise StorageUnavailable."""

    def __init__(self, engine: Engine, tenant: Tenant) -> None:
        self._engine = engine
        self._org = tenant.org

    def add(self, connection: Connection, shelf: Shelf, note: Note, entries_max: int) -> bool:
        """Write one within a transaction, and forget the oldest beyond so many.

        False: it was written before, or its user was erased since the run began.
        """
        origin = Origin(note.run_id, note.end_user)
        if origin in locked_and_erased(connection, self._org, [origin]):
            return False
        row = {
            "org": self._org,
            "id": note.id,
            **msgspec.structs.asdict(shelf),
            "run_id": note.run_id,
            "end_user": note.end_user,
            "at_ns": note.at_ns,
            "expires_at_ns": note.expires_at_ns,
            "sealed": note.sealed,
        }
        new = upsert(connection, agent_note).values(row).on_conflict_do_nothing()
        if connection.execute(new.returning(_TABLE.id)).first() is None:
            return False
        newest = (
            select(_TABLE.id)
            .where(*self._on(shelf))
            .order_by(_TABLE.at_ns.desc(), _TABLE.id.desc())
            .offset(entries_max)
        )
        surplus = list(connection.execute(newest).scalars())
        if surplus:
            gone = (_TABLE.org == self._org) & _TABLE.id.in_(surplus)
            connection.execute(delete(agent_note).where(gone))
        return True

    def on(self, shelf: Shelf, now_ns: int, count: int) -> list[tuple[str, bytes]]:
        """Return id and sealed text of the newest that have time left, oldest first."""
        wanted = (
            select(_TABLE.id, _TABLE.sealed)
            .where(*self._on(shelf), _TABLE.expires_at_ns > now_ns)
            .order_by(_TABLE.at_ns.desc(), _TABLE.id.desc())
            .limit(count)
        )
        with reading(self._engine) as connection:
            rows = connection.execute(wanted).all()
        return [(row.id, bytes(row.sealed)) for row in reversed(rows)]

    def _on(self, shelf: Shelf) -> list[Any]:
        return [
            _TABLE.org == self._org,
            _TABLE.workflow == shelf.workflow,
            _TABLE.scope == shelf.scope,
            _TABLE.whose == shelf.whose,
        ]


def prune_agent_notes(engine: Engine, now_ns: int) -> int:
    """Delete what has had its time, of all organisations; return how much.

    Raises:
        StorageUnavailable: the database does not answer.
    """
    oldest = (
        select(_TABLE.id)
        .where(_TABLE.expires_at_ns < now_ns)
        .order_by(_TABLE.expires_at_ns)
        .limit(_ROWS_PER_WRITE)
    )
    total = 0
    while True:
        late = (_TABLE.expires_at_ns < now_ns) & _TABLE.id.in_(oldest)
        with writing(engine) as connection:
            gone = connection.execute(delete(agent_note).where(late)).rowcount
        total += gone
        if not gone:
            return total
