"""What keeps a worker's calls within limits and budgets, wired."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from legato.app.context import WorkerContext
from legato.core.clock import SystemClock
from legato.core.ids import IdSource
from legato.core.tasks import InThread
from legato.core.tenant import EVERY_TENANT
from legato.governance.budgets import Budgets
from legato.governance.events import BudgetEvents, EventStore
from legato.governance.following import BudgetFollower
from legato.governance.limits import Limits
from legato.governance.store_gate import StoreGate
from legato.governance.worker import governed
from legato.storage.database.engine import open_engine
from legato.storage.limits.budget_events import BudgetEventStore
from legato.storage.limits.budgets import BudgetStore
from legato.storage.limits.leases import LeaseStore


class Governing(NamedTuple):
    """The parts, as a worker has them."""

    limits: Limits
    budgets: Budgets
    follower: BudgetFollower
    events: BudgetEvents
    event_store: EventStore

    def save_events(self) -> None:
        """Write what has come up. Blocking. Raises StorageUnavailable: it is kept."""
        self.events.save(self.event_store)


def open_governing(context: WorkerContext, in_thread: InThread) -> Governing:
    """Wire them for a worker, in its process, with its event loop running."""
    engine, clock = open_engine(context.database_url), SystemClock()
    leases = LeaseStore(engine)  # windows run on the store's clock, the same for all
    # threads of its own: a locked database must not keep the cache from its files
    threads = ThreadPoolExecutor(2, thread_name_prefix="leases")
    loop = asyncio.get_running_loop()

    async def in_lease_thread(work: Callable[[], Any]) -> Any:
        return await loop.run_in_executor(threads, work)

    ask = StoreGate(in_lease_thread, clock)
    holder, workers = context.writer_id, context.workers
    limits, budgets, coverage, events = governed(leases, ask, clock, holder=holder, workers=workers)
    source = BudgetStore(engine, clock, IdSource(clock), EVERY_TENANT)
    return Governing(
        limits,
        budgets,
        BudgetFollower(source, coverage, in_thread),
        events,
        BudgetEventStore(engine, EVERY_TENANT),
    )
