"""Sums over whole days of the ledger, from its rollups."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from legato.core.tenant import Reach
from legato.core.usage import TOKEN_CLASSES
from legato.storage.rollups.reading import Span, SpendQuery, SpendReader
from legato.storage.rollups.telling import query_text

NS_PER_DAY: Final = 86_400_000_000_000
_MEASURES: Final = ("requests", "unpriced", "cost", "baseline_cost", *TOKEN_CLASSES)


class Spent(msgspec.Struct, frozen=True, kw_only=True):
    """One group; amounts in nano-USD. `group` is in the order that was asked; `day` is a number."""

    group: tuple[str, ...]
    requests: int
    unpriced: int
    cost: int
    baseline_cost: int
    tokens: dict[str, int]


class Days(msgspec.Struct, frozen=True):
    """Whole days since the epoch, from the first to the one behind the last."""

    first: int
    end: int


class LedgerDays:
    """Of what is within reach. Every method may raise StorageUnavailable."""

    def __init__(self, reader: SpendReader) -> None:
        self._reader = reader

    def sum_by(
        self, by: Sequence[str], days: Days, where: Mapping[str, Sequence[str]] | None = None
    ) -> list[Spent]:
        """Return a row for each group that has an entry, in their order; `day` is a dimension."""
        query = _query(by, days, where)
        return [
            Spent(
                group=tuple(str(one) for one in row.group),
                requests=row.sums["requests"],
                unpriced=row.sums["unpriced"],
                cost=row.sums["cost"],
                baseline_cost=row.sums["baseline_cost"],
                tokens={name: row.sums[name] for name in TOKEN_CLASSES},
            )
            for row in self._reader.read(query)
        ]

    @staticmethod
    def query(by: Sequence[str], days: Days) -> str:
        """Return what `sum_by` asks, as a line of JSON."""
        return query_text(_query(by, days))

    def total(self, days: Days, where: Mapping[str, Sequence[str]] | None = None) -> Spent:
        """Return the sum of all; zeros where there is none."""
        found = self.sum_by((), days, where)
        if found:
            return found[0]
        tokens = dict.fromkeys(TOKEN_CLASSES, 0)
        return Spent(group=(), requests=0, unpriced=0, cost=0, baseline_cost=0, tokens=tokens)


def _query(
    by: Sequence[str], days: Days, where: Mapping[str, Sequence[str]] | None = None
) -> SpendQuery:
    names = tuple("bucket" if name == "day" else name for name in by)
    return SpendQuery(Span(days.first, days.end), _MEASURES, names, where or {})


SumsOf = Callable[[Reach], LedgerDays]
