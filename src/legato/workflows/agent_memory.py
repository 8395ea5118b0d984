"""What agents remember, sealed under the organisation's key."""

from collections.abc import Callable
from typing import Any, Final, Protocol

from legato.flow.definition import Memory
from legato.storage.agents.notes import AgentNotes, Note, Shelf, note_id
from legato.workflows.nodes.contract import RunFacts

_DAY_NS: Final = 86_400_000_000_000
_CONTEXT: Final = b"agent note\x00"


class Sealing(Protocol):
    """Seals and opens what belongs to an organisation; blocking."""

    def seal(self, org: str, data: bytes, context: bytes) -> bytes:
        """Encrypt."""
        ...

    def open(self, org: str, sealed: bytes, context: bytes) -> bytes:
        """Decrypt. Raises ValueError."""
        ...


class AgentMemory:
    """Of every organisation; blocking. Methods may raise StorageUnavailable."""

    def __init__(
        self,
        notes_of: Callable[[str], AgentNotes],
        sealing: Sealing,
        pseudonym: Callable[[str, str], str],
        now_ns: Callable[[], int],
    ) -> None:
        """`pseudonym` digests a name within an organisation, as the ledger does."""
        self._notes_of = notes_of
        self._sealing = sealing
        self._pseudonym = pseudonym
        self._now_ns = now_ns

    def recall(self, run: RunFacts, memory: Memory, key: str) -> list[str]:
        """Return what was noted and can still be read, oldest first."""
        notes = self._notes_of(run.org)
        shelf = self._shelf(run, memory, key)
        found = []
        for name, sealed in notes.on(shelf, self._now_ns(), memory.entries_max):
            try:
                found.append(self._sealing.open(run.org, sealed, note_context(name)).decode())
            except ValueError:  # its key was destroyed: it is forgotten
                continue
        return found

    def note(
        self, connection: Any, run: RunFacts, memory: Memory, *, key: str, text: str, once: str
    ) -> None:
        """Note a text within a transaction, once for each `once`."""
        now_ns = self._now_ns()
        note = Note(
            once=once,
            run_id=run.id,
            end_user=self._pseudonym(run.org, run.user) if run.user else "",
            at_ns=now_ns,
            expires_at_ns=now_ns + memory.keep_days * _DAY_NS,
            sealed=self._sealing.seal(run.org, text.encode(), note_context(note_id(once))),
        )
        shelf = self._shelf(run, memory, key)
        self._notes_of(run.org).add(connection, shelf, note, memory.entries_max)

    def _shelf(self, run: RunFacts, memory: Memory, key: str) -> Shelf:
        return Shelf(run.workflow, memory.scope, self._pseudonym(run.org, key) if key else "")


def note_context(name: str) -> bytes:
    """Return what a note's seal is bound to."""
    return _CONTEXT + name.encode()
