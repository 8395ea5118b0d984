"""Workflows of the registry: checked before they are saved or made live, and chosen for a run."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, Protocol

import msgspec

from legato.core.errors import InvalidRequest, NotFound
from legato.core.registry import (
    CHAMPION,
    DEFAULT_LABEL,
    Kind,
    ObjectName,
    Selector,
    checked_name,
    selector,
)
from legato.flow.agent_tools import AGENT_TOOL
from legato.flow.checking import Finding, check_definition, every_node
from legato.flow.definition import (
    Agent,
    AnyNode,
    Classify,
    Definition,
    For,
    Prompt,
    SubWorkflow,
    Tool,
)
from legato.registry.reading import ContentInvalid, Problem, problems_in, unplain
from legato.registry.registry import References, Sealing, sealing_context
from legato.routing.assignment import Assignment
from legato.storage.registry.records import RunningRollout, VersionRecord

Exists = Callable[[ObjectName, str], bool]
"""Whether a version of an object, as a reference writes it behind the `@`, is there."""
_NODE_PLACE: Final = re.compile(r"nodes\[(\d+)\]")
_LISTED_MAX: Final = 20
_WORKFLOW_TOOL: Final = "workflow:"


def read_workflow(content: Any) -> Definition:
    """Return a definition written as plain data, whether or not it could run.

    Raises:
        ContentInvalid: with all fields that are unknown, missing or of another type.
    """
    problems = list(unplain(content)) or problems_in(content, Definition)
    if problems:
        named = [Problem(_by_name(content, one.place), one.message) for one in problems]
        raise ContentInvalid(Kind.WORKFLOW, named)
    return msgspec.convert(content, Definition)


def check_workflow(
    content: Any,
    callable_names: Callable[[], frozenset[str]],
    exists: Exists,
    against_tool: Callable[[str], str] | None = None,
) -> References:
    """Check a definition that is to run; return what it names of others.

    Raises:
        ContentInvalid: with all its problems: those of itself, models that nothing is called,
            prompts, workflows and tools that aren't there, tools that nobody here may use.
    """
    definition = read_workflow(content)
    found = [Problem(*one) for one in check_definition(definition).problems]
    found += _missing_objects(definition, exists)
    found += _missing_models(definition, callable_names())
    if against_tool is not None:
        found += _refused_tools(definition, against_tool)
    if found:
        raise ContentInvalid(Kind.WORKFLOW, found)
    return references_of(definition)


def hints_of(content: Any) -> tuple[Finding, ...]:
    """Return what had better be thought of. Raises ContentInvalid."""
    return check_definition(read_workflow(content)).hints


def references_of(definition: Definition) -> References:
    """Return what a definition names: kinds and names."""
    objects = {(name.kind.value, name.name) for _, name, _ in _objects(definition)}
    return frozenset(objects | {("route", model) for _, model in _models(definition)})


def _missing_objects(definition: Definition, exists: Exists) -> Iterator[Problem]:
    for place, name, version in _objects(definition):
        if not exists(name, version):
            told = f"there is no {name.kind} {name.name}@{version or DEFAULT_LABEL} here"
            yield Problem(place, f"{told}; save it first, or apply it together with this")


def _missing_models(definition: Definition, names: frozenset[str]) -> Iterator[Problem]:
    for place, model in _models(definition):
        if model not in names:
            known = ", ".join(sorted(names)[:_LISTED_MAX]) or "none"
            told = f"nothing here is called {model!r}; routes and deployments: {known}"
            yield Problem(place, told)


def _refused_tools(definition: Definition, against: Callable[[str], str]) -> Iterator[Problem]:
    for node in every_node(definition.nodes):
        for field, tool in _tools(node):
            if not tool.startswith((_WORKFLOW_TOOL, AGENT_TOOL)) and (told := against(tool)):
                yield Problem(f"nodes.{node.id}.{field}", told)


def _tools(node: AnyNode) -> Iterator[tuple[str, str]]:
    """Yield where a node names tools, and which."""
    match node:
        case Tool(tool=tool):
            yield "tool", tool
        case Agent(tools=tools, specialists=specialists):
            for index, use in enumerate(tools):
                yield f"tools[{index}].tool", use.tool
            for at, one in enumerate(specialists):
                for index, use in enumerate(one.tools):
                    yield f"specialists[{at}].tools[{index}].tool", use.tool
        case _:
            pass


def _objects(definition: Definition) -> Iterator[tuple[str, ObjectName, str]]:
    """Yield places, objects of the registry named there, and which version."""
    for node in every_node(definition.nodes):
        for field, kind, reference in _references(node):
            name, _, version = reference.partition("@")
            yield f"nodes.{node.id}.{field}", ObjectName(kind, name), version


def _references(node: AnyNode) -> Iterator[tuple[str, Kind, str]]:
    match node:
        case Prompt(prompt=str() as reference):
            yield "prompt", Kind.PROMPT, reference
        case SubWorkflow(workflow=reference) | For(workflow=str() as reference):
            yield "workflow", Kind.WORKFLOW, reference
        case _:
            for field, tool in _tools(node):
                if tool.startswith(_WORKFLOW_TOOL):
                    yield field, Kind.WORKFLOW, tool.removeprefix(_WORKFLOW_TOOL)


def _models(definition: Definition) -> Iterator[tuple[str, str]]:
    for node in every_node(definition.nodes):
        model = getattr(node, "model", "")
        if model:
            yield f"nodes.{node.id}.model", model
        if isinstance(node, Agent):
            for index, one in enumerate(node.specialists):
                if one.model:
                    yield f"nodes.{node.id}.specialists[{index}].model", one.model
        if isinstance(node, Prompt | Classify | Agent) and node.confidence is not None:
            for index, below in enumerate(node.confidence.below):
                if below.model:
                    yield f"nodes.{node.id}.confidence.below[{index}].model", below.model


def _by_name(content: Any, place: str) -> str:
    """Return a place with nodes by their ids: `nodes.sort.text` for `nodes[0].text`."""
    here, written, at = content, "", 0
    for found in _NODE_PLACE.finditer(place):
        between = place[at : found.start()].strip(".").split(".")
        for step in filter(None, between):
            here = here.get(step) if isinstance(here, dict) else None
        nodes = here.get("nodes") if isinstance(here, dict) else None
        here = nodes[int(found[1])] if isinstance(nodes, list) else None
        name = here.get("id") if isinstance(here, dict) else None
        written += place[at : found.start()]
        written += f"nodes.{name}" if isinstance(name, str) and name else found.group()
        at = found.end()
    return written + place[at:]


# ---------------------------------------------------------------------- which version runs


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """The version of a workflow that a run keeps to its end."""

    name: str
    number: int
    digest: str
    definition: Definition
    arm: str = ""
    """Of the rollout that chose it: `ID/champion`, `ID/candidate`."""


class Versions(Protocol):
    """One organisation's versions; blocking."""

    def version(self, name: ObjectName, wanted: Selector, environment: str) -> VersionRecord:
        """Return a version. Raises NotFound, InvalidRequest."""
        ...


class WorkflowVersions:
    """Finds the version that a run begins with, in the arm of who it is for; blocking."""

    def __init__(
        self,
        versions: Callable[[str], Versions],
        rollouts: Callable[[], Sequence[RunningRollout]],
        sealing: Sealing,
        environment: str,
    ) -> None:
        """`versions` opens an organisation's, `rollouts` are those under way in all of them."""
        self._versions = versions
        self._rollouts = rollouts
        self._sealing = sealing
        self._environment = environment

    def choose(self, org: str, reference: str, unit: str) -> Chosen:
        """Return what NAME, NAME@LABEL, NAME@NUMBER or NAME@DIGEST means.

        `unit` is who is assigned where a rollout is under way: the user, else the run's id; the
        same one gets the same arm each time. Shadows of workflows aren't run: they would act twice.

        Raises:
            NotFound: there is none; InvalidRequest: the name can't be one, or it can't be read.
        """
        text, _, behind = reference.partition("@")
        name = ObjectName(Kind.WORKFLOW, checked_name(text))
        wanted = selector(behind or DEFAULT_LABEL)
        record, arm = self._in_arm(org, name, wanted, unit)
        if record is None:
            record = self._versions(org).version(name, wanted, self._environment)
        context = sealing_context(name, record.digest)
        try:
            content = msgspec.json.decode(self._sealing.open(org, record.sealed, context))
        except ValueError:
            told = f"{reference} can't be opened any more: its key was destroyed"
            raise NotFound(told, param="workflow") from None
        definition = read_workflow(content)
        if not wanted.label:
            require_runnable(definition)
        return Chosen(
            name=name.name,
            number=record.number,
            digest=record.digest,
            definition=definition,
            arm=arm,
        )

    def _in_arm(
        self, org: str, name: ObjectName, wanted: Selector, unit: str
    ) -> tuple[VersionRecord | None, str]:
        if not wanted.label:
            return None, ""
        for one in self._rollouts():
            of_it = (one.org, one.name.kind.value, one.name.name, one.label)
            if of_it == (org, name.kind.value, name.name, wanted.label):
                if one.shadow_budget is not None:
                    return None, ""
                arm = Assignment(one.id, one.slices).arm(unit)
                return one.candidates.get(arm), f"{one.id}/{arm or CHAMPION}"
        return None, ""


def require_runnable(definition: Definition) -> None:
    """Refuse a draft. Raises InvalidRequest: with its problems."""
    if problems := check_definition(definition).problems:
        raise InvalidRequest(
            str(ContentInvalid(Kind.WORKFLOW, [Problem(*one) for one in problems])),
            param="workflow",
        )
