"""What calls of models cost, known here before the ledger has it.

The journal is brought into the ledger twice a second or so; a node may begin right behind another.
"""

from collections import OrderedDict
from threading import Lock
from typing import Final

RUNS_MAX: Final = 10_000


class Paid:
    """One process's sums by the root of a run; those paid for longest ago are let go of."""

    def __init__(self, runs_max: int = RUNS_MAX) -> None:
        self._runs_max = runs_max
        self._sums: OrderedDict[tuple[str, str], tuple[int, bool]] = OrderedDict()
        self._lock = Lock()

    def add(self, org: str, root: str, cost: int | None) -> None:
        """Count a call, in nano-USD; None: nobody knows what it cost."""
        with self._lock:
            before, unpriced = self._sums.pop((org, root), (0, False))
            self._sums[org, root] = before + (cost or 0), unpriced or cost is None
            if len(self._sums) > self._runs_max:
                self._sums.popitem(last=False)

    def of(self, org: str, root: str) -> int:
        """Return what this process paid for a run and all below it, nano-USD."""
        with self._lock:
            return self._sums.get((org, root), (0, False))[0]

    def unpriced(self, org: str, root: str) -> bool:
        """Whether this process made a call for it that has no price."""
        with self._lock:
            return self._sums.get((org, root), (0, False))[1]
