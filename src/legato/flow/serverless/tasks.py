"""Nodes as tasks, one by one: which of the DSL's tasks each kind is, and back."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from legato.core.errors import InvalidRequest
from legato.flow.definition import (
    AnyNode,
    For,
    Listen,
    Node,
    Raise,
    Retry,
    Set,
    SubWorkflow,
    Switch,
    Tool,
    Wait,
)
from legato.flow.kind_checks import kind_name

OWN_CALL: Final = "legato:"
"""What the names of our own functions begin with: kinds of nodes that the DSL hasn't."""
ERROR_TYPE: Final = "urn:legato:error:"
_COMMON: Final = frozenset(field.name for field in msgspec.structs.fields(Node))
_KEPT: Final = ("title", "join", "retry", "confidence", "at", "timeout_s")
"""Common fields that go along in `metadata.legato`."""
Plain = dict[str, Any]


class Unwritable(InvalidRequest):
    """Something without a counterpart."""


def task_of(node: AnyNode) -> tuple[Plain, Plain]:
    """Return a node as a task, without where it goes on, and its `metadata.legato`.

    Raises:
        Unwritable: it has no counterpart; naming node and field.
    """
    plain = msgspec.to_builtins(node)
    kept = {name: plain[name] for name in _KEPT if name in plain}
    own = {name: value for name, value in plain.items() if name not in _COMMON | {"kind"}}
    task, more = _own_task(node, own)
    if node.when is not None:
        task["if"] = f"${{{node.when}}}"
    if node.timeout_s is not None:
        task["timeout"] = {"after": {"seconds": node.timeout_s}}
    return task, {**kept, **more}


def _own_task(node: AnyNode, own: Plain) -> tuple[Plain, Plain]:
    """Return what a kind is, and what of its own fields goes along in `metadata.legato`."""
    match node:
        case Set():
            return {"set": own["value"]}, {}
        case Tool():
            kept = {name: own[name] for name in own if name == "approval"}
            return {"call": node.tool, "with": own.get("arguments", {})}, kept
        case Raise():
            error = {"type": ERROR_TYPE + node.code, "status": 500, "detail": node.message}
            return {"raise": {"error": error}}, {}
        case SubWorkflow():
            return {"run": {"workflow": _workflow(node.workflow, own.get("input"))}}, {}
        case Listen():
            return _listen(node)
        case Wait():
            if node.until is not None:
                _refuse(node, "until", "the DSL waits for durations only")
            return {"wait": {"seconds": node.for_s}}, {}
        case For():
            return _for(node)
        case Switch():
            return {"switch": []}, {}
    if "do" in own:
        _refuse(node, "do", "the DSL has no loop that ends by what its body came to")
    return {"call": OWN_CALL + kind_name(node), "with": own}, {}


def _refuse(node: AnyNode, field: str, told: str) -> None:
    msg = f"nodes.{node.id}.{field}: {told}"
    raise Unwritable(msg, param=f"nodes.{node.id}.{field}")


def _workflow(reference: str, given: Any) -> Plain:
    name, _, version = reference.partition("@")
    made: Plain = {"namespace": "legato", "name": name, "version": version or "latest"}
    return made if given is None else {**made, "input": given}


def _listen(node: Listen) -> tuple[Plain, Plain]:
    wanted: Plain = {"type": node.event}
    if node.match is not None:
        wanted["data"] = f"${{{node.match}}}"
    task: Plain = {"listen": {"to": {"one": {"with": wanted}}}}
    if node.deadline_s is None:
        return task, {}
    task["timeout"] = {"after": {"seconds": node.deadline_s}}
    return task, {"deadline_s": node.deadline_s}


def _for(node: For) -> tuple[Plain, Plain]:
    kept: Plain = {"at_once": node.at_once, "on_error": node.on_error}
    if node.do is None:
        kept["workflow"] = node.workflow
        inner: list[Plain] = [
            {f"{node.id}_run": {"run": {"workflow": _workflow(str(node.workflow), "${item}")}}}
        ]
    else:
        inner = []
    loop = {"each": "item", "at": "index", "in": f"${{{node.each}}}"}
    return {"for": loop, "do": inner}, kept


def with_retry(name: str, task: Plain, retry: Retry | None, *, caught: bool) -> Plain:
    """Return a task within a `try`, where it is tried again or where its error goes on."""
    if retry is None and not caught:
        return task
    catch: Plain = {"as": "error"}
    if retry is not None:
        catch["retry"] = {
            "delay": {"seconds": retry.wait_s},
            "backoff": {"exponential": {}},
            "limit": {"attempt": {"count": retry.attempts_max}},
        }
    made: Plain = {"try": [{f"{name}_try": task}], "catch": catch}
    if "if" in task:
        made = {"if": task["if"], **made}
    return made


def node_of(name: str, task: Mapping[str, Any], kept: Mapping[str, Any]) -> Plain:
    """Return a task as a plain node, without its paths.

    Raises:
        Unwritable: there is no such kind of node.
    """
    made: Plain = {"id": name, **{key: value for key, value in kept.items() if key != "after"}}
    if "if" in task:
        made["when"] = expression_of(task["if"], f"{name}.if")
    if "set" in task:
        return {**made, "kind": "set", "value": task["set"]}
    if "call" in task:
        return {**made, **_called(task)}
    if "raise" in task:
        return {**made, "kind": "raise", **_raised(name, task["raise"])}
    if "run" in task:
        return {**made, **_run(name, task["run"])}
    if "wait" in task:
        return {**made, "kind": "wait", "for_s": seconds_of(task["wait"], f"{name}.wait")}
    if "listen" in task:
        return {**made, "kind": "listen", **_listened(name, task)}
    known = "call, do, for, fork, listen, raise, run, set, switch, try, wait"
    told = f"{name}: {', '.join(sorted(task)) or 'nothing'} can't be taken over; known: {known}"
    raise Unwritable(told, param=name)


def _called(task: Mapping[str, Any]) -> Plain:
    called, given = str(task["call"]), dict(task.get("with") or {})
    if called.startswith(OWN_CALL):
        return {"kind": called.removeprefix(OWN_CALL), **given}
    return {"kind": "call", "tool": called, **({"arguments": given} if given else {})}


def _raised(name: str, told: Any) -> Plain:
    error = told.get("error") if isinstance(told, Mapping) else None
    if not isinstance(error, Mapping):
        msg = f"{name}.raise.error: errors are written out here, not named"
        raise Unwritable(msg, param=name)
    code = str(error.get("type", "")).replace("/", ":").rpartition(":")[2]
    code = "".join(letter if letter.isalnum() else "_" for letter in code.lower()).strip("_")
    message = str(error.get("detail") or error.get("title") or code)
    return {"code": code if code[:1].isalpha() else f"e_{code}".strip("_"), "message": message}


def _run(name: str, told: Mapping[str, Any]) -> Plain:
    wanted = told.get("workflow")
    if not isinstance(wanted, Mapping):
        msg = f"{name}.run: containers, scripts and shells aren't run here; call a tool"
        raise Unwritable(msg, param=f"{name}.run")
    version = str(wanted.get("version", "latest"))
    reference = str(wanted.get("name", ""))
    made: Plain = {
        "kind": "workflow",
        "workflow": reference if version == "latest" else f"{reference}@{version}",
    }
    return made if wanted.get("input") is None else {**made, "input": wanted["input"]}


def _listened(name: str, task: Mapping[str, Any]) -> Plain:
    to = (task["listen"] or {}).get("to") or {}
    wanted = (to.get("one") or {}).get("with")
    if not isinstance(wanted, Mapping) or set(wanted) - {"type", "data"} or "type" not in wanted:
        msg = f"{name}.listen.to: one event is waited for here, by `one: with: type` (and `data`)"
        raise Unwritable(msg, param=f"{name}.listen")
    made: Plain = {"event": wanted["type"]}
    if "data" in wanted:
        made["match"] = expression_of(wanted["data"], f"{name}.listen.to.one.with.data")
    after = (task.get("timeout") or {}).get("after")
    if after is not None:
        made["deadline_s"] = seconds_of(after, f"{name}.timeout")
    return made


def expression_of(text: Any, place: str) -> str:
    """Return the expression in `${ ... }`. Raises Unwritable."""
    if isinstance(text, str) and text.startswith("${") and text.rstrip().endswith("}"):
        return text.rstrip()[2:-1].strip()
    msg = f"{place}: write it as ${{ expression }}"
    raise Unwritable(msg, param=place)


def seconds_of(duration: Any, place: str) -> float:
    """Return a duration in seconds. Raises Unwritable."""
    units = {"days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1, "milliseconds": 0.001}
    if isinstance(duration, Mapping) and duration and not set(duration) - set(units):
        return float(sum(duration[unit] * units[unit] for unit in duration))
    msg = f"{place}: write a duration like {{minutes: 5}}; ISO 8601 texts aren't read"
    raise Unwritable(msg, param=place)
