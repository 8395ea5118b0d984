"""A lease store in memory, with a clock of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from legato.core.clock import ManualClock
from legato.core.errors import StorageUnavailable
from legato.core.leases import Grant

if TYPE_CHECKING:
    from collections.abc import Callable

    from legato.core.principal import BudgetLimit

WINDOW_NS = 60_000_000_000


async def in_thread(work: Callable[[], Any]) -> Any:
    return work()


class LeasedInMemory:
    """Grants out of one limit, the same for each window."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.leased: dict[int, int] = {}
        self.asked = 0
        self.is_away = False

    def take_budget(self, budget: BudgetLimit, *, holder: str, want: int, at_least: int) -> Grant:
        assert holder
        return self._take(budget.limit, want, at_least)

    def take_rate(
        self, limit_id: str, limit: int, *, holder: str, want: int, window_s: int
    ) -> Grant:
        assert (limit_id, window_s) == ("k", 60)
        assert holder
        return self._take(limit, want, 1)

    def return_budget(self, _: str, window_start_ns: int, *, holder: str, amount: int) -> None:
        self._return(window_start_ns, holder, amount)

    def return_rate(self, _: str, window_start_ns: int, *, holder: str, amount: int) -> None:
        self._return(window_start_ns, holder, amount)

    def _take(self, limit: int, want: int, at_least: int) -> Grant:
        if self.is_away:
            raise StorageUnavailable("away")
        self.asked += 1
        now_ns = self.clock.now_ns()
        start_ns = now_ns // WINDOW_NS * WINDOW_NS
        leased = self.leased.get(start_ns, 0)
        free = limit - leased
        granted = min(want, free) if free >= at_least else 0
        self.leased[start_ns] = leased + granted
        return Grant(granted, 0, leased + granted, limit, start_ns, start_ns + WINDOW_NS, now_ns)

    def _return(self, window_start_ns: int, holder: str, amount: int) -> None:
        assert holder
        if self.is_away:
            raise StorageUnavailable("away")
        self.leased[window_start_ns] -= amount
