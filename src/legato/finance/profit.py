"""Profit and loss of features, from ledger and books."""

from legato.core.clock import Clock
from legato.core.errors import Forbidden
from legato.core.tenant import Areas, Reach, Tenant
from legato.economics.finance.assumptions import Book
from legato.economics.finance.entries import EntryKind
from legato.economics.finance.figures import Pnl
from legato.economics.finance.flows import whole
from legato.economics.finance.pnl import Costs, Place, profit_and_loss
from legato.finance.books import FinanceBooks
from legato.finance.spent import SumsOf
from legato.finance.window import last_months, month_bounds, months_between
from legato.storage.finance.entries import EntryFilter, books_query_text

_OTHER = "cogs.other_usd_month"
_MONTHS = 3


class Profit:
    """Reads P&L within reach. Every method may raise StorageUnavailable."""

    def __init__(self, books: FinanceBooks, sums: SumsOf, clock: Clock) -> None:
        self._books = books
        self._sums = sums
        self._clock = clock

    def months(self, since: str, until: str) -> tuple[str, str]:
        """Return the months that are meant: the last three whole ones where none is named."""
        first, last = last_months(self._clock.now_ns(), _MONTHS)
        return since or min(first, until or first), until or max(last, since or last)

    def read(self, reach: Reach, since: str = "", until: str = "") -> Pnl:
        """Return each feature's revenue, costs and margins, of whole months.

        Raises:
            InvalidRequest: naming the field.
            Forbidden: the reach is over several organisations.
        """
        since, until = self.months(since, until)
        days = month_bounds(since, until)
        found: dict[Place, Costs] = {}
        sums, by = self._sums(reach), ("org", "team", "feature")
        for spent in sums.sum_by(by, days):
            org, team, feature = spent.group
            one = found.setdefault((org, team, feature), Costs())
            one.ai, one.requests, one.unpriced = spent.cost, spent.requests, spent.unpriced
        wanted = EntryFilter(since=since, until=until)
        for entry in self._books.stores.entries(EntryKind.REVENUE, reach).sums(wanted):
            one = found.setdefault((entry.org, entry.team, entry.feature), Costs())
            one.revenue, one.has_revenue = one.revenue + entry.usd, True
        for entry in self._books.stores.entries(EntryKind.LABOUR, reach).sums(wanted):
            if entry.what == "after review":
                place = (entry.org, entry.team, entry.feature)
                found.setdefault(place, Costs()).review += entry.usd
        book = Book(self._books.held(Tenant(_one_org(reach, found)), f"{until}-31"[:10]))
        self._add_other(book, found, months_between(since, until))
        queries = [
            sums.query(by, days),
            *(books_query_text(kind, wanted) for kind in (EntryKind.REVENUE, EntryKind.LABOUR)),
        ]
        return profit_and_loss((since, until), found.items(), book.used, queries)

    def _add_other(self, book: Book, found: dict[Place, Costs], months: int) -> None:
        for (_, team, feature), one in found.items():
            other = book.find(f"{_OTHER}@{team}/{feature}")
            if other is not None:
                one.other, one.has_other = whole(other.number * months * 10**9), True


def _one_org(reach: Reach, found: dict[Place, Costs]) -> str:
    if isinstance(reach, Tenant):
        return reach.org
    orgs = {area.org for area in reach.areas} if isinstance(reach, Areas) else set()
    orgs = orgs or {place[0] for place in found} or {"default"}
    if len(orgs) > 1:
        raise Forbidden("org: profit and loss is of one organisation: say which", param="org")
    return orgs.pop()
