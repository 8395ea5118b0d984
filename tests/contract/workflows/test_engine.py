"""What the engine promises, on both databases."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from legato.core.durable import Run, RunState, Schedule, Steps
from legato.core.errors import InvalidRequest, NotFound
from legato.workflows.engine import DurableEngine, EngineOptions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Place

QUEUE, NARROW = "tests", "narrow"


class Workflows:
    """A few, with a book of what they really did."""

    def __init__(self) -> None:
        self.did: list[str] = []

    def do(self, what: str) -> str:
        self.did.append(what)
        return what.upper()

    def two(self, steps: Steps, argument: Any) -> Any:
        first = steps.do("first", lambda: self.do(f"first {argument}"))
        return [first, steps.do("second", lambda: self.do(f"second {argument}"))]

    def asks(self, steps: Steps, _argument: Any) -> Any:
        steps.do("before", lambda: self.do("before"))
        return steps.receive("answer", 20.0)

    def fails(self, steps: Steps, _argument: Any) -> Any:
        steps.sleep(0.01)
        return steps.do("broken", self._break)

    def notes(self, steps: Steps, argument: Any) -> Any:
        return steps.do("note", lambda: self.do(str(argument["context"])))

    def _break(self) -> None:
        msg = "it broke"
        raise ValueError(msg)


@pytest.fixture(scope="module")
def book() -> Workflows:
    return Workflows()


@pytest.fixture
def workflows(book: Workflows) -> Workflows:
    book.did.clear()
    return book


@pytest.fixture
def r(request: pytest.FixtureRequest) -> str:
    """What ids of a test's runs begin with."""
    return str(request.node.name)


@pytest.fixture(scope="module")
def engine(place: Place, book: Workflows) -> Iterator[DurableEngine]:
    options = EngineOptions(
        place.url, "one", {QUEUE: 4, NARROW: 2}, postgres_schema=f"{place.schema}_runs", poll_s=0.02
    )
    named = {"two": book.two, "asks": book.asks, "fails": book.fails}
    engine = DurableEngine(options, {**named, "notes": book.notes})
    yield engine
    engine.close()


def ended(engine: DurableEngine, run_id: str, *states: RunState) -> Run:
    """Return the run once it is in one of the states."""
    until_s = time.monotonic() + 10
    while (run := engine.get(run_id)).state not in states and time.monotonic() < until_s:
        time.sleep(0.01)
    assert run.state in states, run
    return run


def test_a_run_is_done_and_says_what_its_steps_came_to(engine: DurableEngine, r: str) -> None:
    engine.start("two", f"{r}1", "x", QUEUE)
    run = ended(engine, f"{r}1", RunState.DONE)
    assert (run.result, run.executor, run.queue) == (["FIRST X", "SECOND X"], "one", QUEUE)
    assert [(s.name, s.result) for s in engine.steps(f"{r}1")] == [
        ("first", "FIRST X"),
        ("second", "SECOND X"),
    ]


def test_starting_the_same_run_again_changes_nothing(
    engine: DurableEngine, workflows: Workflows, r: str
) -> None:
    engine.start("two", f"{r}1", "x", QUEUE)
    ended(engine, f"{r}1", RunState.DONE)
    engine.start("two", f"{r}1", "y", QUEUE)
    assert engine.get(f"{r}1").result == ["FIRST X", "SECOND X"]
    assert workflows.did == ["first x", "second x"]


def test_runs_are_listed_newest_first_by_state_and_workflow(engine: DurableEngine, r: str) -> None:
    for name, run_id in (("two", f"{r}1"), ("fails", f"{r}2"), ("two", f"{r}3")):
        engine.start(name, run_id, "x", QUEUE)
        ended(engine, run_id, RunState.DONE, RunState.FAILED)
    assert [run.id for run in engine.runs()[:3]] == [f"{r}3", f"{r}2", f"{r}1"]
    assert [run.id for run in engine.runs(limit=1, offset=1)] == [f"{r}2"]
    assert [run.id for run in engine.runs(workflow="two")[:2]] == [f"{r}3", f"{r}1"]
    failed = engine.runs(states=frozenset({RunState.FAILED}))
    assert [(run.id, run.error) for run in failed][:1] == [(f"{r}2", "it broke")]


def test_a_signal_reaches_a_run_that_waits(engine: DurableEngine, r: str) -> None:
    engine.start("asks", f"{r}1", None, QUEUE)
    engine.signal(f"{r}1", "answer", {"yes": [1, 2]})
    assert ended(engine, f"{r}1", RunState.DONE).result == {"yes": [1, 2]}


def test_a_cancelled_run_goes_on_when_resumed(
    engine: DurableEngine, workflows: Workflows, r: str
) -> None:
    engine.start("asks", f"{r}1", None, QUEUE)
    ended(engine, f"{r}1", RunState.RUNNING)
    while not engine.steps(f"{r}1"):
        time.sleep(0.01)
    engine.cancel(f"{r}1")
    ended(engine, f"{r}1", RunState.CANCELLED)
    engine.signal(f"{r}1", "answer", "late")
    engine.resume(f"{r}1")
    run = ended(engine, f"{r}1", RunState.DONE)
    assert (run.result, run.queue, workflows.did) == ("late", QUEUE, ["before"])


def test_a_fork_keeps_what_was_before_it(
    engine: DurableEngine, workflows: Workflows, r: str
) -> None:
    engine.start("two", f"{r}1", "x", QUEUE)
    ended(engine, f"{r}1", RunState.DONE)
    forked = engine.fork(f"{r}1", 2)
    run = ended(engine, forked, RunState.DONE)
    assert (run.forked_from, run.result) == (f"{r}1", ["FIRST X", "SECOND X"])
    assert workflows.did == ["first x", "second x", "second x"]


def test_what_is_not_there_is_not_found(engine: DurableEngine, r: str) -> None:
    with pytest.raises(NotFound):
        engine.get("nobody")
    with pytest.raises(NotFound):
        engine.resume("nobody")
    with pytest.raises(NotFound):
        engine.fork("nobody", 1)
    with pytest.raises(NotFound):
        engine.signal("nobody", "t", 1)


def test_a_queue_runs_as_many_at_once_as_it_may(engine: DurableEngine, r: str) -> None:
    for number in range(3):
        engine.start("asks", f"{r}{number}", None, NARROW)
    for number in range(2):
        ended(engine, f"{r}{number}", RunState.RUNNING)
    time.sleep(0.2)
    assert [engine.get(f"{r}{n}").state for n in range(3)] == [
        RunState.RUNNING,
        RunState.RUNNING,
        RunState.WAITING,
    ]
    for number in range(3):
        engine.signal(f"{r}{number}", "answer", number)
    assert ended(engine, f"{r}2", RunState.DONE).result == 2


def test_a_schedule_starts_runs(engine: DurableEngine, workflows: Workflows, r: str) -> None:
    engine.schedule(Schedule("tick", "notes", "* * * * * *", "hello"), QUEUE)
    assert [(s.name, s.workflow, s.context) for s in engine.schedules()] == [
        ("tick", "notes", "hello")
    ]
    until_s = time.monotonic() + 15
    while "hello" not in workflows.did and time.monotonic() < until_s:
        time.sleep(0.05)
    assert "hello" in workflows.did
    engine.unschedule("tick")
    assert engine.schedules() == []
    assert engine.runs(workflow="notes")[-1].workflow == "notes"


def test_a_schedule_that_can_not_be_read_is_refused(engine: DurableEngine, r: str) -> None:
    with pytest.raises(InvalidRequest, match="cron"):
        engine.schedule(Schedule("never", "notes", "every monday"), QUEUE)


def test_nothing_is_pickled(engine: DurableEngine, r: str) -> None:
    with pytest.raises(TypeError):
        engine.start("two", f"{r}1", object(), QUEUE)
