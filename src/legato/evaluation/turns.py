"""Turns at working: fair between organisations, whoever came first and has how much to do.

A place goes to the organisation with the fewest places, among those to the one whose last turn
began longest ago; within an organisation to whoever has waited longest. While another waits that
has fewer, a turn is over after its slice of time, so nobody waits for another's work to end.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

SLICE_S: Final = 5.0
_LOOK_S: Final = 1.0


class Turn:
    """One turn; ask from time to time whether it is over."""

    def __init__(self, org: str, turns: "Turns") -> None:
        self.org = org
        self._turns = turns
        self.until_s = 0.0

    def over(self) -> bool:
        """Whether another organisation is to have the place now."""
        return self._turns.wanted_of(self)


class Turns:
    """The places of one process; whoever takes a turn blocks until there is one."""

    def __init__(
        self, places: int, now_s: Callable[[], float], *, slice_s: float = SLICE_S
    ) -> None:
        self._free = places
        self._now_s = now_s
        self._slice_s = slice_s
        self._changed = threading.Condition()
        self._waiting: list[Turn] = []
        self._working: list[Turn] = []
        self._served: dict[str, int] = {}
        """When each organisation's last turn began, as a count of all turns."""
        self._count = 0

    @property
    def waiting(self) -> int:
        """How many wait for a turn."""
        with self._changed:
            return len(self._waiting)

    @contextmanager
    def taken(self, org: str, stopping: threading.Event) -> Iterator[Turn | None]:
        """Wait for a turn of an organisation and hold it; None where `stopping` came first."""
        turn = Turn(org, self)
        with self._changed:
            self._waiting.append(turn)
            self._give()
            while turn in self._waiting and not stopping.is_set():
                self._changed.wait(_LOOK_S)
            stopped = turn in self._waiting
            if stopped:
                self._waiting.remove(turn)
        try:
            yield None if stopped else turn
        finally:
            if not stopped:
                self._end(turn)

    def wanted_of(self, turn: Turn) -> bool:
        """Whether a turn's slice is over, and one waits whose organisation has fewer places."""
        if self._now_s() < turn.until_s:
            return False
        with self._changed:
            mine = self._held(turn.org)
            return any(
                one.org != turn.org and self._held(one.org) <= mine - 1 for one in self._waiting
            )

    def _end(self, turn: Turn) -> None:
        with self._changed:
            self._working.remove(turn)
            self._free += 1
            self._give()

    def _give(self) -> None:
        """Give free places to those who wait."""
        while self._free and self._waiting:
            first = min(self._waiting, key=self._order)  # of equal ones the first in the list
            self._waiting.remove(first)
            self._working.append(first)
            self._free -= 1
            self._count += 1
            self._served[first.org] = self._count
            first.until_s = self._now_s() + self._slice_s
        if not self._waiting:
            working = {one.org for one in self._working}
            self._served = {org: at for org, at in self._served.items() if org in working}
        self._changed.notify_all()

    def _order(self, turn: Turn) -> tuple[int, int]:
        return self._held(turn.org), self._served.get(turn.org, 0)

    def _held(self, org: str) -> int:
        return sum(one.org == org for one in self._working)
