"""What workflows ask people: their inbox, and what they say."""

from typing import Annotated, Any, Literal

import msgspec
from litestar.di import NamedDependency as Given
from litestar.params import JSONBody, Parameter, QueryParameter
from litestar.response import Response
from msgspec import Meta

from legato.api.control.access import Caller, make, read
from legato.api.control.forms import Form, Id, Shown, known_id, moment, optional_moment
from legato.api.control.masking import MASKED
from legato.api.control.once import Made, Once
from legato.api.control.paging import LIMIT, Cursor, Limit, paged
from legato.api.control.registry_desk import Org
from legato.api.control.services import Services
from legato.core.permission import Permission
from legato.core.tenant import Tenant
from legato.flow.rulings import Question, Ruling, Verdict
from legato.storage.tasks.records import STATES, Task, Wanted
from legato.workflows.people.tasks import Happened, Said, Tasks, named_for

State = Annotated[
    Literal["open", "decided", "expired", "withdrawn"] | None,
    QueryParameter(name="state", required=False),
]
Named = Annotated[str | None, Parameter(max_length=128, required=False)]
Mine = Annotated[
    bool, QueryParameter(name="mine", required=False, description="Only what is before the caller.")
]
Comment = Annotated[str, Meta(max_length=8_000)]


class Decision(Form, frozen=True, kw_only=True):
    """What is said: `port` of a choice, `data` of an edit or a form."""

    verdict: Literal["approve", "reject", "edit", "choose", "fill"]
    port: Annotated[str, Meta(max_length=64)] = ""
    data: Any = None
    comment: Comment = ""


class Delegation(Form, frozen=True, kw_only=True):
    """Who may decide as well: an account by its id or login."""

    to: Annotated[str, Meta(min_length=1, max_length=200)]
    comment: Comment = ""


class Remark(Form, frozen=True, kw_only=True):
    """A comment on an open task."""

    comment: Annotated[str, Meta(min_length=1, max_length=8_000)]


class TaskHead(Shown, frozen=True, kw_only=True):
    """A task without its content; `subject` is masked for who may not see it."""

    id: str
    org: str
    team: str
    feature: str
    workflow: str
    run_id: str
    node: str
    ask: str
    state: str
    port: str | None
    approvals_needed: int
    subject: str | None
    created_at: str
    deadline: str | None
    ended_at: str | None


class Opinion(Shown, frozen=True, kw_only=True):
    """What somebody said; data and comment are null where they can't be decrypted any more."""

    person: str
    verdict: str
    port: str
    via: str
    at: str
    data: Any
    comment: str | None


class TaskEvent(Shown, frozen=True, kw_only=True):
    """What else was done: `comment`, `delegate`, `remind` or `escalate`."""

    what: str
    person: str
    whom: str
    at: str
    comment: str


class ShownTask(Shown, frozen=True, kw_only=True):
    """A task with its content: null where that was erased, masked for who may not see it."""

    head: TaskHead
    question: Any
    opinions: list[Opinion]
    events: list[TaskEvent]
    assigned_to: list[str]
    may_decide: bool


class TaskPage(Shown, frozen=True, kw_only=True):
    """A page of tasks, newest first."""

    data: list[TaskHead]
    next_cursor: str | None


class TaskCounts(Shown, frozen=True, kw_only=True):
    """How many tasks are in each state."""

    counts: dict[str, int]


def provide_tasks(services: Given[Services], caller: Given[Caller], org: Org = None) -> Tasks:
    """Open the tasks within the caller's reach. Raises NotFound."""
    return services.tasks(caller.narrowed(org))


class Asked(msgspec.Struct, frozen=True):
    """Which tasks a request means, and whether only those that are before the caller."""

    wanted: Wanted
    mine: bool

    def of(self, services: Services, caller: Caller, state: str = "") -> Wanted:
        """Return them as the store has them; asks the database who the caller is."""
        named = named_for(services.person_of(caller.principal)) if self.mine else ()
        return msgspec.structs.replace(self.wanted, named=named, state=state)


def provide_asked_tasks(
    *, workflow: Named = None, run: Named = None, team: Named = None, mine: Mine = False
) -> Asked:
    """Return which tasks a request means."""
    wanted = Wanted(workflow=workflow or "", run_id=run or "", team=team or "")
    return Asked(wanted, mine)


@read("/tasks", Permission.TASK_READ, tags=["tasks"])
def list_tasks(
    services: Given[Services],
    tasks: Given[Tasks],
    caller: Given[Caller],
    asked_tasks: Given[Asked],
    *,
    in_state: State = None,
    cursor: Cursor = None,
    limit: Limit = LIMIT,
) -> TaskPage:
    """List tasks, newest first."""
    wanted = asked_tasks.of(services, caller, in_state or "")
    rows, following = paged(
        services.cursors,
        "tasks",
        (cursor, limit),
        lambda count, before: tasks.store.page(count, before, wanted),
        name=lambda task: task.id,
    )
    data = [
        _head(
            one,
            tasks.question(one),
            seen=asked_tasks.mine or caller.sees_content(Tenant(one.org)),
        )
        for one in rows
    ]
    return TaskPage(data=data, next_cursor=following)


@read("/tasks/counts", Permission.TASK_READ, tags=["tasks"])
def count_tasks(
    services: Given[Services],
    tasks: Given[Tasks],
    caller: Given[Caller],
    asked_tasks: Given[Asked],
) -> TaskCounts:
    """Count tasks by state."""
    found = tasks.store.counts(asked_tasks.of(services, caller))
    return TaskCounts(counts={state: found.get(state, 0) for state in STATES})


@read("/tasks/{task_id:str}", Permission.TASK_READ, shows="task.read", tags=["tasks"])
def get_task(
    services: Given[Services], tasks: Given[Tasks], caller: Given[Caller], task_id: Id
) -> ShownTask:
    """Show a task with its content and what was said of it."""
    return _shown(services, tasks, caller, tasks.store.get(known_id(task_id)))


@make("/tasks/{task_id:str}/decide", Permission.TASK_DECIDE, tags=["tasks"], status_code=200)
def decide_task(
    services: Given[Services],
    tasks: Given[Tasks],
    caller: Given[Caller],
    once: Given[Once],
    *,
    task_id: Id,
    data: JSONBody[Decision],
) -> Response[TaskHead]:
    """Approve, reject, edit, choose or fill in; said again, it takes the place of the first."""
    person = services.person_of(caller.principal)
    ruling = Ruling(
        verdict=Verdict(data.verdict), port=data.port, data=data.data, comment=data.comment
    )

    def work() -> Made:
        task = tasks.decide(known_id(task_id), person, ruling, "api")
        services.wake_runs()
        return Made(_head(task, tasks.question(task), seen=True), status=200)

    return once(data, work)


@make("/tasks/{task_id:str}/delegate", Permission.TASK_DECIDE, tags=["tasks"], status_code=200)
def delegate_task(
    services: Given[Services],
    tasks: Given[Tasks],
    caller: Given[Caller],
    *,
    task_id: Id,
    data: JSONBody[Delegation],
) -> ShownTask:
    """Let somebody else decide as well."""
    found = known_id(task_id)
    tasks.delegate(found, services.person_of(caller.principal), data.to, data.comment)
    return _shown(services, tasks, caller, tasks.store.get(found))


@make("/tasks/{task_id:str}/comment", Permission.TASK_DECIDE, tags=["tasks"], status_code=200)
def comment_task(
    services: Given[Services],
    tasks: Given[Tasks],
    caller: Given[Caller],
    *,
    task_id: Id,
    data: JSONBody[Remark],
) -> ShownTask:
    """Say something of an open task, without deciding it."""
    found = known_id(task_id)
    tasks.comment(found, services.person_of(caller.principal), data.comment)
    return _shown(services, tasks, caller, tasks.store.get(found))


HANDLERS = (list_tasks, count_tasks, get_task, decide_task, delegate_task, comment_task)


def _shown(services: Services, tasks: Tasks, caller: Caller, task: Task) -> ShownTask:
    person, asked = services.person_of(caller.principal), tasks.store.asked(task)
    decides = caller.has(Permission.TASK_DECIDE) and tasks.may_decide(task, person)
    # who is to decide must see what about; others see content where they may everywhere
    seen = decides or caller.sees_content(Tenant(task.org))
    question = tasks.question(task)
    who = asked.assignees
    return ShownTask(
        head=_head(task, question, seen=seen),
        question=_question(question) if seen else MASKED,
        opinions=[_opinion(one, seen=seen) for one in tasks.said(task)],
        events=[_event(one, seen=seen) for one in tasks.happened(task)],
        assigned_to=[
            *(f"account:{one}" for one in who.accounts),
            *(f"role:{one}" for one in who.roles),
            *(f"team:{one}" for one in who.teams),
            *(f"delegate:{one}" for one in sorted(asked.delegates)),
        ],
        may_decide=decides and task.state == "open",
    )


def _head(task: Task, question: Question | None, *, seen: bool) -> TaskHead:
    subject = None if question is None else question.subject
    return TaskHead(
        id=task.id,
        org=task.org,
        team=task.team,
        feature=task.feature,
        workflow=task.workflow,
        run_id=task.run_id,
        node=task.path,
        ask=task.ask,
        state=task.state,
        port=task.port or None,
        approvals_needed=task.approvals_needed,
        subject=subject if seen or subject is None else MASKED,
        created_at=moment(task.created_at_ns),
        deadline=optional_moment(task.deadline_ns),
        ended_at=optional_moment(task.ended_at_ns),
    )


def _question(question: Question | None) -> Any:
    return None if question is None else msgspec.to_builtins(question)


def _opinion(said: Said, *, seen: bool) -> Opinion:
    return Opinion(
        person=said.person,
        verdict=said.verdict,
        port=said.port,
        via=said.via,
        at=moment(said.at_ns),
        data=said.data if seen or said.data is None else MASKED,
        comment=_comment(said.comment, seen=seen) if said.readable else None,
    )


def _event(one: Happened, *, seen: bool) -> TaskEvent:
    return TaskEvent(
        what=one.what,
        person=one.person,
        whom=one.whom,
        at=moment(one.at_ns),
        comment=_comment(one.comment, seen=seen),
    )


def _comment(comment: str, *, seen: bool) -> str:
    return comment if seen or not comment else MASKED
