"""Limits and budgets of keys on the virtual clock: the same rules as the leases keep, exactly.

A rate counts in fixed windows of a minute. A budget holds the most an attempt can cost before it
is sent: settled + held never passes the limit but by what an attempt cost beyond its hold.
"""

from typing import Final

import msgspec

from legato.replay.twin.traffic import US_PER_S
from legato.replay.twin.world import KeyRules
from legato.storage.database.windows import window_bounds

RATE_WINDOW_US: Final = 60 * US_PER_S
_NS_PER_US: Final = 1_000


class Breach(msgspec.Struct, frozen=True):
    """A budget that had no room for a call. Amounts are nano-USD."""

    key: str
    at_ns: int
    limit: int
    settled: int
    held: int
    asked: int
    window_start_ns: int


class Minute:
    """Requests in fixed windows of a minute."""

    __slots__ = ("_count", "_limit", "_offset_us", "_window")

    def __init__(self, limit: int, started_ns: int) -> None:
        self._limit = limit
        self._offset_us = started_ns // _NS_PER_US % RATE_WINDOW_US
        self._window = -1
        self._count = 0

    def admits(self, now_us: int) -> bool:
        """Count one in; False where the window is full."""
        window = (now_us + self._offset_us) // RATE_WINDOW_US
        if window != self._window:
            self._window, self._count = window, 0
        if self._count >= self._limit:
            return False
        self._count += 1
        return True

    def resets_in_s(self, now_us: int) -> float:
        """Return the seconds to the next window."""
        return (RATE_WINDOW_US - (now_us + self._offset_us) % RATE_WINDOW_US) / US_PER_S


class Account:
    """One key: its rate, its slots, its budget."""

    def __init__(self, rules: KeyRules, started_ns: int) -> None:
        self.breaches: dict[int, Breach] = {}
        """The first of each budget window."""
        self._rules = rules
        self._started_ns = started_ns
        rpm = rules.requests_per_minute
        self._rate = None if rpm is None else Minute(rpm, started_ns)
        self._running = 0
        self._settled = rules.spent
        self._held = 0
        self._window = (0, 0)
        if rules.budget is not None:
            self._window = window_bounds(rules.budget.window, started_ns)

    @property
    def has_budget(self) -> bool:
        """Whether its attempts need holds."""
        return self._rules.budget is not None

    def admits(self, now_us: int) -> bool:
        """Let one request in, which `leave` must end; False where a limit is reached."""
        if self._rate is not None and not self._rate.admits(now_us):
            return False
        most = self._rules.concurrency_max
        if most is not None and self._running >= most:
            return False
        self._running += 1
        return True

    def leave(self) -> None:
        """End what `admits` let in."""
        self._running -= 1

    def hold(self, amount: int, now_us: int) -> int | None:
        """Set money aside; return the window it is in, None where there is no room."""
        budget = self._rules.budget
        if budget is None:
            return 0
        now_ns = self._started_ns + now_us * _NS_PER_US
        if now_ns >= self._window[1]:
            self._window = window_bounds(budget.window, now_ns)
            self._settled = self._held = 0
        if self._settled + self._held + amount > budget.limit:
            start_ns = self._window[0]
            breach = Breach(
                self._rules.name, now_ns, budget.limit, self._settled, self._held, amount, start_ns
            )
            self.breaches.setdefault(start_ns, breach)
            return None
        self._held += amount
        return self._window[0]

    def settle(self, window: int, held: int, cost: int) -> None:
        """End a hold with what the attempt cost."""
        if self.has_budget and window == self._window[0]:
            self._held -= held
            self._settled += cost
