"""The rooms of one organisation's books, as commands and the control API work with them."""

import msgspec

from legato.accounting.books import Books
from legato.accounting.burn_down import BurnDown
from legato.accounting.charging import Charging
from legato.accounting.invoices.desk import Invoices
from legato.storage.accounting.corrections import Corrections
from legato.storage.accounting.costs import CostStore
from legato.storage.accounting.rates import RateStore


class AccountingRooms(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """Blocking; every method of each may raise StorageUnavailable."""

    books: Books
    corrections: Corrections
    rates: RateStore
    costs: CostStore
    charging: Charging
    invoices: Invoices
    burn_down: BurnDown
