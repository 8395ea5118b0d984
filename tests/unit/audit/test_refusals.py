"""Refusals are counted, so that a flood of them is a handful of events."""

from legato.audit.event import Actor, Subject
from legato.audit.refusals import EVENTS_MAX, KINDS_MAX, NOBODY, Refusal, Refusals, act_of
from legato.core.clock import ManualClock


def refusal(name: str = "", actor: Actor = NOBODY) -> Refusal:
    return Refusal(actor, Subject("permission", name), "permission", "acme")


def test_equal_ones_are_one_event_with_their_number() -> None:
    clock = ManualClock()
    counted = Refusals(clock.now_ns)
    assert not counted.due()
    for number in range(1_000):
        counted.note(refusal("a"), f"r{number}")
        clock.advance(0.001)
    counted.note(refusal("b"))
    clock.advance(5)
    assert counted.due()
    first, second = counted.take()
    act = act_of(*first)
    assert (act.org, act.outcome, act.details["times"]) == ("acme", "refused", 1_000)
    assert first[1].request_id == "r0"
    assert second[1].times == 1
    assert counted.take() == []


def test_a_flood_of_different_ones_is_bounded_in_memory_and_log() -> None:
    clock = ManualClock()
    counted = Refusals(clock.now_ns)
    for number in range(10_000):
        counted.note(refusal(str(number), Actor("key", str(number))))
    taken = counted.take()
    assert len(taken) == EVENTS_MAX + 1
    assert sum(one.times for _, one in taken) == 10_000
    assert taken[-1][0].reason == "others"
    assert len(counted._counted) <= KINDS_MAX + 1


def test_the_wait_doubles_while_they_go_on_and_begins_anew_after() -> None:
    clock = ManualClock()
    counted = Refusals(clock.now_ns)
    events = 0
    for _ in range(24 * 3600):
        clock.advance(1)
        counted.note(refusal("a"))
        if counted.due():
            events += len(counted.take())
    assert events < 24 * 13
    counted.take()
    for _ in range(3):
        clock.advance(700)
        assert not counted.due()
    counted.note(refusal("a"))
    assert counted.due()


def test_what_could_not_be_written_is_counted_on() -> None:
    clock = ManualClock()
    counted = Refusals(clock.now_ns)
    counted.note(refusal("a"))
    taken = counted.take()
    counted.note(refusal("a"))
    counted.put_back(taken)
    (found,) = counted.take()
    assert found[1].times == 2
