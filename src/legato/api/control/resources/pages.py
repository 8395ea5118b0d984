"""Workflows published as pages, for the people who use them: what they take, and one's own runs."""

from typing import Annotated, Final

import msgspec
from litestar.di import NamedDependency as Given
from litestar.params import HeaderParameter, JSONBody, Parameter
from litestar.response import Response, Stream

from legato.api.control.access import Caller, make, read
from legato.api.control.forms import Id, known_id, moment
from legato.api.control.once import Made, Once
from legato.api.control.registry_desk import Org
from legato.api.control.resources.page_forms import (
    OpenPage,
    PageHeads,
    PageInput,
    PageRun,
    PageRunBegun,
    PageStep,
    PageTask,
    page_head,
)
from legato.api.control.resources.tasks import Decision
from legato.api.control.resources.workflow_starting import require_may_start
from legato.api.control.resources.workflow_watching import events_of
from legato.api.control.services import Services
from legato.core.errors import Conflict, InvalidRequest, NotFound
from legato.core.permission import Permission
from legato.core.tenant import Tenant
from legato.flow.rulings import Asked, Person, Ruling, Verdict, is_asked, is_named
from legato.identity.principals import PERSON
from legato.storage.tasks.records import OPEN, Task, Wanted
from legato.storage.workflows.pages import WorkflowPage
from legato.storage.workflows.rows import RunRow
from legato.workflows.people.tasks import Tasks
from legato.workflows.runs.workflows import NewRun, StepView, Workflows

_TAGS: Final = ["pages"]
_TASKS_MAX: Final = 50
_PAGES_MAX: Final = 500
_Name = Annotated[str, Parameter(description="Of a page.", max_length=64)]


class _Visit(msgspec.Struct, frozen=True):
    """Somebody at a page."""

    page: WorkflowPage
    person: Person
    account: str

    @property
    def user(self) -> str:
        """On whose behalf its runs are: the account's login."""
        names = self.person.names - {self.account}
        return min(names, default=self.account)


@read("/pages", Permission.PAGE_USE, tags=_TAGS)
def list_pages(services: Given[Services], caller: Given[Caller], org: Org = None) -> PageHeads:
    """List the pages that are there for the account which asks; for a key there are none."""
    if caller.principal.kind != PERSON:
        return PageHeads(data=[])
    person = services.person_of(caller.principal)
    found = services.pages(caller.narrowed(org)).page(_PAGES_MAX)
    mine = [page_head(one) for one in found if _is_for(caller, person, one)]
    return PageHeads(data=sorted(mine, key=lambda one: (one.org, one.name)))


@read("/pages/{name:str}", Permission.PAGE_USE, tags=_TAGS)
def open_page(
    services: Given[Services], caller: Given[Caller], name: _Name, org: Org = None
) -> OpenPage:
    """Show a page, and what it takes."""
    visit = _visit(services, caller, name, org)
    found = services.workflow_definitions.resolve(
        visit.page.org, visit.page.workflow, visit.user
    ).definition
    head = msgspec.structs.asdict(page_head(visit.page))
    return OpenPage(**head, input_schema=found.input)


@make("/pages/{name:str}/runs", Permission.PAGE_USE, tags=_TAGS)
def begin_page_run(
    services: Given[Services],
    caller: Given[Caller],
    once: Given[Once],
    *,
    name: _Name,
    data: JSONBody[PageInput],
    org: Org = None,
) -> Response[PageRunBegun]:
    """Begin a run on one's own behalf, within the page's budget."""
    visit = _visit(services, caller, name, org)
    page = visit.page
    try:
        acting = services.roles.principal(Tenant(page.org), "key", page.key_id)
    except InvalidRequest:
        msg = f"The key of the page {page.name} was revoked: the page has to be published again."
        raise Conflict(msg, param="name") from None
    chosen = services.workflow_definitions.resolve(page.org, page.workflow, visit.user)
    require_may_start(acting, chosen.name)

    def work() -> Made:
        new = NewRun(
            definition=chosen.definition,
            workflow=chosen.name,
            arm=chosen.arm,
            version=chosen.version,
            input=data.input,
            user=visit.user,
            author=caller.author,
            origin=f"page:{page.name}",
        )
        row, _ = services.workflows(Tenant(page.org), page.org).start(new, acting)
        services.wake_runs()
        location = {"location": f"/api/v1/pages/{page.name}/runs/{row.id}"}
        return Made(PageRunBegun(id=row.id, status=row.status), location)

    return once(data, work)


@read("/pages/{name:str}/runs/{run_id:str}", Permission.PAGE_USE, tags=_TAGS)
def show_page_run(
    services: Given[Services], caller: Given[Caller], *, name: _Name, run_id: Id, org: Org = None
) -> PageRun:
    """Show a run of one's own: how it stands, what it asks oneself, what it came to."""
    visit = _visit(services, caller, name, org)
    found, row = _run(services, caller, visit, run_id)
    view, titles = found.view(row.id), _titles(found, row)
    states = {one.row.node: one.row.state for one in found.steps(row) if not one.row.name}
    tasks = services.tasks(Tenant(row.org))
    return PageRun(
        id=row.id,
        status=row.status,
        told=row.told,
        message=view.end.message,
        steps=[
            PageStep(node=node, title=title, state=states.get(node, ""))
            for node, title in titles.items()
        ],
        tasks=[
            PageTask(id=one.id, question=msgspec.to_builtins(question))
            for one in _asked(tasks, found, row, visit.person)
            if (question := tasks.question(one)) is not None
        ],
        output=view.end.output,
        created_at=moment(row.created_at_ns),
    )


@read("/pages/{name:str}/runs/{run_id:str}/events", Permission.PAGE_USE, tags=_TAGS)
def follow_page_run(
    services: Given[Services],
    caller: Given[Caller],
    *,
    name: _Name,
    run_id: Id,
    org: Org = None,
    last_event_id: Annotated[
        str | None, HeaderParameter(name="Last-Event-ID", max_length=32, required=False)
    ] = None,
) -> Stream:
    """Follow a run of one's own: server-sent events until it ends, without content."""
    found, row = _run(services, caller, _visit(services, caller, name, org), run_id)
    after = last_event_id or "0"
    if not (after.isascii() and after.isdigit()):
        raise InvalidRequest("Last-Event-ID: a number that an event had", param="Last-Event-ID")
    titles = _titles(found, row)

    def shown(step: StepView) -> PageStep:
        node = step.row.node
        return PageStep(node=node, title=titles.get(node, node), state=step.row.state)

    events = events_of(found, row.id, int(after), shown)
    return Stream(events, media_type="text/event-stream", headers={"cache-control": "no-store"})


@make(
    "/pages/{name:str}/runs/{run_id:str}/tasks/{task_id:str}/decide",
    Permission.PAGE_USE,
    tags=_TAGS,
    status_code=200,
)
def decide_page_task(
    services: Given[Services],
    caller: Given[Caller],
    once: Given[Once],
    *,
    name: _Name,
    run_id: Id,
    task_id: Id,
    data: JSONBody[Decision],
    org: Org = None,
) -> Response[PageRunBegun]:
    """Answer what a run of one's own asks oneself, by name, role or team."""
    visit = _visit(services, caller, name, org)
    found, row = _run(services, caller, visit, run_id)
    tasks, wanted = services.tasks(Tenant(row.org)), known_id(task_id)
    ruling = Ruling(
        verdict=Verdict(data.verdict), port=data.port, data=data.data, comment=data.comment
    )

    def work() -> Made:
        if wanted not in {one.id for one in _asked(tasks, found, row, visit.person)}:
            raise NotFound("this run asks you nothing of this id, or no more", param="task_id")
        tasks.decide(wanted, visit.person, ruling, "page")
        services.wake_runs()
        return Made(PageRunBegun(id=row.id, status=row.status), status=200)

    return once(data, work)


HANDLERS = (
    list_pages,
    open_page,
    begin_page_run,
    show_page_run,
    follow_page_run,
    decide_page_task,
)


def _person(services: Services, caller: Caller) -> Person:
    if caller.principal.kind != PERSON:
        msg = "Pages are for people: sign in with an account, a key can't use them."
        raise InvalidRequest(msg)
    return services.person_of(caller.principal)


def _visit(services: Services, caller: Caller, name: str, org: str | None) -> _Visit:
    """Return somebody at a page; one that isn't for them doesn't exist. Raises NotFound."""
    person = _person(services, caller)
    named = services.pages(caller.narrowed(org)).named(name)
    found = [one for one in named if _is_for(caller, person, one)]
    own = [one for one in found if one.org == caller.principal.org]
    if not found:
        raise NotFound(f"there is no page {name[:64]!r}", param="name")
    if len(found) > 1 and not own:
        raise InvalidRequest("org: say which one is meant", param="org")
    page = (own or found)[0]
    return _Visit(page, _at(caller, person, page), caller.principal.key_id)


def _is_for(caller: Caller, person: Person, page: WorkflowPage) -> bool:
    return is_asked(_at(caller, person, page), Asked(assignees=page.audience))


def _at(caller: Caller, person: Person, page: WorkflowPage) -> Person:
    """Return somebody with the roles and teams they have where the page is, not elsewhere."""
    there = [
        one
        for one in caller.principal.grants
        if one.org in {page.org, "*"}
        and one.team in {"", page.team}
        and one.feature in {"", page.feature}
    ]
    return msgspec.structs.replace(
        person,
        roles=frozenset(one.role for one in there),
        teams=frozenset(one.team for one in there if one.team),
    )


def _run(
    services: Services, caller: Caller, visit: _Visit, run_id: str
) -> tuple[Workflows, RunRow]:
    """Return a run that somebody began at a page. Raises NotFound."""
    org = visit.page.org
    found = services.workflows(Tenant(org), org)
    row = found.runs.get(known_id(run_id))
    if (row.key_id, row.author) != (visit.page.key_id, caller.author):
        raise NotFound("there is no such run", param="run_id")
    return found, row


def _titles(found: Workflows, row: RunRow) -> dict[str, str]:
    return {one.id: one.title or one.id for one in found.plan(row).graph.nodes}


def _asked(tasks: Tasks, found: Workflows, row: RunRow, person: Person) -> list[Task]:
    """Return what a run and those right below it ask somebody by name: what anybody may isn't."""
    return [
        one
        for run_id in (row.id, *found.runs.children(row))
        for one in tasks.store.page(_TASKS_MAX, None, Wanted(run_id=run_id, state=OPEN))
        if is_named(person, tasks.store.asked(one))
    ]
