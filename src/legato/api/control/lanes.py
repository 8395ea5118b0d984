"""Threads of the control process: what may hang or takes long has its own, and each is bounded.

A provider that doesn't answer holds up those who sign in by it, a flood of passwords those who
sign in by one, and nobody else. What finds no place is refused at once.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, Final, TypeVar

from legato.api.control.errors import ControlUnavailable

_Result = TypeVar("_Result")
_THREADS: Final = 6
_WAITING_MAX: Final = 64
"""Requests that wait for a thread: at some milliseconds each, none for longer than a second."""
_PASSWORDS_WAITING_MAX: Final = 16
"""Each takes a tenth of a second of a core."""
_PASSWORD_S: Final = 10.0
_PROVIDER_THREADS: Final = 2
_PROVIDER_WAITING_MAX: Final = 6
_PROVIDER_S: Final = 15.0
_REPORTS_WAITING_MAX: Final = 3
_WHAT_IFS_WAITING_MAX: Final = 2
_REPORT_S: Final = 50.0
"""Less than a worker waits for an answer of this process."""


class BoundedThreads(ThreadPoolExecutor):
    """The event loop's own threads: they refuse what would wait for long."""

    def __init__(self, threads: int = _THREADS, waiting_max: int = _WAITING_MAX) -> None:
        super().__init__(threads, thread_name_prefix="handler")
        self._places = threading.Semaphore(threads + waiting_max)

    def submit(
        self, work: Callable[..., _Result], /, *args: Any, **named: Any
    ) -> "Future[_Result]":
        """Run it when a thread is free. Raises ControlUnavailable where too many wait."""
        if not self._places.acquire(blocking=False):
            raise _full("The control API", 1.0)
        try:
            future = super().submit(work, *args, **named)
        except BaseException:
            self._places.release()
            raise
        future.add_done_callback(lambda _: self._places.release())
        return future


class Lane:
    """A few threads for one sort of work, with a limit of how many wait and for how long."""

    def __init__(self, what: str, threads: int, waiting_max: int, limit_s: float) -> None:
        self._what = what
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=what)
        self._inside_max = threads + waiting_max
        self._limit_s = limit_s
        self._inside = 0

    async def run(self, work: Callable[[], _Result]) -> _Result:
        """Return what comes of it, recorded as whose request this is.

        Raises:
            ControlUnavailable: too many wait, or it takes too long; it goes on to its end then.
        """
        if self._inside >= self._inside_max:
            raise _full(self._what, self._limit_s / 3)
        self._inside += 1
        loop = asyncio.get_running_loop()
        future = loop.run_in_executor(self._threads, copy_context().run, work)
        future.add_done_callback(self._left)
        try:
            return await asyncio.wait_for(asyncio.shield(future), self._limit_s)
        except TimeoutError:
            msg = f"{self._what} took longer than {self._limit_s:g} s."
            raise ControlUnavailable(msg, retry_after_s=self._limit_s) from None

    def _left(self, future: "asyncio.Future[Any]") -> None:
        self._inside -= 1
        if not future.cancelled():
            future.exception()  # nobody may be left who hears of it


class Lanes:
    """Those of one control process."""

    def __init__(self) -> None:
        self.passwords = Lane("Looking at passwords", 1, _PASSWORDS_WAITING_MAX, _PASSWORD_S)
        self.reports = Lane("Making reports", 1, _REPORTS_WAITING_MAX, _REPORT_S)
        self.what_ifs = Lane("Trying a change", 1, _WHAT_IFS_WAITING_MAX, _REPORT_S)
        self._providers: dict[str, Lane] = {}

    def provider(self, name: str) -> Lane:
        """Return the one of an OpenID provider that is configured."""
        lane = self._providers.get(name)
        if lane is None:
            what = f"Signing in by {name}"
            lane = self._providers[name] = Lane(
                what, _PROVIDER_THREADS, _PROVIDER_WAITING_MAX, _PROVIDER_S
            )
        return lane


def _full(what: str, retry_after_s: float) -> ControlUnavailable:
    msg = f"{what}: too many requests wait already."
    return ControlUnavailable(msg, retry_after_s=max(1.0, retry_after_s))
