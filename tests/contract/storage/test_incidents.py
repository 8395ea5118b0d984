"""Incidents go from open to resolved, once, and tell how long each step took."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from sqlalchemy import select, update

from legato.core.errors import Conflict, InvalidRequest, NotFound
from legato.core.ids import IdSource
from legato.core.incident import Cause, Incident, Source, Standing
from legato.core.objective import Measured, Objective
from legato.core.tenant import EVERY_TENANT, Tenant
from legato.insights.objectives.opening import IncidentOpening
from legato.storage.anomalies.found import Anomaly
from legato.storage.audit.log import AuditFilter, AuditLog
from legato.storage.database.engine import reading, writing
from legato.storage.incidents.incidents import Durations, Incidents, prune_incidents
from legato.storage.incidents.words import GONE, HIDDEN, Words
from legato.storage.objectives.alerts import BurnAlert
from legato.storage.tables.objectives import incident

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from legato.core.clock import ManualClock

MIN_NS = 60_000_000_000


class Turned:
    """Seals by turning the bytes round."""

    def seal(self, org: str, data: bytes, context: bytes) -> bytes:
        return data[::-1] + context

    def open(self, org: str, sealed: bytes, context: bytes) -> bytes:
        if not sealed.endswith(context):
            raise ValueError(org)
        return sealed.removesuffix(context)[::-1]


WORDS = Words(Turned(), lambda org, user: f"{org}:{user}")


@pytest.fixture
def incidents(engine: Engine, clock: ManualClock) -> Incidents:
    return Incidents(engine, clock, EVERY_TENANT, WORDS)


@pytest.fixture
def opening(incidents: Incidents, clock: ManualClock) -> IncidentOpening:
    return IncidentOpening(
        incidents, breaker_open_ns=5 * MIN_NS, new_id=IdSource(clock).new, now_ns=clock.now_ns
    )


@pytest.fixture
def by_hand(incidents: Incidents, clock: ManualClock) -> Incident:
    now_ns = clock.now_ns()
    made = incidents.open(
        Incident(
            id=IdSource(clock).new(), org="acme", source=Source.PERSON, subject="account:a",
            severity="warning", title="Answers are odd", began_at_ns=now_ns - 10 * MIN_NS,
            opened_at_ns=now_ns, team="support",
        )
    )  # fmt: skip
    assert made is not None
    return made


def alert(clock: ManualClock, name: str = "answers", **changes: object) -> BurnAlert:
    made = BurnAlert(
        id=IdSource(clock).new(), org="acme", name=name, version=1, window="1h", pages=True,
        began_at_ns=clock.now_ns() - 3 * MIN_NS, opened_at_ns=clock.now_ns(), burn_long=40.0,
        burn_short=50.0, total=100, bad=40,
    )  # fmt: skip
    return msgspec.structs.replace(made, **changes)


OBJECTIVE = Objective(org="acme", name="answers", measured=Measured.ERRORS, target_ppm=990_000,
                      runbook="https://wiki.example/answers")  # fmt: skip


def test_one_goes_from_open_to_resolved(
    incidents: Incidents, by_hand: Incident, clock: ManualClock
) -> None:
    clock.advance(120)
    taken = incidents.acknowledge(by_hand.id, "account:b")
    assert (taken.state, taken.acknowledged_ns) == (Standing.ACKNOWLEDGED, 2 * MIN_NS)
    with pytest.raises(InvalidRequest, match="cause"):
        incidents.resolve(by_hand.id, "account:b")
    clock.advance(180)
    over = incidents.resolve(by_hand.id, "account:c", cause=Cause.DATA, note="a bad import")
    assert incidents.get(by_hand.id) == over
    assert (over.state, over.resolved_ns, over.detected_ns) == (
        Standing.RESOLVED, 5 * MIN_NS, 10 * MIN_NS,
    )  # fmt: skip
    for again in (incidents.acknowledge, incidents.resolve):
        with pytest.raises(Conflict):
            again(by_hand.id, "account:b")


def test_each_step_is_in_the_audit_log(
    engine: Engine, incidents: Incidents, by_hand: Incident
) -> None:
    incidents.acknowledge(by_hand.id, "account:b", Cause.MODEL)
    incidents.resolve(by_hand.id, "account:b")
    events = AuditLog(engine, Tenant("acme")).page(10, AuditFilter())
    actions = [one.action for one in events if by_hand.id in one.leaf.decode()]
    assert sorted(actions) == ["incident.acknowledge", "incident.open", "incident.resolve"]


def test_an_objective_has_one_at_a_time_and_it_ends_when_nothing_burns(
    opening: IncidentOpening, incidents: Incidents, clock: ManualClock
) -> None:
    hour, six = alert(clock), alert(clock, window="6h")
    [made] = opening.of_burns([(hour, OBJECTIVE), (six, OBJECTIVE)])
    assert (made.runbook, made.severity, made.detected_ns) == (
        OBJECTIVE.runbook, "critical", 3 * MIN_NS,
    )  # fmt: skip
    clock.advance(60)
    assert opening.of_recoveries([hour], [six]) == []
    [over] = opening.of_recoveries([six], [])
    assert (over.state, over.cause) == (Standing.RESOLVED, Cause.UNKNOWN)
    assert over.resolved_by == "process:legato"
    assert opening.of_burns([(hour, OBJECTIVE)]) == [], "an alert opens one once"
    assert opening.of_burns([(alert(clock), OBJECTIVE)]), "another alert opens another"
    assert incidents.count_by_state() == {"open": 1}


def test_a_breaker_that_stays_open_is_one_until_it_is_closed(
    opening: IncidentOpening, clock: ManualClock
) -> None:
    assert opening.of_breakers({"big": False, "small": True}) == []
    clock.advance(299)
    assert opening.of_breakers({"big": False, "small": True}) == []
    clock.advance(2)
    [made] = opening.of_breakers({"big": False, "small": True})
    assert (made.subject, made.cause, made.detected_ns) == (
        "big", Cause.INTEGRATION, 301 * 10**9,
    )  # fmt: skip
    assert opening.of_breakers({"big": False}) == []
    [over] = opening.of_breakers({"big": True})
    assert over.state is Standing.RESOLVED


def test_a_breaker_that_closes_in_time_is_none(
    opening: IncidentOpening, clock: ManualClock
) -> None:
    for state in (False, True, False):
        assert opening.of_breakers({"big": state}) == []
        clock.advance(200)
    assert opening.of_breakers({"big": False}) == []


def test_unusual_spend_is_one_unless_somebody_has_acknowledged_it(
    opening: IncidentOpening, clock: ManualClock
) -> None:
    hour = clock.now_ns() // (60 * MIN_NS)
    found = Anomaly(
        id="a" * 32, org="acme", team="support", feature="bot", first_hour=hour - 2,
        last_hour=hour - 1, found_at_ns=clock.now_ns(), cost=9, expected=1, z=9.0,
        reference_hour=0, reference_cost=1, parts={}, model="m",
    )  # fmt: skip
    known = msgspec.structs.replace(found, id="b" * 32, feature="other", acknowledged_by="me")
    assert [one.source_id for one in opening.of_anomalies([found, known])] == ["a" * 32]
    assert opening.of_anomalies([found]) == []


def test_durations_are_of_what_was_resolved_in_time(
    engine: Engine, incidents: Incidents, by_hand: Incident, clock: ManualClock
) -> None:
    clock.advance(300)
    incidents.resolve(by_hand.id, "account:b", cause=Cause.MODEL)
    now_ns = clock.now_ns()
    both = Durations(1, 5 * MIN_NS, 10 * MIN_NS)
    assert incidents.durations(0, now_ns + 1, {}) == both
    assert incidents.durations(0, now_ns + 1, {"team": "support"}) == both
    assert incidents.durations(0, now_ns, {}).resolved == 0
    assert incidents.durations(0, now_ns + 1, {"team": "search"}).resolved == 0
    assert Incidents(engine, clock, Tenant("globex")).durations(0, now_ns + 1, {}).resolved == 0


def test_nobody_meets_what_is_not_theirs(
    engine: Engine, incidents: Incidents, by_hand: Incident, clock: ManualClock
) -> None:
    others = Incidents(engine, clock, Tenant("globex"), WORDS)
    assert others.page(10) == []
    for act in (others.get, lambda name: others.acknowledge(name, "x")):
        with pytest.raises(NotFound):
            act(by_hand.id)
    assert [one.id for one in incidents.page(10, state="open")] == [by_hand.id]


def test_only_resolved_ones_are_forgotten(
    engine: Engine, incidents: Incidents, by_hand: Incident, clock: ManualClock
) -> None:
    later = clock.now_ns() + 10**12
    assert prune_incidents(engine, later) == 0
    incidents.resolve(by_hand.id, "account:b", cause=Cause.MODEL)
    assert prune_incidents(engine, later) == 1


def test_what_people_say_is_sealed_and_what_legato_says_is_not(
    engine: Engine, incidents: Incidents, by_hand: Incident, clock: ManualClock
) -> None:
    def rows() -> list[Any]:
        with reading(engine) as connection:
            return list(connection.execute(select(incident).order_by(incident.c.id)))

    (row,) = rows()
    assert (row.title, row.note) == ("", "")
    assert incidents.get(by_hand.id) == by_hand
    incidents.acknowledge(by_hand.id, "account:b")
    assert incidents.get(by_hand.id).title == "Answers are odd"
    over = incidents.resolve(by_hand.id, "key:ci", cause=Cause.DATA, note="asked Bob")
    assert incidents.get(by_hand.id) == over
    unable = Incidents(engine, clock, EVERY_TENANT)
    assert (unable.get(by_hand.id).title, unable.get(by_hand.id).note) == (HIDDEN, "")
    with pytest.raises(ValueError, match="seals nothing"):
        unable.open(msgspec.structs.replace(by_hand, id=IdSource(clock).new()))
    with writing(engine) as connection:
        connection.execute(update(incident).values(sealed=b""))
    assert (incidents.get(by_hand.id).title, incidents.get(by_hand.id).note) == (GONE, "")
    own = msgspec.structs.replace(
        by_hand, id=IdSource(clock).new(), source=Source.BREAKER, subject="big"
    )
    assert unable.open(own) == own, "Legato's own words are nobody's"
    unable.recovered(Source.BREAKER, "big", "acme")
    assert [one.sealed for one in rows() if one.note] == [None]
