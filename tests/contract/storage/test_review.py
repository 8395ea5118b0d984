"""The monthly review: every line follows from what the databases hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert

from legato.core.config import Config, Deployment, Route
from legato.core.errors import InvalidRequest
from legato.core.ids import IdSource
from legato.core.money import PicoUSD
from legato.core.price import Price
from legato.core.records import EntryKind
from legato.core.tenant import Tenant
from legato.economics.optimisation.lines import Basis, Line, Topic
from legato.insights.optimisation.reviewing import Reviewing, Sources, Worked
from legato.insights.spend.periods import period
from legato.storage.evaluation.live_scores import LiveScore, LiveScores, Watched
from legato.storage.ledger.ledger import Ledger
from legato.storage.optimisation.evidence import Evidence
from legato.storage.rollups.reading import SpendReader
from legato.storage.tables.floors import route_comparison
from legato.storage.tables.kpis import guard_day

from .journal_records import AT_NS, encoded, settled

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from legato.core.clock import ManualClock

MONTH = "2023-11"
DAY = AT_NS // 86_400_000_000_000
PRICES = {"small": Price("s", in_uncached=PicoUSD(10)), "large": Price("l", out_text=PicoUSD(10))}


@pytest.fixture
def reviewing(engine: Engine, clock: ManualClock) -> Reviewing:
    deployments = [Deployment(name=name, provider="p", model="m") for name in ("small", "large")]
    routes = [
        Route(alias="fast", deployments=["small", "large"]),
        Route(alias="idle", deployments=["small"]),
    ]
    config = Config(config_version=1, deployments=deployments, routes=routes)
    return Reviewing(
        Sources(
            spend=lambda tenant: SpendReader(engine, tenant),
            evidence=lambda tenant, span: Evidence(engine, tenant, span.first, span.end),
            served=lambda: (config, PRICES),
            worked=lambda _tenant, _month: Worked(7_000, 2_500, "{}"),
            now_ns=clock.now_ns,
        )
    )


def lines(reviewing: Reviewing, clock: ManualClock, topic: Topic) -> list[Line]:
    found = reviewing.review("acme", period(MONTH, clock.now_ns()), MONTH)
    return [one for one in found.lines if one.topic is topic]


@pytest.fixture
def traffic(engine: Engine, clock: ManualClock) -> None:
    records = [
        *[settled(f"r{number}", cost=50_000) for number in range(4)],
        settled("r5", 1, kind=EntryKind.RETRY, cost=300, versions="prompt/greet@1"),
        settled("r6", kind=EntryKind.CACHE, cost=0),
        settled("r7", kind=EntryKind.JUDGE, cost=40),
        settled("r8", org="globex", cost=10**9),
    ]
    Ledger(engine, clock).commit("s", 1, [*encoded(*records)])


@pytest.mark.usefixtures("traffic")
def test_what_would_be_cheaper_waits_for_quality_to_be_measured(
    engine: Engine, reviewing: Reviewing, clock: ManualClock
) -> None:
    [found] = lines(reviewing, clock, Topic.REPLACE)
    assert found.what == "fast: large instead of small, for 4 answers"
    assert found.basis is Basis.MODELLED
    # 40 tokens of text each at 10 pico-USD
    assert found.effect == 200_000 - 2
    assert "30 scored answers" in found.needs
    assert not found.recommended
    scored(engine, clock, "small", 0.7)
    scored(engine, clock, "large", 0.71)
    [found] = lines(reviewing, clock, Topic.REPLACE)
    assert found.recommended
    assert found.advice.startswith("replace it")
    assert reviewing.review("acme", period(MONTH, 0), MONTH).found == found.effect


def scored(engine: Engine, clock: ManualClock, deployment: str, mean: float) -> None:
    ids = IdSource(clock)
    for number in range(40):
        LiveScores(engine, Tenant("acme")).put(
            LiveScore(
                id=ids.new(), policy="p", scorer="judge", request_id=ids.new(), versions="v",
                deployment=deployment, at_ns=AT_NS, value=mean + (number % 2 - 0.5) * 0.02,
                sealed=b"", cost=None, scored_at_ns=AT_NS,
            ),
            lambda _: Watched("{}"),
        )  # fmt: skip


@pytest.mark.usefixtures("traffic")
def test_what_gave_no_answer_and_what_the_cache_was_worth(
    reviewing: Reviewing, clock: ManualClock
) -> None:
    escalated = {one.what: one.effect for one in lines(reviewing, clock, Topic.ESCALATION)}
    assert escalated == {
        "fast: 1 attempts that gave no answer: ok": -300,
        "fast: 1 judgements of other answers": -40,
    }
    [cached] = lines(reviewing, clock, Topic.CACHE)
    assert (cached.effect, cached.basis) == (1_500, Basis.MODELLED)
    assert "1 answers from the cache, 20.0% of all" in cached.what


@pytest.mark.usefixtures("traffic")
def test_what_nobody_uses_is_named(reviewing: Reviewing, clock: ManualClock) -> None:
    assert [one.what for one in lines(reviewing, clock, Topic.UNUSED)] == ["1 routes: idle"]


def test_rules_people_and_comparisons(
    engine: Engine, reviewing: Reviewing, clock: ManualClock
) -> None:
    rule = {
        "bucket": DAY, "org": "acme", "team": "t", "feature": "f", "policy": "pii", "rule": "mail",
        "label": "EMAIL", "action": "redact", "mode": "enforce", "requests": 12, "finds": 15,
    }  # fmt: skip
    row = {
        "org": "acme", "route": "fast", "choice": "small", "baseline": "large", "at_ns": AT_NS,
    }  # fmt: skip
    with engine.begin() as connection:
        connection.execute(insert(guard_day), rule)
        for number, loss in enumerate((1, 0, 0, -1)):
            pair = {"request_id": f"{number:032d}", "loss": loss}
            connection.execute(insert(route_comparison), row | pair)
    [guarded] = lines(reviewing, clock, Topic.GUARDRAIL)
    assert "15 finds in requests: 12 redact (enforce)" in guarded.what
    assert "10 judged finds: there are 0" in guarded.needs
    [burden] = lines(reviewing, clock, Topic.BURDEN)
    assert (burden.effect, burden.basis) == (-7_000, Basis.ASSUMED)
    assert "2.5 hours" in burden.what
    [beside] = lines(reviewing, clock, Topic.REPLACE)
    assert "4 answers compared: 1 worse (25.0 %), 1 better" in beside.what


def test_it_is_of_a_month(reviewing: Reviewing) -> None:
    with pytest.raises(InvalidRequest) as refused:
        reviewing.review("acme", period("2023", 0), "2023")
    assert refused.value.param == "period"
