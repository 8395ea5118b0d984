"""Slices of budgets, rates and slots, taken atomically by the processes that spend them.

`settled + leased <= limit` holds at every grant, whatever the number of processes. Windows
run on the store's clock.
"""

from typing import Final, NamedTuple

from sqlalchemy import Connection, Engine, select

from legato.core.clock import Clock
from legato.core.principal import BudgetLimit
from legato.storage.database.dialect import now_ns
from legato.storage.database.engine import writing
from legato.storage.database.windows import FOREVER_NS, window_bounds
from legato.storage.limits import limit_windows
from legato.storage.limits.limit_windows import LimitKind, LimitWindow
from legato.storage.tables.schema import limit_window

_NS_PER_S: Final = 1_000_000_000


class Grant(NamedTuple):
    """What was given, and how the limit stands after it. `granted` may be 0.

    Budgets count in nano-USD, rates and slots in requests. `resets_at_ns` is None where the
    window never ends. All times are the store's, and so is `at_ns`, when this was granted.
    """

    granted: int
    settled: int
    leased: int
    limit: int
    window_start_ns: int
    resets_at_ns: int | None
    at_ns: int


class _Wish(NamedTuple):
    """Who wants how much when, and the least that is of use."""

    holder: str
    at_ns: int
    want: int
    at_least: int = 1


class _Lease(NamedTuple):
    """One holder's part of one window."""

    kind: LimitKind
    limit_id: str
    start_ns: int
    holder: str


class LeaseStore:
    """Grants and takes back. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, clock: Clock | None = None) -> None:
        """`clock` is the store's own when none is given."""
        self._engine = engine
        self._clock = clock

    def take_budget(self, budget: BudgetLimit, *, holder: str, want: int, at_least: int) -> Grant:
        """Lease up to `want` nano-USD, or nothing when not even `at_least` fits."""
        with writing(self._engine) as connection:
            limit_windows.lock(connection, LimitKind.BUDGET, [budget.id])
            at_ns = now_ns(connection, self._clock)
            start_ns, end_ns = window_bounds(budget.window, at_ns)
            window = LimitWindow(LimitKind.BUDGET, budget.id, budget.window.value, start_ns, end_ns)
            return _take(connection, window, budget.limit, _Wish(holder, at_ns, want, at_least))

    def return_budget(
        self, budget_id: str, window_start_ns: int, *, holder: str, amount: int
    ) -> None:
        """Give back what is left of a lease in the window it was granted in."""
        self._give_back(_Lease(LimitKind.BUDGET, budget_id, window_start_ns, holder), amount)

    def take_rate(
        self, limit_id: str, limit: int, *, holder: str, want: int, window_s: int = 60
    ) -> Grant:
        """Lease up to `want` requests of the current fixed window."""
        with writing(self._engine) as connection:
            limit_windows.lock(connection, LimitKind.RATE, [limit_id])
            length_ns = window_s * _NS_PER_S
            at_ns = now_ns(connection, self._clock)
            start_ns = at_ns // length_ns * length_ns
            window = LimitWindow(
                LimitKind.RATE, limit_id, str(window_s), start_ns, start_ns + length_ns
            )
            limit_windows.forget_before(connection, window)
            return _take(connection, window, limit, _Wish(holder, at_ns, want))

    def return_rate(self, limit_id: str, window_start_ns: int, *, holder: str, amount: int) -> None:
        """Give back unused requests; those of an earlier window are gone anyway."""
        self._give_back(_Lease(LimitKind.RATE, limit_id, window_start_ns, holder), amount)

    def take_slots(self, limit_id: str, limit: int, *, holder: str, want: int) -> Grant:
        """Lease up to `want` requests at the same time."""
        with writing(self._engine) as connection:
            limit_windows.lock(connection, LimitKind.SLOTS, [limit_id])
            window = LimitWindow(LimitKind.SLOTS, limit_id, "total", 0, FOREVER_NS)
            at_ns = now_ns(connection, self._clock)
            return _take(connection, window, limit, _Wish(holder, at_ns, want))

    def return_slots(self, limit_id: str, *, holder: str, amount: int) -> None:
        """Give slots back."""
        self._give_back(_Lease(LimitKind.SLOTS, limit_id, 0, holder), amount)

    def release_holder(self, holder: str) -> None:
        """Take back the slots of a dead process.

        Its budget leases go back when its journal is in the ledger (`writer_finished`), its
        rate leases with their window: what it had spent of them can't be known before.
        """
        with writing(self._engine) as connection:
            limit_windows.release(connection, holder, LimitKind.SLOTS)

    def _give_back(self, lease: _Lease, amount: int) -> None:
        table = limit_window.c
        wanted = select(table.id).where(
            table.kind == lease.kind.value,
            table.limit_id == lease.limit_id,
            table.start_ns == lease.start_ns,
        )
        with writing(self._engine) as connection:
            limit_windows.lock(connection, lease.kind, [lease.limit_id])
            # More than one only where a budget changed its window and both start here.
            for window_id in connection.execute(wanted).scalars().all():
                amount -= limit_windows.unlease(connection, window_id, lease.holder, amount)


def _take(connection: Connection, window: LimitWindow, limit: int, wish: _Wish) -> Grant:
    level = limit_windows.level(connection, window)
    free = limit - level.settled - level.leased
    granted = max(0, min(wish.want, free)) if free >= wish.at_least else 0
    if granted:
        limit_windows.lease(connection, level.id, wish.holder, granted)
    leased = level.leased + granted
    resets_at_ns = None if window.end_ns == FOREVER_NS else window.end_ns
    return Grant(granted, level.settled, leased, limit, window.start_ns, resets_at_ns, wish.at_ns)
