"""The kind `human` on a real database: every activation begins anew, what was recorded stays."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from tests.recorded_step import RecordedStep, activated

from legato.core.clock import ManualClock
from legato.core.ids import IdSource
from legato.core.tenant import Tenant
from legato.flow.definition import Assignees, Choice, Escalation, Human, Listen
from legato.flow.rulings import Person, Ruling, Verdict
from legato.storage.database.engine import open_engine
from legato.storage.migrate import upgrade
from legato.storage.tasks.records import Wanted
from legato.storage.tasks.tasks import TaskStore
from legato.workflows.people.human import HumanKind, Told, task_topic
from legato.workflows.people.listen import listen
from legato.workflows.people.tasks import Tasks

ANN = Person(id="account:ann", names=frozenset({"ann"}))
BEN = Person(id="account:ben", names=frozenset({"ben"}))


class Sealing:
    """Binds what it keeps to its context, as the vault does."""

    def seal(self, org: str, data: bytes, context: bytes) -> bytes:
        return org.encode() + b"|" + context + b"|" + data[::-1]

    def open(self, org: str, sealed: bytes, context: bytes) -> bytes:
        beginning = org.encode() + b"|" + context + b"|"
        if not sealed.startswith(beginning):
            raise ValueError
        return sealed[len(beginning) :][::-1]


class Office:
    def __init__(self, engine: Engine) -> None:
        self.engine, self.clock = engine, ManualClock()
        ids = IdSource(self.clock)
        self.told: list[Told] = []
        self.steps: dict[str, RecordedStep] = {}

        def hear(_connection: Any, ended: Any) -> None:
            message = (task_topic(ended.path), {"port": ended.port}, ended.by)
            self.steps[ended.path].messages.append(message)

        self.tasks = Tasks(
            lambda reach: TaskStore(engine, self.clock, ids, reach, tell=hear),
            Tenant("default"),
            Sealing(),
            new_id=ids.new,
            pseudonym=lambda org, user: f"{org}-{user}",
        )
        self.kind = HumanKind(lambda _org: self.tasks, lambda _, told: self.told.append(told))

    def step(self, path: str, **more: Any) -> RecordedStep:
        self.steps[path] = RecordedStep(path, engine=self.engine, **more)
        return self.steps[path]

    def task_id(self) -> str:
        return self.tasks.store.page(1, None, Wanted())[0].id


@pytest.fixture
def office(tmp_path: Path) -> Office:
    engine = open_engine(f"sqlite:///{tmp_path}/legato.db")
    upgrade(engine)
    return Office(engine)


async def test_a_person_approves(office: Office) -> None:
    node = Human(id="ok", subject="Refund ${ amount }", data={"amount": "${ amount }"})
    step = office.step("ok", values={"amount": 7})
    assert await activated(office.kind, node, step) is None
    assert await activated(office.kind, node, step) is None
    assert [one.why for one in office.told] == ["asked"]
    question = office.tasks.question(office.tasks.store.get(office.task_id()))
    assert question is not None
    assert (question.subject, question.data) == ("Refund 7", {"amount": 7})
    ruling = Ruling(verdict=Verdict.APPROVE, comment="fine")
    office.tasks.decide(office.task_id(), ANN, ruling, "api")
    outcome = await activated(office.kind, node, step)
    assert outcome is not None
    assert outcome.port == "approved"
    assert outcome.output == {
        "decision": "approved", "data": None, "by": ["account:ann"], "comment": "fine",
    }  # fmt: skip
    assert outcome.lineage["task"] == office.task_id()


async def test_two_people_edit_until_they_agree(office: Office) -> None:
    node = Human(id="e", ask="edit", subject="s", data={"x": 1}, approvals_needed=2)
    step = office.step("e")
    await activated(office.kind, node, step)
    task_id = office.task_id()
    changed = Ruling(verdict=Verdict.EDIT, data={"x": 2})
    office.tasks.decide(task_id, ANN, changed, "api")
    assert await activated(office.kind, node, step) is None
    office.tasks.decide(task_id, BEN, changed, "cli")
    outcome = await activated(office.kind, node, step)
    assert outcome is not None
    assert outcome.output["data"] == {"x": 2}
    assert outcome.output["by"] == ["account:ann", "account:ben"]


async def test_a_choice_ends_at_its_port(office: Office) -> None:
    choices = (Choice(port="repair"), Choice(port="replace", description="new part"))
    node = Human(id="c", ask="choose", subject="s", choices=choices)
    step = office.step("c")
    await activated(office.kind, node, step)
    ruling = Ruling(verdict=Verdict.CHOOSE, port="replace")
    office.tasks.decide(office.task_id(), ANN, ruling, "link")
    outcome = await activated(office.kind, node, step)
    assert outcome is not None
    assert outcome.port == "replace"


async def test_reminders_escalation_and_deadline_come_in_order(office: Office) -> None:
    node = Human(
        id="d", subject="s", assignees=Assignees(accounts=("zoe",)), deadline_s=100, remind_s=40,
        escalations=(Escalation(after_s=60, to=Assignees(accounts=("ann",))),),
    )  # fmt: skip
    step = office.step("d")
    for seconds, why in ((0, "asked"), (40, "reminded"), (20, "escalated"), (20, "reminded")):
        step.clock_ns += seconds * 1_000_000_000
        assert await activated(office.kind, node, step) is None
        assert office.told[-1].why == why
    step.clock_ns += 20 * 1_000_000_000
    outcome = await activated(office.kind, node, step)
    assert outcome is not None
    assert (outcome.port, outcome.output["by"]) == ("expired", [])
    assert [one.what for one in office.tasks.happened(office.tasks.store.get(office.task_id()))] \
        == ["escalate", "remind", "remind"]  # fmt: skip
    assert len(office.told) == 4


async def test_a_decision_just_before_the_deadline_counts(office: Office) -> None:
    node = Human(id="d", subject="s", deadline_s=10)
    step = office.step("d")
    await activated(office.kind, node, step)
    office.tasks.decide(office.task_id(), ANN, Ruling(verdict=Verdict.REJECT), "api")
    step.messages.clear()  # it hasn't come yet
    step.clock_ns += 11 * 1_000_000_000
    outcome = await activated(office.kind, node, step)
    assert outcome is not None
    assert outcome.port == "rejected"


async def test_who_started_the_run_may_be_left_out(office: Office) -> None:
    node = Human(id="s", subject="s", not_by_starter=True)
    await activated(office.kind, node, office.step("s"))
    task = office.tasks.store.get(office.task_id())
    assert not office.tasks.may_decide(task, ANN)
    assert office.tasks.may_decide(task, BEN)


async def test_an_event_is_listened_for(office: Office) -> None:
    node = Listen(id="l", event="order.*", match="event.data.id == 7", deadline_s=5)
    step = office.step("l")
    assert await activated(listen, node, step) is None
    assert step.waiting is not None
    assert (step.waiting.event, step.waiting.match) == ("order.*", "event.data.id == 7")
    event = {"id": "e1", "source": "shop", "type": "order.paid", "data": {"id": 7}}
    step.messages.append(("order.*", event, "webhook:shop"))
    outcome = await activated(listen, node, step)
    assert outcome is not None
    assert (outcome.output, outcome.port) == (event, "done")
    late = office.step("late")
    assert await activated(listen, node, late) is None
    late.clock_ns += 6 * 1_000_000_000
    outcome = await activated(listen, node, late)
    assert outcome is not None
    assert outcome.port == "expired"
