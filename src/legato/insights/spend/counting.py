"""Folds sums of the ledger into the counts that KPIs are made of."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from legato.core.records import EntryKind
from legato.core.usage import TOKEN_CLASSES
from legato.economics.kpis import Counts
from legato.economics.waterfall import STEP_COLUMNS
from legato.storage.rollups.reading import Span, SpendQuery, SpendReader, SpendRow
from legato.storage.rollups.reversals import rows_by_kind
from legato.storage.rollups.sources import SUCCEEDED
from legato.storage.tables.rollups import LATENCY_COLUMNS

MEASURES: Final = (
    "requests", "attempts", "unpriced", "cost", "baseline_cost", *STEP_COLUMNS, *TOKEN_CLASSES,
    *LATENCY_COLUMNS, "cheaper", "removed_tokens",
)  # fmt: skip
SPLIT: Final = ("team", "feature", "kind", "outcome", "route", "provider")
CALLERS: Final = frozenset(
    {EntryKind.USAGE, EntryKind.RETRY, EntryKind.HEDGE, EntryKind.CACHE, EntryKind.CORRECTION}
)
"""Kinds of entries that calls of callers have."""
_OF_KPIS: Final = {
    "token-optimisation": (("removed_tokens", *TOKEN_CLASSES), ("outcome", "provider")),
    "routing-efficiency": (("attempts", "cheaper"), ("outcome",)),
    "routing-coverage": (("attempts",), ("outcome", "route")),
    "cache-hit-rate": (("attempts",), ("outcome",)),
    "savings-rate": (("cost", *STEP_COLUMNS), ()),
    "unpriced": (("attempts", "unpriced"), ()),
    "failure-rate": (("requests", "attempts"), ("outcome",)),
    "latency-p95": (("attempts", *LATENCY_COLUMNS), ("outcome",)),
    "cost-per-success": (("attempts", "cost"), ("outcome",)),
    "cost-per-team": (("requests", "cost"), ("team",)),
    "cost-per-feature": (("requests", "cost"), ("team", "feature")),
    **dict.fromkeys(
        ("policy-triggers", "personal-data-stopped", "wrong-hit-rate", "deployment-frequency",
         "time-to-detection", "time-to-resolution", "throughput"),
        (("requests",), ()),
    ),
    **dict.fromkeys(
        ("cost-per-request", "cost-per-user", "cost-per-run", "ai-cogs", "contribution-margin"),
        (("requests", "cost"), ()),
    ),
}  # fmt: skip
_ANSWERED: Final = frozenset({EntryKind.USAGE, EntryKind.CACHE, EntryKind.CORRECTION})
Group = tuple[str, ...]


class Setting(msgspec.Struct, frozen=True):
    """What the configuration says of the traffic."""

    choosing: frozenset[str] = frozenset()
    """Routes that have a choice of deployments."""
    own: frozenset[str] = frozenset()
    """Providers that bill nobody: local ones."""


class Made(NamedTuple):
    """What counts are made of: measures, and by what these must be split to be told apart.

    Each measure more takes time, and each split multiplies the groups to be sorted and read.
    """

    measures: tuple[str, ...] = MEASURES
    split: tuple[str, ...] = SPLIT


EVERYTHING: Final = Made()


def made_of(kpi: str) -> Made:
    """Return what the counts that a KPI rests on are made of; all where it isn't known."""
    if kpi not in _OF_KPIS:
        return EVERYTHING
    measures, split = _OF_KPIS[kpi]
    return Made(measures, ("kind", *split))


def counts_query(
    span: Span, by: tuple[str, ...], where: Mapping[str, Sequence[str]], made: Made
) -> SpendQuery:
    """Return what is asked of the rollups for the counts of each group."""
    return SpendQuery(span, made.measures, (*by, *made.split), where)


def count(
    reader: SpendReader, query: SpendQuery, made: Made, setting: Setting
) -> dict[Group, Counts]:
    """Return the counts of each group; none for no traffic. What isn't split isn't told apart."""
    keys = len(query.by) - len(made.split)
    groups: dict[Group, list[SpendRow]] = defaultdict(list)
    for row in rows_by_kind(reader, query):
        groups[tuple(map(str, row.group[:keys]))].append(row)
    days = query.span.end - query.span.first
    places = {name: keys + at for at, name in enumerate(made.split)}
    return {group: _counted(rows, places, setting, days) for group, rows in groups.items()}


def _counted(
    rows: Iterable[SpendRow], places: Mapping[str, int], setting: Setting, days: int
) -> Counts:
    counts = Counts(days=days, latencies=(0,) * len(LATENCY_COLUMNS))
    teams, features = set(), set()
    for row in rows:
        team, feature, kind, outcome, route, provider = (
            row.group[places[name]] if name in places else "" for name in SPLIT
        )
        teams.add(team)
        features.add((team, feature))
        _add(counts, row.sums, kind, is_answer=outcome == SUCCEEDED and kind in _ANSWERED)
        if outcome == SUCCEEDED and kind in _ANSWERED and route in setting.choosing:
            counts.routed += row.sums.get("attempts", 0)
        if kind != EntryKind.CACHE and provider not in setting.own:
            counts.tokens_paid += _tokens(row.sums)
    counts.teams, counts.features = len(teams), len(features)
    return counts


def _add(counts: Counts, sums: dict[str, int], kind: str, *, is_answer: bool) -> None:
    counts.cost += sums.get("cost", 0)
    counts.saved += sum(sums.get(name, 0) for name in STEP_COLUMNS)
    counts.attempts += sums.get("attempts", 0)
    counts.unpriced += sums.get("unpriced", 0)
    if kind in CALLERS:
        counts.requests += sums.get("requests", 0)
    if not is_answer:
        return
    counts.answers += sums.get("attempts", 0)
    counts.tokens_answered += _tokens(sums)
    counts.tokens_removed += sums.get("removed_tokens", 0)
    if kind == EntryKind.CACHE:
        counts.cached += sums.get("attempts", 0)
        return
    counts.cheaper += sums.get("cheaper", 0)
    under = (sums.get(name, 0) for name in LATENCY_COLUMNS)
    counts.latencies = tuple(a + b for a, b in zip(counts.latencies, under, strict=True))


def _tokens(sums: dict[str, int]) -> int:
    return sum(sums.get(name, 0) for name in TOKEN_CLASSES)
