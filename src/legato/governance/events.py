"""What a worker tells of budgets: that a step before the wall was reached, or the wall.

An event is written once for each counter, window and step, whoever sees it first; thresholds of
what the ledger counts are told by the ledger itself, exactly. Nothing waits for it: while the
database is away an event is kept and told later.
"""

from collections.abc import Sequence
from typing import Protocol

from legato.core.budget import BudgetEvent, Does
from legato.core.clock import Clock
from legato.core.leases import Grant, Limit, LimitKind
from legato.governance.purses import Purse, Told

_KEPT_MAX = 1_000
_SEEN_MAX = 10_000


class EventStore(Protocol):
    """Where events are kept; blocking."""

    def add(self, events: Sequence[BudgetEvent]) -> None:
        """Write those that are not there yet. Raises StorageUnavailable."""
        ...


class BudgetEvents:
    """Collects events of one worker; `save` writes them, from housekeeping."""

    def __init__(self, clock: Clock) -> None:
        self._now_ns = clock.now_ns
        self._kept: list[BudgetEvent] = []
        self._seen: set[tuple[str, int, str, int]] = set()

    def blocked(self, limit: Limit, told: Told, grant: Grant | None) -> None:
        """Note that a call was refused."""
        used = limit.limit if grant is None else grant.settled + grant.leased
        start_ns = 0 if grant is None else grant.window_start_ns
        self._note(limit, told, start_ns, ("blocked", 100, used))

    def reached(self, purse: Purse, does: Does, at_percent: int) -> None:
        """Note that something was done before the wall."""
        step = (does.value, at_percent, purse.used)
        self._note(purse.limit, purse.told, purse.window_ns, step)

    def save(self, store: EventStore) -> None:
        """Write what has come up. Blocking. Raises StorageUnavailable: it is kept."""
        events, self._kept = self._kept, []
        if not events:
            return
        try:
            store.add(events)
        except BaseException:
            self._kept = (events + self._kept)[:_KEPT_MAX]
            raise

    def _note(self, limit: Limit, told: Told, start_ns: int, step: tuple[str, int, int]) -> None:
        what, at_percent, used = step
        if limit.kind is LimitKind.SLOTS:  # it has no window: once an hour is news
            start_ns = self._now_ns() // _HOUR_NS * _HOUR_NS
        name = (limit.id, start_ns, what, at_percent)
        if name in self._seen:
            return
        if len(self._seen) >= _SEEN_MAX:
            self._seen.clear()
        self._seen.add(name)
        if len(self._kept) < _KEPT_MAX:
            event = BudgetEvent(
                told.org, told.budget_id, limit.id, start_ns, what, at_percent,
                self._now_ns(), used, limit.limit, told.name,
            )  # fmt: skip
            self._kept.append(event)


_HOUR_NS = 3_600_000_000_000
