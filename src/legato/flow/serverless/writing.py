"""Makes a document of the DSL of a definition, and reads it back before it is believed."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from msgspec import UNSET

from legato.flow.definition import DONE, ERROR, AnyNode, Definition, For, Switch
from legato.flow.kinds import ports_of
from legato.flow.progress import Plan, path_of
from legato.flow.serverless.reading import read_document
from legato.flow.serverless.shapes import Fork, Steps, steps_of
from legato.flow.serverless.tasks import Plain, Unwritable, task_of, with_retry

DSL: Final = "1.0.0"
NAMESPACE: Final = "legato"
_UNJOINED: Final = (
    "these paths lead from branches that the DSL can't join so: its forks meet all at once"
)
_WHOLE_KEPT: Final = ("vars", "triggers", "limits", "outcome")


def write_document(definition: Definition, name: str, version: str = "0.1.0") -> Plain:
    """Return a definition as a document of the DSL 1.0.

    Raises:
        Unwritable: something has no counterpart; naming node and field.
    """
    plain = msgspec.to_builtins(definition)
    document: Plain = {
        "dsl": DSL,
        "namespace": NAMESPACE,
        "name": _dashed(name),
        "version": version,
    }
    for ours, theirs in (("title", "title"), ("description", "summary")):
        if ours in plain:
            document[theirs] = plain[ours]
    kept = {field: plain[field] for field in _WHOLE_KEPT if plain.get(field)}
    if kept:
        document["metadata"] = {"legato": kept}
    made: Plain = {"document": document, "evaluate": {"language": "cel", "mode": "strict"}}
    if definition.input is not None:
        made["input"] = {"schema": {"format": "json", "document": definition.input}}
    made["do"] = _tasks(definition.nodes)
    if definition.output is not UNSET:
        made["output"] = {"as": definition.output}
    made = msgspec.json.decode(msgspec.json.encode(made))
    try:
        again = read_document(made)
    except Unwritable as error:
        msg = f"nodes.{error.param}.after: {_UNJOINED}"
        raise Unwritable(msg, param=f"nodes.{error.param}.after") from None
    _require_same(definition.nodes, again.nodes)
    return made


def _require_same(nodes: Sequence[AnyNode], again: Sequence[AnyNode]) -> None:
    """Refuse paths that come out otherwise."""
    found = {node.id: _paths(node) for node in again}
    for node in nodes:
        if found.get(node.id) != _paths(node):
            msg = f"nodes.{node.id}.after: {_UNJOINED}"
            raise Unwritable(msg, param=f"nodes.{node.id}.after")
        if node.join != "all":
            msg = f"nodes.{node.id}.join: `any` has no counterpart: forks wait for all branches"
            raise Unwritable(msg, param=f"nodes.{node.id}.join")


def _paths(node: AnyNode) -> frozenset[tuple[str, str]]:
    return frozenset(map(path_of, node.after))


def _tasks(nodes: Sequence[AnyNode]) -> list[Plain]:
    plan = Plan.of(nodes)
    return _Writer(nodes, plan).tasks(steps_of(plan))


class _Writer:
    def __init__(self, nodes: Sequence[AnyNode], plan: Plan) -> None:
        self._nodes = nodes
        self._plan = plan

    def tasks(self, steps: Steps) -> list[Plain]:
        """Return a list of tasks."""
        names = {step: self._name(step) for step in steps}
        found: list[Plain] = []
        for index, step in enumerate(steps):
            following = names[steps[index + 1]] if index + 1 < len(steps) else ""
            here = {
                (step.entries if isinstance(step, Fork) else frozenset((step,))): name
                for step, name in names.items()
            }
            if isinstance(step, Fork):
                found.append({step.name: self._fork(step, following, here)})
            else:
                found += self._node(step, following, here)
        return found

    def _name(self, step: "int | Fork") -> str:
        return step.name if isinstance(step, Fork) else self._plan.ids[step]

    def _fork(self, fork: Fork, following: str, here: Mapping[frozenset[int], str]) -> Plain:
        branches = []
        for steps in fork.branches:
            tasks = self.tasks(steps)
            first = next(iter(tasks[0]))
            branches.append(tasks[0] if len(tasks) == 1 else {f"{first}_branch": {"do": tasks}})
        inside = frozenset(node for steps in fork.branches for node in _within(steps))
        leaving = {t for node in inside for t, _ in self._plan.out[node] if t not in inside}
        made: Plain = {"fork": {"branches": branches}}
        return {**made, **_then(self._goal(frozenset(leaving), here), following)}

    def _goal(self, targets: frozenset[int], here: Mapping[frozenset[int], str]) -> str:
        """Return the name of the task that leads to some nodes; "" for what isn't in the list."""
        return here.get(targets, "")

    def _node(self, at: int, following: str, here: Mapping[frozenset[int], str]) -> list[Plain]:
        node, name = self._nodes[at], self._plan.ids[at]
        goals: dict[str, str] = {}
        used = {port for _, port in self._plan.out[at]}
        for port in ports_of(node):
            targets = frozenset(target for target, one in self._plan.out[at] if one == port)
            goals[port] = self._goal(targets, here) if targets else ""
        task, kept = task_of(node)
        if isinstance(node, For) and node.do is not None:
            task["do"] = _tasks(node.do.nodes)
            if node.do.output is not UNSET:
                kept["output"] = node.do.output
        if node.after:
            kept["after"] = list(node.after)
        if isinstance(node, Switch):
            task["switch"] = _cases(node, goals)
            return [{name: _with(task, kept)}]
        whole = with_retry(name, task, node.retry, caught=ERROR in used)
        ports = [port for port in ports_of(node) if port != ERROR or port in used]
        if ports == [DONE]:
            return [{name: _with({**whole, **_then(goals[DONE], following)}, kept)}]
        switch = [
            {port: {"when": f"${{steps.{name}.port == '{port}'}}", "then": goals[port] or "exit"}}
            for port in ports
        ]
        return [{name: _with(whole, kept)}, {f"{name}_ports": {"switch": switch}}]


def _within(steps: Steps) -> list[int]:
    found: list[int] = []
    for step in steps:
        if isinstance(step, Fork):
            found += [node for branch in step.branches for node in _within(branch)]
        else:
            found.append(step)
    return found


def _then(goal: str, following: str) -> Plain:
    """Return where a task goes on; nothing where it is the next one."""
    if goal and goal != following:
        return {"then": goal}
    return {} if goal == following else {"then": "exit"}


def _cases(node: Switch, goals: Mapping[str, str]) -> list[Plain]:
    cases: list[Plain] = [
        {case.port: {"when": f"${{{case.when}}}", "then": goals[case.port] or "exit"}}
        for case in node.cases
    ]
    return [*cases, {node.otherwise: {"then": goals[node.otherwise] or "exit"}}]


def _with(task: Plain, kept: Plain) -> Plain:
    return {**task, "metadata": {"legato": kept}} if kept else task


def _dashed(name: str) -> str:
    """Return a name as RFC 1123 has them, which the DSL asks for."""
    plain = "".join(letter if letter.isalnum() else "-" for letter in name.lower()).strip("-")
    return plain[:63] or "workflow"
