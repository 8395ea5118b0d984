"""Assembles the rooms of an organisation's books."""

from legato.accounting.books import Books
from legato.accounting.burn_down import BurnDown
from legato.accounting.charging import Charging
from legato.accounting.invoices.desk import Invoices
from legato.accounting.rooms import AccountingRooms
from legato.app.desks.stored_data import StoredData
from legato.core.clock import Clock, SystemClock
from legato.storage.accounting.stores import Stores


def accounting_rooms(stores: Stores, clock: Clock) -> AccountingRooms:
    """Put them on their stores."""
    billed = stores.invoices.billed
    books = Books(stores.periods, clock, lambda period: billed(period.start_ns, period.end_ns))
    return AccountingRooms(
        books=books,
        corrections=stores.corrections,
        rates=stores.rates,
        costs=stores.costs,
        burn_down=BurnDown(stores.standings, stores.charged, clock),
        invoices=Invoices(stores.invoices, stores.rates),
        charging=Charging(books, stores.costs, stores.rates),
    )


def books_of(stored: StoredData, org: str) -> AccountingRooms:
    """Return the rooms of an organisation's books for a command."""
    return accounting_rooms(stored.books(org), SystemClock())
