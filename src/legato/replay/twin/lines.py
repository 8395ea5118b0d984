"""A deployment while a simulation runs: its breaker, its moving latency, who waits for a slot."""

from collections import deque
from typing import TYPE_CHECKING
from zlib import crc32

from legato.economics.cost import blended_price
from legato.replay.twin.accounts import Minute
from legato.replay.twin.world import Place
from legato.resilience.breaker import HEALTHY
from legato.routing.strategies import Candidate

if TYPE_CHECKING:
    from collections.abc import Callable

_PURPOSES = 8


class Ticket:
    """Who waits in a line; `has_slot` is None as long as it isn't decided."""

    __slots__ = ("has_slot", "resume")

    def __init__(self) -> None:
        self.has_slot: bool | None = None
        self.resume: Callable[[int], None] | None = None


class Line:
    """One deployment's state. `salt` keeps its random numbers apart from the others'."""

    __slots__ = ("_busy", "_waiting", "candidate", "cell", "minute", "place", "salt")

    def __init__(self, place: Place, started_ns: int) -> None:
        price = place.prices.current
        blended = None if price is None else blended_price(price)
        self.place = place
        self.salt = crc32(place.name.encode()) * _PURPOSES
        self.cell = HEALTHY
        self.candidate = Candidate(place.name, place.weight, blended)
        rpm = place.requests_per_minute
        self.minute = Minute(rpm, started_ns) if rpm else None
        self._busy = 0
        self._waiting: deque[Ticket] = deque()

    def takes_slot(self) -> bool:
        """Take a slot if one is free."""
        if self._busy >= self.place.slots:
            return False
        self._busy += 1
        return True

    def wait(self) -> Ticket:
        """Stand in line for a slot."""
        ticket = Ticket()
        self._waiting.append(ticket)
        return ticket

    def free(self, now_us: int) -> None:
        """Give a slot back: to who has waited longest and still does, else to nobody."""
        while self._waiting:
            ticket = self._waiting.popleft()
            if ticket.has_slot is None and ticket.resume is not None:
                ticket.has_slot = True
                ticket.resume(now_us)
                return
        self._busy -= 1
