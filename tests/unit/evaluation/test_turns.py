import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from legato.evaluation.turns import SLICE_S, Turn, Turns


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


class Worker:
    """Takes a turn in a thread, and ends it when told."""

    def __init__(self, turns: Turns, org: str, stopping: threading.Event | None = None) -> None:
        self.began, self._end, self._ended = (threading.Event() for _ in range(3))
        self.turn: Turn | None = None
        self._thread = threading.Thread(
            target=self._work, args=(turns, org, stopping or threading.Event()), daemon=True
        )
        self._thread.start()

    def _work(self, turns: Turns, org: str, stopping: threading.Event) -> None:
        with turns.taken(org, stopping) as self.turn:
            self.began.set()
            self._end.wait()
        self._ended.set()

    def end(self) -> None:
        self._end.set()
        self._ended.wait()
        self._thread.join()


def waits(turns: Turns, org: str, count: int) -> list[Worker]:
    """Let workers of an organisation queue up, and return once they all do."""
    before = turns.waiting
    made = [Worker(turns, org) for _ in range(count)]
    while turns.waiting < before + count:
        threading.Event().wait(0.001)
    return made


@contextmanager
def held(turns: Turns, *orgs: str) -> Iterator[list[Turn]]:
    with ExitStack() as stack:
        yield [stack.enter_context(turns.taken(org, threading.Event())) for org in orgs]  # type: ignore[misc]


def test_a_turn_is_over_once_another_organisation_waits_and_its_slice_has_passed() -> None:
    clock = Clock()
    turns = Turns(1, clock)
    with held(turns, "long") as (turn,):
        clock.now_s += 100 * SLICE_S
        assert not turn.over()  # nobody waits
        (own,) = waits(turns, "long", 1)
        assert not turn.over()  # nor does another organisation
        (other,) = waits(turns, "short", 1)
        assert turn.over()
    other.began.wait()  # who asked later, but whose organisation has had no turn
    assert not own.began.is_set()
    other.end()
    own.began.wait()
    own.end()


def test_an_organisation_with_much_to_do_leaves_a_place_to_the_other() -> None:
    clock = Clock()
    turns = Turns(2, clock)
    with held(turns, "long", "long") as (first, second):
        (other,) = waits(turns, "short", 1)
        assert not first.over()  # its slice isn't over
        clock.now_s += SLICE_S
        assert first.over()
        assert second.over()
    other.began.wait()
    assert other.turn is not None
    more = Worker(turns, "long")
    more.began.wait()
    waiting = waits(turns, "long", 1)
    clock.now_s += SLICE_S
    assert not other.turn.over()  # each has one: that is fair
    for one in (other, more, *waiting):
        one.end()


@pytest.mark.parametrize("orgs", [("a", "b", "c")])
def test_places_go_round(orgs: tuple[str, ...]) -> None:
    turns = Turns(1, Clock())
    with held(turns, "x"):
        queued = {org: waits(turns, org, 2) for org in orgs}
    order = []
    for _ in range(2 * len(orgs)):
        while not (now := [org for org in orgs if queued[org] and queued[org][0].began.is_set()]):
            threading.Event().wait(0.001)
        order.append(now[0])
        queued[now[0]].pop(0).end()
    assert order == [*orgs, *orgs]


def test_who_waits_is_told_to_stop() -> None:
    turns, stopping = Turns(1, Clock()), threading.Event()
    with held(turns, "a"):
        worker = Worker(turns, "b", stopping)
        stopping.set()
        worker.began.wait()
        assert worker.turn is None
        worker.end()
    with held(turns, "c"):
        pass
