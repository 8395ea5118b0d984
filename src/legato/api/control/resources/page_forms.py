"""Bodies of workflows as pages."""

from typing import Annotated, Any, Literal

from msgspec import Meta, field

from legato.api.control.forms import Form, Id, Shown, moment
from legato.api.control.resources.key_forms import Budget, Models
from legato.flow.definition import Assignees
from legato.storage.workflows.pages import WorkflowPage

Kind = Literal["form", "chat"]
PageName = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
_Names = Annotated[list[Annotated[str, Meta(min_length=1, max_length=200)]], Meta(max_length=200)]


class Audience(Form, frozen=True, kw_only=True):
    """Who may use a page: any of these. None named: whoever may use pages of its feature."""

    accounts: _Names = field(default_factory=list)
    """By id or login."""
    roles: _Names = field(default_factory=list)
    teams: _Names = field(default_factory=list)


class NewPage(Form, frozen=True, kw_only=True):
    """A workflow to be published; its calls are charged to the feature, within the budget."""

    name: PageName
    """The last part of its address."""
    kind: Kind
    workflow: Annotated[str, Meta(min_length=1, max_length=200)]
    """NAME, NAME@LABEL, NAME@NUMBER or NAME@DIGEST."""
    feature_id: Id
    budget: Budget
    audience: Audience = field(default_factory=Audience)
    models: Models = field(default_factory=lambda: ["*"])
    title: Annotated[str, Meta(max_length=200)] = ""
    about: Annotated[str, Meta(max_length=2_000)] = ""


class PageChange(Form, frozen=True, kw_only=True):
    """What changes of a page; what isn't named stays."""

    title: Annotated[str, Meta(max_length=200)] | None = None
    about: Annotated[str, Meta(max_length=2_000)] | None = None
    audience: Audience | None = None


class Page(Shown, frozen=True, kw_only=True):
    """A published workflow. `key_id` is the key that its runs act for: it has the budget."""

    id: str
    org: str
    team: str
    feature: str
    name: str
    kind: str
    workflow: str
    title: str
    about: str
    audience: Audience
    key_id: str
    author: str
    created_at: str


class PageList(Shown, frozen=True, kw_only=True):
    """Published workflows, in the order they were published."""

    data: list[Page]
    next_cursor: str | None


class PageHead(Shown, frozen=True, kw_only=True):
    """A page as who uses it finds it."""

    org: str
    name: str
    kind: str
    title: str
    about: str


class PageHeads(Shown, frozen=True, kw_only=True):
    """The pages that somebody may use."""

    data: list[PageHead]


class OpenPage(PageHead, frozen=True, kw_only=True):
    """A page with what it takes: a JSON Schema, null where its workflow takes anything."""

    input_schema: dict[str, Any] | None


class PageInput(Form, frozen=True, kw_only=True):
    """What a run of a page begins with; of a chat `{messages: [{role, content}, …]}`."""

    input: Any = None


class PageStep(Shown, frozen=True, kw_only=True):
    """A node of the workflow and how it stands, "" where it hasn't begun."""

    node: str
    title: str
    state: str
    output: None = None


class PageTask(Shown, frozen=True, kw_only=True):
    """What the run asks of who uses the page, as a task shows it."""

    id: str
    question: Any


class PageRun(Shown, frozen=True, kw_only=True):
    """A run of a page. `told` is the code of why it failed, `message` says it in words."""

    id: str
    status: str
    told: str
    message: str
    steps: list[PageStep]
    tasks: list[PageTask]
    output: Any
    created_at: str


class PageRunBegun(Shown, frozen=True, kw_only=True):
    """A run that began."""

    id: str
    status: str


def assignees(said: Audience) -> Assignees:
    """Return an audience as it is kept."""
    return Assignees(
        accounts=tuple(said.accounts), roles=tuple(said.roles), teams=tuple(said.teams)
    )


def shown_page(one: WorkflowPage) -> Page:
    """Return a page as who publishes sees it."""
    who = one.audience
    return Page(
        id=one.id, org=one.org, team=one.team, feature=one.feature, name=one.name, kind=one.kind,
        workflow=one.workflow, title=one.title, about=one.about, key_id=one.key_id,
        author=one.author, created_at=moment(one.created_at_ns),
        audience=Audience(
            accounts=list(who.accounts), roles=list(who.roles), teams=list(who.teams)
        ),
    )  # fmt: skip


def page_head(one: WorkflowPage) -> PageHead:
    """Return a page as who uses it finds it."""
    return PageHead(
        org=one.org, name=one.name, kind=one.kind, title=one.title or one.name, about=one.about
    )
