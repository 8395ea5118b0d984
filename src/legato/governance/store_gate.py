"""Asks the lease store, and no more for a moment once it was away.

Each question waits for the database as long as a lock may take. Without the gate all who need a
lease would stand in line for that wait, one behind the other, and the last would be told minutes
later that the store is away.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from legato.core.clock import Clock
from legato.core.errors import StorageUnavailable
from legato.core.tasks import InThread

PAUSE_S = 1.0
PATIENCE_S = 2.0
_PAUSE_NS = int(PAUSE_S * 1_000_000_000)


async def answered(asking: asyncio.Task[None]) -> None:
    """Wait for a task that asks the store, though not for as long as a lock may take.

    Neither a caller who leaves nor one who is sent away takes along what is granted: the task
    goes on, and the next caller finds it.

    Raises:
        StorageUnavailable: no answer within `PATIENCE_S`.
    """
    done, _ = await asyncio.wait((asking,), timeout=PATIENCE_S)
    if not done:
        asking.add_done_callback(_heard)
        msg = "The database takes too long to answer and what was leased is spent. Try again."
        raise StorageUnavailable(msg, retry_after_s=PAUSE_S)
    asking.result()


def _heard(asking: asyncio.Task[None]) -> None:
    """Whoever asked has been told already."""
    if not asking.cancelled():
        asking.exception()


class StoreGate:
    """An `InThread` for everything that asks one store."""

    def __init__(
        self,
        in_thread: InThread,
        clock: Clock,
        told: str = "The database is away and what was leased is spent. Try again shortly.",
    ) -> None:
        self._told = told
        self._in_thread = in_thread
        self._now_ns = clock.now_ns
        self._closed_until_ns = 0

    async def __call__(self, work: Callable[[], Any]) -> Any:
        """Run `work` in a thread.

        Raises:
            StorageUnavailable: the store is away, or was within the last second.
        """
        self._require_open()
        return await self._in_thread(lambda: self._watched(work))

    def _watched(self, work: Callable[[], Any]) -> Any:
        self._require_open()  # it may have closed while this waited for its thread
        try:
            return work()
        except StorageUnavailable as error:
            self._closed_until_ns = self._now_ns() + _PAUSE_NS
            if error.retry_after_s is None:
                error.retry_after_s = PAUSE_S
            raise

    def _require_open(self) -> None:
        left_ns = self._closed_until_ns - self._now_ns()
        if 0 < left_ns <= _PAUSE_NS:  # more: the clock was set back
            raise StorageUnavailable(self._told, retry_after_s=PAUSE_S)
