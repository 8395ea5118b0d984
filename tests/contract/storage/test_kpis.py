"""Insights over a real ledger: figures, goals, frozen baselines, what guardrails did."""

from collections.abc import Callable

import msgspec
import pytest
from sqlalchemy import Engine, text

from legato.audit.note import SigningKey
from legato.core.clock import ManualClock
from legato.core.errors import Conflict, InvalidRequest, NotFound
from legato.core.guard_facts import Fired, Guarded
from legato.core.guarding import Action, Mode
from legato.core.ids import IdSource
from legato.core.records import EntryKind
from legato.core.tenant import EVERY_TENANT, Area, Areas, Reach, Tenant
from legato.insights.spend.counting import Setting
from legato.insights.spend.desk import KPIS, Asked, Booked, Insights, Sources
from legato.insights.spend.freezing import Baseline, Freezing
from legato.insights.spend.goals import Goals
from legato.storage.incidents.incidents import Durations
from legato.storage.kpis.contracts import ContractStore
from legato.storage.kpis.goals import Goal, GoalStore
from legato.storage.kpis.practices import PracticeReader
from legato.storage.ledger.ledger import Ledger
from legato.storage.rollups.guard_rolling import GuardRoller
from legato.storage.rollups.reading import DAY_NS, SpendReader
from legato.storage.rollups.rolling import BY_NAME, SPEND, Roller

from .journal_records import AT_NS, encoded, served, settled

ACME = Tenant("acme")
DAY = AT_NS // DAY_NS
Insight = Callable[[Reach], Insights]


@pytest.fixture
def insights(engine: Engine, clock: ManualClock) -> Insight:
    sources = Sources(
        spend=lambda reach: SpendReader(engine, reach),
        practices=lambda reach: PracticeReader(engine, reach),
        setting=lambda: Setting(frozenset({"fast"}), frozenset({"home"})),
        measured=lambda _reach, _span: (),
        revenue=lambda _reach, _span, where: Booked(None if where else 10_000, "{}"),
        incidents=lambda _reach, _span, _where: Durations(2, 90 * 10**9, 30 * 10**9),
        now_ns=clock.now_ns,
    )
    return lambda reach: Insights(sources, reach)


@pytest.fixture
def traffic(engine: Engine, clock: ManualClock) -> Ledger:
    ledger = Ledger(engine, clock)
    records = [
        settled("r1"),
        settled("r2", 1, kind=EntryKind.RETRY),
        settled("r2", 2),
        settled("r3", kind=EntryKind.CACHE, cost=0),
        settled("r4", provider="home", measures="prompt_cache removed:100", team="search"),
        settled("r5", kind=EntryKind.JUDGE),
        settled("r6", org="globex"),
    ]
    ledger.commit("w-0/1", 1, encoded(*records))
    return ledger


def test_figures_are_the_same_from_entries_and_from_sums(
    traffic: Ledger, engine: Engine, insights: Insight
) -> None:
    for _ in range(2):
        acme = insights(ACME)

        def value(kpi: str, acme: Insights = acme, **where: str) -> float | None:
            return acme.kpi(kpi, Asked("7d", (), where)).value

        assert value("cost-per-request") == 2500 / 4  # the judge's call is no caller's
        assert value("cost-per-success") == 2500 / 4
        assert value("cache-hit-rate") == 1 / 4
        assert value("routing-coverage") == 1
        assert value("routing-efficiency") == 1
        # 165 tokens an answer, 100 left out; three attempts and a judge went to who bills them
        assert value("token-optimisation") == (760 - 4 * 165) / 760
        assert value("cost-per-user") == 2500
        assert value("cost-per-user", team="search") == 500
        per_user = acme.show("cost-per-user", Asked("7d", ("team",))).rows
        assert [(row.group["team"], row.value) for row in per_user] == [
            ("search", 500),
            ("support", 2000),
        ]
        assert value("cost-per-team") == 2500 / 2
        assert value("ai-cogs") == 0.25
        assert value("ai-cogs", team="search") is None
        assert value("failure-rate", team="search") == 0
        bars = {row.group["step"]: row.value for row in acme.show("waterfall", Asked("7d")).rows}
        assert bars == {"baseline": 6000, "cache": -1500, "shortening": 0, "routing": -3000,
                        "prompt_cache": 0, "tier": 0, "overhead": 1000, "cost": 2500}  # fmt: skip
        by_team = acme.show("spend", Asked("7d", ("team", "day"))).rows
        assert [(row.group, row.value) for row in by_team] == [
            ({"team": "search", "day": "2023-11-14"}, 500),
            ({"team": "support", "day": "2023-11-14"}, 2000),
        ]
        assert len(insights(EVERY_TENANT).show("spend", Asked("7d", ("org",))).rows) == 2
        statement = acme.statement(Asked("7d"))
        assert sum(value for _, value in statement.bars[:-1]) == statement.cost == 2500
        Roller(engine).catch_up(SPEND)


def test_a_kpi_reads_all_that_it_rests_on(runs: Ledger, insights: Insight) -> None:
    acme = insights(ACME)
    by_all = acme.counts(Asked("7d", ("team",)))[0]
    beside = {"policy-triggers", "personal-data-stopped", "cost-per-user", "cost-per-run",
              "deployment-frequency", "time-to-detection", "time-to-resolution", "ai-cogs",
              "contribution-margin"}  # fmt: skip
    for kpi in KPIS.values():
        if kpi.id in beside:  # told by more than counts
            continue
        shown = acme.show(kpi.id, Asked("7d", ("team",))).rows
        for row in shown:
            expected = kpi.figure(by_all[row.group["team"],])
            told = (row.numerator, row.denominator, row.needs)
            assert told == (expected.numerator, expected.denominator, expected.needs), kpi.id


def test_kpis_read_at_once_are_those_read_one_by_one(runs: Ledger, insights: Insight) -> None:
    for reach in (ACME, Areas((Area("acme", "search"),))):
        room, asked = insights(reach), Asked("7d")
        told = {one.about.id: one.rows for one in room.every_kpi(asked)}
        assert told == {name: room.show(name, asked).rows for name in KPIS}


def test_every_insight_can_be_shown_with_its_query(traffic: Ledger, insights: Insight) -> None:
    for about in Insights.catalogue():
        found = insights(ACME).show(about.id, Asked("7d"))
        assert found.about.definition
        assert found.rows
        assert found.queries or about.id == "maturity"
    narrow = insights(Areas((Area("acme", "search"),)))
    assert narrow.kpi("cost-per-request", Asked("7d")).value == 500
    assert narrow.kpi("deployment-frequency", Asked("7d")).needs
    with pytest.raises(Conflict, match="whole organisation"):
        narrow.show("maturity", Asked("7d"))
    with pytest.raises(NotFound, match="no insight 'joy'"):
        narrow.show("joy", Asked())
    with pytest.raises(InvalidRequest, match="'colour'"):
        narrow.show("spend", Asked("7d", ("colour",)))


@pytest.fixture
def runs(traffic: Ledger) -> Ledger:
    """Two runs of `refund`, one of which called `triage`; one that names no workflow."""
    later = AT_NS + DAY_NS
    records = [
        settled("w1", tags={"run": "a", "node": "x", "workflow": "refund"}),
        settled("w2", kind=EntryKind.JUDGE, tags={"run": "a", "node": "y", "workflow": "refund"}),
        settled("w3", tags={"run": "a", "child": "a1", "node": "x", "workflow": "triage"}),
        settled("w4", tags={"run": "b", "node": "x", "workflow": "refund"}, cost=4000),
        settled("w5", tags={"run": "c"}, team="search", cost=100),
        settled("w6", tags={"run": "b", "workflow": "refund"}, at_ns=later, cost=2000),
        settled("w7", tags={"run": "d", "workflow": "refund"}, org="globex", cost=9),
    ]
    traffic.commit("w-0/1", 2, encoded(*records))
    return traffic


def test_a_run_costs_what_its_tags_say(
    runs: Ledger, engine: Engine, insights: Insight, clock: ManualClock
) -> None:
    clock.advance(86_400)
    for _ in range(2):
        acme = insights(ACME)

        def value(kpi: str, acme: Insights = acme, **where: str) -> float | None:
            return acme.kpi(kpi, Asked("7d", (), where)).value

        assert value("cost-per-run") == 7600 / 3
        assert value("cost-per-run", workflow="refund") == 7000 / 2
        assert value("cost-per-run", workflow="triage") == 500
        assert value("cost-per-run", team="search") == 100
        assert value("cost-per-run", route="fast") is None
        assert value("cost-per-request", workflow="refund") == 7000 / 3  # a judge's is no caller's
        assert value("cost-per-request", workflow="nothing") is None
        shown = acme.show("cost-per-run", Asked("7d", ("workflow", "day")))
        assert [(row.group["workflow"], row.group["day"], row.value) for row in shown.rows] == [
            ("", "2023-11-14", 100),
            ("refund", "2023-11-14", 5000 / 2),
            ("refund", "2023-11-15", 2000),
            ("triage", "2023-11-14", 500),
        ]
        assert any('"of":"spend_run_day' in query for query in shown.queries)
        spent = acme.show("spend", Asked("7d", ("workflow",))).rows
        assert [(row.group["workflow"], row.value) for row in spent] == [
            ("", 100), ("refund", 7000), ("triage", 500),
        ]  # fmt: skip
        for name in BY_NAME:
            Roller(engine).catch_up(name)
    clock.advance(401 * 86_400)
    old = insights(ACME).kpi("cost-per-run", Asked("2023-11-14..2023-11-14"))
    assert "last 400 days" in old.needs


def test_a_goal_may_be_a_workflows(
    runs: Ledger, engine: Engine, insights: Insight, clock: ManualClock
) -> None:
    clock.advance(86_400)
    goals = Goals(GoalStore(engine, clock, ACME), insights(ACME), DAY + 1)
    goal = Goal(org="acme", kpi="cost-per-run", workflow="refund", baseline="0.0000025",
                target="0.0000021", since_day=DAY + 1)  # fmt: skip
    assert goals.set(goal).version == goals.set(
        msgspec.structs.replace(goal, workflow="triage", since_day=None)
    ).version == 1  # fmt: skip
    found = goals.compare("cost-per-run", workflow="refund")
    assert (found.before.value, found.after.value, found.is_reached) == (2500, 2000, True)
    with pytest.raises(Conflict, match="since"):
        goals.compare("cost-per-run")
    (of_refund,) = goals.compare_workflows("cost-per-run")
    assert of_refund == found
    both = goals.compare_workflows("cost-per-run", since_day=DAY)
    assert [(one.workflow, one.after.value) for one in both] == [("refund", 3500), ("triage", 500)]
    with pytest.raises(InvalidRequest, match="ai-cogs isn't told apart by workflow; take one of"):
        goals.set(msgspec.structs.replace(goal, kpi="ai-cogs"))
    with pytest.raises(InvalidRequest, match="ai-cogs isn't told apart by workflow; take one of"):
        goals.compare_workflows("ai-cogs")


def test_a_goal_has_versions_and_is_compared_before_and_after(
    traffic: Ledger, engine: Engine, insights: Insight, clock: ManualClock
) -> None:
    goals = Goals(GoalStore(engine, clock, ACME), insights(ACME), DAY)
    goal = Goal(org="acme", kpi="cost-per-request", target="0.0000007", author="me")
    with pytest.raises(Conflict, match="since"):
        goals.compare(goal.kpi)
    assert goals.set(goal).version == 1
    assert goals.set(msgspec.structs.replace(goal, since_day=DAY)).version == 2
    assert [one.version for one in goals.versions(goal.kpi)] == [1, 2]
    assert [one.version for one in goals.in_force()] == [2]
    found = goals.compare(goal.kpi)
    assert (found.before.needs != "", found.after.value, found.is_reached) == (True, 625, True)
    goals.set(msgspec.structs.replace(goal, since_day=DAY, target="0.0000006"))
    assert goals.compare(goal.kpi).is_reached is False
    for broken, told in (
        ({"target": "much"}, "decimal"),
        ({"target": ""}, "target"),
        ({"feature": "bot"}, "team"),
        ({"note": "a\x00b"}, "note"),
    ):
        with pytest.raises(InvalidRequest, match=told):
            goals.set(msgspec.structs.replace(goal, **broken))
    with pytest.raises(NotFound):
        goals.set(msgspec.structs.replace(goal, kpi="joy"))
    foreign = Goals(GoalStore(engine, clock, Tenant("globex")), insights(ACME), DAY)
    assert foreign.in_force() == []


def test_a_frozen_baseline_is_compared_and_a_changed_one_is_refused(
    traffic: Ledger, engine: Engine, clock: ManualClock
) -> None:
    def room(org: str) -> Freezing:
        tenant = Tenant(org)
        store = ContractStore(engine, clock, IdSource(clock), tenant)
        reader, key = SpendReader(engine, tenant), SigningKey(b"k" * 32)
        known = {"fast": Baseline("large", "{}")}
        return Freezing(store, reader, key, lambda: known, now_ns=clock.now_ns(), org=org)

    acme = room("acme")
    frozen = acme.freeze("contract", "7d", "me")
    (route,) = acme.read(frozen).routes
    assert (route.requests, route.baseline_cost, route.cost) == (4, 6000, 2500)
    traffic.commit("w-1/1", 1, encoded(settled("r9", cost=700), settled("s1", route="new")))
    found = acme.against(frozen.id, "7d")
    assert [(one.requests, one.frozen_cost, one.saved) for one in found.routes] == [(5, 7500, 4300)]
    assert found.unknown == ("new",)
    with pytest.raises(NotFound):
        room("globex").against(frozen.id, "7d")
    with pytest.raises(Conflict, match="no route"):
        room("nobody").freeze("contract", "7d", "me")
    with engine.begin() as connection:
        changed = frozen.note.replace("6000", "9000").encode()
        connection.execute(text("UPDATE contract_baseline SET note = :note"), {"note": changed})
    with pytest.raises(Conflict, match="changed"):
        acme.against(frozen.id, "7d")


def test_what_guardrails_did_is_counted_from_traces(
    traffic: Ledger, engine: Engine, insights: Insight
) -> None:
    assert insights(ACME).kpi("policy-triggers", Asked("7d")).needs
    email = Fired("guardrail/p@1", "mail", "EMAIL_ADDRESS", Action.REDACT.value,
                  Mode.ENFORCE.value, "input", 2)  # fmt: skip
    seen = msgspec.structs.replace(email, mode="observe", action=Action.BLOCK.value)
    secret = msgspec.structs.replace(email, label="SECRET", action=Action.BLOCK.value)
    for number, fired in enumerate(((email, secret), (email,), (seen,), ())):
        one = msgspec.structs.replace(
            served(f"t{number}"), guarded=Guarded(("guardrail/p@1",), fired)
        )
        traffic.commit(f"g-{number}/1", 1, encoded(one))
    roller = GuardRoller(engine)
    assert roller.behind() == 4
    while roller.roll():
        pass
    assert (roller.behind(), roller.roll()) == (0, 0)
    acme = insights(ACME)
    assert acme.kpi("policy-triggers", Asked("7d")).value == 3 * 1000 / 4
    assert acme.kpi("personal-data-stopped", Asked("7d")).value == 4
    assert insights(Tenant("globex")).kpi("policy-triggers", Asked("7d")).needs
