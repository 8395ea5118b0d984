"""A lease store in memory, with a clock of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from legato.core.clock import ManualClock
from legato.core.errors import StorageUnavailable
from legato.core.leases import Grant

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from legato.core.leases import Returned, Wish

WINDOW_NS = 60_000_000_000


async def in_thread(work: Callable[[], Any]) -> Any:
    return work()


class LeasedInMemory:
    """Grants out of one limit, the same for each window of a span."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.leased: dict[tuple[str, int], int] = {}
        self.asked = 0
        self.is_away = False

    def take(self, wishes: Sequence[Wish], *, holder: str) -> list[Grant]:
        assert holder
        return [self._take(one) for one in wishes]

    def give_back(self, returned: Sequence[Returned], *, holder: str) -> None:
        for one in returned:
            self._return((one.span, one.window_start_ns), holder, one.amount)

    def _take(self, wish: Wish) -> Grant:
        if self.is_away:
            raise StorageUnavailable("away")
        self.asked += 1
        now_ns = self.clock.now_ns()
        start_ns = now_ns // WINDOW_NS * WINDOW_NS
        limit, place = wish.limit.limit, (wish.limit.span, start_ns)
        leased = self.leased.get(place, 0)
        free = limit - leased
        granted = min(wish.want, free) if free >= wish.at_least else 0
        self.leased[place] = leased + granted
        return Grant(granted, 0, leased + granted, limit, start_ns, start_ns + WINDOW_NS, now_ns)

    def _return(self, place: tuple[str, int], holder: str, amount: int) -> None:
        assert holder
        if self.is_away:
            raise StorageUnavailable("away")
        self.leased[place] -= amount
