"""Group commit: one fsync in a thread for everybody who waits.

An fsync that failed is never tried again on the same file: the kernel may have dropped the
dirty pages and would then report success for data that isn't there (the "fsyncgate" of
PostgreSQL). The segment is given up instead and the waiters learn of it.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from legato.journal.errors import JournalPoisoned
from legato.journal.segment import OpenSegment


class Syncable(Protocol):
    """What is made durable, as the commit sees it."""

    appended: int
    is_poisoned: bool

    def sync_targets(self) -> list[OpenSegment]:
        """Return the segments that may hold frames which are not yet durable."""

    def landed(self, segments: Sequence[OpenSegment], error: OSError | None) -> None:
        """Hear what became of an fsync of `segments`."""


class GroupCommit:
    """Commits for one event loop. A flight is one fsync under way with all that share it."""

    def __init__(self, sync: Callable[[int], None], tape: Syncable) -> None:
        """Make `tape` durable by `sync`, which takes a file descriptor."""
        self._sync = sync
        self._tape = tape
        self._flight: asyncio.Future[None] | None = None
        self._synced = 0
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="journal-fsync")

    async def wait(self) -> None:
        """Return once everything appended so far is durable. Raises JournalPoisoned.

        Whoever arrives during a flight may have written after it took off, so waits for the
        next one too; if the flight fails, its segment is given up with that frame in it.
        """
        target = self._tape.appended
        while self._synced < target:
            if self._tape.is_poisoned:
                raise _poisoned()
            flight = self._flight or self._take_off()
            try:
                # A caller that leaves must not take the fsync of the others with it.
                await asyncio.shield(flight)
            except OSError as error:
                raise _poisoned() from error

    def run_aside(self, work: Callable[[], None]) -> None:
        """Run `work`, which must not raise, in the thread that also waits for the disk."""
        self._executor.submit(work)

    def close(self) -> None:
        """Wait for the flight under way; nobody may append any more."""
        self._executor.shutdown(wait=True)

    def _take_off(self) -> asyncio.Future[None]:
        segments, sequence = self._tape.sync_targets(), self._tape.appended
        descriptors = [segment.descriptor for segment in segments]
        loop = asyncio.get_running_loop()
        flight = loop.run_in_executor(self._executor, self._sync_all, descriptors)
        # The first callback of the flight: the writer has moved on before any waiter wakes.
        flight.add_done_callback(lambda done: self._land(done, segments, sequence))
        self._flight = flight
        return flight

    def _sync_all(self, descriptors: list[int]) -> None:
        for descriptor in descriptors:
            self._sync(descriptor)

    def _land(
        self, flight: asyncio.Future[None], segments: list[OpenSegment], sequence: int
    ) -> None:
        self._flight = None
        if flight.cancelled():  # the loop is closing; nothing was promised
            return
        error = flight.exception()
        if error is None:
            self._synced = sequence
            self._tape.landed(segments, None)
        elif isinstance(error, OSError):
            self._tape.landed(segments, error)


def _poisoned() -> JournalPoisoned:
    return JournalPoisoned("the disk refused to make the spend journal durable")
