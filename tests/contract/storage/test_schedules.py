"""A scheduled report is made once for each time, and told of once."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec
import pytest
from sqlalchemy import func, select

from legato.app.desks.scheduling import ReportRunner, attached
from legato.core.errors import Conflict, InvalidRequest, NotFound, StorageUnavailable
from legato.core.ids import IdSource
from legato.core.report_schedule import ReportSchedule, period_of
from legato.core.tenant import EVERY_TENANT, Tenant
from legato.storage.notifications.outbox import Outbox
from legato.storage.schedules.schedules import Schedules, prune_runs
from legato.storage.tables.audit import audit_event

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from legato.core.clock import ManualClock
    from legato.reporting.wanted import Wanted

KNOWN = frozenset({"mail", "files"})
DAY_S = 86_400


@pytest.fixture
def schedules(engine: Engine, clock: ManualClock) -> Schedules:
    return Schedules(engine, clock, EVERY_TENANT)


@pytest.fixture
def monthly(schedules: Schedules, clock: ManualClock) -> ReportSchedule:
    return schedules.add(said(clock), KNOWN)


def said(clock: ManualClock, **changes: object) -> ReportSchedule:
    made = ReportSchedule(
        id=IdSource(clock).new(), org="acme", name="savings", kind="savings", form="json",
        cron="0 8 1 * *", time_zone="Europe/Zurich", span="last-month", channels=("mail", "files"),
    )  # fmt: skip
    return msgspec.structs.replace(made, **changes)


class Making:
    """Makes reports, or fails as it is told."""

    def __init__(self) -> None:
        self.asked: list[Wanted] = []
        self.fails: Exception | None = None

    def __call__(self, wanted: Wanted) -> tuple[str, bytes]:
        self.asked.append(wanted)
        if self.fails is not None:
            raise self.fails
        return wanted.period, f"report of {wanted.period}".encode()


@pytest.fixture
def making() -> Making:
    return Making()


@pytest.fixture
def runner(schedules: Schedules, making: Making, clock: ManualClock) -> ReportRunner:
    return ReportRunner(schedules, making, IdSource(clock).new, clock)


class Room(NamedTuple):
    schedules: Schedules
    monthly: ReportSchedule
    runner: ReportRunner
    making: Making


@pytest.fixture
def room(
    schedules: Schedules, monthly: ReportSchedule, runner: ReportRunner, making: Making
) -> Room:
    return Room(schedules, monthly, runner, making)


def test_one_comes_at_its_time_of_the_month_before(
    engine: Engine, room: Room, clock: ManualClock
) -> None:
    schedules, _monthly, runner, making = room
    assert runner.run_due() == [], "its time hasn't come"
    clock.advance(17 * DAY_S)  # from 2023-11-14
    [run] = runner.run_due()
    assert (run.period, making.asked[0].period) == ("2023-11", "2023-11")
    assert run.event is not None
    assert runner.run_due() == []
    assert schedules.document(run.id)[1] == b"report of 2023-11"
    [kept] = Outbox(engine, Tenant("acme")).page(10)
    assert kept.notification.kind == "report.made"
    assert {one.channel for one in kept.deliveries} == {"mail", "files"}
    assert kept.notification.facts["sha256"] == run.digest
    sent = attached(schedules, kept.notification).attachment
    assert sent is not None
    assert (sent.name, sent.content) == ("savings-2023-11.json", b"report of 2023-11")
    with engine.connect() as connection:
        wanted = select(func.count()).where(audit_event.c.action == "report.schedule")
        assert connection.execute(wanted).scalar_one() == 1


def test_what_was_missed_comes_once(
    schedules: Schedules, monthly: ReportSchedule, runner: ReportRunner, clock: ManualClock
) -> None:
    clock.advance(100 * DAY_S)
    assert [run.period for run in runner.run_due()] == ["2023-11"]
    assert schedules.get(monthly.id).next_ns > clock.now_ns()


def test_two_that_make_the_same_make_it_once(
    schedules: Schedules, monthly: ReportSchedule, runner: ReportRunner, clock: ManualClock
) -> None:
    clock.advance(17 * DAY_S)
    [due] = schedules.due(clock.now_ns())
    assert runner.run(due, due.next_ns) is not None
    assert runner.run(due, due.next_ns) is None
    assert len(schedules.runs(monthly.id, 9)) == 1


def test_a_database_that_is_away_leaves_it_due_and_anything_else_is_told(
    engine: Engine, room: Room, clock: ManualClock
) -> None:
    schedules, _monthly, runner, making = room
    clock.advance(17 * DAY_S)
    making.fails = StorageUnavailable("away")
    with pytest.raises(StorageUnavailable):
        runner.run_due()
    making.fails = NotFound("there is no fiscal period")
    [run] = runner.run_due()
    assert (run.told, run.size, run.digest) == ("there is no fiscal period", 0, "")
    [kept] = Outbox(engine, Tenant("acme")).page(10)
    assert kept.notification.kind == "report.failed"
    assert attached(schedules, kept.notification).attachment is None
    assert schedules.due(clock.now_ns()) == []


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("name", {"name": "Not so"}),
        ("cron", {"cron": "soon"}),
        ("time_zone", {"time_zone": "Mars"}),
        ("span", {"span": "lately"}),
        ("channels", {"channels": ()}),
        ("channels", {"channels": ("pigeon",)}),
    ],
)
def test_what_is_wrong_is_named(
    schedules: Schedules, clock: ManualClock, field: str, changes: dict[str, object]
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        schedules.add(said(clock, **changes), KNOWN)
    assert refused.value.param == field


def test_names_are_once_and_nobody_meets_what_is_not_theirs(
    engine: Engine, room: Room, clock: ManualClock
) -> None:
    schedules, monthly, runner, _making = room
    with pytest.raises(Conflict):
        schedules.add(said(clock), KNOWN)
    clock.advance(17 * DAY_S)
    [run] = runner.run_due()
    others = Schedules(engine, clock, Tenant("globex"))
    assert others.in_force() == []
    assert others.runs(monthly.id, 9) == []
    for act, named in ((others.get, monthly.id), (others.document, run.id)):
        with pytest.raises(NotFound):
            act(named)
    schedules.remove("savings")
    assert schedules.in_force() == []
    clock.advance(40 * DAY_S)
    assert runner.run_due() == []
    assert prune_runs(engine, clock.now_ns()) == 1


@pytest.mark.parametrize(
    ("span", "period"),
    [
        ("last-day", "2026-01-01"),
        ("last-week", "2025-12-22..2025-12-28"),
        ("last-month", "2025-12"),
        ("last-quarter", "2025-Q4"),
        ("last-year", "2025"),
        ("30d", "30d"),
    ],
)
def test_the_time_meant_is_over_when_it_is_due(span: str, period: str) -> None:
    # 2026-01-02 00:30 in Zurich, still the first in UTC
    assert period_of(span, 1_767_310_200 * 10**9, "Europe/Zurich") == period
