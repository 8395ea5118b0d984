"""Objectives count each request once, whatever is killed, and burn by what the traces say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from legato.core.errors import InvalidRequest, NotFound
from legato.core.ids import IdSource
from legato.core.objective import Measured, Objective
from legato.core.records import Outcome, Served
from legato.core.tenant import EVERY_TENANT, Area, Areas, Tenant
from legato.economics.objectives.burning import Counted
from legato.insights.objectives.standing import Standings
from legato.insights.objectives.watch import NS_PER_MIN, Looked, ObjectiveWatch
from legato.storage.ledger.ledger import Ledger
from legato.storage.objectives.alerts import BurnAlerts
from legato.storage.objectives.counting import ObjectiveCounts
from legato.storage.objectives.objectives import ObjectiveStore
from legato.storage.objectives.pruning import prune_objectives
from legato.storage.tables.schema import trace_block

from .journal_records import encoded, served

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from legato.core.clock import ManualClock

ACME = Tenant("acme")
ERRORS = Objective(org="acme", name="answers", measured=Measured.ERRORS, target_ppm=990_000,
                   events_min=10)  # fmt: skip


class Traffic:
    """Requests as the journal brings them."""

    def __init__(self, engine: Engine, clock: ManualClock) -> None:
        self._engine, self._clock, self._segments = engine, clock, 0

    def __call__(self, count: int, code: str = "", **changes: object) -> None:
        at_ns = self._clock.now_ns() - NS_PER_MIN // 2
        found = [
            msgspec.structs.replace(
                served(f"{self._segments:03d}{code}{number}", at_ns=at_ns),
                error_code=code,
                **changes,
            )
            for number in range(count)
        ]
        self._segments += 1
        ledger = Ledger(self._engine, self._clock)
        ledger.commit(f"segment-{self._segments}", 1, [*encoded(*found)])


@pytest.fixture
def traffic(engine: Engine, clock: ManualClock) -> Traffic:
    return Traffic(engine, clock)


class Watched:
    def __init__(self, engine: Engine, clock: ManualClock) -> None:
        self.store = ObjectiveStore(engine, clock, EVERY_TENANT)
        self.counts, self.alerts = ObjectiveCounts(engine), BurnAlerts(engine, EVERY_TENANT)
        self._clock = clock
        self._watch = ObjectiveWatch(
            lambda: self.counts.count(self.store),
            self.store.in_force,
            self.counts,
            self.alerts,
            new_id=IdSource(clock).new,
            now_ns=clock.now_ns,
        )

    def look(self) -> Looked:
        return self._watch.look()

    def counted(self, name: str = "answers") -> Counted:
        one = self.store.get(name)
        return self.counts.sums(one, self._clock.now_ns() // NS_PER_MIN, [60])[0]


@pytest.fixture
def watched(engine: Engine, clock: ManualClock) -> Watched:
    return Watched(engine, clock)


def test_an_outcome_is_the_start_of_what_is_served() -> None:
    fields = Outcome.__struct_fields__
    assert fields == Served.__struct_fields__[: len(fields)]


def test_each_request_counts_once(watched: Watched, traffic: Traffic) -> None:
    watched.store.set(ERRORS)
    traffic(50)
    traffic(3, "provider_timeout")
    traffic(2, "rate_limit_exceeded")
    traffic(5, org="globex")
    for _ in range(3):
        watched.look()
    assert watched.counted() == Counted(53, 3)


def test_a_route_a_team_and_a_feature_narrow_it(watched: Watched, traffic: Traffic) -> None:
    for name, changes in (
        ("route", {"route": "fast"}),
        ("other", {"route": "slow"}),
        ("feature", {"team": "support", "feature": "bot"}),
        ("team", {"team": "search"}),
    ):
        watched.store.set(msgspec.structs.replace(ERRORS, name=name, **changes))
    traffic(10)
    watched.look()
    totals = {name: watched.counted(name).total for name in ("route", "other", "feature", "team")}
    assert totals == {"route": 10, "other": 0, "feature": 10, "team": 0}


def test_latency_and_cost_are_of_the_whole_request(watched: Watched, traffic: Traffic) -> None:
    slow = msgspec.structs.replace(ERRORS, name="slow", measured=Measured.LATENCY, limit=500)
    dear = msgspec.structs.replace(ERRORS, name="dear", measured=Measured.COST, limit=400)
    watched.store.set(slow)
    watched.store.set(dear)
    traffic(10, total_us=500_000, cost=400)
    traffic(4, total_us=500_001, cost=401)
    traffic(1, cost=None)
    watched.look()
    assert watched.counted("slow") == Counted(15, 4)
    assert watched.counted("dear") == Counted(14, 4)


def test_another_version_is_counted_anew_from_what_traces_hold(
    watched: Watched, traffic: Traffic
) -> None:
    slow = msgspec.structs.replace(ERRORS, name="slow", measured=Measured.LATENCY, limit=500)
    traffic(10, total_us=600_000)
    watched.store.set(slow)
    watched.look()
    assert watched.counted("slow") == Counted(10, 10)
    assert watched.store.set(msgspec.structs.replace(slow, limit=700)).version == 2
    traffic(5, total_us=800_000)
    watched.look()
    assert watched.counted("slow") == Counted(15, 5)
    assert [one.limit for one in watched.store.versions("slow")] == [500, 700]


def test_a_budget_that_burns_is_an_alert_until_it_is_over(
    watched: Watched, traffic: Traffic, clock: ManualClock
) -> None:
    watched.store.set(ERRORS)
    traffic(90)
    assert watched.look() == ([], [])
    clock.advance(60)
    traffic(60, "provider_unavailable")
    opened = watched.look().opened
    assert [alert.window for alert, _ in opened] == ["1h", "6h", "3d"]
    first = opened[0][0]
    assert (first.total, first.bad, first.pages) == (150, 60, True)
    assert first.burn_long == pytest.approx(40)
    # the minute in which the failures began, half a minute before they were seen
    assert first.began_at_ns == (clock.now_ns() - NS_PER_MIN // 2) // NS_PER_MIN * NS_PER_MIN
    assert watched.look().opened == [], "it is told once"
    clock.advance(6 * 60)
    traffic(10)
    closed = watched.look().closed
    assert [one.window for one in closed] == ["1h"], "the short window is over"
    clock.advance(40 * 60)
    assert {one.window for one in watched.look().closed} == {"6h"}
    standing = Standings(watched.counts, watched.alerts).of(
        watched.store.get("answers"), clock.now_ns()
    )
    assert standing.counted == Counted(160, 60)
    assert standing.left == pytest.approx(1 - 60 / 1.6)
    assert len(standing.alerts) == 3
    assert standing.burning["5m"] == 0.0


def test_few_requests_raise_no_alert(watched: Watched, traffic: Traffic) -> None:
    watched.store.set(ERRORS)
    traffic(9, "provider_timeout")
    assert watched.look().opened == []
    traffic(1, "provider_timeout")
    assert watched.look().opened


def test_who_removes_an_objective_ends_its_alerts(watched: Watched, traffic: Traffic) -> None:
    watched.store.set(ERRORS)
    traffic(20, "provider_timeout")
    assert len(watched.look().opened) == 3
    watched.store.retire("acme", "answers")
    assert len(watched.look().closed) == 3
    assert watched.store.in_force() == []
    with pytest.raises(NotFound):
        watched.store.get("answers")
    assert watched.store.set(ERRORS).version == 3


def test_traces_that_are_all_gone_stop_nothing(
    engine: Engine, watched: Watched, traffic: Traffic
) -> None:
    watched.store.set(ERRORS)
    for _ in range(3):
        traffic(5)
    watched.look()
    with engine.begin() as connection:
        connection.execute(trace_block.delete())
        if engine.dialect.name == "postgresql":
            return  # a sequence goes on
    watched.look()
    traffic(5)
    watched.look()
    assert watched.counted() == Counted(20, 0)


def test_what_had_its_time_is_forgotten(
    engine: Engine, watched: Watched, traffic: Traffic, clock: ManualClock
) -> None:
    watched.store.set(ERRORS)
    traffic(20, "provider_timeout")
    watched.look()
    clock.advance(5 * 86_400)
    watched.look()
    assert watched.counts.forget_minutes(clock.now_ns() // NS_PER_MIN) == 1
    one, day = watched.store.get("answers"), clock.now_ns() // NS_PER_MIN // 1440
    assert len(watched.counts.days(one, day, 30)) == 1
    assert prune_objectives(engine, clock.now_ns() - 86_400 * 10**9) == 1
    assert prune_objectives(engine, clock.now_ns() + 1) == 3


def test_nobody_meets_what_is_not_theirs(
    engine: Engine, clock: ManualClock, watched: Watched
) -> None:
    watched.store.set(msgspec.structs.replace(ERRORS, team="support", feature="bot"))
    assert ObjectiveStore(engine, clock, Tenant("globex")).in_force() == []
    team = Areas((Area("acme", "support"),))
    assert len(ObjectiveStore(engine, clock, team).in_force()) == 1
    assert ObjectiveStore(engine, clock, Areas((Area("acme", "search"),))).in_force() == []
    with pytest.raises(InvalidRequest):
        watched.store.set(msgspec.structs.replace(ERRORS, target_ppm=0))
