"""What makes the monthly review of one database."""

from collections.abc import Callable, Mapping

from legato.app.desks.finance import finance_books
from legato.core.clock import Clock
from legato.core.config import Config
from legato.core.price import Price
from legato.core.tenant import Tenant
from legato.economics.finance.entries import Activity, EntryKind
from legato.insights.optimisation.reviewing import Reviewing, Sources, Worked
from legato.storage.database.engine import open_engine
from legato.storage.finance.entries import EntryFilter, books_query_text
from legato.storage.optimisation.evidence import Evidence
from legato.storage.rollups.reading import SpendReader


def reviewing_of(
    database_url: str,
    clock: Clock,
    served: Callable[[], tuple[Config, Mapping[str, Price | None]]],
) -> Reviewing:
    """Return it; nothing is connected to yet."""
    engine, books = open_engine(database_url), finance_books(database_url, clock)

    def worked(tenant: Tenant, month: str) -> Worked:
        wanted = EntryFilter(since=month, until=month)
        found = [
            one
            for one in books.stores.entries(EntryKind.LABOUR, tenant).sums(wanted)
            if one.what.endswith(Activity.REVIEW.value)
        ]
        return Worked(
            sum(one.usd for one in found),
            sum(one.quantity_milli for one in found),
            books_query_text(EntryKind.LABOUR, wanted),
        )

    return Reviewing(
        Sources(
            spend=lambda tenant: SpendReader(engine, tenant),
            evidence=lambda tenant, span: Evidence(engine, tenant, span.first, span.end),
            served=served,
            worked=worked,
            now_ns=clock.now_ns,
        )
    )
