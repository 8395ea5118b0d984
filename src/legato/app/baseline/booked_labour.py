"""Work of the world before, as the books beside the ledger say it."""

from collections import defaultdict
from decimal import Decimal
from typing import Final

from legato.app.baseline.reporting import Labour
from legato.app.desks.finance import finance_books
from legato.core.clock import Clock
from legato.core.money import round_ratio
from legato.core.tenant import Tenant
from legato.economics.finance.entries import Activity, EntryKind, Phase
from legato.economics.world_before import Tag
from legato.storage.finance.entries import EntryFilter

_MILLI: Final = 1000


def booked_labour(database_url: str, clock: Clock, tenant: Tenant) -> list[Labour]:
    """Return a month of what is booked as work before: the mean over the months that have any.

    Building is paid once, so it is no part of a month.
    """
    store = finance_books(database_url, clock).stores.entries(EntryKind.LABOUR, tenant)
    kinds = {f"{Phase.BEFORE.value} {one.value}" for one in Activity if one is not Activity.BUILD}
    booked = [one for one in store.sums(EntryFilter()) if one.what in kinds]
    months = len({one.period for one in booked})
    usd: dict[str, int] = defaultdict(int)
    milli: dict[str, int] = defaultdict(int)
    for one in booked:
        activity = one.what.partition(" ")[2]
        usd[activity] += one.usd
        milli[activity] += one.quantity_milli
    return [
        Labour(
            activity=activity,
            hours=Decimal(round_ratio(milli[activity], months)) / _MILLI,
            rate=0,
            tag=Tag.MEASURED,
            source=f"books of {months} months",
            booked=round_ratio(total, months),
        )
        for activity, total in sorted(usd.items())
    ]
