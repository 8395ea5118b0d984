"""Budgets as the control API works with them."""

from functools import partial

from legato.api.control.budget_services import BudgetServices
from legato.core.clock import Clock
from legato.core.ids import IdSource
from legato.storage.database.engine import open_engine
from legato.storage.limits.budget_events import BudgetEventStore
from legato.storage.limits.budgets import BudgetStore
from legato.storage.limits.standing import standings


def budget_services(database_url: str, clock: Clock) -> BudgetServices:
    """Open the stores of one database; nothing is connected to yet."""
    engine, ids = open_engine(database_url), IdSource(clock)
    return BudgetServices(
        lambda reach: BudgetStore(engine, clock, ids, reach),
        lambda reach: BudgetEventStore(engine, reach),
        partial(standings, engine),
    )
