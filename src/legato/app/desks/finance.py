"""The books beside the ledger, as commands and the control API work with them."""

from functools import partial

from legato.core.clock import Clock
from legato.core.config_finance import Finance
from legato.core.ids import IdSource
from legato.finance.books import FinanceBooks, FinanceStores
from legato.finance.margin_gate import MarginGates
from legato.finance.spent import LedgerDays
from legato.storage.accounting.rates import RateStore
from legato.storage.database.engine import open_engine
from legato.storage.finance.assumptions import AssumptionStore
from legato.storage.finance.entries import FinanceEntryStore
from legato.storage.rollups.reading import SpendReader


def finance_books(database_url: str, clock: Clock) -> FinanceBooks:
    """Open the books of one database; nothing is connected to yet."""
    engine, ids = open_engine(database_url), IdSource(clock)
    stores = FinanceStores(
        lambda tenant: AssumptionStore(engine, clock, tenant),
        lambda kind, reach: FinanceEntryStore(engine, (clock, ids), kind, reach),
        partial(RateStore, engine, clock),
    )
    return FinanceBooks(stores, clock)


def margin_gates(config: Finance, database_url: str, clock: Clock) -> MarginGates | None:
    """Return what a policy on margins asks for; None where there is none."""
    if not config.margin_gates:
        return None
    engine = open_engine(database_url)
    books = finance_books(database_url, clock)
    return MarginGates(
        config.margin_gates, books, lambda reach: LedgerDays(SpendReader(engine, reach)), clock
    )
