"""Checks a definition before anything runs: every problem at its place, all of them at once.

A problem is something that can't work: an unknown node or port, a circle, an expression that can't
be read or reads what isn't there. A hint is something that works and may surprise. What lies
outside (prompts, models, tools, other workflows) is checked where it is known, by `outside_of`.
"""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Final, NamedTuple

from msgspec import UNSET

from legato.core.errors import InvalidRequest
from legato.core.json_schema import schema_problem
from legato.flow.agent_tools import helper_problems, helpers_in, joined_to_users
from legato.flow.certainty import Certainty
from legato.flow.definition import AnyNode, Definition, Graph
from legato.flow.kind_checks import combination_hints, combination_problems
from legato.flow.kinds import (
    ANYTHING,
    EXPRESSION,
    TEMPLATE,
    Read,
    Schema,
    bodies_of,
    output_schema,
    ports_of,
    reads_of,
)
from legato.flow.progress import Plan, path_of
from legato.flow.read_checks import Sight, read_problems
from legato.flow.trigger_settings import settings_of

NODES_MAX: Final = 1_000
"""Of a definition, bodies included."""
LEVELS_MAX: Final = 5
"""Of bodies within bodies."""
_EVERYWHERE: Final = ("input", "run", "vars", "steps")


class Finding(NamedTuple):
    """Something to mend or to think about; `place` is like `nodes.classify.when`."""

    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" if self.place else self.message


class Checked(NamedTuple):
    """What a check found."""

    problems: tuple[Finding, ...]
    hints: tuple[Finding, ...]


def check_definition(definition: Definition) -> Checked:
    """Return what is wrong with a definition, and what had better be thought of."""
    return _Check(definition).checked()


class _Check:
    def __init__(self, definition: Definition) -> None:
        self._definition = definition
        self._problems: list[Finding] = []
        self._hints: list[Finding] = []
        self._ids: set[str] = set()
        self._used: set[str] = set()
        """Nodes whose outputs something reads."""
        self._count = 0

    def checked(self) -> Checked:
        definition = self._definition
        if definition.input is not None and (found := schema_problem(definition.input)):
            self._tell(".".join(("input", *map(str, found[0]))), found[1])
        known = {
            "input": ANYTHING if definition.input is None else definition.input,
            "vars": {"type": "object", "properties": dict.fromkeys(definition.vars, ANYTHING)},
        }
        sight = Sight(names=frozenset(("input", "run")), known=known)
        for name, value in definition.vars.items():
            self._read(Read(f"vars.{name}", value, TEMPLATE), "", sight)
        inside = sight.seeing(_EVERYWHERE)
        whole = Graph(nodes=definition.nodes, output=definition.output)
        at_end = self._graph(whole, "", inside, 1)
        if definition.outcome is not None:
            read = Read("outcome.accepted", definition.outcome.accepted, EXPRESSION, ("output",))
            self._read(read, "", at_end)
        self._triggers(definition)
        self._unused(definition)
        return Checked(tuple(dict.fromkeys(self._problems)), tuple(dict.fromkeys(self._hints)))

    def _tell(self, place: str, message: str) -> None:
        self._problems.append(Finding(place, message))

    # ------------------------------------------------------------------ graphs

    def _graph(self, graph: Graph, place: str, around: Sight, level: int) -> Sight:
        """Check nodes and what they come to; return what is seen at the end."""
        self._names(graph, place)
        if wrong := list(helper_problems(graph.nodes)):
            for field, told in wrong:
                self._tell(f"{place}{field}", told)
            return around
        for node in graph.nodes:
            if node.id in helpers_in(graph.nodes):
                for field, told in combination_problems(node):
                    self._tell(f"{place}nodes.{node.id}.{field}".rstrip("."), told)
        graph = joined_to_users(graph)
        if level > LEVELS_MAX:
            self._tell(f"{place}nodes", f"bodies stand more than {LEVELS_MAX} deep in each other")
            return around
        plan = self._plan(graph, place)
        certain = None if plan is None else Certainty(graph.nodes, plan)
        every = around.with_steps({node.id: output_schema(node) for node in graph.nodes})
        ids = frozenset(node.id for node in graph.nodes)
        taken = _ports_taken(graph)
        for index, node in enumerate(graph.nodes):
            at = f"{place}nodes.{node.id}."
            ran = before = ids  # where the paths are wrong nobody knows; that is told already
            if plan is not None and certain is not None:
                ran = _named(plan, certain.ran_before(index))
                before = _named(plan, certain.before[index])
            sight = every.at(around.ran | ran, around.before | before)
            self._node(node, at, sight)
            for field, told in combination_hints(node, taken.get(node.id, frozenset())):
                self._hints.append(Finding((at + field).rstrip("."), told))
            for body, names in bodies_of(node):
                self._graph(body, f"{at}do.", sight.seeing(names), level + 1)
        ran = _named(plan, certain.at_end()) if plan is not None and certain is not None else ids
        at_end = every.at(around.ran | ran, around.before | ids)
        if graph.output is not UNSET:
            self._read(Read("output", graph.output, TEMPLATE), place, at_end)
        return at_end

    def _names(self, graph: Graph, place: str) -> None:
        for node in graph.nodes:
            if node.id in self._ids:
                told = "another node has this id; ids are unique in a definition, bodies included"
                self._tell(f"{place}nodes.{node.id}.id", told)
            self._ids.add(node.id)
        self._count += len(graph.nodes)
        if self._count > NODES_MAX >= self._count - len(graph.nodes):
            self._tell("nodes", f"there are more than {NODES_MAX}, bodies included; use workflows")

    def _plan(self, graph: Graph, place: str) -> Plan | None:
        """Return the paths of a graph, if they can be laid out."""
        nodes = {node.id: node for node in graph.nodes}
        before = len(self._problems)
        for node in graph.nodes:
            for index, path in enumerate(node.after):
                told = _path_problem(path, node, nodes) or (
                    "stands there twice"
                    if path_of(path) in map(path_of, node.after[:index])
                    else ""
                )
                if told:
                    self._tell(f"{place}nodes.{node.id}.after[{index}]", told)
        if len(self._problems) > before or len(nodes) < len(graph.nodes):
            return None
        index_of = {node.id: index for index, node in enumerate(graph.nodes)}
        paths = [[path_of(path) for path in node.after] for node in graph.nodes]
        plan = Plan(list(nodes), [[(index_of[s], port) for s, port in into] for into in paths])
        plan.any = frozenset(i for i, node in enumerate(graph.nodes) if node.join == "any")
        order = frozenset(plan.order())
        for index, node in enumerate(graph.nodes):
            if index not in order:
                told = "waits for itself: its paths form a circle, or come out of one; use `repeat`"
                self._tell(f"{place}nodes.{node.id}.after", told)
        return plan if len(order) == len(nodes) else None

    # ------------------------------------------------------------------ nodes

    def _node(self, node: AnyNode, at: str, sight: Sight) -> None:
        for field, told in combination_problems(node):
            self._tell((at + field).rstrip("."), told)
        for field, name in _nodes_named(node):
            if name not in sight.before:
                told = f"`{name}` isn't a node before this one"
                self._tell(at + field, told)
            self._used.add(name)
        inside = sight.guarded_by(node.when)
        for read in reads_of(node):
            self._read(read, at, sight if read.place == "when" else inside)

    def _read(self, read: Read, at: str, sight: Sight) -> None:
        names = read.names
        if read.place == "confidence.value":
            sight = sight.seeing(names)
        for place, told in read_problems(read, sight.seeing(names), self._used):
            self._tell(at + place, told)

    def _triggers(self, definition: Definition) -> None:
        sight = Sight(names=frozenset(("event",)), known={})
        seen: set[str] = set()
        for index, trigger in enumerate(definition.triggers):
            at = f"triggers[{index}]."
            if trigger.name in seen:
                self._tell(f"{at}name", "another trigger has this name")
            seen.add(trigger.name)
            try:
                settings_of(trigger)
            except InvalidRequest as error:
                told = error.message.removeprefix(f"triggers[{trigger.name}].settings")
                self._tell(f"{at}settings", told.lstrip(".: "))
            if trigger.when is not None:
                self._read(Read("when", trigger.when, EXPRESSION), at, sight)
            if trigger.input is not UNSET:
                self._read(Read("input", trigger.input, TEMPLATE), at, sight)

    def _unused(self, definition: Definition) -> None:
        """Hint at nodes that only make a value that nothing reads."""
        followed = {path_of(path)[0] for node in definition.nodes for path in node.after}
        for node in definition.nodes:
            makes = type(node).__name__ in {"Set", "Prompt", "Aggregate"}
            ends = node.id not in followed and definition.output is UNSET
            if makes and node.id not in self._used and not ends:
                told = "nothing reads its output; use it or take the node out"
                self._hints.append(Finding(f"nodes.{node.id}", told))


def _nodes_named(node: AnyNode) -> Iterator[tuple[str, str]]:
    """Yield fields that name nodes before this one."""
    for field in ("of", "not_by"):
        for index, name in enumerate(getattr(node, field, ())):
            yield f"{field}[{index}]", name


def _path_problem(path: str, node: AnyNode, nodes: Mapping[str, AnyNode]) -> str:
    source, port = path_of(path)
    if source not in nodes:
        near = get_close_matches(source, nodes, n=1)
        known = f"did you mean `{near[0]}`?" if near else f"known: {', '.join(sorted(nodes)[:20])}"
        return f"there is no node `{source}` here; {known}"
    ports = ports_of(nodes[source])
    if port in ports:
        return ""
    if source == node.id:
        return "a node can't come after itself"
    return f"`{source}` has no port `{port}`; it has {', '.join(ports)}"


def _ports_taken(graph: Graph) -> Mapping[str, frozenset[str]]:
    taken: dict[str, set[str]] = {}
    for node in graph.nodes:
        for path in node.after:
            source, port = path_of(path)
            taken.setdefault(source, set()).add(port)
    return {source: frozenset(ports) for source, ports in taken.items()}


def _named(plan: Plan, bits: int) -> frozenset[str]:
    return frozenset(name for index, name in enumerate(plan.ids) if bits >> index & 1)


def schema_of_input(definition: Definition) -> Schema:
    """Return the JSON schema of what a run begins with."""
    return ANYTHING if definition.input is None else definition.input


def every_node(nodes: Any) -> Iterator[AnyNode]:
    """Yield nodes, and those of bodies right after what they are the body of."""
    for node in nodes:
        yield node
        for body, _ in bodies_of(node):
            yield from every_node(body.nodes)
