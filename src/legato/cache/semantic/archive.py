"""The semantic cache as whoever has no index of it sees it: a command, the control API."""

from collections.abc import Iterator
from typing import Protocol

from legato.cache.semantic.entry import Entry, names
from legato.cache.semantic.sealing import Sealer, unseal
from legato.core.clock import Clock
from legato.core.semantic_records import Counts, Selection

_READ_AT_ONCE = 200


class Shelf(Protocol):
    """What this wants of a database. Every method blocks, and may raise StorageUnavailable."""

    def listed(self, org: str | None, after: str, limit: int) -> list[tuple[str, str, bytes]]:
        """Return (id, organisation, sealed entry) in the order of their ids."""
        ...

    def counts(self, ids: list[str]) -> dict[str, Counts]:
        """Return what became of entries."""
        ...

    def purge(self, selection: Selection, at_ns: int) -> None:
        """Have everybody forget what a selection names."""
        ...


class Archive:
    """Blocking."""

    def __init__(self, shelf: Shelf, sealer: Sealer, clock: Clock) -> None:
        self._shelf = shelf
        self._sealer = sealer
        self._now_ns = clock.now_ns

    def entries(self, selection: Selection, after: str = "") -> Iterator[tuple[Entry, Counts]]:
        """Yield living entries in the order of their ids, those after one.

        An entry that can't be opened (its key was destroyed) is left out.

        Raises:
            StorageUnavailable, VaultUnusable.
        """
        now_ns = self._now_ns()
        while rows := self._shelf.listed(selection.org, after, _READ_AT_ONCE):
            counts = self._shelf.counts([entry_id for entry_id, _, _ in rows])
            for entry_id, org, sealed in rows:
                try:
                    entry, _ = unseal(self._sealer, org, entry_id, sealed)
                except ValueError:
                    continue
                if entry.expires_ns > now_ns and names(selection, entry):
                    yield entry, counts.get(entry_id, Counts())
            after = rows[-1][0]

    def forget(self, selection: Selection) -> int:
        """Have every worker and node forget entries; return how many there were.

        Raises:
            StorageUnavailable, VaultUnusable.
        """
        named = sum(1 for _ in self.entries(selection))
        self._shelf.purge(selection, self._now_ns())
        return named
