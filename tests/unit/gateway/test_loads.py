from typing import Any

from legato.core.config_load import RateLimits
from legato.gateway.loads import LoadBoard, Loads, SharedLoad, load_state
from legato.resilience.breaker import State
from legato.routing.load.concurrency import Priority

UNLIMITED = RateLimits()


def normal() -> Priority:
    return Priority.NORMAL


class Time:
    now_s = 6_000.0  # the beginning of a minute

    def __call__(self) -> float:
        return self.now_s


class Room:
    """Workers on one board."""

    def __init__(self, workers: int = 2, *, heeds: bool = True) -> None:
        self.board = LoadBoard(4, workers)
        self.time = Time()
        self.state = State.CLOSED
        self.heeds = heeds

    def worker(self, index: int) -> Loads:
        return Loads(
            self.board, index, breaker_state=lambda _: self.state, monotonic=self.time,
            epoch_ns=lambda: 0, slow_start_s=30.0, heeds_headers=self.heeds,
        )  # fmt: skip

    def load(self, worker: int = 0, cell: int = 1, **limits: Any) -> SharedLoad:
        return self.worker(worker).of(cell, RateLimits(**limits))


def test_workers_see_each_others_calls_and_a_successor_forgets_those_of_the_dead() -> None:
    room = Room()
    first, second = room.load(0), room.load(1)
    first.begin(0)
    first.begin(0)
    assert second.busy(1, by_latency=False) == 3
    assert room.load(1, cell=2).busy(1, by_latency=False) == 1
    first.end(0)
    assert load_state(room.board, 1, 0.0).outstanding == 1
    room.load(0)
    assert load_state(room.board, 1, 0.0).outstanding == 0


def test_who_is_slow_is_busier() -> None:
    room = Room()
    slow, quick = room.load(cell=0), room.load(cell=1)
    slow.answered([], 500.0)
    quick.answered([], 50.0)
    quick.begin(0)
    assert quick.busy(1, by_latency=True) == 100 < slow.busy(1, by_latency=True)


def test_who_comes_back_begins_slowly() -> None:
    room = Room()
    load = room.load()
    room.state = State.HALF_OPEN
    load.answered([], 50.0)
    assert load.busy(1, by_latency=False) == 10
    room.time.now_s += 15
    assert load.busy(1, by_latency=False) == 2
    room.time.now_s += 15
    assert load.busy(1, by_latency=False) == 1


def test_who_said_when_is_not_asked_before_by_any_worker() -> None:
    room = Room()
    room.load(0).refused(7.0)
    other = room.load(1)
    assert other.closed_s(0, normal) == 7
    room.time.now_s += 7
    assert other.closed_s(0, normal) == 0


def test_headers_say_who_is_near_his_limit() -> None:
    room = Room()
    load = room.load()
    said = [
        (b"x-ratelimit-limit-requests", b"10"),
        (b"x-ratelimit-remaining-requests", b"2"),
        (b"x-ratelimit-reset-requests", b"60s"),
    ]
    load.answered(said, 1.0)
    other = room.load(1)
    assert not other.is_near(100)
    load.begin(0)
    assert other.is_near(100)
    assert load_state(room.board, 1, room.time.now_s).requests_left == 1
    room.time.now_s += 30
    assert not other.is_near(100)


def test_what_isnt_wanted_is_not_read() -> None:
    room = Room(heeds=False)
    load = room.load()
    load.answered([(b"x-ratelimit-remaining-requests", b"0")], 1.0)
    load.refused(9.0)
    assert not load.is_near(1)
    assert load.closed_s(1, normal) == 0


def test_a_declared_limit_holds_over_all_workers() -> None:
    room = Room(heeds=False)
    first = room.load(0, requests_per_minute=3, tokens_per_minute=1_000)
    second = room.worker(1).of(1, RateLimits(requests_per_minute=3, tokens_per_minute=1_000))
    first.begin(100)
    second.begin(100)
    assert first.closed_s(100, normal) == 0
    assert first.closed_s(900, normal) > 0  # too many tokens
    second.end(800)  # it used more than was expected
    assert first.closed_s(100, normal) > 0
    second.end(-800)
    first.begin(100)
    wait_s = second.closed_s(1, normal)
    assert 60 < wait_s < 81  # a third of the minute before has to be over
    room.time.now_s += wait_s
    assert second.closed_s(1, normal) < 1e-6


def test_what_a_call_claims_keeps_nobody_from_a_deployment() -> None:
    room = Room(heeds=False)
    load = room.load(0, tokens_per_minute=1_000)
    others = room.load(1, tokens_per_minute=1_000)
    expected = load.counted(10**15)
    assert expected == 1_000
    room.time.now_s += 59
    load.begin(expected)
    room.time.now_s += 2
    load.end(10 - expected)  # in the minute after
    assert others.closed_s(900, normal) == 0


def test_what_a_call_claims_is_at_most_half_of_what_a_provider_takes() -> None:
    room = Room()
    load = room.load()
    said = [
        (b"x-ratelimit-limit-tokens", b"1000"),
        (b"x-ratelimit-remaining-tokens", b"1000"),
        (b"x-ratelimit-reset-tokens", b"1s"),
    ]
    load.answered(said, 1.0)
    load.begin(10**15)
    assert not load.is_near(400)


def test_places_follow_what_a_deployment_bears_and_low_priority_is_shed_first() -> None:
    room = Room(heeds=False)
    load = room.load(concurrency_max=10)
    for _ in range(5):
        load.begin(0)
    assert load.closed_s(0, lambda: Priority.LOW) > 0
    assert load.closed_s(0, normal) == 0
    for _ in range(4):
        load.begin(0)
    assert load.closed_s(0, normal) > 0
    assert load.closed_s(0, lambda: Priority.HIGH) == 0
    load.begin(0)
    assert load.closed_s(0, lambda: Priority.HIGH) > 0
    load.overloaded()
    load.overloaded()  # of the same moment: one sign
    assert load_state(room.board, 1, 0.0).places == 7
    load.end(0)
    load.end(0)
    load.end(0)
    load.end(0)
    assert load.closed_s(0, lambda: Priority.HIGH) == 0
    for _ in range(8):
        load.bore()
    assert load_state(room.board, 1, 0.0).places == 8


def test_a_deployment_that_bears_nothing_still_gets_a_call() -> None:
    room = Room(heeds=False)
    load = room.load(concurrency_max=2)
    for _ in range(9):
        room.time.now_s += 2
        load.overloaded()
    assert load.closed_s(0, lambda: Priority.LOW) == 0
