"""Tasks for people, on either database."""

from typing import Any

import pytest
from sqlalchemy import Engine

from legato.core.clock import ManualClock
from legato.core.errors import Conflict, Forbidden, NotFound
from legato.core.ids import IdSource
from legato.core.tenant import EVERY_TENANT, Area, Areas, Tenant
from legato.flow.definition import Assignees
from legato.flow.rulings import Person
from legato.storage.database.engine import writing
from legato.storage.tasks.records import (
    DECIDED,
    ENDED_BY_TIME,
    OPEN,
    WITHDRAWN,
    Ended,
    NewTask,
    TaskEvent,
    TaskVote,
    Wanted,
)
from legato.storage.tasks.tasks import TaskStore
from legato.storage.tasks.withdrawing import reopen_tasks, withdraw_tasks

ANN = Person(id="account:ann", names=frozenset({"ann"}))
BEN = Person(id="account:ben", names=frozenset({"ben"}), roles=frozenset({"approver"}))


class Desk:
    def __init__(self, engine: Engine, clock: ManualClock, ids: IdSource) -> None:
        self.engine, self.clock, self.ids = engine, clock, ids
        self.told: list[Ended] = []

    def store(self, reach: Any = EVERY_TENANT) -> TaskStore:
        return TaskStore(
            self.engine, self.clock, self.ids, reach, tell=lambda _, ended: self.told.append(ended)
        )

    def make(self, path: str = "approve", **changes: Any) -> str:
        values: dict[str, Any] = {
            "org": "acme", "id": self.ids.new(), "team": "claims", "feature": "payout",
            "workflow": "refund", "run_id": "run1", "path": path, "ask": "approve",
            "approvals_needed": 1, "sealed": b"sealed", "origin_user": "",
        }  # fmt: skip
        with writing(self.engine) as connection:
            return self.store().add(connection, NewTask(**values | changes))

    def vote(self, task_id: str, person: Person, port: str = "approved", digest: str = "") -> Any:
        verdict = "reject" if port == "rejected" else "approve"
        vote = TaskVote(
            person=person.id, verdict=verdict, port=port, digest=digest, via="api", sealed=b"x"
        )
        return self.store().decide(task_id, person, vote)


@pytest.fixture
def desk(engine: Engine, clock: ManualClock, ids: IdSource) -> Desk:
    return Desk(engine, clock, ids)


def test_a_place_of_a_run_asks_once(desk: Desk) -> None:
    first = desk.make()
    assert desk.make() == first
    assert len(desk.store().page(10, None, Wanted())) == 1


def test_a_decision_ends_it_and_tells_its_run_once(desk: Desk) -> None:
    task_id = desk.make()
    ended = desk.vote(task_id, ANN)
    assert (ended.state, ended.port) == (DECIDED, "approved")
    assert [(one.run_id, one.port, one.by) for one in desk.told] == [
        ("run1", "approved", "account:ann")
    ]
    with pytest.raises(Conflict, match="decided approved"):
        desk.vote(task_id, BEN)
    assert len(desk.told) == 1


def test_a_run_that_cannot_be_told_keeps_the_task_open(desk: Desk) -> None:
    def fails(_connection: Any, _ended: Ended) -> None:
        raise ValueError("cut off")

    task_id = desk.make()
    store = TaskStore(desk.engine, desk.clock, desk.ids, EVERY_TENANT, tell=fails)
    vote = TaskVote(
        person=ANN.id, verdict="approve", port="approved", digest="", via="api", sealed=b""
    )
    with pytest.raises(ValueError, match="cut off"):
        store.decide(task_id, ANN, vote)
    task = desk.store().get(task_id)
    assert task.state == OPEN
    assert desk.store().votes(task) == []


def test_four_eyes_are_those_of_two_people_on_the_same_thing(desk: Desk) -> None:
    task_id = desk.make(approvals_needed=2)
    assert desk.vote(task_id, ANN, digest="first").state == OPEN
    assert desk.vote(task_id, ANN, digest="first").state == OPEN
    assert desk.vote(task_id, BEN, digest="second").state == OPEN
    assert desk.vote(task_id, ANN, digest="second").state == DECIDED


def test_one_rejection_is_enough(desk: Desk) -> None:
    task_id = desk.make(approvals_needed=3)
    desk.vote(task_id, ANN)
    assert desk.vote(task_id, BEN, "rejected").port == "rejected"


def test_only_who_is_asked_decides_and_delegating_asks_another(desk: Desk) -> None:
    task_id = desk.make(assignees=Assignees(roles=("approver",)))
    with pytest.raises(Forbidden, match="assigned to others"):
        desk.vote(task_id, ANN)
    event = TaskEvent(id=desk.ids.new(), what="delegate", person=BEN.id, whom="ann", sealed=b"")
    with pytest.raises(Forbidden):
        desk.store().delegate(task_id, ANN, event)
    desk.store().delegate(task_id, BEN, event)
    assert desk.vote(task_id, ANN).state == DECIDED
    events = desk.store().events(desk.store().get(task_id))
    assert [(one.what, one.whom) for one in events] == [("delegate", "ann")]


def test_nobody_decides_two_tasks_that_want_different_people(desk: Desk) -> None:
    first, second = desk.make("first"), desk.make("second", not_by=("first",))
    desk.vote(second, ANN)
    with pytest.raises(Forbidden, match="another person"):
        desk.vote(first, ANN)  # the other way round as well
    desk.vote(first, BEN)
    elsewhere = desk.make("second", run_id="run2", not_by=("first",))
    assert desk.vote(elsewhere, ANN).state == DECIDED


def test_who_is_excluded_does_not_decide(desk: Desk) -> None:
    task_id = desk.make(excluded=("ann",))
    with pytest.raises(Forbidden):
        desk.vote(task_id, ANN)
    assert desk.vote(task_id, BEN).state == DECIDED


def test_time_ends_an_open_task_only(desk: Desk) -> None:
    task_id, decided = desk.make("one"), desk.make("two")
    desk.vote(decided, ANN)
    with writing(desk.engine) as connection:
        assert desk.store().expire(connection, task_id) == ENDED_BY_TIME
        assert desk.store().expire(connection, decided) == DECIDED
    assert desk.store().get(task_id).port == "expired"
    assert desk.store().get(decided).port == "approved"


def test_the_tasks_of_a_run_that_ended_are_withdrawn(desk: Desk) -> None:
    task_id, other = desk.make(), desk.make(run_id="run2")
    with writing(desk.engine) as connection:
        assert withdraw_tasks(connection, "acme", "run1", 7) == [task_id]
    assert desk.store().get(task_id).state == WITHDRAWN
    assert desk.store().get(other).state == OPEN
    with pytest.raises(Conflict, match="withdrawn"):
        desk.vote(task_id, ANN)


def test_the_tasks_of_a_run_that_goes_on_are_asked_again(desk: Desk) -> None:
    task_id, decided = desk.make(), desk.make("other")
    desk.vote(decided, ANN)
    with writing(desk.engine) as connection:
        withdraw_tasks(connection, "acme", "run1", 7)
        assert reopen_tasks(connection, "acme", "run1") == [task_id]
    assert desk.store().get(task_id).ended_at_ns is None
    assert desk.store().get(decided).state == DECIDED
    assert desk.vote(task_id, ANN).state == DECIDED


def test_escalation_asks_more_people_once(desk: Desk) -> None:
    task_id = desk.make(assignees=Assignees(accounts=("zoe",)))
    event = TaskEvent(id="escalation-0", what="escalate", person="run", whom="x", sealed=b"")
    for _ in range(2):
        with writing(desk.engine) as connection:
            to = Assignees(roles=("approver",))
            assert desk.store().escalate(connection, task_id, event, to=to)
    task = desk.store().get(task_id)
    assert len(desk.store().events(task)) == 1
    assert desk.vote(task_id, BEN).state == DECIDED


def test_lists_are_narrowed_counted_and_paged(desk: Desk) -> None:
    made = [desk.make(f"n{number}", workflow="refund" if number % 2 else "claim")
            for number in range(5)]  # fmt: skip
    mine = desk.make("mine", assignees=Assignees(teams=("legal",)))
    desk.vote(made[0], ANN)
    store = desk.store(Tenant("acme"))
    first = store.page(4, None, Wanted())
    assert [one.id for one in first] == [mine, *made[:1:-1]]
    assert [one.id for one in store.page(4, first[-1].id, Wanted())] == made[1::-1]
    assert len(store.page(10, None, Wanted(workflow="claim", state=OPEN))) == 2
    assert store.counts(Wanted(state=OPEN)) == {OPEN: 5, DECIDED: 1}
    legal = store.page(10, None, Wanted(named=(("team", "legal"),)))
    assert [one.id for one in legal] == [mine]


def test_nobody_meets_the_tasks_of_others(desk: Desk) -> None:
    task_id = desk.make()
    other_team = Areas((Area("acme", "billing"),))
    for reach in (Tenant("other"), other_team):
        with pytest.raises(NotFound):
            desk.store(reach).get(task_id)
        assert desk.store(reach).page(10, None, Wanted()) == []
    assert desk.store(Areas((Area("acme", "claims"),))).get(task_id).id == task_id
