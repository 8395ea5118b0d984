"""The semantic cache's entries as one worker holds them.

Whatever is done here is done at once for this worker; `legato.cache.semantic.index` brings it to
the database, and what others did from there. All of this is for one thread: the event loop.
"""

import heapq
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import msgspec

from legato.cache.semantic.bounds import Bounds
from legato.cache.semantic.entry import Entry, Found, names
from legato.cache.semantic.vectors import Vectors
from legato.core.clock import Clock
from legato.core.semantic_records import NONE, Counts, Selection

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FOLLOWED_SLACK = 0.05
"""Other workers make room for what they add; only past this much more it is made here as well."""
_OVERHEAD_BYTES = 1_270
"""Measured with tracemalloc: what an entry takes beside its texts and its vector."""
_PARTITION_BYTES = 700
"""The same of a partition, counted with the entry that opens it."""
_VECTOR_BYTES_A_DIMENSION = 2.125


_PURGES_MAX = 10_000
"""Of one organisation at once; more become one of all that it had."""


class _Held(msgspec.Struct, gc=False):
    entry: Entry
    size: int
    counts: Counts


class Memory:
    """Entries in partitions; nothing is ever looked for outside the partition that is named."""

    def __init__(self, dimensions: int, bytes_max: int, clock: Clock) -> None:
        """`dimensions` of a vector; `bytes_max` of all entries with their vectors."""
        self._dimensions = dimensions
        self._bytes_max = bytes_max
        self._now_ns = clock.now_ns
        self._purges: dict[str | None, list[tuple[int, Selection]]] = {}
        self.clear()

    def clear(self) -> None:
        """Drop everything but what was purged."""
        self._held: dict[str, _Held] = {}
        self._ids: dict[str, dict[str, None]] = {}  # by organisation, in order
        self._partitions: dict[bytes, Vectors] = {}
        self._bounds = Bounds(self._bytes_max)
        self._expiring: list[tuple[int, str]] = []

    def __len__(self) -> int:
        return len(self._held)

    @property
    def bytes_held(self) -> int:
        """What all entries take, by estimate."""
        return self._bounds.bytes

    def held_by(self, org: str) -> int:
        """Return the bytes of an organisation's entries."""
        return self._bounds.held_by(org)

    def nearest(self, partition: bytes, vector: "NDArray[np.float32]", k: int) -> list[Found]:
        """Return up to `k` living entries of a partition, the nearest first."""
        vectors = self._partitions.get(partition)
        if vectors is None:
            return []
        now_ns, held = self._now_ns(), self._held
        found = []
        for entry_id, similarity in vectors.nearest(vector, k):
            entry = held[entry_id].entry
            if entry.expires_ns > now_ns:
                found.append(Found(entry, similarity))
        return found

    def holds(self, entry_id: str) -> bool:
        """Whether an entry is there, living or not."""
        return entry_id in self._held

    def get(self, entry_id: str) -> Entry | None:
        """Return a living entry."""
        held = self._held.get(entry_id)
        if held is None or held.entry.expires_ns <= self._now_ns():
            return None
        return held.entry

    def counts(self, entry_id: str) -> Counts:
        """Return what became of an entry; nothing for one that isn't there."""
        held = self._held.get(entry_id)
        return NONE if held is None else held.counts

    def entries(self, selection: Selection | None = None) -> Iterator[Entry]:
        """Yield the living entries that a selection names, oldest first as they came."""
        now_ns = self._now_ns()
        for held in list(self._held.values()):
            entry = held.entry
            if entry.expires_ns > now_ns and (selection is None or names(selection, entry)):
                yield entry

    def add(self, entry: Entry, vector: "NDArray[np.float32]") -> bool:
        """Hold an entry. False, and nothing is held: expired, purged, there already, too large."""
        size = self._size(entry)
        if (
            entry.id in self._held
            or entry.expires_ns <= self._now_ns()
            or size > self._bounds.bytes_max
            or len(vector) != self._dimensions
            or self._is_purged(entry)
        ):
            return False
        self._held[entry.id] = _Held(entry, size, NONE)
        self._ids.setdefault(entry.org, {})[entry.id] = None
        partition = self._partitions.get(entry.partition)
        if partition is None:
            partition = self._partitions[entry.partition] = Vectors(self._dimensions)
        partition.add(entry.id, vector)
        heapq.heappush(self._expiring, (entry.expires_ns, entry.id))
        self._bounds.add(entry.org, entry.id, cost=entry.cost, size=size)
        return True

    def count(self, entry_id: str, more: Counts) -> None:
        """Add to what became of an entry."""
        held = self._held.get(entry_id)
        if held is not None:
            self.recount(entry_id, held.counts.plus(more))

    def recount(self, entry_id: str, counts: Counts) -> None:
        """Say what became of an entry in all."""
        held = self._held.get(entry_id)
        if held is None:
            return
        if counts.hits != held.counts.hits:
            entry = held.entry
            self._bounds.used(
                entry.org, entry.id, hits=counts.hits, cost=entry.cost, size=held.size
            )
        held.counts = counts

    def remove(self, ids: Iterable[str]) -> list[str]:
        """Drop entries; return those that were there."""
        dropped = []
        for entry_id in ids:
            held = self._held.pop(entry_id, None)
            if held is None:
                continue
            self._forget_id(held.entry)
            partition = held.entry.partition
            vectors = self._partitions[partition]
            vectors.remove(entry_id)
            if not len(vectors):
                del self._partitions[partition]
            self._bounds.remove(held.entry.org, entry_id, held.size)
            dropped.append(entry_id)
        return dropped

    def purge(self, selection: Selection, at_ns: int) -> list[str]:
        """Drop what a selection names and was asked up to then; what of it comes later, too."""
        org = selection.org
        purges = self._purges.setdefault(org, [])
        purges.append((at_ns, selection))
        if len(purges) > _PURGES_MAX:
            purges[:] = [(max(at for at, _ in purges), Selection(org=org))]
        # only the organisation's own, so that no other one pays for its purges
        ids = list(self._held if org is None else self._ids.get(org, ()))
        found = (self._held[one].entry for one in ids)
        return self.remove(
            [one.id for one in found if one.created_ns <= at_ns and names(selection, one)]
        )

    def forget_purges(self, before_ns: int) -> None:
        """Let come again what was purged before a time: nothing so old is on its way."""
        for org, purges in list(self._purges.items()):
            purges[:] = [one for one in purges if one[0] >= before_ns]
            if not purges:
                del self._purges[org]

    def _is_purged(self, entry: Entry) -> bool:
        return any(
            entry.created_ns <= at and names(one, entry)
            for whose in (entry.org, None)
            for at, one in self._purges.get(whose, ())
        )

    def _forget_id(self, entry: Entry) -> None:
        ids = self._ids[entry.org]
        del ids[entry.id]
        if not ids:
            del self._ids[entry.org]

    def make_room(self, slack: float = 0.0) -> list[str]:
        """Drop what is worth least until there is room; return it."""
        dropped: list[str] = []
        while (entry_id := self._bounds.next_to_go(slack)) is not None:
            dropped += self.remove([entry_id])
        return dropped

    def expire(self, at_most: int) -> int:
        """Drop up to so many entries whose time is over; return how many there were."""
        now_ns, dropped = self._now_ns(), 0
        while self._expiring and self._expiring[0][0] <= now_ns and dropped < at_most:
            self.remove([heapq.heappop(self._expiring)[1]])
            dropped += 1
        return dropped

    def _size(self, entry: Entry) -> int:
        texts = len(entry.answer.body) + len(entry.text)
        opens = 0 if entry.partition in self._partitions else _PARTITION_BYTES
        vector = _VECTOR_BYTES_A_DIMENSION * self._dimensions
        return int(texts + opens + _OVERHEAD_BYTES + vector)
