"""One look a second at what changed, for all who listen to this process; none while nobody does."""

import asyncio
import secrets
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, NamedTuple, Protocol

from legato.core.errors import LegatoError, RateLimited
from legato.core.tasks import spawn
from legato.storage.changes import Change, Positions

LOOK_S: Final = 1.0
LISTENERS_MAX: Final = 256
OF_ONE_MAX: Final = 6
_KEPT: Final = 600
"""Looks in which something had changed, so far back as somebody may go on from."""
_GOES_ON_S: Final = 60.0
"""After so long without a listener all may have changed."""


class Looking(Protocol):
    """What reads the tables; blocking."""

    def now(self) -> Positions:
        """Return where they end."""
        ...

    def since(self, positions: Positions) -> tuple[set[Change], Positions]:
        """Return what came since, and up to where it was read."""
        ...


class Place(NamedTuple):
    """How far somebody has heard: a number within a feed's life."""

    epoch: str
    number: int

    @property
    def text(self) -> str:
        """As an event's id."""
        return f"{self.epoch}-{self.number}"


class Feed:
    """The changes of late, numbered."""

    def __init__(self, looking: Looking, look_s: float = LOOK_S) -> None:
        self._looking = looking
        self._look_s = look_s
        self._epoch = ""
        self._number = 0
        self._kept: deque[tuple[int, frozenset[Change]]] = deque(maxlen=_KEPT)
        self._moved, self._begun = asyncio.Event(), asyncio.Event()
        self._positions: Positions | None = None
        self._left_s = 0.0
        self._listeners: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def place(self) -> Place:
        """Where one begins who has heard nothing yet."""
        return Place(self._epoch, self._number)

    def require_room(self, who: str) -> None:
        """Raise RateLimited where too many listen, or somebody too often."""
        if self._listeners[who] >= OF_ONE_MAX:
            msg = f"At most {OF_ONE_MAX} live streams at once: close one of those that are open."
            raise RateLimited(msg, retry_after_s=5)
        if self._listeners.total() >= LISTENERS_MAX:
            msg = f"At most {LISTENERS_MAX} live streams at once at this instance."
            raise RateLimited(msg, retry_after_s=30)

    @contextmanager
    def listening(self, who: str) -> Iterator[None]:
        """Count somebody in within the block, and look while there is anybody."""
        now_s = asyncio.get_running_loop().time()
        if not self._listeners and now_s - self._left_s > _GOES_ON_S:
            self._positions, self._epoch, self._number = None, secrets.token_hex(4), 0
            self._kept.clear()
            self._begun.clear()
        self._listeners[who] += 1
        if not self._tasks:
            spawn(self._look(), owner=self._tasks, name="live")
        try:
            yield
        finally:
            self._listeners[who] -= 1
            self._listeners += Counter()  # drops those at zero
            self._left_s = asyncio.get_running_loop().time()
            if not self._listeners:
                for task in list(self._tasks):
                    task.cancel()

    def behind(self, place: Place) -> frozenset[Change] | None:
        """Return what changed behind a place; None where that isn't known any more."""
        oldest = self._kept[0][0] if self._kept else self._number + 1
        if place.epoch != self._epoch or not oldest - 1 <= place.number <= self._number:
            return None
        return frozenset().union(*(changes for at, changes in self._kept if at > place.number))

    async def begun(self, within_s: float) -> None:
        """Return once all that changes from now on is heard of, or after a while."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._begun.wait(), within_s)

    async def moves(self, within_s: float) -> None:
        """Return as soon as something changed, or after a while."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._moved.wait(), within_s)

    async def _look(self) -> None:
        while True:
            try:
                await self._look_once()
            except LegatoError:  # the database is away: what came meanwhile is told afterwards
                await asyncio.sleep(self._look_s)
            await asyncio.sleep(self._look_s)

    async def _look_once(self) -> None:
        if self._positions is None:
            self._positions = await asyncio.to_thread(self._looking.now)
            self._begun.set()
            return
        changes, self._positions = await asyncio.to_thread(self._looking.since, self._positions)
        if changes:
            self._number += 1
            self._kept.append((self._number, frozenset(changes)))
            moved, self._moved = self._moved, asyncio.Event()
            moved.set()


def place_of(text: str | None) -> Place | None:
    """Read an event's id; None where it is none of ours."""
    epoch, _, number = (text or "").partition("-")
    if not (epoch and number.isascii() and number.isdigit()):
        return None
    return Place(epoch, int(number))
