"""Large texts in slices: no thread is held for long, and tenants take turns.

Slices overlap, so that what stands at the end of one stands whole in the next. What is found is as
in the whole text, as long as it has no more characters than the overlap.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from legato.core.guarding import Finding, Piece
from legato.core.tasks import InThread

SLICE_CHARS: Final = 65_536
"""Some 30 ms of one core, for which other slices wait."""
OVERLAP_CHARS: Final = 8_192


class Slice(NamedTuple):
    """A part of a piece."""

    piece: int
    """Its place among the pieces."""
    start: int
    end: int
    known: int
    """Up to where the slice before it has looked."""

    @property
    def owns_from(self) -> int:
        """Where what it finds begins to be its own: before it, the slice before sees more."""
        return self.start + (OVERLAP_CHARS // 2 if self.start else 0)


def sliced(pieces: Sequence[Piece]) -> Iterator[list[Slice]]:
    """Yield all of the pieces, each time about as much as a slice may have."""
    batch: list[Slice] = []
    left = SLICE_CHARS
    for index, one in enumerate(pieces):
        for part in _parts(index, len(one.text)):
            if batch and part.end - part.start > left:
                yield batch
                batch, left = [], SLICE_CHARS
            batch.append(part)
            left -= part.end - part.start + 1
    if batch:
        yield batch


def _parts(index: int, size: int) -> Iterator[Slice]:
    start = known = 0
    while True:
        end = min(size, start + SLICE_CHARS)
        yield Slice(index, start, end, known)
        if end == size:
            return
        start, known = end - OVERLAP_CHARS, end


class Gathered:
    """What was found in the slices of some pieces, slice by slice in their order."""

    def __init__(self, count: int) -> None:
        """Of so many pieces."""
        self.findings: list[list[Finding]] = [[] for _ in range(count)]

    def take(self, part: Slice, found: Sequence[Finding]) -> None:
        """Take what is in a slice, at the places it has there."""
        kept = self.findings[part.piece]
        if not part.start:
            kept += found
            return
        # what the slice before found without what stands behind it, this one finds better
        while kept and kept[-1].start >= part.owns_from:
            kept.pop()
        for one in found:
            start, end = one.start + part.start, one.end + part.start
            if start < part.owns_from and end <= part.known:
                continue
            last = kept[-1] if kept else None
            if last is not None and start < last.end:
                if end <= last.end:
                    continue
                if one.label == last.label:
                    kept[-1] = replace(last, end=end)
                    continue
                start = last.end
            kept.append(replace(one, start=start, end=end))


class Turns:
    """Runs one piece of work at a time off the event loop, each tenant's in its turn."""

    def __init__(self, in_thread: InThread) -> None:
        self._in_thread = in_thread
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}
        self._served: dict[str, int] = {}  # when each tenant had its last turn, while any waits
        self._taken = False

    async def take(self, tenant: str, work: Callable[[], Any]) -> Any:
        """Run it when its tenant's turn has come. Raises what it raises."""
        if self._taken:
            turn = asyncio.get_running_loop().create_future()
            self._waiting.setdefault(tenant, deque()).append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                if not turn.cancelled():  # it had just come
                    self._pass_on()
                raise
        self._taken = True
        self._served[tenant] = max(self._served.values(), default=0) + 1
        try:
            return await self._in_thread(work)
        finally:
            self._pass_on()

    def _pass_on(self) -> None:
        """Give the turn to the tenant whose last one is longest ago."""
        while self._waiting:
            tenant = min(self._waiting, key=lambda one: self._served.get(one, 0))
            turns = self._waiting[tenant]
            turn = turns.popleft()
            if not turns:
                del self._waiting[tenant]
            if not turn.done():
                turn.set_result(None)
                return
        self._taken = False
        self._served.clear()
