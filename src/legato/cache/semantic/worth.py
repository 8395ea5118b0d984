"""Which entry goes when there is no more room: the one that saves least money per byte.

GreedyDual-Size with frequency (Cherkasova, "Improving WWW proxies performance with
Greedy-Dual-Size-Frequency caching policy", 1998): an entry is worth (1 + hits) · cost / bytes,
above what the last one was worth that had to go, so that what was once useful ages.
"""

import heapq

_COST_UNKNOWN = 1_000
"""Nano-USD: less than nearly every answer costs."""


class Worth:
    """The entries of one organisation, least worth first."""

    __slots__ = ("_floor", "_heap", "_worth", "bytes")

    def __init__(self) -> None:
        self.bytes = 0
        self._floor = 0.0
        self._worth: dict[str, float] = {}
        self._heap: list[tuple[float, str]] = []

    def __len__(self) -> int:
        return len(self._worth)

    def put(self, entry_id: str, *, hits: int, cost: int | None, size: int) -> None:
        """Say what an entry is worth, anew with each hit. `size` in bytes."""
        paid = _COST_UNKNOWN if cost is None else max(cost, 1)
        worth = self._floor + (1 + hits) * paid / size
        self._worth[entry_id] = worth
        heapq.heappush(self._heap, (worth, entry_id))
        if len(self._heap) > 2 * len(self._worth) + 64:
            self._heap = [(value, name) for name, value in self._worth.items()]
            heapq.heapify(self._heap)

    def drop(self, entry_id: str) -> None:
        """Forget an entry."""
        self._worth.pop(entry_id, None)

    def least(self) -> str | None:
        """Return the entry to go first, which is then expected to be dropped."""
        while self._heap:
            worth, entry_id = heapq.heappop(self._heap)
            if self._worth.get(entry_id) == worth:
                self._floor = worth
                return entry_id
        return None
