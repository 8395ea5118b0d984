import time
from typing import Any

import pytest

from legato.core.errors import Conflict, InvalidRequest, StorageUnavailable
from legato.workflows.triggers.cloud_events import Event
from legato.workflows.triggers.intake import What
from legato.workflows.triggers.schedules import BACKFILL_AT_ONCE

MINUTE_NS = 60_000_000_000
EVENT: dict[str, Any] = {"settings": {"type": "order.*"}}


def event(number: int = 1, **data: Any) -> Event:
    return Event(id=str(number), source="/shop", type="order.paid", data=data)


def test_an_event_begins_one_run_however_often_it_comes(world: Any) -> None:
    active = world.active("event", **EVENT)
    first = world.intake.take(active, event(amount=7))
    again = world.intake.take(active, event(amount=7))
    assert (first.what, again.what) == (What.STARTED, What.DUPLICATE)
    assert first.run_id == again.run_id
    assert world.inputs() == [{"amount": 7}]
    state = world.store().state(active.name)
    assert (state.received, state.started, state.duplicates) == (2, 1, 1)


def test_cut_off_before_it_was_told_it_is_the_same_run(world: Any) -> None:
    active = world.active("event", **EVENT)
    world.away = 1
    with pytest.raises(StorageUnavailable):
        world.intake.take(active, event())
    assert world.intake.take(active, event()).what is What.STARTED
    assert len(world.runs) == 1


def test_condition_and_input_are_of_the_event(world: Any) -> None:
    active = world.active(
        "event", **EVENT, when="event.data.amount > 10",
        input={"total": "${ event.data.amount }", "from": "shop ${ event.source }"},
    )  # fmt: skip
    assert world.intake.take(active, event(1, amount=5)).what is What.PASSED_OVER
    world.intake.take(active, event(2, amount=50))
    assert world.inputs() == [{"total": 50, "from": "shop /shop"}]


def test_poison_is_buried_with_its_reason_and_driven_again(world: Any) -> None:
    active = world.active("event", **EVENT)
    assert world.intake.take(active, event(poison=True)).what is What.DEAD
    assert world.intake.take(active, event(poison=True)).what is What.DUPLICATE
    letter = world.store().letters(10, None)[0]
    assert letter.reason == "invalid_request"
    assert b"poison" not in letter.sealed
    buried = world.intake.opened("default", letter)
    assert buried.told == "input: is poison"
    with pytest.raises(InvalidRequest):
        world.intake.redrive(active, letter.id, None)
    mended = {**buried.event, "data": {"amount": 1}}
    assert world.intake.redrive(active, letter.id, mended) in world.runs
    with pytest.raises(Conflict):
        world.intake.redrive(active, letter.id, mended)
    assert world.store().letter(letter.id).state == "redriven"


def test_a_schedule_begins_with_its_next_time_and_each_time_once(world: Any) -> None:
    active = world.active("schedule", settings={"cron": "*/10 * * * *"})
    assert world.schedules.fire(active) == []
    for _ in range(3):
        world.clock.advance(600)
        world.schedules.fire(active)
        world.schedules.fire(active)
    assert len(world.runs) == 3


@pytest.mark.parametrize(("catch_up", "wanted"), [("none", 0), ("last", 1), ("all", 6)])
def test_missed_times_are_made_up_for_as_it_says(world: Any, catch_up: str, wanted: int) -> None:
    active = world.active("schedule", settings={"cron": "*/10 * * * *", "catch_up": catch_up})
    world.schedules.fire(active)
    world.clock.advance(3_600 + 300)
    world.schedules.fire(active)
    assert len(world.runs) == wanted


@pytest.mark.parametrize(
    ("overlap", "runs", "cancelled"),
    [("skip", 1, []), ("queue", 1, []), ("allow", 2, []), ("cancel_running", 2, ["first"])],
)
def test_overlap(world: Any, overlap: str, runs: int, cancelled: list[str]) -> None:
    active = world.active("schedule", settings={"cron": "*/10 * * * *", "overlap": overlap})
    world.schedules.fire(active)
    world.clock.advance(600)
    world.schedules.fire(active)
    world.under_way = ["first"]
    world.clock.advance(600)
    world.schedules.fire(active)
    assert (len(world.runs), world.cancelled) == (runs, cancelled)
    world.under_way = []
    world.schedules.fire(active)
    assert len(world.runs) == (2 if overlap == "queue" else runs)


def test_backfill_makes_up_for_a_span_once(world: Any) -> None:
    active = world.active("schedule", settings={"cron": "0 * * * *"})
    until_ns = world.clock.now_ns()
    since_ns = until_ns - 5 * 3_600 * 10**9
    first, following_ns = world.schedules.backfill(active, since_ns, until_ns)
    again, _ = world.schedules.backfill(active, since_ns, until_ns)
    assert [one.what for one in first] == [What.STARTED] * 5
    assert [one.what for one in again] == [What.DUPLICATE] * 5
    assert following_ns is None
    with pytest.raises(InvalidRequest, match="future"):
        world.schedules.backfill(active, since_ns, until_ns + 1)


def test_a_year_of_minutes_is_made_up_for_in_parts(world: Any) -> None:
    active = world.active("schedule", settings={"cron": "* * * * *"})
    until_ns = world.clock.now_ns()
    year_ago_ns = until_ns - 365 * 86_400 * 10**9
    began = time.monotonic()
    taken, following_ns = world.schedules.backfill(active, year_ago_ns, until_ns)
    assert len(taken) == len(world.runs) == BACKFILL_AT_ONCE
    assert following_ns - year_ago_ns < (BACKFILL_AT_ONCE + 1) * MINUTE_NS
    assert time.monotonic() - began < 30, "no more times are worked out than are made up for"
    since_ns, parts = until_ns - 450 * MINUTE_NS, []
    while since_ns is not None:
        taken, since_ns = world.schedules.backfill(active, since_ns, until_ns)
        parts.append(len(taken))
    assert parts == [200, 200, 50]
    assert len(world.runs) == BACKFILL_AT_ONCE + 450


def test_one_process_at_a_time_has_a_trigger(world: Any) -> None:
    active = world.active("schedule", settings={"cron": "0 * * * *"})
    store = world.store()
    assert store.claim(active.name, "a", 10**10)
    assert not store.claim(active.name, "b", 10**10)
    assert store.claim(active.name, "a", 10**10)
    world.clock.advance(11)
    assert store.claim(active.name, "b", 10**10)
    store.pause(active.name, paused=True)
    assert not store.claim(active.name, "b", 10**10)
