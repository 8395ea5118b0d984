"""The semantic cache's entries: in memory for this worker, shared by way of the database.

What is done here holds for this worker at once. In the background it is written to the database,
and what other workers and nodes did is learned from there: a restart finds everything again, and a
purge reaches everybody. The cache fails open: trouble is counted, memory goes on.
"""

import asyncio
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from legato.cache.semantic.entry import Entry, Found
from legato.cache.semantic.memory import FOLLOWED_SLACK, Memory
from legato.cache.semantic.sealing import Sealer, seal, unseal
from legato.cache.semantic.store import EntryStore
from legato.core.clock import Clock
from legato.core.errors import OperatorError
from legato.core.semantic_records import Batch, Changed, Counts, Kept, Purge, Selection
from legato.core.tasks import InThread
from legato.vault.key_service import VaultUnusable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

logger = logging.getLogger(__name__)

FOLLOW_S = 0.5
PENDING_MAX = 2_000
"""So many new entries wait for the database; those beyond stay this worker's own."""
_LEARNED_AT_ONCE = 100
"""A millisecond of the event loop."""
_PRUNE_ROUNDS = 120
_LATE_NS = 3_600_000_000_000
"""So long after a purge, an answer asked for before it may still come in."""


_DEAF_NS = 1_800_000_000_000
"""Half as long as a store tells what was forgotten."""


class _Pending:
    """What this worker did since it last wrote."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self.new: list[tuple[Entry, NDArray[np.float32]]] = []
        self.forgotten: list[str] = []
        self.purged: list[tuple[Selection, int]] = []
        self.counted: dict[str, Counts] = {}

    def __bool__(self) -> bool:
        return bool(self.new or self.forgotten or self.purged or self.counted)


class _News(msgspec.Struct, gc=False):
    """What was read off the database, in the order in which it is learned."""

    purges: list[Purge]
    changed: list[Changed]
    opened: "dict[str, tuple[Entry, NDArray[np.float32]]]"


class SemanticIndex:
    """One worker's entries. For the event loop, but for what it hands to `in_thread`."""

    def __init__(
        self,
        *,
        dimensions: int,
        embedder: str,
        memory_bytes_max: int,
        store: EntryStore,
        sealer: Sealer,
        clock: Clock,
        in_thread: InThread,
    ) -> None:
        """`embedder` is its name: entries of any other aren't seen."""
        self._memory = Memory(dimensions, memory_bytes_max, clock)
        self._embedder = embedder
        self._store = store
        self._sealer = sealer
        self._now_ns = clock.now_ns
        self._in_thread = in_thread
        self._pending = _Pending()
        self._seen = self._seen_purge = self._done = -1
        self._heard_ns = clock.now_ns()
        self.failures = 0
        """Writes, reads and seals that failed."""
        self.evicted = 0

    def __len__(self) -> int:
        return len(self._memory)

    @property
    def bytes_held(self) -> int:
        """What all entries take, by estimate."""
        return self._memory.bytes_held

    def nearest(self, partition: bytes, vector: "NDArray[np.float32]", k: int = 8) -> list[Found]:
        """Return up to `k` living entries of this very partition, the nearest first."""
        return self._memory.nearest(partition, vector, k)

    def get(self, entry_id: str) -> Entry | None:
        """Return a living entry."""
        return self._memory.get(entry_id)

    def entries(self, selection: Selection | None = None) -> Iterator[Entry]:
        """Yield living entries, all or those that a selection names."""
        return self._memory.entries(selection)

    def counts(self, entry_id: str) -> Counts:
        """Return what became of an entry."""
        return self._memory.counts(entry_id)

    def add(self, entry: Entry, vector: "NDArray[np.float32]") -> bool:
        """Keep an entry; false where it has expired, was purged or is too large."""
        if not self._memory.add(entry, vector):
            return False
        if len(self._pending.new) < PENDING_MAX:
            self._pending.new.append((entry, vector))
        self._evict(0.0)
        return True

    def hit(self, entry_id: str, saved: int) -> None:
        """Count that an entry was served, saving so many nano-USD."""
        self._count(entry_id, Counts(1, saved, 0))

    def wrong(self, entry_id: str) -> None:
        """Count that a hit was called wrong."""
        self._count(entry_id, Counts(0, 0, 1))

    def forget(self, selection: Selection) -> int:
        """Drop entries, here at once and soon everywhere; return how many were here.

        An answer that was asked for before now and comes in later is refused, too.
        """
        at_ns = self._now_ns()
        dropped = self._memory.purge(selection, at_ns)
        self._pending.forgotten += dropped
        self._pending.purged.append((selection, at_ns))
        return len(dropped)

    async def follow(self) -> None:
        """Write what is new and learn what others did, for ever."""
        rounds = 0
        while True:
            try:
                await self._catch_up()
                if rounds % _PRUNE_ROUNDS == 0:
                    await self._in_thread(self._store.prune)
                    self._memory.forget_purges(self._now_ns() - _LATE_NS)
            except OperatorError as error:
                self._failed("follow", error)
            self._memory.expire(_LEARNED_AT_ONCE)
            rounds += 1
            await asyncio.sleep(FOLLOW_S)

    async def _catch_up(self) -> None:
        if self._now_ns() - self._heard_ns > _DEAF_NS:
            # what was forgotten meanwhile is told no more: only what is read anew is sure
            self._memory.clear()
            self._seen = self._seen_purge = self._done = -1
        more = True
        while more:
            more = await self._exchange()
            await asyncio.sleep(0)
        self._heard_ns = self._now_ns()

    def flush(self) -> None:
        """Write what is pending. Blocking; where that fails it stays pending.

        Raises:
            StorageUnavailable: the database is away.
        """
        pending = self._take()
        try:
            self._write(pending)
        except OperatorError:
            self._put_back(pending)
            raise

    async def _exchange(self) -> bool:
        """Write, read and learn; return whether there may be more to read."""
        pending = self._take()
        try:
            news = await self._in_thread(lambda: self._write_and_look(pending))
        except OperatorError:
            self._put_back(pending)
            raise
        return news is not None and self._learn(news)

    def _take(self) -> _Pending:
        taken, self._pending = self._pending, _Pending()
        return taken

    def _put_back(self, pending: _Pending) -> None:
        since, self._pending = self._pending, pending
        pending.new = (pending.new + since.new)[:PENDING_MAX]
        pending.forgotten += since.forgotten
        pending.purged += since.purged
        for entry_id, counts in since.counted.items():
            self._pend(entry_id, counts)

    def _write_and_look(self, pending: _Pending) -> _News | None:
        self._write(pending)
        pending.clear()  # what fails from here on has been written
        latest = self._store.latest()
        if latest == self._done:
            return None
        purges = self._store.purges(self._seen_purge)
        changed = self._store.changed(self._embedder, self._seen, _LEARNED_AT_ONCE)
        if not (purges or changed):
            self._seen = self._seen_purge = self._done = latest
            return None
        return _News(purges, changed, self._opened(changed))

    def _write(self, pending: _Pending) -> None:
        if pending:
            gone = set(pending.forgotten)
            kept = [self._sealed(*one) for one in pending.new if one[0].id not in gone]
            batch = Batch(
                [one for one in kept if one is not None],
                pending.forgotten,
                pending.purged,
                pending.counted,
            )
            self._store.write(self._embedder, batch)

    def _opened(self, changed: list[Changed]) -> "dict[str, tuple[Entry, NDArray[np.float32]]]":
        unknown = [one for one in changed if not one.forgotten and not self._memory.holds(one.id)]
        sealed = self._store.sealed([one.id for one in unknown]) if unknown else {}
        opened = {}
        for one in unknown:
            if one.id in sealed:  # else it was forgotten in between
                try:
                    opened[one.id] = unseal(self._sealer, one.org, one.id, sealed[one.id])
                except (ValueError, VaultUnusable) as error:
                    self._failed("open", error)
        return opened

    def _learn(self, news: _News) -> bool:
        """Take it over; return whether there may be more."""
        for purge in news.purges:
            self._pending.forgotten += self._memory.purge(purge.selection, purge.at_ns)
            self._seen_purge = purge.change
        for one in news.changed:
            self._seen = one.change
            if one.forgotten:
                self._memory.remove([one.id])
                continue
            read = news.opened.get(one.id)
            if read is not None and not self._memory.add(*read):
                self._pending.forgotten.append(one.id)  # purged before it came, or larger than fits
            pending = self._pending.counted.get(one.id)
            self._memory.recount(one.id, one.counts.plus(pending) if pending else one.counts)
        self._evict(FOLLOWED_SLACK)
        return True

    def _evict(self, slack: float) -> None:
        dropped = self._memory.make_room(slack)
        self._pending.forgotten += dropped
        self.evicted += len(dropped)

    def _count(self, entry_id: str, more: Counts) -> None:
        self._memory.count(entry_id, more)
        self._pend(entry_id, more)

    def _pend(self, entry_id: str, more: Counts) -> None:
        counted = self._pending.counted
        before = counted.get(entry_id)
        counted[entry_id] = more if before is None else before.plus(more)

    def _sealed(self, entry: Entry, vector: "NDArray[np.float32]") -> Kept | None:
        try:
            sealed = seal(self._sealer, entry, vector)
        except VaultUnusable as error:
            self._failed("seal", error)
            return None
        origin = entry.request_id, entry.user
        return Kept(entry.id, entry.org, entry.created_ns, entry.expires_ns, sealed, *origin)

    def _failed(self, doing: str, error: Exception) -> None:
        self.failures += 1
        if self.failures == 1:
            logger.warning(
                "the semantic cache can't be shared, answers come from memory only",
                extra={"doing": doing, "reason": type(error).__name__},
            )
