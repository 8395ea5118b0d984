"""A value that expires, kept fresh: fetched off the event loop, once for all who wait."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import msgspec

from legato.core.clock import Clock
from legato.core.errors import ProviderTimeout, UpstreamError
from legato.core.tasks import spawn

log = logging.getLogger(__name__)

Value = TypeVar("Value")

_PAUSE_S = 10.0
"""After a renewal ahead of time that failed, before the next one."""


class Lease(msgspec.Struct, Generic[Value], frozen=True):
    """A fetched value; the times are Unix seconds.

    From `renew_s` on it is still given out while the next one is fetched, from `end_s` on not.
    """

    value: Value
    renew_s: float
    end_s: float


class Fresh(Generic[Value]):
    """Gives out the value in force. `fetch` may block: it runs in a thread.

    It raises an UpstreamError where there is none to be had. Built anywhere, used on one loop.
    """

    def __init__(
        self, fetch: Callable[[], Lease[Value]], clock: Clock, *, what: str, wait_s: float = 30.0
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._what = what
        self._wait_s = wait_s
        self._lease: Lease[Value] | None = None
        self._paused_until_s = 0.0
        self._running: asyncio.Task[Lease[Value]] | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    async def current(self) -> Value:
        """Return the value; waits only where none is in force.

        Raises:
            UpstreamError: none is in force and none could be fetched.
        """
        lease, now_s = self._lease, self._clock.now_ns() / 1e9
        if lease is None or now_s >= lease.end_s:
            # Shielded: a caller who leaves must not end the fetch that others wait for.
            try:
                async with asyncio.timeout(self._wait_s):
                    lease = await asyncio.shield(self._renewal())
            except TimeoutError:
                msg = f"no {self._what} within {self._wait_s:g} s"
                raise ProviderTimeout(msg) from None
        elif now_s >= max(lease.renew_s, self._paused_until_s) and self._running is None:
            self._paused_until_s = now_s + _PAUSE_S
            spawn(self._renew_ahead(), owner=self._tasks, name=f"renew {self._what}")
        return lease.value

    def _renewal(self) -> asyncio.Task[Lease[Value]]:
        if self._running is None:
            self._running = spawn(self._renew(), owner=self._tasks, name=f"fetch {self._what}")
            self._running.add_done_callback(self._ended)
        return self._running

    def _ended(self, task: asyncio.Task[Lease[Value]]) -> None:
        self._running = None
        if not task.cancelled():
            task.exception()  # told to those who wait; where they have all left, to nobody

    async def _renew_ahead(self) -> None:
        try:
            await self._renewal()
        except UpstreamError as error:  # the one in force is good for a while yet
            log.warning("%s not renewed ahead of time: %s", self._what, error.message)

    async def _renew(self) -> Lease[Value]:
        lease = self._lease = await asyncio.to_thread(self._fetch)
        return lease
