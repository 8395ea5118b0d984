"""A bounded number of processes for detectors that take long, or that aren't ours.

A question that isn't answered in time takes its process along: there is no other way to stop what
a detector does. The next question has a new one.
"""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from legato.core.errors import DetectorFailed
from legato.core.guarding import Finding, Piece
from legato.core.tasks import spawn
from legato.detectors.framing import (
    FRAME_BYTES_MAX,
    HEAD,
    Ask,
    Told,
    decode_told,
    encode,
    findings_of,
    framed,
    texts_of,
)

WAITING_MAX: Final = 64
"""Questions that wait for a process; more fail at once."""
_WARM_S: Final = 60.0


class ProcessPool:
    """Processes of one gateway worker."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._free = asyncio.Semaphore(size)
        self._waiting = 0
        self._idle: list[asyncio.subprocess.Process] = []
        self._closed = False
        self._warmed: list[tuple[str, dict[str, Any]]] = []
        self._tasks: set[asyncio.Task[Any]] = set()

    async def ask(self, ask: Ask) -> Told:
        """Have one of the processes look. Raises DetectorFailed; cancelling ends the process."""
        if self._waiting >= WAITING_MAX or self._closed:
            raise DetectorFailed("Too many requests wait for detectors.", retry_after_s=1)
        self._waiting += 1
        try:
            await self._free.acquire()
        finally:
            self._waiting -= 1
        return await self._asked(ask)

    async def warm(self, kinds: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        """Let every process load these kinds; what can't be loaded fails when it is asked."""
        self._warmed = [(kind, dict(settings)) for kind, settings in kinds]

        async def load() -> None:
            for kind, settings in kinds:
                await asyncio.wait_for(self.ask(Ask(kind, dict(settings), ())), _WARM_S)

        await asyncio.gather(*(load() for _ in range(self._size)), return_exceptions=True)

    async def close(self) -> None:
        """End them all."""
        self._closed = True
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for process in self._idle:
            _kill(process)
            await process.wait()
        self._idle.clear()

    async def _asked(self, ask: Ask) -> Told:
        """Ask a free process; it stays free, or another takes its place."""
        process, told = None, None
        try:
            process = self._idle.pop() if self._idle else await _started()
            told = await _exchanged(process, encode(ask))
        except (OSError, EOFError, msgspec.MsgspecError) as error:
            raise DetectorFailed(f"Its process ended ({type(error).__name__}).") from None
        finally:
            if told is None or process is None:
                spawn(self._replace(process), owner=self._tasks, name="detectors")
            else:
                self._idle.append(process)
                self._free.release()
        if told.failed:
            raise DetectorFailed(f"It raised {told.failed}.")
        return told

    async def _replace(self, process: asyncio.subprocess.Process | None) -> None:
        """End a process and start another, which is free once it has loaded what it needs."""
        try:
            if process is not None:
                _kill(process)
                await process.wait()
            if not self._closed:
                another = await _started()
                try:
                    async with asyncio.timeout(_WARM_S):
                        for kind, settings in self._warmed:
                            await _exchanged(another, encode(Ask(kind, settings, ())))
                except (OSError, EOFError, TimeoutError, msgspec.MsgspecError):
                    _kill(another)  # the next question has a new one
                else:
                    self._idle.append(another)
        finally:
            self._free.release()


class PooledDetector:
    """A detector that runs in the processes of a pool."""

    def __init__(
        self,
        name: str,
        labels: frozenset[str],
        pool: ProcessPool,
        *,
        kind: str,
        settings: Mapping[str, Any],
    ) -> None:
        self.name = name
        self.labels = labels
        self.kind = kind
        self.settings = dict(settings)
        self._pool = pool

    async def find_all(self, pieces: Sequence[Piece]) -> Sequence[Sequence[Finding]]:
        """Return what is in each piece. Raises DetectorFailed."""
        told = await self._pool.ask(Ask(self.kind, self.settings, texts_of(tuple(pieces))))
        return findings_of(told, self.name)


async def _started() -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "legato.detectors.process",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        limit=2**16,
    )


async def _exchanged(process: asyncio.subprocess.Process, payload: bytes) -> Told:
    """Send a question and read its answer. Raises OSError, EOFError."""
    if process.stdin is None or process.stdout is None:
        msg = "a process of the pool has pipes"
        raise AssertionError(msg)
    process.stdin.write(framed(payload))
    await process.stdin.drain()
    (size,) = HEAD.unpack(await process.stdout.readexactly(HEAD.size))
    if size > FRAME_BYTES_MAX:
        msg = "an answer of that size is none"
        raise EOFError(msg)
    return decode_told(await process.stdout.readexactly(size))


def _kill(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
