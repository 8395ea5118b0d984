"""Runs of workflows: begun, listed, shown, followed, told something, cancelled, begun again."""

from collections import Counter
from typing import Annotated, Any, Literal

from litestar.di import NamedDependency as Given
from litestar.params import HeaderParameter, JSONBody, Parameter
from litestar.response import Response, Stream

from legato.api.control.access import Caller, make, read
from legato.api.control.forms import Id, known_id
from legato.api.control.once import Made, Once
from legato.api.control.paging import LIMIT, Cursor, Limit, paged
from legato.api.control.resources.workflow_forms import (
    LettersMeant,
    LettersRedriven,
    LettersSettled,
    NewWorkflowRun,
    RunCost,
    WorkflowReplay,
    WorkflowRun,
    WorkflowRunDetail,
    WorkflowRunPage,
    WorkflowSignal,
    dollars,
    listed_run,
    shown_run,
    shown_step,
    shown_wait,
)
from legato.api.control.resources.workflow_starting import (
    acting_key,
    definition_of,
    require_may_start,
)
from legato.api.control.resources.workflow_watching import events_of
from legato.api.control.services import Services
from legato.core.errors import InvalidRequest
from legato.core.permission import Permission
from legato.core.tenant import Tenant
from legato.storage.ledger.entries import EntryFilter
from legato.storage.workflows.rows import RunRow
from legato.storage.workflows.runs import RunFilter
from legato.workflows.runs.workflows import NewRun, Replay, Workflows

_TAGS = ["workflow runs"]
_Status = Literal[
    "queued", "enqueued", "running", "waiting", "paused", "done", "failed", "cancelled"
]


@make("/workflow-runs", Permission.WORKFLOW_RUN_CREATE, tags=_TAGS)
def start_workflow_run(
    services: Given[Services],
    caller: Given[Caller],
    once: Given[Once],
    data: JSONBody[NewWorkflowRun],
) -> Response[WorkflowRun]:
    """Begin a run that acts for the key which asks, or is named: its limits hold."""
    tenant, found = _opened(services, caller)
    acting = acting_key(services, caller, data.key_id)
    chosen = definition_of(services, tenant, data)
    require_may_start(acting, chosen.name)

    def work() -> Made:
        new = NewRun(
            definition=chosen.definition,
            workflow=chosen.name,
            arm=chosen.arm,
            version=chosen.version,
            input=data.input,
            user=data.user,
            author=caller.author,
            test=data.test,
        )
        row, _ = found.start(new, acting)
        services.wake_runs()
        location = {"location": f"/api/v1/workflow-runs/{row.id}"}
        return Made(shown_run(found.opened(row), caller, tenant), location)

    return once(data, work)


@read("/workflow-runs", Permission.WORKFLOW_RUN_READ, shows="workflow.read", tags=_TAGS)
def list_workflow_runs(
    services: Given[Services],
    caller: Given[Caller],
    *,
    workflow: Annotated[str | None, Parameter(max_length=200, required=False)] = None,
    status: Annotated[_Status | None, Parameter(required=False)] = None,
    parent: Annotated[
        str, Parameter(max_length=64, description="Whose children, instead of whole runs.")
    ] = "",
    cursor: Cursor = None,
    limit: Limit = LIMIT,
) -> WorkflowRunPage:
    """List runs, newest first."""
    wanted = RunFilter(workflow=workflow, status=status, parent=known_id(parent) if parent else "")
    return _page(services, caller, wanted, (cursor, limit))


@read(
    "/workflow-runs/{run_id:str}",
    Permission.WORKFLOW_RUN_READ,
    shows="workflow.read",
    tags=_TAGS,
)
def get_workflow_run(
    services: Given[Services], caller: Given[Caller], run_id: Id
) -> WorkflowRunDetail:
    """Show a run: its steps, what it waits for, its children, and what it cost."""
    tenant, found = _opened(services, caller)
    view = found.view(known_id(run_id))
    row = view.row
    children = Counter(found.runs.children(row).values())
    return WorkflowRunDetail(
        run=shown_run(view, caller, tenant),
        steps=[shown_step(one, caller, tenant) for one in found.steps(row)],
        waits=[shown_wait(one) for one in found.runs.waits(row)],
        children=dict(children),
        cost=_cost(services, caller, row),
    )


@read(
    "/workflow-runs/{run_id:str}/events",
    Permission.WORKFLOW_RUN_READ,
    shows="workflow.read",
    tags=_TAGS,
)
def follow_workflow_run(
    services: Given[Services],
    caller: Given[Caller],
    run_id: Id,
    last_event_id: Annotated[
        str | None, HeaderParameter(name="Last-Event-ID", max_length=32, required=False)
    ] = None,
) -> Stream:
    """Follow a run: server-sent events until it ends; `Last-Event-ID` goes on behind one."""
    tenant, found = _opened(services, caller)
    row = found.runs.get(known_id(run_id))
    after = last_event_id or "0"
    if not (after.isascii() and after.isdigit()):
        raise InvalidRequest("Last-Event-ID: a number that an event had", param="Last-Event-ID")

    def shown(step: Any) -> Any:
        return shown_step(step, caller, tenant)

    events = events_of(found, row.id, int(after), shown)
    return Stream(events, media_type="text/event-stream", headers={"cache-control": "no-store"})


@make(
    "/workflow-runs/{run_id:str}/signals",
    Permission.WORKFLOW_RUN_SIGNAL,
    tags=_TAGS,
    status_code=200,
)
def signal_workflow_run(
    services: Given[Services],
    caller: Given[Caller],
    once: Given[Once],
    *,
    run_id: Id,
    data: JSONBody[WorkflowSignal],
) -> Response[WorkflowRun]:
    """Tell a run something on a topic that one of its nodes waits for, now or later."""

    def work() -> Made:
        tenant, found = _opened(services, caller)
        found.signal(
            known_id(run_id), data.topic, data.message, sender=caller.author, message_id=data.id
        )
        services.wake_runs()
        return Made(shown_run(found.view(known_id(run_id)), caller, tenant), status=200)

    return once(data, work)


@make(
    "/workflow-runs/{run_id:str}/cancel",
    Permission.WORKFLOW_RUN_UPDATE,
    tags=_TAGS,
    status_code=200,
)
def cancel_workflow_run(
    services: Given[Services], caller: Given[Caller], once: Given[Once], run_id: Id
) -> Response[WorkflowRun]:
    """End a run and all below it; what its steps came to stays."""

    def work() -> Made:
        tenant, found = _opened(services, caller)
        row = found.cancel(known_id(run_id))
        services.wake_runs()
        return Made(shown_run(found.opened(row), caller, tenant), status=200)

    return once(None, work)


@make(
    "/workflow-runs/{run_id:str}/resume",
    Permission.WORKFLOW_RUN_UPDATE,
    tags=_TAGS,
    status_code=200,
)
def resume_workflow_run(
    services: Given[Services], caller: Given[Caller], once: Given[Once], run_id: Id
) -> Response[WorkflowRun]:
    """Let a run go on that is paused, failed or cancelled: what succeeded isn't done anew."""

    def work() -> Made:
        tenant, found = _opened(services, caller)
        row = found.resume(known_id(run_id))
        services.wake_runs()
        return Made(shown_run(found.opened(row), caller, tenant), status=200)

    return once(None, work)


@make("/workflow-runs/{run_id:str}/replay", Permission.WORKFLOW_RUN_CREATE, tags=_TAGS)
def replay_workflow_run(
    services: Given[Services],
    caller: Given[Caller],
    once: Given[Once],
    *,
    run_id: Id,
    data: JSONBody[WorkflowReplay],
) -> Response[WorkflowRun]:
    """Begin a run again on its definition, from the start or from a node, for the same key."""

    def work() -> Made:
        tenant, found = _opened(services, caller)
        how = Replay(from_node=data.from_node, input=data.input, author=caller.author)
        row = found.replay(known_id(run_id), how)
        services.wake_runs()
        location = {"location": f"/api/v1/workflow-runs/{row.id}"}
        return Made(shown_run(found.opened(row), caller, tenant), location)

    return once(data, work)


@read("/workflow-dead-letters", Permission.WORKFLOW_RUN_READ, shows="workflow.read", tags=_TAGS)
def list_workflow_dead_letters(
    services: Given[Services],
    caller: Given[Caller],
    *,
    workflow: Annotated[str | None, Parameter(max_length=200, required=False)] = None,
    letter: Annotated[
        Literal["open", "redriven", "dismissed"], Parameter(description="What became of them.")
    ] = "open",
    cursor: Cursor = None,
    limit: Limit = LIMIT,
) -> WorkflowRunPage:
    """List runs that failed and that nobody has begun again or dismissed, newest first."""
    wanted = RunFilter(workflow=workflow, letter=letter)
    return _page(services, caller, wanted, (cursor, limit))


@make(
    "/workflow-dead-letters/redrive",
    Permission.WORKFLOW_LETTER_UPDATE,
    tags=_TAGS,
    status_code=200,
)
def redrive_workflow_dead_letters(
    services: Given[Services],
    caller: Given[Caller],
    once: Given[Once],
    data: JSONBody[LettersRedriven],
) -> Response[LettersSettled]:
    """Begin failed runs again, with what they began with or another input; each once."""

    def work() -> Made:
        _, found = _opened(services, caller)
        settled = found.redrive(_letters(found, data), caller.author, data.input)
        services.wake_runs()
        return Made(LettersSettled(settled=settled), status=200)

    return once(data, work)


@make(
    "/workflow-dead-letters/dismiss",
    Permission.WORKFLOW_LETTER_UPDATE,
    tags=_TAGS,
    status_code=200,
)
def dismiss_workflow_dead_letters(
    services: Given[Services],
    caller: Given[Caller],
    once: Given[Once],
    data: JSONBody[LettersMeant],
) -> Response[LettersSettled]:
    """Say that nothing is to come of failed runs."""

    def work() -> Made:
        _, found = _opened(services, caller)
        return Made(LettersSettled(settled=found.dismiss(_letters(found, data))), status=200)

    return once(data, work)


HANDLERS = (
    start_workflow_run,
    list_workflow_runs,
    get_workflow_run,
    follow_workflow_run,
    signal_workflow_run,
    cancel_workflow_run,
    resume_workflow_run,
    replay_workflow_run,
    list_workflow_dead_letters,
    redrive_workflow_dead_letters,
    dismiss_workflow_dead_letters,
)


def _opened(services: Services, caller: Caller) -> tuple[Tenant, Workflows]:
    tenant = caller.tenant()
    return tenant, services.workflows(tenant, tenant.org)


def _page(
    services: Services, caller: Caller, wanted: RunFilter, asked: tuple[str | None, int]
) -> WorkflowRunPage:
    tenant, found = _opened(services, caller)
    rows, following = paged(
        services.cursors,
        f"workflow runs {wanted.parent}",
        asked,
        lambda count, after: found.runs.page(count, after, wanted),
        name=lambda row: row.id,
    )
    data = [listed_run(found, row, caller, tenant) for row in rows]
    return WorkflowRunPage(data=data, next_cursor=following)


def _letters(found: Workflows, meant: LettersMeant) -> list[str]:
    if meant.all:
        if meant.ids:
            raise InvalidRequest("ids: name some, or say `all`, not both", param="ids")
        return list(found.open_letters(meant.workflow))
    if not meant.ids:
        raise InvalidRequest("ids: name the dead letters, or say `all`", param="ids")
    return [known_id(one) for one in meant.ids]


def _cost(services: Services, caller: Caller, row: RunRow) -> RunCost:
    """Return what the ledger has of a run's tree."""
    entries = EntryFilter(since_ns=row.created_at_ns, run=row.root)
    if row.id != row.root:
        entries = EntryFilter(since_ns=row.created_at_ns, child=row.id)
    nodes: Counter[str] = Counter()
    total = calls = tokens = 0
    for node, one in services.sums(caller.tenant()).by_node(entries).items():
        nodes[node] += one.cost
        total += one.cost
        calls += one.requests
        tokens += one.tokens
    spent = total + row.charged
    return RunCost(
        total_usd=dollars(spent),
        by_node={node: dollars(cost) for node, cost in sorted(nodes.items())},
        charged_usd=dollars(row.charged),
        calls=calls,
        tokens=tokens,
        accepted_usd=dollars(spent) if row.accepted else None,
    )
