"""What the console's canvas asks for: a list of workflows, the format, texts read, values tried."""

from typing import Annotated, Any, Literal

from litestar.di import NamedDependency as Given
from litestar.params import JSONBody
from msgspec import Meta

from legato.api.control.access import Caller, make, read
from legato.api.control.forms import Form, Id, Shown, known_id, moment
from legato.api.control.masking import MASKED
from legato.api.control.paging import LIMIT, Cursor, Limit, paged
from legato.api.control.registry_desk import Desk
from legato.api.control.resources.workflows import Figures, Told, expected
from legato.api.control.services import Services
from legato.core.errors import LegatoError
from legato.core.permission import Permission
from legato.core.registry import Kind, ObjectName
from legato.flow.drawing import drawing, read_text
from legato.flow.expressions import (
    ExpressionFailed,
    ExpressionInvalid,
    compile_expression,
    compile_template,
)
from legato.flow.formats import plain
from legato.registry.reading import ContentInvalid
from legato.storage.registry.records import ObjectRecord
from legato.workflows.definitions import taken_over
from legato.workflows.runs.rooms import definition_of

_OK = 200


class Workflow(Shown, frozen=True, kw_only=True):
    """A workflow of the registry; `expected_nano_usd` is null where its newest version has no cost.

    `runs` counts whole runs by status; null for who may not read runs.
    """

    name: str
    description: str
    versions: int
    labels: dict[str, int]
    created_at: str
    runs: dict[str, int] | None
    expected_nano_usd: Figures | None


class WorkflowPage(Shown, frozen=True, kw_only=True):
    """A page of workflows, by name."""

    data: list[Workflow]
    next_cursor: str | None


class Pattern(Shown, frozen=True, kw_only=True):
    """A workflow to begin with; its models are called `default`."""

    name: str
    title: str
    description: str
    definition: dict[str, Any]


class Drawing(Shown, frozen=True, kw_only=True):
    """What definitions are made of: JSON schemas by name, and which of them is which kind."""

    parts: dict[str, Any]
    kinds: dict[str, str]
    templates: dict[str, list[str]]
    """Fields of each kind whose texts may hold `${...}`."""
    functions: list[str]
    loops: list[str]
    patterns: list[Pattern]


class SomeText(Form, frozen=True, kw_only=True):
    """YAML or JSON: a definition, or a document of the Serverless Workflow DSL."""

    text: Annotated[str, Meta(max_length=2_000_000)]


class TextRead(Shown, frozen=True, kw_only=True):
    """The definition in a text, or why there is none."""

    definition: dict[str, Any] | None
    problems: list[Told]


class Trying(Form, frozen=True, kw_only=True):
    """An expression, or data with `${...}` in its texts, and what it sees."""

    source: Any
    form: Literal["expression", "template"] = "template"
    values: dict[str, Any]


class Tried(Shown, frozen=True, kw_only=True):
    """What it came to, or why it came to nothing."""

    value: Any
    problem: str | None


class RunDefinition(Shown, frozen=True, kw_only=True):
    """What a run runs to its end; its texts are masked for who may not see content."""

    digest: str
    definition: Any


@read("/workflows", Permission.REGISTRY_READ, tags=["workflows"])
def list_workflows(
    services: Given[Services],
    caller: Given[Caller],
    desk: Given[Desk],
    *,
    cursor: Cursor = None,
    limit: Limit = LIMIT,
) -> WorkflowPage:
    """List workflows by name, with their runs by status and what their newest version costs."""
    rows, following = paged(
        services.cursors,
        "workflows",
        (cursor, limit),
        lambda count, after: _workflows(desk, count, after or ""),
        name=lambda record: record.name.name,
    )
    names = [record.name.name for record in rows]
    tally = None
    if names and caller.has(Permission.WORKFLOW_RUN_READ):
        tally = services.workflows(desk.tenant, desk.tenant.org).runs.tally(names)
    data = [
        Workflow(
            name=record.name.name,
            description=record.details.description,
            versions=record.newest,
            labels={
                one.label: one.number
                for one in desk.registry.read.labels(desk.environment, record.name)
            },
            created_at=moment(record.created_at_ns),
            runs=None if tally is None else tally.get(record.name.name, {}),
            expected_nano_usd=_expected(services, desk, record),
        )
        for record in rows
    ]
    return WorkflowPage(data=data, next_cursor=following)


@read("/workflows/format", Permission.REGISTRY_READ, tags=["workflows"])
def get_workflow_format() -> Drawing:
    """Show the format of definitions as JSON schemas, and patterns to begin with."""
    found = drawing()
    return Drawing(**found | {"patterns": [Pattern(**one) for one in found["patterns"]]})


@make("/workflows/read", Permission.REGISTRY_READ, tags=["workflows"], status_code=_OK)
def read_workflow_text(data: JSONBody[SomeText]) -> TextRead:
    """Read a definition out of YAML or JSON; nothing is kept."""
    try:
        return TextRead(definition=plain(taken_over(read_text(data.text))), problems=[])
    except ContentInvalid as error:
        told = [Told(place=one.place, message=one.message) for one in error.problems]
    except LegatoError as error:
        told = [Told(place=error.param or "", message=error.message)]
    return TextRead(definition=None, problems=told)


@make("/workflows/evaluate", Permission.REGISTRY_READ, tags=["workflows"], status_code=_OK)
def evaluate_expression(data: JSONBody[Trying]) -> Tried:
    """Work out an expression over values that are sent with it."""
    try:
        if data.form == "template":
            return Tried(value=compile_template(data.source).value(data.values), problem=None)
        return Tried(value=compile_expression(str(data.source)).value(data.values), problem=None)
    except (ExpressionInvalid, ExpressionFailed) as error:
        return Tried(value=None, problem=str(error))


@read(
    "/workflow-runs/{run_id:str}/definition",
    Permission.WORKFLOW_RUN_READ,
    shows="workflow.read",
    tags=["workflow runs"],
)
def get_workflow_run_definition(
    services: Given[Services], caller: Given[Caller], run_id: Id
) -> RunDefinition:
    """Show the definition that a run runs."""
    tenant = caller.tenant()
    found = services.workflows(tenant, tenant.org)
    row = found.runs.get(known_id(run_id))
    made = plain(definition_of(found.plan(row)))
    shown = made if caller.sees_content(tenant) else _bare(made)
    return RunDefinition(digest=row.digest, definition=shown)


HANDLERS = (
    list_workflows,
    get_workflow_format,
    read_workflow_text,
    evaluate_expression,
    get_workflow_run_definition,
)
_BARE = frozenset(("id", "kind", "title", "after", "join", "at", "choices", "cases", "ask"))


def _workflows(desk: Desk, count: int, after: str) -> list[ObjectRecord]:
    found = desk.registry.read.objects(count, ObjectName(Kind.WORKFLOW, after))
    return [record for record in found if record.name.kind is Kind.WORKFLOW]


def _expected(services: Services, desk: Desk, record: ObjectRecord) -> Figures | None:
    try:
        return expected(services, desk, f"{record.name.name}@{record.newest}")
    except (
        LegatoError
    ):  # it may be a draft that can't run, or erased: the list shows it all the same
        return None


def _bare(definition: dict[str, Any]) -> dict[str, Any]:
    """Return the graph alone: what its nodes say may hold content."""
    nodes = [
        {name: value for name, value in node.items() if name in _BARE}
        | ({"do": _bare(node["do"])} if "do" in node else {})
        for node in definition["nodes"]
    ]
    return {"title": MASKED, "nodes": nodes}
