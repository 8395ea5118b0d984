"""What a worker hands over to be sealed and stored: a queue in bounds, and a thread behind it."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

from legato.core.errors import LegatoError

log = logging.getLogger(__name__)

_WAITING_CHARS_MAX: Final = 8 * 1024 * 1024
_WAITING_MAX: Final = 5_000
_WRITE_EVERY_S: Final = 0.5
_BATCH: Final = 100
T = TypeVar("T")


class WriteBehind(Generic[T]):
    """Nobody waits for it. Its thread starts with the first that comes.

    What can't be written while the database is away waits, in bounds; more is dropped, and the log
    says so.
    """

    def __init__(
        self, what: str, write: Callable[[Sequence[T]], None], size: Callable[[T], int]
    ) -> None:
        """`write` may raise StorageUnavailable; `size` is in characters; logs say `what`."""
        self._what = what
        self._write = write
        self._size = size
        self._waiting: deque[T] = deque()
        self._offered_chars = self._taken_chars = 0
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._losing = self._away = False

    def offer(self, one: T) -> None:
        """Take it, or drop it where too much waits; never waits."""
        size = self._size(one)
        waiting = self._offered_chars - self._taken_chars + size
        if waiting > _WAITING_CHARS_MAX or len(self._waiting) >= _WAITING_MAX:
            if not self._losing:
                log.error("too much waits and is dropped", extra={"what": self._what})
            self._losing = True
            return
        self._losing = False
        self._offered_chars += size
        self._waiting.append(one)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=self._what, daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Write what waits, then end. Blocking."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        if self._waiting:
            lost = {"what": self._what, "count": len(self._waiting)}
            log.error("the database is away: this is lost", extra=lost)

    def _run(self) -> None:
        while not self._stop.wait(_WRITE_EVERY_S):
            self._write_all()
        self._write_all()

    def _write_all(self) -> None:
        while self._waiting:
            some = [self._waiting[index] for index in range(min(_BATCH, len(self._waiting)))]
            try:
                self._write(some)
                self._away = False
            except LegatoError as error:
                if not self._away:
                    told = {"what": self._what, "reason": error.code}
                    log.warning("can't be written yet", extra=told)
                self._away = True
                return
            except Exception:  # a defect must not end the thread: nothing would be kept any more
                log.exception("can't be written", extra={"what": self._what})
            for one in some:
                self._waiting.popleft()
                self._taken_chars += self._size(one)
