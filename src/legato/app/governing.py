"""What keeps a worker's calls within limits and budgets, wired."""

from typing import NamedTuple

from legato.app.context import WorkerContext
from legato.app.leasing import WorkerLeases
from legato.core.clock import SystemClock
from legato.core.ids import IdSource
from legato.core.tasks import InThread
from legato.core.tenant import EVERY_TENANT
from legato.governance.budgets import Budgets
from legato.governance.events import BudgetEvents, EventStore
from legato.governance.following import BudgetFollower
from legato.governance.limits import Limits
from legato.governance.worker import governed
from legato.storage.limits.budget_events import BudgetEventStore
from legato.storage.limits.budgets import BudgetStore


class Governing(NamedTuple):
    """The parts, as a worker has them."""

    limits: Limits
    budgets: Budgets
    follower: BudgetFollower
    events: BudgetEvents
    event_store: EventStore
    leases: WorkerLeases

    def save_events(self) -> None:
        """Write what has come up. Blocking. Raises StorageUnavailable: it is kept."""
        self.events.save(self.event_store)


def open_governing(context: WorkerContext, in_thread: InThread) -> Governing:
    """Wire them for a worker, in its process, with its event loop running."""
    engine, clock = context.engine, SystemClock()
    leases = WorkerLeases(context.loaded, engine, clock)
    limits, budgets, coverage, events = governed(
        leases.store, leases.ask, clock, holder=context.writer_id, workers=context.workers
    )
    source = BudgetStore(engine, clock, IdSource(clock), EVERY_TENANT)
    return Governing(
        limits,
        budgets,
        BudgetFollower(source, coverage, in_thread),
        events,
        BudgetEventStore(engine, EVERY_TENANT),
        leases,
    )
