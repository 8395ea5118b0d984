"""What keeps one worker's calls within limits and budgets, wired together."""

from typing import NamedTuple

from legato.core.clock import Clock
from legato.core.leases import Leases
from legato.core.tasks import InThread
from legato.governance.budgets import Budgets
from legato.governance.coverage import Coverage
from legato.governance.events import BudgetEvents
from legato.governance.limits import Limits
from legato.governance.purses import Purses
from legato.governance.slots import SlotPurses


class Governed(NamedTuple):
    """The parts, over one store of leases."""

    limits: Limits
    budgets: Budgets
    coverage: Coverage
    events: BudgetEvents


def governed(
    store: Leases, ask: InThread, clock: Clock, *, holder: str, workers: int = 1
) -> Governed:
    """Wire them; `ask` runs what asks the store, and `holder` is whose leases they are."""
    purses = Purses(store, ask, clock, holder=holder, workers=workers)
    slots = SlotPurses(store, ask, clock, holder=holder, workers=workers)
    coverage, events = Coverage(purses, slots), BudgetEvents(clock)
    return Governed(
        Limits(purses, slots, coverage, events), Budgets(purses, coverage, events), coverage, events
    )
