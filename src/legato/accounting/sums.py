"""Lines brought together: by day and by all that tells them apart, in bounded memory."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

import msgspec

from legato.accounting.imports.row import UsageRow
from legato.core.imported_usage import DIMENSIONS, ImportedUsage
from legato.core.usage import TOKEN_CLASSES, Usage

SUMS_MAX: Final = 50_000
"""Beyond it lines are told apart no longer by their tags and keys."""
_DAY_NS: Final = 86_400 * 10**9
_NS_PER_MS: Final = 10**6
_USAGE_AT: Final = range(len(TOKEN_CLASSES))


class Sums:
    """Adds up rows. What is unknown stays so: a sum says how many of its lines had a cost."""

    def __init__(self, sums_max: int = SUMS_MAX) -> None:
        self._sums: dict[tuple[object, ...], _Sum] = {}
        self._max = sums_max
        self.lines = 0
        self.coarse = False
        """Whether there were so many sums that some have neither tags nor keys."""

    def add(self, row: UsageRow) -> None:
        """Count a line."""
        self.lines += 1
        told = _dimensions(row, coarse=False)
        if told not in self._sums and len(self._sums) >= self._max:
            self.coarse = True
            told = _dimensions(row, coarse=True)
        found = self._sums.get(told)
        if found is None:
            found = self._sums[told] = _Sum()
        found.add(row)

    def rows(self) -> list[ImportedUsage]:
        """Return the sums, the earliest first."""
        made = [found.as_row(told) for told, found in self._sums.items()]
        return sorted(made, key=lambda row: (row.start_ns, row.vendor, row.model, row.sku))


def summed(rows: Iterable[UsageRow]) -> list[ImportedUsage]:
    """Return the sums of some rows."""
    sums = Sums()
    for row in rows:
        sums.add(row)
    return sums.rows()


class _Sum:
    __slots__ = ("amortised", "cost", "costed", "counted", "lines", "listed", "quantity",
                 "requests", "usage")  # fmt: skip

    def __init__(self) -> None:
        self.lines = self.costed = self.counted = self.requests = self.cost = 0
        self.listed: int | None = None
        self.amortised: int | None = None
        self.quantity: Decimal | None = None
        self.usage = [0] * len(TOKEN_CLASSES)

    def add(self, row: UsageRow) -> None:
        self.lines += 1
        if row.cost is not None:
            self.costed += 1
            self.cost += row.cost
        if row.requests is not None:
            self.counted += 1
            self.requests += row.requests
        if row.list_cost is not None:
            self.listed = (self.listed or 0) + row.list_cost
        if row.amortised_cost is not None:
            self.amortised = (self.amortised or 0) + row.amortised_cost
        if row.quantity:
            self.quantity = (self.quantity or Decimal(0)) + Decimal(row.quantity)
        counts = msgspec.structs.astuple(row.usage)
        for place in _USAGE_AT:
            self.usage[place] += counts[place]

    def as_row(self, told: tuple[object, ...]) -> ImportedUsage:
        return ImportedUsage(
            **dict(zip(DIMENSIONS, told, strict=True)),  # type: ignore[arg-type]
            lines=self.lines,
            costed=self.costed,
            counted=self.counted,
            requests=self.requests,
            cost=self.cost,
            list_cost=self.listed,
            amortised_cost=self.amortised,
            quantity="" if self.quantity is None else f"{self.quantity:f}",
            usage=Usage(*self.usage),
        )


def _dimensions(row: UsageRow, *, coarse: bool) -> tuple[object, ...]:
    """Return what tells a line apart, in the order of `DIMENSIONS`."""
    start_ns, end_ns = row.start_ms * _NS_PER_MS, row.end_ms * _NS_PER_MS
    if end_ns - start_ns < _DAY_NS:
        start_ns -= start_ns % _DAY_NS
        end_ns = start_ns + _DAY_NS
    tags = (
        "{}" if coarse or not row.tags else msgspec.json.encode(row.tags, order="sorted").decode()
    )
    return (
        row.source, row.vendor, row.account, row.project, "" if coarse else row.key, row.model,
        row.service, row.sku, row.region, row.tier, row.unit, row.currency, row.charge.value,
        row.invoice, tags, start_ns, end_ns,
    )  # fmt: skip
