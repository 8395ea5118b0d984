"""Imported amounts in one currency: by the rate of the day each was used, and never a guess."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime

import msgspec

from legato.core.errors import InvalidRequest
from legato.core.imported_usage import ImportedUsage
from legato.economics.exchange import USD, Exchange, Rate

RatesOf = Callable[[date, date], Iterable[Rate]]
"""Gives the rates that hold for a span of days, both included."""


def no_rates(_first: date, _last: date) -> list[Rate]:
    """Return none: then nothing is converted."""
    return []


class OneCurrency:
    """Converts what imports say, and list prices, which are in dollars, to one currency."""

    def __init__(self, currency: str, rows: Iterable[ImportedUsage], rates: RatesOf) -> None:
        self.currency = currency
        self._rows = list(rows)
        self._without: dict[str, int] = defaultdict(int)
        days = [_day(row) for row in self._rows]
        foreign = any(one.costed and one.currency != currency for one in self._rows)
        needed = bool(days) and (foreign or currency != USD)
        self._exchange = Exchange(rates(min(days), max(days)) if needed else [])

    def rows(self) -> list[ImportedUsage]:
        """Return all rows whose cost can be told in the currency, and those that have none."""
        return [one for row in self._rows if (one := self._converted(row)) is not None]

    def of_list(self, nano_usd: int, row: ImportedUsage) -> int | None:
        """Return what a list price is in the currency; None where a rate is missing."""
        try:
            return self._exchange.converted(nano_usd, self.currency, _day(row))
        except InvalidRequest:
            self._without[USD] += row.lines
            return None

    @property
    def told(self) -> list[str]:
        """Return by whose rates it was converted, and what has none."""
        used = self._exchange.used.values()
        sources = ", ".join(sorted({rate.source for one in used for rate in one.rates}))
        told = [f"converted to {self.currency} day by day, by {sources}"] if sources else []
        return told + [
            f"{lines:,} lines in {of}: no rate to {self.currency} for their days (legato rates)"
            for of, lines in sorted(self._without.items())
        ]

    def _converted(self, row: ImportedUsage) -> ImportedUsage | None:
        if not row.costed or row.currency == self.currency:
            return row
        try:
            dollars = self._exchange.in_dollars(row.cost, row.currency, _day(row))
            cost = self._exchange.converted(dollars, self.currency, _day(row))
        except InvalidRequest:
            self._without[row.currency] += row.lines
            return None
        # what else it says of money isn't told further on, in whichever currency
        return msgspec.structs.replace(
            row, cost=cost, currency=self.currency, list_cost=None, amortised_cost=None
        )


def _day(row: ImportedUsage) -> date:
    return datetime.fromtimestamp(row.start_ns // 10**9, UTC).date()
