"""Unusual spend is found in the ledger's own sums, once, and goes on while it lasts."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from legato.core.errors import NotFound
from legato.core.ids import IdSource
from legato.core.tenant import EVERY_TENANT, Area, Areas, Tenant
from legato.economics.anomalies.detection import Terms
from legato.insights.spend_watch import HOUR_NS, SpendWatch
from legato.storage.anomalies.found import Anomalies, prune_anomalies
from legato.storage.anomalies.hours import Feature, FeatureHours
from legato.storage.ledger.ledger import Ledger
from legato.storage.rollups.reading import SpendReader
from legato.storage.rollups.rolling import SPEND, Roller

from .journal_records import encoded, settled

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Engine

    from legato.core.clock import ManualClock
    from legato.core.records import Settled

USD = 1_000_000_000
WEEKS = 3


def entries(hour: int, count: int, cost: int, model: str = "small") -> Iterable[Settled]:
    random = Random(hour)
    for number in range(count):
        yield settled(
            f"{model}{hour}-{number}",
            at_ns=hour * HOUR_NS + number,
            cost=round(cost * random.uniform(0.9, 1.1)),
            model=model,
        )


def commit(engine: Engine, clock: ManualClock, number: int, records: Iterable[Settled]) -> None:
    Ledger(engine, clock).commit(f"segment-{number}", 1, [*encoded(*records)])


@pytest.fixture
def now(engine: Engine, clock: ManualClock) -> int:
    """The hour that begins, behind three weeks of two dollars an hour."""
    hour = clock.now_ns() // HOUR_NS
    usual = [one for at in range(hour - WEEKS * 168, hour) for one in entries(at, 4, USD // 2)]
    commit(engine, clock, 0, usual)
    roller = Roller(engine)
    while roller.roll(SPEND):
        pass
    return hour


def watch(engine: Engine, clock: ManualClock) -> SpendWatch:
    return SpendWatch(
        FeatureHours(SpendReader(engine, EVERY_TENANT)),
        lambda tenant: Anomalies(engine, tenant),
        Terms(),
        new_id=IdSource(clock).new,
        now_ns=clock.now_ns,
    )


def until(clock: ManualClock, hour: int) -> None:
    clock.advance((hour * HOUR_NS - clock.now_ns()) / 1e9 + 301)


def test_a_spike_is_one_anomaly_with_why(engine: Engine, clock: ManualClock, now: int) -> None:
    watching = watch(engine, clock)
    for step in range(4):
        dear = list(entries(now + step, 4, 4 * USD, "large")) if step in (1, 2, 3) else []
        commit(engine, clock, 1 + step, [*entries(now + step, 4, USD // 2), *dear])
    until(clock, now + 2)
    assert watching.look() == []  # one hour alone
    until(clock, now + 3)
    (found,) = watching.look()
    assert (found.first_hour, found.last_hour, found.feature) == (now + 1, now + 2, "bot")
    assert found.model == "large"
    assert 3.5 * USD < found.expected < 4.5 * USD
    assert sum(found.parts.values()) == found.cost - found.reference_cost
    assert found.reference_hour in {found.first_hour - 168 * back for back in (1, 2, 3)}
    assert max(found.parts, key=lambda name: found.parts[name]) == "mix"
    until(clock, now + 4)
    (more,) = watching.look()
    assert (more.id, more.last_hour) == (found.id, now + 3)
    assert more.cost > found.cost
    assert watch(engine, clock).look() == []  # after a start, the same hours again
    (kept,) = Anomalies(engine, Tenant("acme")).page(9)
    assert kept == more


def test_what_is_usual_is_none(engine: Engine, clock: ManualClock, now: int) -> None:
    commit(engine, clock, 1, [one for step in range(3) for one in entries(now + step, 4, USD // 2)])
    until(clock, now + 3)
    assert watch(engine, clock).look() == []


def test_usage_is_that_of_the_entries(engine: Engine, now: int) -> None:
    hours = FeatureHours(SpendReader(engine, EVERY_TENANT))
    whose = Feature("acme", "support", "bot")
    usage = hours.usage(whose, now - 2, now)
    assert usage.requests == 8
    assert usage.cached == 0
    assert usage.cost == sum(hour.cost for hour in hours.hours(whose, now - 2, now))
    assert usage.models["small"].attempts == 8


def test_an_anomaly_is_its_tenants(engine: Engine, clock: ManualClock, now: int) -> None:
    dear = [one for step in (0, 1) for one in entries(now + step, 4, 5 * USD)]
    commit(engine, clock, 1, dear)
    until(clock, now + 2)
    (found,) = watch(engine, clock).look()
    ours, theirs = Anomalies(engine, Tenant("acme")), Anomalies(engine, Tenant("other"))
    assert [one.id for one in Anomalies(engine, Areas((Area("acme", "support"),))).page(9)] == [
        found.id
    ]
    assert theirs.page(9) == []
    with pytest.raises(NotFound):
        theirs.acknowledge(found.id, "somebody")
    assert ours.count_open(0) == 1
    assert ours.acknowledge(found.id, "key:ci").acknowledged_by == "key:ci"
    assert ours.count_open(0) == 0
    assert ours.page(9, open_only=True) == []
    assert prune_anomalies(engine, clock.now_ns() + 1) == 1
