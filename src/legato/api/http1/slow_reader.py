"""Whether a caller takes what waits for him here."""

from legato.api.http1.limits import ConnectionLimits


class SlowReader:
    """Measures what one caller takes, over a window that begins when bytes begin to wait.

    Whose answers the system holds for him is never looked at: only what we hold costs us memory.
    """

    __slots__ = ("_held_then", "_limits", "_since_s", "_taken_then")

    def __init__(self, limits: ConnectionLimits) -> None:
        self._limits = limits
        self._since_s: float | None = None
        self._taken_then = 0
        self._held_then = 0

    def begin(self, now_s: float, sent_bytes: int, held_bytes: int) -> bool:
        """Note that bytes wait; tell whether a window begins with it."""
        if self._since_s is not None:
            return False
        self._since_s = now_s
        self._taken_then, self._held_then = sent_bytes - held_bytes, held_bytes
        return True

    def is_too_slow(self, now_s: float, sent_bytes: int, held_bytes: int, window_s: float) -> bool:
        """Tell whether he has taken less than the least rate for a whole window.

        Who has taken all that waited at its beginning isn't: the rest came later.
        """
        if not held_bytes:
            self._since_s = None
            return False
        if self.begin(now_s, sent_bytes, held_bytes) or self._since_s is None:
            return False
        waited_s = now_s - self._since_s
        if waited_s < window_s:
            return False
        taken = sent_bytes - held_bytes - self._taken_then
        if taken < min(self._held_then, self._limits.reader_bytes_per_s_min * waited_s):
            return True
        self._since_s = None
        self.begin(now_s, sent_bytes, held_bytes)
        return False
