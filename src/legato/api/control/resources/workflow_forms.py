"""Bodies of runs of workflows."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from legato.api.control.access import Caller
from legato.api.control.forms import Form, Id, Shown, moment, optional_moment, usd
from legato.api.control.masking import content_masked
from legato.core.errors import Erased
from legato.core.tenant import Tenant
from legato.storage.workflows.rows import RunRow, WaitRow
from legato.workflows.runs.sealing import Begin, End
from legato.workflows.runs.workflows import RunView, StepView, Workflows

_Name = Annotated[str, Meta(min_length=1, max_length=200)]
_Short = Annotated[str, Meta(max_length=200)]


class NewWorkflowRun(Form, frozen=True, kw_only=True):
    """Which workflow to run: one of the registry, or a definition written out."""

    workflow: Annotated[str, Meta(max_length=200)] = ""
    """NAME, NAME@LABEL, NAME@NUMBER or NAME@DIGEST."""
    definition: dict[str, Any] | None = None
    """Instead of one of the registry; with `workflow` beside it, that is what it is called."""
    input: Any = None
    user: _Short = ""
    """On whose behalf, as callers name users."""
    key_id: Id | None = None
    """The key whose limits and budget hold: an account names one, a key is it itself."""
    test: bool = False
    """A trial: nobody is notified, nothing outside is changed."""


class WorkflowSignal(Form, frozen=True, kw_only=True):
    """What a run is told."""

    topic: _Name
    message: Any = None
    id: _Short = ""
    """The sender's own: the same one comes once."""


class WorkflowReplay(Form, frozen=True, kw_only=True):
    """How a run is begun again."""

    from_node: Annotated[str, Meta(max_length=64)] = ""
    """What doesn't come after this node keeps its outcomes; none: nothing does."""
    input: Any = msgspec.UNSET
    """Instead of what it began with."""


class LettersMeant(Form, frozen=True, kw_only=True):
    """Which dead letters: these, or all that are open, of one workflow or of all."""

    ids: Annotated[list[Id], Meta(max_length=10_000)] = msgspec.field(default_factory=list)
    all: bool = False
    workflow: Annotated[str, Meta(max_length=200)] | None = None


class LettersRedriven(LettersMeant, frozen=True, kw_only=True):
    """Which dead letters to begin again, with what they began with or another input."""

    input: Any = msgspec.UNSET


class WorkflowRun(Shown, frozen=True, kw_only=True):
    """A run. `told` is the code of why it failed, `message` says it in words."""

    id: str
    workflow: str
    digest: str
    """Of the definition it runs to its end."""
    version: str
    """Of the workflow, as the registry names it; "" for a definition that was written out."""
    status: str
    told: str
    message: str
    failed_node: str
    letter: str
    """Of a dead letter: `open`, `redriven` or `dismissed`."""
    team: str
    feature: str
    key_id: str
    author: str
    origin: str
    origin_run: str
    parent: str
    parent_node: str
    root: str
    test: bool
    steps: int
    accepted: bool | None
    input: Any
    output: Any
    created_at: str
    changed_at: str
    due_at: str | None
    ended_at: str | None


class WorkflowRunPage(Shown, frozen=True, kw_only=True):
    """A page of runs, newest first."""

    data: list[WorkflowRun]
    next_cursor: str | None


class Attempt(Shown, frozen=True, kw_only=True):
    """An attempt of a node that failed."""

    at: str
    code: str
    message: str


class WorkflowStep(Shown, frozen=True, kw_only=True):
    """What came of a node; with a name, of something it did."""

    node: str
    name: str
    state: str
    port: str
    attempts: int
    confidence: float | None
    output: Any
    error: dict[str, str] | None
    tried: list[Attempt]
    lineage: dict[str, Any]
    started_at: str
    ended_at: str | None


class WorkflowWait(Shown, frozen=True, kw_only=True):
    """What a node waits for."""

    node: str
    topic: str
    event: str
    due_at: str | None


class RunCost(Shown, frozen=True, kw_only=True):
    """What a run cost with all below it; `accepted_usd` is the cost of an accepted outcome."""

    total_usd: str
    by_node: dict[str, str]
    charged_usd: str
    calls: int
    tokens: int
    accepted_usd: str | None


class WorkflowRunDetail(Shown, frozen=True, kw_only=True):
    """A run with its steps, what it waits for, its children and its cost."""

    run: WorkflowRun
    steps: list[WorkflowStep]
    waits: list[WorkflowWait]
    children: dict[str, int]
    """How many there are by status."""
    cost: RunCost


class LettersSettled(Shown, frozen=True, kw_only=True):
    """How many dead letters were open, and are settled now."""

    settled: int


def shown_run(view: RunView, caller: Caller, place: Tenant) -> WorkflowRun:
    """Return a run as it is shown: content masked for who may not see any."""
    row = view.row
    shown = WorkflowRun(
        id=row.id,
        workflow=row.workflow,
        digest=row.digest,
        version=view.begin.version,
        status=row.status,
        told=row.told,
        message=view.end.message,
        failed_node=row.failed_node,
        letter=row.letter,
        team=row.team,
        feature=row.feature,
        key_id=row.key_id,
        author=row.author,
        origin=row.origin,
        origin_run=row.origin_run,
        parent=row.parent,
        parent_node=row.parent_node,
        root=row.root,
        test=row.test,
        steps=row.steps,
        accepted=row.accepted,
        input=view.begin.input,
        output=view.end.output,
        created_at=moment(row.created_at_ns),
        changed_at=moment(row.changed_at_ns),
        due_at=optional_moment(row.due_ns),
        ended_at=optional_moment(row.ended_at_ns),
    )
    return content_masked(caller, place, shown, "input", "output", "message")


def listed_run(found: Workflows, row: RunRow, caller: Caller, place: Tenant) -> WorkflowRun:
    """Return one as a list has it: one that was erased doesn't hide the others."""
    try:
        view = found.opened(row)
    except Erased as error:
        view = RunView(row=row, begin=Begin(), end=End(message=error.message))
    return shown_run(view, caller, place)


def shown_step(step: StepView, caller: Caller, place: Tenant) -> WorkflowStep:
    """Return a step as it is shown."""
    row, kept = step.row, step.kept
    error = {"code": kept.code, "message": kept.message} if kept.code else None
    tried = [
        Attempt(at=moment(one.at_ns), code=one.code, message=one.message) for one in kept.tried
    ]
    shown = WorkflowStep(
        node=row.node,
        name=row.name,
        state=row.state,
        port=row.port,
        attempts=row.attempts,
        confidence=row.confidence,
        output=kept.output,
        error=error,
        tried=[content_masked(caller, place, one, "message") for one in tried],
        lineage=kept.lineage,
        started_at=moment(row.started_at_ns),
        ended_at=optional_moment(row.ended_at_ns),
    )
    return content_masked(caller, place, shown, "output")


def shown_wait(wait: WaitRow) -> WorkflowWait:
    """Return what a node waits for, as it is shown."""
    return WorkflowWait(
        node=wait.node, topic=wait.topic, event=wait.event, due_at=optional_moment(wait.due_ns)
    )


def dollars(nano: int) -> str:
    """Return an amount."""
    return usd(nano) or "0"
