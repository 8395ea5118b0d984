"""What the semantic cache wants of a database; `legato.storage` has it."""

from collections.abc import Sequence
from typing import Protocol

from legato.core.semantic_records import Batch, Changed, Purge


class EntryStore(Protocol):
    """Entries of all nodes. Each change has a number, greater than those of all before it.

    Every method blocks, and may raise StorageUnavailable.
    """

    def write(self, embedder: str, batch: Batch) -> None:
        """Write all of it, or nothing."""
        ...

    def latest(self) -> int:
        """Return the number of the last change."""
        ...

    def changed(self, embedder: str, after: int, limit: int) -> list[Changed]:
        """Return changes in order."""
        ...

    def sealed(self, ids: Sequence[str]) -> dict[str, bytes]:
        """Return the sealed entries that are still there."""
        ...

    def purges(self, after: int) -> list[Purge]:
        """Return purges in order."""
        ...

    def prune(self) -> int:
        """Delete what has expired; return how many rows."""
        ...
