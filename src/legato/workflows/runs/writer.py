"""Writes what activations begin and come to: what is of one moment together, in one commit.

A transaction for each would have them wait for each other longer than a lock is waited for.

While the database is away what is to be written waits, and with it what depends on it; nothing is
given up. A write whose commit nobody heard of is made again: all of it says what is, not what is
added, and effects look whether they are recorded.
"""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, Final, Generic, Protocol, TypeVar

from legato.core.errors import StorageUnavailable
from legato.core.tasks import spawn
from legato.storage.workflows.rows import Written, Wrote

log = logging.getLogger(__name__)

_TOGETHER_MAX: Final = 64
_AGAIN_S: Final = 0.25
_AGAIN_MAX_S: Final = 2.0
Asked = TypeVar("Asked")
Came = TypeVar("Came")


class Writes(Protocol):
    """Where it is written; blocking."""

    def write(self, some: list[Written]) -> list[Wrote]:
        """Write in one transaction. Raises StorageUnavailable."""
        ...


class Together(Generic[Asked, Came]):
    """One event loop's, for one sort of writes. Nothing of it blocks the loop."""

    def __init__(
        self,
        work: Callable[[list[Asked]], list[Came]],
        executor: Executor,
        alone: Callable[[Asked], bool] = lambda _: False,
    ) -> None:
        """`work` writes several in one transaction, those apart that are to go `alone`."""
        self._work = work
        self._executor = executor
        self._alone = alone
        self._queue: list[tuple[Asked, asyncio.Future[Came]]] = []
        self._tasks: set[asyncio.Task[Any]] = set()
        self._draining = False
        """Not whether there is a task: one that has just ended is there for a moment longer."""

    async def ask(self, asked: Asked) -> Came:
        """Write, and return what came of it. Raises what the work raised."""
        waiter: asyncio.Future[Came] = asyncio.get_running_loop().create_future()
        self._queue.append((asked, waiter))
        if not self._draining:
            self._draining = True
            spawn(self._drain(), owner=self._tasks, name="workflow writes")
        return await waiter

    async def _drain(self) -> None:
        try:
            await self._write_all()
        finally:
            self._draining = False

    async def _write_all(self) -> None:
        while self._queue:
            some = self._next()
            try:
                came = await self._done([asked for asked, _ in some])
            except Exception as error:  # noqa: BLE001 - an effect's, which its node deals with
                _tell(some, lambda _, raised=error: raised)  # type: ignore[misc]
                continue
            _tell(some, came.__getitem__)

    def _next(self) -> list[tuple[Asked, asyncio.Future[Came]]]:
        if self._alone(self._queue[0][0]):
            return [self._queue.pop(0)]
        count = 0
        for asked, _ in self._queue[:_TOGETHER_MAX]:
            if self._alone(asked):
                break
            count += 1
        some, self._queue = self._queue[:count], self._queue[count:]
        return some

    async def _done(self, some: list[Asked]) -> list[Came]:
        loop, wait_s = asyncio.get_running_loop(), _AGAIN_S
        while True:
            try:
                return await loop.run_in_executor(self._executor, self._work, some)
            except StorageUnavailable as error:
                log.warning("runs of workflows wait", extra={"reason": error.message})
                await asyncio.sleep(wait_s)
                wait_s = min(_AGAIN_MAX_S, wait_s * 2)


class Writer:
    """What activations come to. What has effects goes alone, since these may fail."""

    def __init__(self, writes: Writes, executor: Executor) -> None:
        self._together = Together(writes.write, executor, lambda written: bool(written.effects))

    async def write(self, written: Written) -> Wrote:
        """Write, and return what became of it. Raises what an effect raised."""
        return await self._together.ask(written)


def _tell(
    some: list[tuple[Asked, asyncio.Future[Came]]], came: Callable[[int], Came | Exception]
) -> None:
    for place, (_, waiter) in enumerate(some):
        if waiter.done():
            continue
        found = came(place)
        if isinstance(found, Exception):
            waiter.set_exception(found)
        else:
            waiter.set_result(found)
