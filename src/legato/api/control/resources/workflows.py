"""Definitions of workflows: checked, turned into other forms and back, their cost foreseen.

Versions of them are objects of the registry, of the kind `workflow`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

import msgspec
from litestar.di import NamedDependency as Given
from litestar.params import JSONBody
from msgspec import Meta

from legato.api.control.access import make
from legato.api.control.forms import Form, Shown
from legato.api.control.registry_desk import Desk
from legato.api.control.services import Services
from legato.core.errors import InvalidRequest, NotFound
from legato.core.permission import Permission
from legato.core.price import Price
from legato.core.registry import DEFAULT_LABEL, Kind, ObjectName, checked_name, selector
from legato.flow.checking import Finding
from legato.flow.definition import Definition
from legato.flow.expected_cost import ExpectedCost, NodeCost, Observed, Range
from legato.flow.formats import plain
from legato.registry.workflows import read_workflow
from legato.workflows.definitions import (
    Format,
    content_of,
    foreseen,
    taken_over,
    verdict_on,
    written,
)
from legato.workflows.history import observed

_OK = 200
Reference = Annotated[str, Meta(max_length=200)]


class Told(Shown, frozen=True, kw_only=True):
    """Something to mend or to think about, at a place such as `nodes.classify.when`."""

    place: str
    message: str


class AnyDefinition(Form, frozen=True, kw_only=True):
    """A definition, or a document of the registry that holds one."""

    definition: dict[str, Any]


class Checked(Shown, frozen=True, kw_only=True):
    """What checking came to; hints keep nothing from running."""

    valid: bool
    problems: list[Told]
    hints: list[Told]


class WantedForm(Form, frozen=True, kw_only=True):
    """What is to be written how: a definition, or NAME[@VERSION] of the registry."""

    format: Format
    definition: dict[str, Any] | None = None
    workflow: Reference = ""


class Written(Shown, frozen=True, kw_only=True):
    """A definition in another form."""

    format: str
    text: str


class Foreign(Form, frozen=True, kw_only=True):
    """A definition, or a document of the CNCF Serverless Workflow DSL 1.0."""

    document: dict[str, Any]


class TakenOver(Shown, frozen=True, kw_only=True):
    """The definition in it, and what checking it came to; nothing is kept."""

    definition: dict[str, Any]
    valid: bool
    problems: list[Told]
    hints: list[Told]


class Foresight(Form, frozen=True, kw_only=True):
    """Of what the cost is wanted; `beliefs` are lists of low, likely and high by name."""

    definition: dict[str, Any] | None = None
    workflow: Reference = ""
    beliefs: dict[str, list[float]] | None = None


class Figures(Shown, frozen=True, kw_only=True):
    """Low, likely and high."""

    low: float
    likely: float
    high: float


class OneNode(Shown, frozen=True, kw_only=True):
    """What a node is expected to take in a run, all its calls together."""

    node: str
    kind: str
    model: str
    calls: Figures
    input_tokens: Figures
    output_tokens: Figures
    cost_nano_usd: Figures
    basis: str


class Foreseen(Shown, frozen=True, kw_only=True):
    """What a run is expected to take; what models in `unpriced` cost is missing."""

    calls: Figures
    cost_nano_usd: Figures
    nodes: list[OneNode]
    assumptions: list[str]
    unpriced: list[str]


@make("/workflows/validate", Permission.REGISTRY_READ, tags=["workflows"], status_code=_OK)
def validate_workflow(desk: Given[Desk], data: JSONBody[AnyDefinition]) -> Checked:
    """Check a definition: itself, and the models, prompts and workflows that it names."""
    return _checked(desk, content_of(data.definition))


@make("/workflows/export", Permission.REGISTRY_READ, tags=["workflows"], status_code=_OK)
def export_workflow(desk: Given[Desk], data: JSONBody[WantedForm]) -> Written:
    """Write a definition as YAML, JSON, Python, Mermaid or a Serverless Workflow document."""
    definition, name = _meant(desk, data.definition, data.workflow)
    return Written(format=data.format.value, text=written(definition, name, data.format))


@make("/workflows/import", Permission.REGISTRY_READ, tags=["workflows"], status_code=_OK)
def import_workflow(desk: Given[Desk], data: JSONBody[Foreign]) -> TakenOver:
    """Read a definition out of a document; keep it by `POST /registry/objects/workflow/...`."""
    content = plain(taken_over(data.document))
    found = _checked(desk, content)
    return TakenOver(
        definition=content, valid=found.valid, problems=found.problems, hints=found.hints
    )


@make("/workflows/cost", Permission.REGISTRY_READ, tags=["workflows"], status_code=_OK)
def foresee_workflow_cost(
    services: Given[Services], desk: Given[Desk], data: JSONBody[Foresight]
) -> Foreseen:
    """Say what a run will cost before it runs, and by which beliefs."""
    definition, name = _meant(desk, data.definition, data.workflow)
    history = _history(services, desk, name) if data.workflow else None
    found = _foreseen(services, desk, definition, data.beliefs, history=history)
    return Foreseen(
        calls=_figures(found.calls),
        cost_nano_usd=_figures(found.cost_nano_usd),
        nodes=[_node(one) for one in found.nodes],
        assumptions=list(found.assumptions),
        unpriced=list(found.unpriced),
    )


def expected(services: Services, desk: Desk, reference: str) -> Figures:
    """Return what a run of a workflow is expected to cost. Raises NotFound, InvalidRequest."""
    history = _history(services, desk, reference.partition("@")[0])
    found = _foreseen(services, desk, _kept(desk, reference), history=history)
    return _figures(found.cost_nano_usd)


def likely_cost(services: Services, desk: Desk, reference: str) -> int | None:
    """Return what a run of a workflow likely costs, nano-USD; None where a model has no price.

    Raises:
        NotFound, InvalidRequest.
    """
    history = _history(services, desk, reference.partition("@")[0])
    found = _foreseen(services, desk, _kept(desk, reference), history=history)
    return None if found.unpriced else round(found.cost_nano_usd.likely)


def _foreseen(
    services: Services,
    desk: Desk,
    definition: Definition,
    beliefs: dict[str, list[float]] | None = None,
    *,
    history: Mapping[str, Observed] | None = None,
) -> ExpectedCost:
    return foreseen(
        definition,
        _prices(services, desk),
        workflow=lambda reference: _known(desk, reference),
        history=history,
        beliefs=beliefs,
    )


def _history(services: Services, desk: Desk, workflow: str) -> Mapping[str, Observed]:
    tenant = desk.tenant
    runs = services.workflows(tenant, tenant.org).runs
    return observed(runs, services.sums(tenant), workflow)


def _checked(desk: Desk, content: Any) -> Checked:
    found = verdict_on(content, lambda one: desk.registry.require_runnable(one, desk.environment))
    return Checked(valid=found.valid, problems=_told(found.problems), hints=_told(found.hints))


def _told(findings: Sequence[Finding]) -> list[Told]:
    return [Told(place=one.place, message=one.message) for one in findings]


def _meant(desk: Desk, content: dict[str, Any] | None, reference: str) -> tuple[Definition, str]:
    """Return the definition that is meant, and what it is called."""
    if (content is None) == (not reference):
        msg = "definition: give a definition or the name of a workflow: one of the two"
        raise InvalidRequest(msg, param="definition")
    if content is not None:
        return taken_over(content), "workflow"
    return _kept(desk, reference), reference.partition("@")[0]


def _kept(desk: Desk, reference: str) -> Definition:
    name, _, version = reference.partition("@")
    return read_workflow(_content(desk, ObjectName(Kind.WORKFLOW, checked_name(name)), version))


def _content(desk: Desk, name: ObjectName, version: str) -> Any:
    wanted = selector(version or DEFAULT_LABEL)
    return desk.registry.content(desk.registry.read.version(name, wanted, desk.environment))


def _known(desk: Desk, reference: str) -> Definition | None:
    try:
        return _kept(desk, reference)
    except NotFound:
        return None


def _prices(services: Services, desk: Desk) -> Callable[[str], Sequence[Price]]:
    def of(model: str) -> Sequence[Price]:
        kind, colon, reference = model.partition(":")
        if colon and kind == Kind.PROMPT:
            name, _, version = reference.partition("@")
            try:
                model = _content(desk, ObjectName(Kind.PROMPT, name), version)["route"]
            except NotFound:
                return ()
        return services.prices_of(model)

    return of


def _node(one: NodeCost) -> OneNode:
    return OneNode(
        node=one.node,
        kind=one.kind,
        model=one.model,
        calls=_figures(one.calls),
        input_tokens=_figures(one.input_tokens),
        output_tokens=_figures(one.output_tokens),
        cost_nano_usd=_figures(one.cost_nano_usd),
        basis=one.basis,
    )


def _figures(found: Range) -> Figures:
    return Figures(**msgspec.structs.asdict(found))


HANDLERS = (validate_workflow, export_workflow, import_workflow, foresee_workflow_cost)
