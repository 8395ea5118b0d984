"""Insights: every figure has an id, a definition, and the query that makes it."""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import msgspec

from legato.core.errors import Conflict, InvalidRequest, NotFound
from legato.core.tenant import Reach
from legato.core.usage import TOKEN_CLASSES
from legato.economics.kpis import Counts, Figure, Kpi, Unit, kpis
from legato.economics.waterfall import STEP_COLUMNS, bars
from legato.guardrails.policy.labels import labels_of
from legato.insights.spend.counting import (
    CALLERS,
    EVERYTHING,
    Group,
    Made,
    Setting,
    count,
    counts_query,
    made_of,
)
from legato.insights.spend.maturity import Maturity, maturity
from legato.insights.spend.periods import period
from legato.insights.spend.statement import (
    MODELLED,
    MeasuredSaving,
    SavingsStatement,
    headline,
)
from legato.storage.database.windows import day_text
from legato.storage.incidents.incidents import Durations
from legato.storage.kpis.practices import PracticeReader
from legato.storage.rollups.reading import DAY_NS, Span, SpendQuery, SpendReader
from legato.storage.rollups.rolling import RUNS_KEPT_DAYS, USERS_KEPT_DAYS
from legato.storage.rollups.telling import days_text, query_text
from legato.storage.tables.rollups import LATENCY_BOUNDS_MS

PERIOD: Final = "30d"
DIMENSIONS: Final = (
    "org", "team", "feature", "key", "route", "deployment", "provider", "model", "region", "kind",
    "outcome", "arm", "user", "workflow", "day",
)  # fmt: skip
_OF_INCIDENTS: Final = frozenset({"time-to-detection", "time-to-resolution"})
_NS_PER_MS: Final = 1_000_000
_PLACES: Final = frozenset({"org", "team", "feature"})
_OF_RUNS: Final = _PLACES | {"workflow", "day"}
_OF_REVENUE: Final = frozenset({"ai-cogs", "contribution-margin"})
_PERSONAL: Final = labels_of(["personal", "names"])
KPIS: Final = {one.id: one for one in kpis(LATENCY_BOUNDS_MS)}


class About(msgspec.Struct, frozen=True):
    """What an insight says."""

    id: str
    title: str
    unit: str
    definition: str
    bands: str = ""


class InsightRow(msgspec.Struct, frozen=True):
    """One group. The figure is numerator / denominator; `needs` says why there is none."""

    group: dict[str, str]
    numerator: int
    denominator: int
    needs: str = ""

    @property
    def value(self) -> float | None:
        """The figure as people read it."""
        return None if self.needs else self.numerator / self.denominator


class Insight(msgspec.Struct, frozen=True, kw_only=True):
    """An insight of a period: its rows, and the queries that made them."""

    about: About
    period: str
    by: tuple[str, ...]
    rows: tuple[InsightRow, ...]
    queries: tuple[str, ...]


class Asked(msgspec.Struct, frozen=True):
    """What is asked of an insight. `period` as `insights.spend.periods` reads it."""

    period: str = PERIOD
    by: tuple[str, ...] = ()
    where: Mapping[str, str] = {}


class Booked(NamedTuple):
    """Revenue in nano-USD, None where none is known; and the query of the books that told it."""

    usd: int | None
    query: str


class Sources(NamedTuple):
    """What insights are told by, wired by the app."""

    spend: Callable[[Reach], SpendReader]
    practices: Callable[[Reach], PracticeReader]
    setting: Callable[[], Setting]
    measured: Callable[[Reach, Span], tuple[MeasuredSaving, ...]]
    """What holdouts say of a span of days; none below an organisation."""
    revenue: Callable[[Reach, Span, Mapping[str, str]], Booked]
    incidents: Callable[[Reach, Span, Mapping[str, str]], Durations]
    """Of those resolved in a span of days, of some team or feature."""
    now_ns: Callable[[], int]


_SUMS: Final = {
    "spend": (Unit.NANO_USD, ("cost",), "Cost", "What all entries cost, overhead included."),
    "requests": (Unit.COUNT, ("requests",), "Requests",
                 "Requests with an entry, our own too: each where its first entry stands."),
    "tokens": (Unit.COUNT, TOKEN_CLASSES, "Tokens", "Tokens of all entries, in and out."),
    "saved": (Unit.NANO_USD, STEP_COLUMNS, "Saved",
              "Baseline minus cost by prices: modelled, not measured."),
    "provisional": (Unit.COUNT, ("provisional",), "Estimates",
                    "Attempts whose outcome was lost, entered at their estimate."),
}  # fmt: skip
_OTHERS: Final = (
    About("waterfall", "Savings waterfall", Unit.NANO_USD,
          "Cost at the baseline, what each step took off it (negative) or added, and the cost."),
    About("maturity", "Maturity", "level", "The level from 1 to 7, derived from what is live."),
)  # fmt: skip


class Insights:
    """Of what is within reach. Every method may raise StorageUnavailable, Forbidden."""

    def __init__(self, sources: Sources, reach: Reach) -> None:
        self._sources = sources
        self._reach = reach
        self._spend = sources.spend(reach)
        self._practices = sources.practices(reach)

    @staticmethod
    def catalogue() -> list[About]:
        """Return all there are."""
        sums = [About(name, one[2], one[0], one[3]) for name, one in _SUMS.items()]
        return [*sums, *_OTHERS, *map(_about, KPIS.values())]

    def show(self, insight_id: str, asked: Asked) -> Insight:
        """Return one. Raises NotFound, InvalidRequest."""
        if insight_id in _SUMS:
            return self._sum(insight_id, asked)
        if insight_id in KPIS:
            return self._kpi(KPIS[insight_id], asked)
        if insight_id == "waterfall":
            return self._waterfall(asked)
        if insight_id == "maturity":
            return self._maturity(asked)
        known = ", ".join(one.id for one in self.catalogue())
        raise NotFound(f"there is no insight {insight_id[:60]!r}; there are {known}", param="id")

    def every_kpi(self, asked: Asked) -> tuple[Insight, ...]:
        """Return all KPIs, not split, from sums that are read once. Raises InvalidRequest."""
        asked = msgspec.structs.replace(asked, by=())
        counted = self.counts(asked)
        return tuple(self._told(one, asked, *counted) for one in KPIS.values())

    def kpi(self, kpi_id: str, asked: Asked) -> InsightRow:
        """Return one KPI's figure without groups. Raises NotFound, InvalidRequest."""
        if kpi_id not in KPIS:
            raise NotFound(f"there is no KPI {kpi_id[:60]!r}", param="kpi")
        return self._kpi(KPIS[kpi_id], msgspec.structs.replace(asked, by=())).rows[0]

    def statement(self, asked: Asked) -> SavingsStatement:
        """Return the savings statement of a period."""
        query = self._query(asked, ("requests", "cost", "unpriced", *STEP_COLUMNS))
        query = msgspec.structs.replace(query, by=("kind",))
        rows = self._spend.read(query)
        sums = {name: sum(row.sums[name] for row in rows) for name in query.measures}
        requests = sum(row.sums["requests"] for row in rows if row.group[0] in CALLERS)
        saved = sum(sums[name] for name in STEP_COLUMNS)
        measured = () if asked.where else self._sources.measured(self._reach, query.span)
        return SavingsStatement(
            period=days_text(query.span),
            bars=_bars(sums),
            requests=requests,
            cost=sums["cost"],
            saved=saved,
            unpriced=sums["unpriced"],
            measured=measured,
            headline=headline(saved, measured),
            modelled=MODELLED,
            queries=(query_text(query),),
        )

    def counts(
        self, asked: Asked, made: Made = EVERYTHING
    ) -> tuple[dict[Group, Counts], SpendQuery]:
        """Return what KPIs are made of, by group; and the query that made it.

        What isn't among the measures is 0.
        """
        plain = self._query(asked, ())
        query = counts_query(plain.span, plain.by, plain.where, made)
        found = count(self._spend, query, made, self._sources.setting())
        if not asked.by and not found:
            found = {(): Counts(days=query.span.end - query.span.first)}
        return found, query

    def setting(self) -> Setting:
        """Return what figures take from the configuration as it is now."""
        return self._sources.setting()

    def maturity(self, asked: Asked) -> Maturity:
        """Return the level, and why. Raises Conflict below an organisation."""
        found, query = self.counts(msgspec.structs.replace(asked, by=()))
        practices = self._practices.practices(query.span)
        if practices is None:
            raise Conflict("maturity is told of a whole organisation: it needs a role over all")
        counts = found[()]
        counts.revenue = self._sources.revenue(self._reach, query.span, asked.where).usd
        return maturity(counts, practices)

    def _maturity(self, asked: Asked) -> Insight:
        found = self.maturity(asked)
        rows = [InsightRow({"level": "reached", "why": ""}, found.level, 1)]
        rows += [
            InsightRow({"level": f"{step.level} {step.title}", "why": step.why}, step.is_reached, 1)
            for step in found.steps
        ]
        about = next(one for one in _OTHERS if one.id == "maturity")
        span = self._query(asked, ()).span
        return Insight(about=about, period=days_text(span), by=(), rows=tuple(rows), queries=())

    def _sum(self, name: str, asked: Asked) -> Insight:
        unit, measures, title, definition = _SUMS[name]
        query = self._query(asked, measures)
        rows = [
            InsightRow(_group(asked.by, row.group), sum(row.sums.values()), 1)
            for row in self._spend.read(query)
        ]
        return _insight(About(name, title, unit, definition), asked, query, rows)

    def _waterfall(self, asked: Asked) -> Insight:
        query = self._query(asked, ("cost", *STEP_COLUMNS))
        rows = [
            InsightRow({**_group(asked.by, row.group), "step": name}, value, 1)
            for row in self._spend.read(query)
            for name, value in _bars(row.sums)
        ]
        return _insight(_OTHERS[0], asked, query, rows)

    def _kpi(self, kpi: Kpi, asked: Asked) -> Insight:
        if "user" in asked.by:
            raise InvalidRequest("by: of users only sums are kept, not KPIs", param="by")
        return self._told(kpi, asked, *self.counts(asked, made_of(kpi.id)))

    def _told(
        self, kpi: Kpi, asked: Asked, found: dict[Group, Counts], query: SpendQuery
    ) -> Insight:
        rows, beside = [], dict[str, None]()
        if kpi.id == "cost-per-run":
            beside |= dict.fromkeys(self._count_runs(found, asked))
        if kpi.id == "cost-per-user":
            beside |= dict.fromkeys(self._count_users(found, asked))
        for group in sorted(found):
            named = _group(asked.by, group)
            beside |= dict.fromkeys(self._complete(found[group], kpi, asked, query, named=named))
            figure: Figure = kpi.figure(found[group])
            rows.append(InsightRow(named, figure.numerator, figure.denominator, figure.needs))
        return _insight(_about(kpi), asked, query, rows, *beside)

    def _complete(
        self, counts: Counts, kpi: Kpi, asked: Asked, query: SpendQuery, *, named: Mapping[str, str]
    ) -> tuple[str, ...]:
        """Add what is not in the ledger's sums, where a KPI needs it and it can be told apart.

        Return the queries of it.
        """
        where = {**asked.where, **{name: value for name, value in named.items() if name != "day"}}
        if "day" in named or not where.keys() <= _PLACES:
            return ()
        if kpi.id in {"policy-triggers", "personal-data-stopped"}:
            told = self._practices.triggers(query.span, _PERSONAL, where)
            if told.rules:
                counts.triggers, counts.pii_stopped = told.requests, told.personal_stopped
            return (_other_query("guard_day", query.span, where),)
        if kpi.id == "deployment-frequency" and not where:
            practices = self._practices.practices(query.span)
            counts.promotions = None if practices is None else practices.promotions
            return (_other_query("registry_move", query.span, {"state": "applied"}),)
        if kpi.id in _OF_INCIDENTS:
            found = self._sources.incidents(self._reach, query.span, where)
            counts.incidents = found.resolved
            counts.detection_ms = found.detection_ns // _NS_PER_MS
            counts.resolution_ms = found.resolution_ns // _NS_PER_MS
            return (_other_query("incident", query.span, where),)
        if kpi.id in _OF_REVENUE:
            booked = self._sources.revenue(self._reach, query.span, where)
            counts.revenue = booked.usd
            return (booked.query,)
        return ()

    def _count_users(self, found: Mapping[Group, Counts], asked: Asked) -> tuple[str, ...]:
        """Add users to the counts of each group; return the query of it."""
        plain = self._query(asked, ("requests",))
        if not {*asked.by, *asked.where} <= _PLACES or not self._is_kept(plain, USERS_KEPT_DAYS):
            return ()
        users = self._spend.count_distinct(plain, "user")
        for group, counts in found.items():
            counts.users = users.get(group, 0)
        return (query_text(msgspec.structs.replace(plain, by=(*plain.by, "user"))),)

    def _count_runs(self, found: Mapping[Group, Counts], asked: Asked) -> tuple[str, ...]:
        """Add runs and what they cost to the counts of each group; return the queries of it."""
        plain = self._query(asked, ("requests",))
        if not {*asked.by, *asked.where} <= _OF_RUNS or not self._is_kept(plain, RUNS_KEPT_DAYS):
            return ()
        by_run = msgspec.structs.replace(plain, by=(*plain.by, "run"))
        by = tuple(dict.fromkeys((*plain.by, "workflow")))
        costs = msgspec.structs.replace(plain, measures=("cost",), by=by)
        runs, spent = self._spend.count_distinct(plain, "run"), dict[Group, int]()
        for row in self._spend.read(costs):
            group = tuple(map(str, row.group[: len(plain.by)]))
            spent[group] = spent.get(group, 0) + row.sums["cost"]
        for key, number in runs.items():
            if counts := found.get(tuple(map(str, key))):
                counts.runs, counts.run_cost = number, spent.get(tuple(map(str, key)), 0)
        return query_text(by_run), query_text(costs)

    def _is_kept(self, query: SpendQuery, days: int) -> bool:
        """Whether rows that are kept for so many days still tell all of a period."""
        return query.span.first >= self._sources.now_ns() // DAY_NS - days

    def _query(self, asked: Asked, measures: tuple[str, ...]) -> SpendQuery:
        span = period(asked.period, self._sources.now_ns())
        for name in (*asked.by, *asked.where):
            if name not in DIMENSIONS:
                told = f"by: {name[:40]!r} is none of {', '.join(DIMENSIONS)}"
                raise InvalidRequest(told, param="by")
        if len(set(asked.by)) != len(asked.by):
            raise InvalidRequest("by: name each dimension once", param="by")
        by = tuple("bucket" if name == "day" else name for name in asked.by)
        where = {name: (value,) for name, value in asked.where.items()}
        return SpendQuery(span, measures, by, where)


def _about(kpi: Kpi) -> About:
    return About(kpi.id, kpi.title, kpi.unit, kpi.definition, kpi.bands)


def _insight(
    about: About, asked: Asked, query: SpendQuery, rows: list[InsightRow], *beside: str
) -> Insight:
    return Insight(
        about=about,
        period=days_text(query.span),
        by=asked.by,
        rows=tuple(rows),
        queries=(query_text(query), *beside),
    )


def _other_query(table: str, span: Span, where: Mapping[str, str]) -> str:
    said = {"of": table, "days": days_text(span), "where": dict(where)}
    return msgspec.json.encode(said).decode()


def _group(by: tuple[str, ...], values: tuple[object, ...]) -> dict[str, str]:
    return {
        name: day_text(int(str(value))) if name == "day" else str(value)
        for name, value in zip(by, values, strict=True)
    }


def _bars(sums: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    return bars(sums["cost"], [sums[name] for name in STEP_COLUMNS])
