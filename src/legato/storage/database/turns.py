"""Who writes next to an SQLite file: the threads of a process in the order in which they came.

SQLite has one writer, and lets the others look again by chance, after pauses of up to 100 ms: who
looks in the wrong moments waits until its patience ends, while others write many times. So a
process asks for SQLite's lock once at a time, looking often, and its threads hand the turn on.
"""

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Final

_OTHERS_EVERY_S: Final = 0.05
_OTHERS_S: Final = 0.006
"""After turns for so long without a pause, so long a pause: another process looks meanwhile."""


class Turns:
    """Those of one process at one file."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._taken = False
        self._waiting: deque[threading.Lock] = deque()
        self._busy_since_s = 0.0

    @contextmanager
    def one(self, wait_s: float, refused: Callable[[], Exception]) -> Iterator[None]:
        """Have a turn, after those who came before. Raises what `refused` makes, after `wait_s`."""
        if not self._take(wait_s):
            raise refused()
        try:
            yield
        finally:
            self._hand_on()

    def _take(self, wait_s: float) -> bool:
        with self._guard:
            if not self._taken:
                self._taken, self._busy_since_s = True, time.monotonic()
                return True
            mine = threading.Lock()
            mine.acquire()
            self._waiting.append(mine)
        if mine.acquire(timeout=wait_s):
            return True
        with self._guard:
            if mine in self._waiting:
                self._waiting.remove(mine)
                return False
        return True  # it came in the last moment

    def _hand_on(self) -> None:
        if self._waiting and time.monotonic() - self._busy_since_s > _OTHERS_EVERY_S:
            time.sleep(_OTHERS_S)
            self._busy_since_s = time.monotonic()
        with self._guard:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._taken = False


def turns_at(path: str) -> Turns:
    """Return this process's turns at a file; one that was forked has its own."""
    return _turns_of(os.getpid(), path)


@cache
def _turns_of(process: int, path: str) -> Turns:
    real = os.path.realpath(path)
    return Turns() if real == path else _turns_of(process, real)
