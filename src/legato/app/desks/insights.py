"""Insights as commands and the control API work with them: what they are told by."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple

import msgspec

from legato.app.checks.instance import Instance
from legato.app.desks.audit import signing_key
from legato.app.desks.finance import finance_books
from legato.app.desks.stored_data import StoredData
from legato.app.models.vaults import open_data_keys
from legato.audit.note import SigningKey
from legato.core.clock import Clock, SystemClock
from legato.core.config import Config
from legato.core.ids import IdSource
from legato.core.price import Price
from legato.core.tenant import Reach, Tenant
from legato.economics.finance.entries import EntryKind
from legato.finance.books import FinanceBooks
from legato.insights.spend.counting import Setting
from legato.insights.spend.desk import Booked, Insights, Sources
from legato.insights.spend.freezing import Baseline, Freezing
from legato.insights.spend.goals import Goals
from legato.insights.spend.statement import ArmMetric, MeasuredSaving
from legato.registry.holdouts import Holdouts, Statement
from legato.storage.database.engine import open_engine
from legato.storage.finance.entries import EntryFilter, books_query_text
from legato.storage.incidents.incidents import Durations, Incidents
from legato.storage.kpis.contracts import ContractStore
from legato.storage.kpis.goals import GoalStore
from legato.storage.kpis.practices import PracticeReader
from legato.storage.registry.holdouts import Holdout, holdout_stores
from legato.storage.rollups.reading import DAY_NS, Span, SpendReader
from legato.vault.master import Vault

_OWN_KINDS = frozenset({"local"})
_HOLDOUTS_MAX = 1_000
"""Of one organisation: the newest."""


class InsightDesk(NamedTuple):
    """Opens each within a reach."""

    insights: Callable[[Reach], Insights]
    goals: Callable[[Reach], Goals]
    freezing: Callable[[Tenant], Freezing]


class Told(NamedTuple):
    """What insights are told by beside the database."""

    config: Callable[[], Config]
    baselines: Callable[[], Mapping[str, Baseline]]
    key: SigningKey


def insight_desk(url: str, clock: Clock, told: Told) -> InsightDesk:
    """Open the stores of one database; nothing is connected to yet."""
    engine, ids = open_engine(url), IdSource(clock)

    def measured(reach: Reach, span: Span) -> tuple[MeasuredSaving, ...]:
        if not isinstance(reach, Tenant):
            return ()
        return _measured(Holdouts(*holdout_stores(engine, clock, ids, reach)), span)

    sources = Sources(
        spend=lambda reach: SpendReader(engine, reach),
        practices=lambda reach: PracticeReader(engine, reach),
        setting=lambda: _setting(told.config()),
        measured=measured,
        revenue=partial(booked_revenue, finance_books(url, clock)),
        incidents=partial(_incidents, partial(Incidents, engine, clock)),
        now_ns=clock.now_ns,
    )
    return InsightDesk(
        lambda reach: Insights(sources, reach),
        lambda reach: Goals(
            GoalStore(engine, clock, reach), Insights(sources, reach), clock.now_ns() // DAY_NS
        ),
        lambda tenant: Freezing(
            ContractStore(engine, clock, ids, tenant),
            SpendReader(engine, tenant),
            told.key,
            told.baselines,
            now_ns=clock.now_ns(),
            org=tenant.org,
        ),
    )


def booked_revenue(
    books: FinanceBooks, reach: Reach, span: Span, where: Mapping[str, str]
) -> Booked:
    """Return what the books say of whole months."""
    first, end = (
        datetime.fromtimestamp(day * DAY_NS // 10**9, UTC) for day in (span.first, span.end)
    )
    until = datetime.fromtimestamp((span.end - 1) * DAY_NS // 10**9, UTC)
    wanted = EntryFilter(
        since=f"{first:%Y-%m}",
        until=f"{until:%Y-%m}",
        team=where.get("team", ""),
        feature=where.get("feature", ""),
    )
    query = books_query_text(EntryKind.REVENUE, wanted)
    if span.by_hour or (first.day, end.day) != (1, 1):
        return Booked(None, query)
    sums = books.stores.entries(EntryKind.REVENUE, reach).sums(wanted)
    found = [one.usd for one in sums if where.get("org", one.org) == one.org]
    return Booked(sum(found) if found else None, query)


def _incidents(
    stores: Callable[[Reach], Incidents], reach: Reach, span: Span, where: Mapping[str, str]
) -> Durations:
    first_ns, end_ns = span.first * span.bucket_ns, span.end * span.bucket_ns
    return stores(reach).durations(first_ns, end_ns, dict(where))


def baselines_of(config: Config, price_of: Callable[[str], Price | None]) -> dict[str, Baseline]:
    """Return the baseline of each route, with its price as it is now."""
    found = {}
    for route in config.routes:
        name = route.baseline or route.deployments[0]
        price = price_of(name)
        text = "" if price is None else msgspec.json.encode(price).decode()
        found[route.alias] = Baseline(name, text)
    return found


def _setting(config: Config) -> Setting:
    return Setting(
        frozenset(one.alias for one in config.routes if len(one.deployments) > 1),
        frozenset(one.name for one in config.providers if one.kind in _OWN_KINDS),
    )


def _measured(holdouts: Holdouts, span: Span) -> tuple[MeasuredSaving, ...]:
    within = (span.first * DAY_NS, span.end * DAY_NS)
    found = []
    for one in holdouts.store.page(_HOLDOUTS_MAX):
        has_ended = one.ended_at_ns is not None and one.ended_at_ns <= within[0]
        if one.started_at_ns < within[1] and not has_ended:
            found.append(_saving(one, holdouts.statement(one, within)))
    return tuple(found)


def _saving(one: Holdout, statement: Statement) -> MeasuredSaving:
    figure, low, high = statement.saved_usd or (None, None, None)
    return MeasuredSaving(
        holdout_id=one.id,
        route=one.route,
        requests=statement.requests,
        held_out=statement.held_out,
        saved_usd=figure,
        low_usd=low,
        high_usd=high,
        is_proven=statement.cost is not None and statement.cost.is_proven,
        requests_needed=statement.requests_needed,
        unpriced=statement.unpriced,
        quality=tuple(
            ArmMetric(
                metric.metric,
                metric.holdout,
                metric.treated,
                None if metric.interval is None else metric.interval.difference,
                None if metric.interval is None else metric.interval.low,
                None if metric.interval is None else metric.interval.high,
            )
            for metric in statement.metrics
        ),
    )


def stored_insights(stored: StoredData, instance: Instance) -> InsightDesk:
    """Return the desk of a command; its data directory's key signs."""
    keys = open_data_keys(instance.loaded, instance.data, stored.data_keys())
    prices = stored.prices()

    def config() -> Config:
        return stored.served(instance).config

    def price_of(deployment: str) -> Price | None:
        history = prices.history(deployment)
        return history[-1][1] if history else None

    told = Told(config, lambda: baselines_of(config(), price_of), signing_key(Vault(keys.root())))
    return insight_desk(instance.database_url, SystemClock(), told)
