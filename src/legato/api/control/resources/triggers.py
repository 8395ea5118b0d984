"""Triggers of workflows: how they stand, and messages that never became runs."""

from typing import Annotated, Any, Literal

import msgspec
from litestar.di import NamedDependency as Given
from litestar.params import JSONBody, Parameter
from litestar.response import Response
from msgspec import Meta

from legato.api.control.access import Caller, make, read
from legato.api.control.forms import Form, Id, Shown, known_id, moment, moment_ns, optional_moment
from legato.api.control.masking import content_masked
from legato.api.control.once import Made, Once
from legato.api.control.paging import LIMIT, Cursor, Limit, paged
from legato.api.control.services import Services
from legato.core.permission import Permission
from legato.storage.triggers.triggers import Letter, TriggerName
from legato.workflows.triggers.cloud_events import Event
from legato.workflows.triggers.desk import TriggerDesk, TriggerView

_TAGS = ["workflow triggers"]
_NS_PER_S = 1_000_000_000
_Workflow = Annotated[str, Parameter(description="A workflow of the registry.", max_length=140)]
_Trigger = Annotated[str, Parameter(description="Its trigger's name.", max_length=64)]


class TriggerCounts(Shown, frozen=True, kw_only=True):
    """What came of events, since the first was heard."""

    received: int
    started: int
    duplicates: int
    passed_over: int
    dead: int


class WorkflowTrigger(Shown, frozen=True, kw_only=True):
    """A trigger. `in_force` is false where the version in force has it no more."""

    workflow: str
    trigger: str
    kind: str
    settings: dict[str, Any]
    in_force: bool
    paused: bool
    listening: bool
    """Whether a process has it, of those that something has to run for."""
    trouble: str
    """Why it doesn't listen."""
    path: str
    """Where a webhook is sent to, below this server's address."""
    next_at: list[str]
    """Of a schedule."""
    counts: TriggerCounts
    heard_at: str | None
    lag_s: float | None
    """Of the last event, from its own time."""


class TriggerPage(Shown, frozen=True, kw_only=True):
    """Triggers by workflow and name."""

    data: list[WorkflowTrigger]


class Backfill(Form, frozen=True, kw_only=True):
    """Which times of a schedule to make up for."""

    since: Annotated[str, Meta(max_length=64)]
    until: Annotated[str, Meta(max_length=64)]


class Backfilled(Shown, frozen=True, kw_only=True):
    """What came of the times: those that have begun a run before are duplicates."""

    started: int
    duplicate: int
    passed_over: int
    dead: int
    next_since: str | None
    """The span has more times, from this one on: ask again with it as `since`."""


class TriggerTrial(Form, frozen=True, kw_only=True):
    """An event to try a trigger with."""

    data: Any = None
    id: Annotated[str, Meta(max_length=2_000)] = "trial"
    source: Annotated[str, Meta(max_length=2_000)] = "trial"
    type: Annotated[str, Meta(max_length=2_000)] = "trial"
    subject: Annotated[str, Meta(max_length=2_000)] = ""


class TriggerTried(Shown, frozen=True, kw_only=True):
    """Whether it would begin a run, and with what."""

    begins: bool
    input: Any


class TriggerLetter(Shown, frozen=True, kw_only=True):
    """A message that never became a run."""

    id: str
    workflow: str
    trigger: str
    reason: str
    state: str
    run_id: str
    at: str
    ended_at: str | None


class TriggerLetterPage(Shown, frozen=True, kw_only=True):
    """Newest first."""

    data: list[TriggerLetter]
    next_cursor: str | None


class TriggerLetterDetail(TriggerLetter, frozen=True, kw_only=True):
    """With what was heard: as an event, or its beginning where it was none."""

    message: str
    event: dict[str, Any] | None
    raw: str


class LetterRedriven(Form, frozen=True, kw_only=True):
    """What it should have been."""

    event: dict[str, Any] | None = None
    """None: what it was."""


@read("/triggers", Permission.WORKFLOW_RUN_READ, tags=_TAGS)
def list_triggers(services: Given[Services], caller: Given[Caller]) -> TriggerPage:
    """List the triggers of workflows, in force or once heard of."""
    now_ns = services.now_ns()
    return TriggerPage(data=[_shown(one, now_ns) for one in _desk(services, caller).list()])


@read("/triggers/{workflow:str}/{trigger:str}", Permission.WORKFLOW_RUN_READ, tags=_TAGS)
def get_trigger(
    services: Given[Services], caller: Given[Caller], workflow: _Workflow, trigger: _Trigger
) -> WorkflowTrigger:
    """Show how a trigger stands."""
    found = _desk(services, caller).show(TriggerName(workflow, trigger))
    return _shown(found, services.now_ns())


@make(
    "/triggers/{workflow:str}/{trigger:str}/pause",
    Permission.WORKFLOW_RUN_UPDATE,
    tags=_TAGS,
    status_code=200,
)
def pause_trigger(
    services: Given[Services],
    caller: Given[Caller],
    once: Given[Once],
    *,
    workflow: _Workflow,
    trigger: _Trigger,
) -> Response[WorkflowTrigger]:
    """Have a trigger rest: brokers keep what comes, webhooks are answered 503."""
    return _paused(services, caller, once, of=TriggerName(workflow, trigger), paused=True)


@make(
    "/triggers/{workflow:str}/{trigger:str}/resume",
    Permission.WORKFLOW_RUN_UPDATE,
    tags=_TAGS,
    status_code=200,
)
def resume_trigger(
    services: Given[Services],
    caller: Given[Caller],
    once: Given[Once],
    *,
    workflow: _Workflow,
    trigger: _Trigger,
) -> Response[WorkflowTrigger]:
    """Let a trigger listen again; schedules make up for what `catch_up` says."""
    return _paused(services, caller, once, of=TriggerName(workflow, trigger), paused=False)


@make(
    "/triggers/{workflow:str}/{trigger:str}/backfill",
    Permission.WORKFLOW_RUN_CREATE,
    tags=_TAGS,
    status_code=200,
)
def backfill_trigger(
    services: Given[Services],
    caller: Given[Caller],
    once: Given[Once],
    *,
    workflow: _Workflow,
    trigger: _Trigger,
    data: JSONBody[Backfill],
) -> Response[Backfilled]:
    """Begin a run for each time of a schedule within a span, each once: 200 of them at a time."""

    def work() -> Made:
        since_ns, until_ns = moment_ns(data.since, "since"), moment_ns(data.until, "until")
        of = TriggerName(workflow, trigger)
        counts, next_ns = _desk(services, caller).backfill(of, since_ns or 0, until_ns or 0)
        return Made(Backfilled(**counts, next_since=optional_moment(next_ns)), status=200)

    return once(data, work)


@make(
    "/triggers/{workflow:str}/{trigger:str}/test",
    Permission.WORKFLOW_RUN_READ,
    tags=_TAGS,
    status_code=200,
)
def try_trigger(
    services: Given[Services],
    caller: Given[Caller],
    *,
    workflow: _Workflow,
    trigger: _Trigger,
    data: JSONBody[TriggerTrial],
) -> Response[TriggerTried]:
    """Say what an event would begin. Nothing begins."""
    event = Event(
        id=data.id, source=data.source, type=data.type, data=data.data, subject=data.subject
    )
    begins, given = _desk(services, caller).trial(TriggerName(workflow, trigger), event)
    return Response(TriggerTried(begins=begins, input=given))


@read("/trigger-letters", Permission.WORKFLOW_RUN_READ, tags=_TAGS)
def list_trigger_letters(
    services: Given[Services],
    caller: Given[Caller],
    *,
    workflow: Annotated[str, Parameter(max_length=140)] = "",
    letter: Annotated[
        Literal["open", "redriven", "dismissed"], Parameter(description="What became of them.")
    ] = "open",
    cursor: Cursor = None,
    limit: Limit = LIMIT,
) -> TriggerLetterPage:
    """List messages that never became runs, newest first."""
    desk = _desk(services, caller)
    rows, following = paged(
        services.cursors,
        "trigger letters",
        (cursor, limit),
        lambda count, after: desk.letters(count, after, state=letter, workflow=workflow),
        name=lambda row: row.id,
    )
    return TriggerLetterPage(data=[_letter(one) for one in rows], next_cursor=following)


@read(
    "/trigger-letters/{letter_id:str}",
    Permission.WORKFLOW_RUN_READ,
    shows="workflow.read",
    tags=_TAGS,
)
def get_trigger_letter(
    services: Given[Services], caller: Given[Caller], letter_id: Id
) -> TriggerLetterDetail:
    """Show a message that never became a run, and why."""
    letter, buried = _desk(services, caller).letter(known_id(letter_id))
    shown = TriggerLetterDetail(
        **msgspec.structs.asdict(_letter(letter)),
        message=buried.told,
        event=buried.event,
        raw=buried.raw,
    )
    if not caller.sees_content(caller.tenant()):
        shown = msgspec.structs.replace(shown, event=None)
    return content_masked(caller, caller.tenant(), shown, "message", "raw")


@make(
    "/trigger-letters/{letter_id:str}/redrive",
    Permission.WORKFLOW_LETTER_UPDATE,
    tags=_TAGS,
    status_code=200,
)
def redrive_trigger_letter(
    services: Given[Services],
    caller: Given[Caller],
    once: Given[Once],
    *,
    letter_id: Id,
    data: JSONBody[LetterRedriven],
) -> Response[TriggerLetter]:
    """Begin a run of a message, or of what it should have been; once."""

    def work() -> Made:
        desk = _desk(services, caller)
        return Made(_letter(desk.redrive(known_id(letter_id), data.event)), status=200)

    return once(data, work)


@make(
    "/trigger-letters/{letter_id:str}/dismiss",
    Permission.WORKFLOW_LETTER_UPDATE,
    tags=_TAGS,
    status_code=200,
)
def dismiss_trigger_letter(
    services: Given[Services], caller: Given[Caller], once: Given[Once], letter_id: Id
) -> Response[TriggerLetter]:
    """Say that nothing is to come of a message."""

    def work() -> Made:
        return Made(_letter(_desk(services, caller).dismiss(known_id(letter_id))), status=200)

    return once(None, work)


HANDLERS = (
    list_triggers,
    get_trigger,
    pause_trigger,
    resume_trigger,
    backfill_trigger,
    try_trigger,
    list_trigger_letters,
    get_trigger_letter,
    redrive_trigger_letter,
    dismiss_trigger_letter,
)


def _desk(services: Services, caller: Caller) -> TriggerDesk:
    return services.triggers(caller.tenant())


def _paused(
    services: Services, caller: Caller, once: Once, *, of: TriggerName, paused: bool
) -> Response[WorkflowTrigger]:
    def work() -> Made:
        view = _desk(services, caller).pause(of, paused=paused)
        services.wake_runs()
        return Made(_shown(view, services.now_ns()), status=200)

    return once(None, work)


def _shown(view: TriggerView, now_ns: int) -> WorkflowTrigger:
    state, active = view.state, view.active
    return WorkflowTrigger(
        workflow=state.workflow,
        trigger=state.name,
        kind="" if active is None else active.trigger.kind,
        settings={} if active is None else msgspec.to_builtins(active.settings),
        in_force=active is not None,
        paused=state.paused,
        listening=bool(state.holder) and state.until_ns > now_ns,
        trouble=state.trouble,
        path=view.path,
        next_at=[moment(one) for one in view.next_ns],
        counts=TriggerCounts(
            received=state.received,
            started=state.started,
            duplicates=state.duplicates,
            passed_over=state.passed_over,
            dead=state.dead,
        ),
        heard_at=optional_moment(state.heard_ns),
        lag_s=None if state.lag_ns is None else state.lag_ns / _NS_PER_S,
    )


def _letter(one: Letter) -> TriggerLetter:
    return TriggerLetter(
        id=one.id,
        workflow=one.workflow,
        trigger=one.name,
        reason=one.reason,
        state=one.state,
        run_id=one.run_id,
        at=moment(one.at_ns),
        ended_at=optional_moment(one.ended_at_ns),
    )
