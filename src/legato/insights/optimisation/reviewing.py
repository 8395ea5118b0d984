"""The monthly review: what could be spent better, each line with its worth and its evidence."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from legato.core.config import Config
from legato.core.errors import InvalidRequest
from legato.core.price import Price
from legato.core.records import EntryKind
from legato.core.tenant import Tenant
from legato.core.usage import USAGE_CLASSES, Usage
from legato.economics.optimisation.lines import Basis, Line, Review, Topic
from legato.economics.optimisation.replacing import (
    LOSS_MAX,
    SAMPLES_MIN,
    Replacement,
    Scores,
    Served,
    replacements,
    scores_of,
)
from legato.insights.optimisation.watching import guarded, retried, reviewed, told, unused
from legato.storage.optimisation.evidence import Evidence
from legato.storage.rollups.reading import Span, SpendQuery, SpendReader
from legato.storage.rollups.sources import SUCCEEDED
from legato.storage.rollups.telling import days_text, query_text

_REPLACEMENTS_MAX: Final = 10
_USED: Final = (EntryKind.USAGE.value,)
_PERCENT: Final = 100


class Worked(NamedTuple):
    """What people's books say of reviewing in a month: nano-USD, hours times 1000, the query."""

    cost: int
    hours_milli: int
    query: str


class Sources(NamedTuple):
    """What a review is told by, wired by the app."""

    spend: Callable[[Tenant], SpendReader]
    evidence: Callable[[Tenant, Span], Evidence]
    served: Callable[[], tuple[Config, Mapping[str, Price | None]]]
    """The configuration as it is served now, and the price of each deployment."""
    worked: Callable[[Tenant, str], Worked]
    """By a month, as `2026-10`."""
    now_ns: Callable[[], int]


class Reviewing:
    """Makes reviews. Every method may raise StorageUnavailable."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def review(self, org: str, span: Span, month: str) -> Review:
        """Return an organisation's review of a month. Raises InvalidRequest for another span."""
        if len(month) != len("2026-10"):
            raise InvalidRequest("period: a review is of a month: write 2026-10", param="period")
        tenant, now_ns = Tenant(org), self._sources.now_ns()
        config, prices = self._sources.served()
        spend, evidence = self._sources.spend(tenant), self._sources.evidence(tenant, span)
        totals = spend.total(SpendQuery(span, ("cost", "requests")))
        worked = self._sources.worked(tenant, month)
        lines = [
            *_replacing(spend, evidence, span, (config, prices)),
            *_beside(evidence, span),
            *retried(evidence, span),
            *guarded(evidence, span),
            *reviewed(evidence, span, worked),
            *_cached(spend, span),
            *unused(spend, evidence, span, (config, now_ns)),
        ]
        return Review(
            org=org,
            month=month,
            made_ns=now_ns,
            spent=totals["cost"],
            requests=totals["requests"],
            lines=tuple(lines),
        )


def _replacing(
    spend: SpendReader,
    evidence: Evidence,
    span: Span,
    served: tuple[Config, Mapping[str, Price | None]],
) -> Iterator[Line]:
    config, prices = served
    query = SpendQuery(
        span,
        ("attempts", "cost", *USAGE_CLASSES),
        ("route", "deployment"),
        {"kind": _USED, "outcome": (SUCCEEDED,)},
    )
    used = [_served(row.group, row.sums) for row in spend.read(query)]
    choices = {route.alias: route.deployments for route in config.routes}
    by_deployment: dict[str, list[float]] = defaultdict(list)
    for one in evidence.scores():
        by_deployment[one.deployment].append(one.value)
    scores = {name: scores_of(values) for name, values in by_deployment.items()}
    taken = set[tuple[str, str]]()
    for found in replacements(used, choices, prices, scores)[:_REPLACEMENTS_MAX]:
        place = found.served.route, found.served.deployment
        best = found.is_as_good and place not in taken
        if best:
            taken.add(place)
        yield _replacement(found, query, scores, recommended=best)


def _replacement(
    found: Replacement,
    query: SpendQuery,
    scores: Mapping[str, Scores],
    *,
    recommended: bool,
) -> Line:
    one, quality = found.served, found.quality
    counted = {
        name: msgspec.structs.asdict(scores[name])
        for name in (one.deployment, found.by)
        if name in scores
    }
    said = {"of": "live_score by deployment, any scorer", "days": days_text(query.span),
            "scores": counted}  # fmt: skip
    if quality is None:
        counts = [
            scores[name].count if name in scores else 0 for name in (one.deployment, found.by)
        ]
        advice = "measure before you replace: by price it is cheaper, and nothing says how good"
        needs = f"{SAMPLES_MIN} scored answers of each: there are {counts[0]} and {counts[1]}"
    else:
        ends = f"{quality.low:+.3f} to {quality.high:+.3f}"
        by = f"mean score {quality.difference:+.3f} (95 %: {ends})"
        good = f"replace it: {by}, no worse than {LOSS_MAX}"
        advice, needs = good if found.is_as_good else f"keep it: {by}", ""
    return Line(
        topic=Topic.REPLACE,
        what=f"{one.route or 'no route'}: {found.by} instead of {one.deployment}, for "
        f"{one.answers:,} answers",
        advice=advice,
        basis=Basis.MODELLED,
        evidence=f"{query_text(query)}; {msgspec.json.encode(said).decode()}",
        effect=found.saves,
        recommended=recommended,
        needs=needs,
    )


def _served(group: Sequence[str], sums: Mapping[str, int]) -> Served:
    usage = Usage(**{name: sums[name] for name in USAGE_CLASSES})
    return Served(group[0], group[1], usage, sums["attempts"], sums["cost"])


def _beside(evidence: Evidence, span: Span) -> Iterator[Line]:
    """Say how the choices of routers did beside their baselines."""
    for one in evidence.beside():
        worse = f"{_PERCENT * one.worse / one.compared:.1f} %"
        yield Line(
            topic=Topic.REPLACE,
            what=f"{one.route}: {one.choice} beside {one.baseline}, {one.compared:,} answers "
            f"compared: {one.worse:,} worse ({worse}), {one.better:,} better",
            advice="`legato route floor` says what that proves of the route's quality",
            basis=Basis.MEASURED,
            evidence=told("route_comparison by choice and baseline", span),
        )


def _cached(spend: SpendReader, span: Span) -> Iterator[Line]:
    """Say what the cache was worth, route by route, and what its checks cost."""
    query = SpendQuery(span, ("attempts", "step_cache"), ("route",), {"kind": ("cache",)})
    hits = {row.group[0]: row.sums for row in spend.read(query)}
    asked = SpendQuery(
        span, ("attempts", "cost"), ("route",), {"kind": _USED, "outcome": (SUCCEEDED,)}
    )
    for row in spend.read(asked):
        route, found = row.group[0], hits.pop(row.group[0], None)
        if found is None:
            continue
        share = found["attempts"] / (found["attempts"] + row.sums["attempts"])
        yield _cache_line(route, found, f", {share:.1%} of all", query)
    for route, found in sorted(hits.items()):
        yield _cache_line(route, found, "", query)


def _cache_line(route: str, found: Mapping[str, int], share: str, query: SpendQuery) -> Line:
    return Line(
        topic=Topic.CACHE,
        what=f"{route or 'no route'}: {found['attempts']:,} answers from the cache{share}",
        advice="worth what the route's baseline had charged for the same answers",
        basis=Basis.MODELLED,
        evidence=query_text(query),
        effect=found["step_cache"],
    )
