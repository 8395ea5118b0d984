"""A limit of requests a minute, told in the headers of each answer as vendors do."""

import time
from datetime import UTC, datetime

from legato.core.clock import SystemClock
from legato.providers.simulated.responses import Headers

_WINDOW_S = 60.0


class Window:
    """One model's minute: it begins with the first call after the last one's end."""

    def __init__(self) -> None:
        self._ends_s = 0.0
        self._taken = 0

    def take(self, limit: int) -> bool:
        """Count a call; false where it is one too many."""
        now_s = time.monotonic()
        if now_s >= self._ends_s:
            self._ends_s, self._taken = now_s + _WINDOW_S, 0
        if self._taken >= limit:
            return False
        self._taken += 1
        return True

    @property
    def resets_in_s(self) -> float:
        """Seconds until all of it is there again."""
        return max(0.0, self._ends_s - time.monotonic())

    def headers(self, limit: int, *, is_anthropic: bool) -> Headers:
        """Return the headers of either vendor."""
        left = b"%d" % (limit - self._taken)
        if is_anthropic:
            ends = datetime.fromtimestamp(SystemClock().now_ns() / 1e9 + self.resets_in_s, UTC)
            return (
                (b"anthropic-ratelimit-requests-limit", b"%d" % limit),
                (b"anthropic-ratelimit-requests-remaining", left),
                (b"anthropic-ratelimit-requests-reset", ends.isoformat().encode()),
            )
        return (
            (b"x-ratelimit-limit-requests", b"%d" % limit),
            (b"x-ratelimit-remaining-requests", left),
            (b"x-ratelimit-reset-requests", b"%.3fs" % self.resets_in_s),
        )
