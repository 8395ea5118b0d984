"""What features spent hour by hour, from the sums over the ledger."""

from collections import defaultdict
from typing import Final, NamedTuple

from legato.core.records import EntryKind
from legato.core.usage import TOKEN_CLASSES
from legato.economics.anomalies.detection import Hour
from legato.economics.anomalies.explaining import OfModel, Usage
from legato.storage.rollups.reading import Span, SpendQuery, SpendReader

_COUNTED: Final = ("cost", "requests")
_CACHE: Final = EntryKind.CACHE.value


class Feature(NamedTuple):
    """Whose spend it is."""

    org: str
    team: str
    feature: str


class FeatureHours:
    """Of what a reader reaches. Every method may raise StorageUnavailable."""

    def __init__(self, reader: SpendReader) -> None:
        self._reader = reader

    def dearest(self, first: int, end: int, least: int) -> list[Feature]:
        """Return who spent at least so much (nano-USD) in some hours."""
        query = SpendQuery(Span(first, end, by_hour=True), ("cost",), ("org", "team", "feature"))
        rows = self._reader.read(query)
        return [Feature(*row.group) for row in rows if row.sums["cost"] >= least]

    def hours(self, whose: Feature, first: int, end: int) -> list[Hour]:
        """Return each hour from one to before another."""
        query = SpendQuery(Span(first, end, by_hour=True), _COUNTED, ("bucket",), _where(whose))
        found = {row.group[0]: row.sums for row in self._reader.read(query)}
        return [
            Hour(found[hour]["cost"], found[hour]["requests"]) if hour in found else Hour()
            for hour in range(first, end)
        ]

    def usage(self, whose: Feature, first: int, end: int) -> Usage:
        """Return what happened from one hour to before another."""
        measures = ("cost", "requests", "attempts", *TOKEN_CLASSES)
        query = SpendQuery(
            Span(first, end, by_hour=True), measures, ("model", "kind"), _where(whose)
        )
        requests = cached = 0
        models: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
        for row in self._reader.read(query):
            model, kind = row.group
            requests += row.sums["requests"]
            if kind == _CACHE:
                cached += row.sums["requests"]
                continue
            of_model = models[model]
            of_model[0] += row.sums["attempts"]
            of_model[1] += sum(row.sums[name] for name in TOKEN_CLASSES)
            of_model[2] += row.sums["cost"]
        return Usage(
            requests=requests,
            cached=cached,
            models={
                name: OfModel(attempts=attempts, tokens=tokens, cost=cost)
                for name, (attempts, tokens, cost) in models.items()
            },
        )


def _where(whose: Feature) -> dict[str, tuple[str]]:
    return {name: (value,) for name, value in zip(whose._fields, whose, strict=True)}
