"""All stores of an organisation's books, opened together."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from sqlalchemy import Engine

from legato.core.budget import Budget
from legato.core.clock import Clock
from legato.core.ids import IdSource
from legato.core.tenant import Tenant
from legato.storage.accounting.corrections import Corrections
from legato.storage.accounting.costs import CostStore
from legato.storage.accounting.invoices import InvoiceStore
from legato.storage.accounting.periods import PeriodStore, changed_periods
from legato.storage.accounting.rates import RateStore
from legato.storage.ledger.verify import VerifyReport, verify
from legato.storage.limits.burning import charged_by_day
from legato.storage.limits.standing import Standing, standings


class Stores(NamedTuple):
    """One organisation's."""

    periods: PeriodStore
    corrections: Corrections
    rates: RateStore
    costs: CostStore
    invoices: InvoiceStore
    standings: Callable[[Budget], list[Standing]]
    charged: Callable[[Budget, str, tuple[int, int]], dict[int, int]]
    """What a counter of a budget was charged by day, between two times."""


def open_stores(engine: Engine, clock: Clock, tenant: Tenant) -> Stores:
    """Open them; nothing is connected to yet."""
    return Stores(
        PeriodStore(engine, clock, tenant),
        Corrections(engine, clock, IdSource(clock), tenant),
        RateStore(engine, clock, tenant),
        CostStore(engine, clock, tenant),
        InvoiceStore(engine, clock, IdSource(clock), tenant),
        partial(standings, engine),
        partial(charged_by_day, engine),
    )


def verify_all(engine: Engine) -> VerifyReport:
    """Check every rule of the ledger, closed periods included. Raises StorageUnavailable."""
    return verify(engine, changed_periods)
