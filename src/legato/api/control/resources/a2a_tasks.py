"""Runs of one workflow as tasks of an agent, for one caller; blocking."""

from collections.abc import Callable
from hashlib import blake2b
from typing import Any, Final

import msgspec
from litestar.response import Response

from legato.api.control.a2a_words import Asked, Said, TaskState, input_of
from legato.api.control.access import Caller
from legato.api.control.forms import known_id, moment
from legato.api.control.masking import MASKED
from legato.api.control.once import Made
from legato.api.control.resources.workflow_forms import NewWorkflowRun
from legato.api.control.resources.workflow_starting import (
    acting_key,
    definition_of,
    require_may_start,
)
from legato.api.control.services import Services
from legato.core.errors import Conflict, InvalidRequest, NotFound
from legato.core.permission import Permission
from legato.flow.definition import Definition
from legato.flow.rulings import Person, Question, Ruling, Verdict
from legato.storage.tasks.records import OPEN, Task, Wanted
from legato.storage.workflows.rows import CANCELLED, DONE, FAILED, QUEUED
from legato.workflows.people.tasks import Tasks
from legato.workflows.runs.workflows import NewRun, RunView, Workflows

ORIGIN: Final = "a2a"
OnceBy = Callable[[str, msgspec.Struct, Callable[[], Made]], Response[Any]]
_STATES: Final = {QUEUED: "submitted", DONE: "completed", FAILED: "failed", CANCELLED: "canceled"}
_QUESTIONS_MAX: Final = 100
_NONE: Final = "this agent has no such task"
_WORDS: Final = {
    "approve": Verdict.APPROVE,
    "approved": Verdict.APPROVE,
    "yes": Verdict.APPROVE,
    "reject": Verdict.REJECT,
    "rejected": Verdict.REJECT,
    "no": Verdict.REJECT,
}


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a task of a person is answered with, as data."""

    verdict: Verdict
    task: str = ""
    """Which of several questions; else the oldest."""
    port: str = ""
    data: Any = None
    comment: str = ""


class Agent:
    """One published workflow. Methods may raise StorageUnavailable, Forbidden."""

    def __init__(self, services: Services, caller: Caller, workflow: str, once: OnceBy) -> None:
        """`once` does what a key of the caller's choice names a single time."""
        self._once = once
        self._services = services
        self._caller = caller
        self._workflow = workflow

    def sent(self, said: Said) -> TaskState:
        """Begin a run by a message, once however often it is sent; or answer a task's question.

        Raises:
            NotFound: no such workflow is published, or it has no such task.
            InvalidRequest: the workflow, or the question, wants something else.
            Conflict: nobody is asked anything now.
        """
        if said.task:
            return self._answered(said)
        caller = Caller(self._caller.principal, Permission.WORKFLOW_RUN_CREATE)
        tenant, services = caller.tenant(), self._services
        acting = acting_key(services, caller, None)
        chosen = definition_of(services, tenant, NewWorkflowRun(workflow=self._workflow))
        require_may_start(acting, chosen.name)
        new = NewRun(
            definition=chosen.definition,
            workflow=chosen.name,
            arm=chosen.arm,
            version=chosen.version,
            input=input_of(said, chosen.definition),
            author=caller.author,
            origin=ORIGIN,
            context=said.context,
        )

        def work() -> Made:
            row, _ = services.workflows(tenant, tenant.org).start(new, acting)
            services.wake_runs()
            return Made({"id": row.id}, status=200)

        answer = self._once(_once_key(said.id), said, work)
        return self.shown(_id_in(answer.content))

    def shown(self, task_id: str) -> TaskState:
        """Return how a task stands. Raises NotFound."""
        return self._stands(self._view(self._runs(), task_id))

    def cancelled(self, task_id: str) -> TaskState:
        """End a task. Raises NotFound, Conflict."""
        caller = Caller(self._caller.principal, Permission.WORKFLOW_RUN_UPDATE)
        tenant = caller.tenant()
        found = self._services.workflows(tenant, tenant.org)
        self._view(found, task_id)
        row = found.cancel(task_id)
        self._services.wake_runs()
        return self._stands(found.opened(row))

    def _answered(self, said: Said) -> TaskState:
        """Decide what a task asks, as who sends the message."""
        self._view(self._runs(), said.task)
        caller = Caller(self._caller.principal, Permission.TASK_DECIDE)
        tasks = self._services.tasks(caller.reach)
        person = self._services.person_of(caller.principal)
        asked = _meant(said, _asked(tasks, said.task))
        question = tasks.question(asked)
        tasks.decide(asked.id, person, _ruling(said, question), ORIGIN)
        self._services.wake_runs()
        return self.shown(said.task)

    def _stands(self, view: RunView) -> TaskState:
        row = view.row
        state, told = _STATES.get(row.status, "working"), ""
        questions = self._questions(row.id) if state == "working" else ()
        if questions:
            state = "input-required"
        seen = self._sees(row.key_id)
        if state == "failed":
            told = (view.end.message if seen else MASKED) or row.told
        at_ns = row.ended_at_ns or row.changed_at_ns
        return TaskState(
            id=row.id,
            context=view.begin.context or row.id,
            state=state,
            at=moment(at_ns),
            told=told,
            questions=questions,
            output=view.end.output if seen else MASKED,
        )

    def _questions(self, run_id: str) -> tuple[Asked, ...]:
        """Return what people are asked, by the run or one below; masked for who isn't asked."""
        tasks = self._services.tasks(self._caller.tenant())
        person = self._services.person_of(self._caller.principal)
        return tuple(self._question(tasks, one, person) for one in _asked(tasks, run_id))

    def _question(self, tasks: Tasks, asked: Task, person: Person) -> Asked:
        decides = self._caller.has(Permission.TASK_DECIDE) and tasks.may_decide(asked, person)
        question = tasks.question(asked)
        if question is None or not (decides or self._caller.sees_content(self._caller.tenant())):
            return Asked(asked.id, "A person is asked.", {"task": asked.id, "ask": asked.ask})
        told = "\n".join(filter(None, (question.subject, question.body)))
        return Asked(asked.id, told, {"task": asked.id, **msgspec.to_builtins(question)})

    def _runs(self) -> Workflows:
        tenant = self._caller.tenant()
        return self._services.workflows(tenant, tenant.org)

    def _view(self, found: Workflows, task_id: str) -> RunView:
        view = found.view(known_id(task_id))
        if view.row.workflow != self._workflow:
            raise NotFound(_NONE, param="id")
        return view

    def _sees(self, key_id: str) -> bool:
        """Whether a run's output is shown: it is the caller's own, as an answer to a call is."""
        own = self._caller.principal.key_id == key_id
        return own or self._caller.sees_content(self._caller.tenant())


def published(services: Services, caller: Caller, workflow: str) -> tuple[str, Definition]:
    """Return a workflow's name and what is live of it. Raises NotFound."""
    found = services.workflow_definitions.resolve(caller.tenant().org, workflow, "")
    return found.name, found.definition


def _once_key(message_id: str) -> str:
    return f"a2a-{blake2b(message_id.encode(), digest_size=16).hexdigest()}"


def _id_in(body: Any) -> str:
    """Return the id of an answer, as it was made or as it was kept."""
    found = msgspec.json.decode(body) if isinstance(body, bytes) else body
    return str(found["id"])


def _asked(tasks: Tasks, run_id: str) -> list[Task]:
    """Return the open tasks of a run and of those below it, the oldest first."""
    return tasks.store.page(_QUESTIONS_MAX, None, Wanted(state=OPEN, root=run_id))[::-1]


def _meant(said: Said, asked: list[Task]) -> Task:
    """Return which question a message answers. Raises Conflict, InvalidRequest."""
    if not asked:
        raise Conflict("this task asks nothing now")
    first = said.data[0] if said.data else None
    named = first.get("task") if isinstance(first, dict) else None
    if not named:
        return asked[0]
    for one in asked:
        if one.id == named:
            return one
    known = ", ".join(one.id for one in asked)
    raise InvalidRequest(f"params.message.parts: `task` is none of {known}", param="task")


def _ruling(said: Said, question: Question | None) -> Ruling:
    """Return what a message says: data as `Answer` has it, or one word."""
    if said.data:
        try:
            found = msgspec.convert(said.data[0], Answer)
        except msgspec.ValidationError as error:
            msg = f"params.message.parts: {error}: send `verdict`, and `port` or `data`"
            raise InvalidRequest(msg, param="parts") from None
        return Ruling(
            verdict=found.verdict, port=found.port, data=found.data, comment=found.comment
        )
    word = said.text.strip().lower()
    if word in _WORDS:
        return Ruling(verdict=_WORDS[word])
    ports = [] if question is None else [one.port for one in question.options]
    if word in ports:
        return Ruling(verdict=Verdict.CHOOSE, port=word)
    known = ", ".join(ports or ["approve", "reject"])
    msg = f"params.message.parts: say one of {known}, or send data with `verdict`"
    raise InvalidRequest(msg, param="parts")
