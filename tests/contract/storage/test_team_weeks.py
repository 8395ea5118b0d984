"""Digests hold the ledger's own sums, and each is told once, whoever makes it."""

from __future__ import annotations

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import TYPE_CHECKING

from legato.app.desks.digests import digests_of
from legato.app.desks.notifying import window_end
from legato.core.config_notifications import Digest
from legato.core.ids import IdSource
from legato.core.tenant import EVERY_TENANT, Tenant
from legato.notify.lookout import Lookout
from legato.notify.telling import Words
from legato.notify.week import last_week
from legato.storage.ledger.entries import EntryReader
from legato.storage.ledger.ledger import Ledger
from legato.storage.notifications.outbox import Outbox
from legato.storage.notifications.traces import Traces
from legato.storage.notifications.weeks import TeamWeeks
from legato.storage.tenants.places import Kind, PlaceStore

from .journal_records import encoded, settled

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from legato.core.clock import ManualClock

DAY_NS = 86_400_000_000_000
DIGEST = Digest(channels=["mail"], org="acme", time_zone="Asia/Kolkata", day="tuesday", hour=9)


def filled(engine: Engine, clock: ManualClock) -> None:
    random = Random(7)
    records = [
        settled(
            f"{number:05}",
            at_ns=clock.now_ns() - random.randrange(22 * DAY_NS),
            cost=random.choice((None, random.randrange(10**9))),
            org=random.choice(("acme", "other")),
            team=random.choice(("search", "sales")),
            feature=random.choice(("bot", "mail")),
            model=random.choice(("m1", "m2", "m3")),
        )
        for number in range(400)
    ]
    Ledger(engine, clock).commit("segment", 1, [*encoded(*records)])
    places = PlaceStore(engine, clock, IdSource(clock), EVERY_TENANT)
    org = places.create(Kind.ORGANISATION, "acme", "")
    for name in ("search", "sales", "idle"):
        places.create(Kind.TEAM, name, "", above_id=org.id)


def test_a_digest_is_the_sum_of_its_entries(engine: Engine, clock: ManualClock) -> None:
    filled(engine, clock)
    week, _ = last_week(DIGEST, clock.now_ns())
    report = digests_of(engine, clock).report("acme", "search", week)
    total = unpriced = attempts = 0
    features: dict[str, int] = defaultdict(int)
    models: dict[str, int] = defaultdict(int)
    for row in EntryReader(engine, Tenant("acme")).export_rows():
        if row["team"] == "search" and week.start_ns <= row["at_ns"] < week.end_ns:
            attempts += 1
            unpriced += row["cost"] is None
            total += row["cost"] or 0
            features[row["feature"]] += row["cost"] or 0
            models[row["model"]] += row["cost"] or 0
    assert attempts > 20
    assert (report.total.cost, report.unpriced, report.attempts) == (total, unpriced, attempts)
    assert {one.name: one.cost for one in report.features if one.cost} == features
    assert {one.name: one.cost for one in report.models if one.cost} == models


def test_nobody_reads_anothers_weeks(engine: Engine, clock: ManualClock) -> None:
    filled(engine, clock)
    now_ns = clock.now_ns()
    both = [TeamWeeks(engine, Tenant(org)).spent(0, now_ns) for org in ("acme", "other")]
    costs = [sum(one.sums["cost"] for rows in each.values() for one in rows) for each in both]
    every = TeamWeeks(engine, EVERY_TENANT).spent(0, now_ns)
    assert sum(costs) == sum(one.sums["cost"] for rows in every.values() for one in rows)
    assert TeamWeeks(engine, Tenant("nobody")).spent(0, now_ns) == {}


def test_each_team_has_one_digest_a_week_whoever_makes_it(
    engine: Engine, clock: ManualClock
) -> None:
    filled(engine, clock)

    def look(_: int) -> int:
        words = Words(IdSource(clock).new, window_end)
        looking = Lookout(
            Traces(engine), Outbox(engine, EVERY_TENANT), words, routes=[], now_ns=clock.now_ns
        )
        return len(looking.look_at_weeks(digests_of(engine, clock), [DIGEST]))

    _, due_ns = last_week(DIGEST, clock.now_ns())
    clock.advance((due_ns + 7 * DAY_NS - clock.now_ns() + 5) / 1e9)
    with ThreadPoolExecutor(3) as threads:
        assert sum(threads.map(look, range(6))) == 2  # nothing happened in the third team
    kept = Outbox(engine, EVERY_TENANT).page(9, kind="digest.weekly")
    assert {one.notification.team for one in kept} == {"search", "sales"}
    assert [one.deliveries[0].channel for one in kept] == ["mail", "mail"]
    clock.advance(4 * 86_400)
    assert look(0) == 0
    clock.advance(3 * 86_400)
    assert look(0) == 2
