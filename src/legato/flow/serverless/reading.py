"""Makes a definition of a document of the DSL."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from legato.core.errors import InvalidRequest
from legato.flow.definition import DONE, ERROR, Definition
from legato.flow.serverless.tasks import Plain, Unwritable, expression_of, node_of

_PORTS: Final = "_ports"
"""How the switch is called that follows a node with several ports."""
_END: Final = frozenset({"end", "exit"})
_LANGUAGES: Final = frozenset({"cel"})
Paths = list[str]


class _Document(msgspec.Struct):
    """The parts that are read."""

    document: dict[str, Any]
    do: list[dict[str, dict[str, Any]]]
    input: dict[str, Any] = {}
    output: dict[str, Any] = {}
    evaluate: dict[str, Any] = {}
    use: dict[str, Any] = {}
    timeout: dict[str, Any] = {}
    schedule: dict[str, Any] = {}


def read_document(plain: Any) -> Definition:
    """Return the definition that a document describes.

    Raises:
        InvalidRequest: it is none of the DSL 1.0, or uses what has no counterpart here; naming the
            task and the field.
    """
    try:
        document = msgspec.convert(plain, _Document)
    except msgspec.ValidationError as error:
        msg = f"is no document of the Serverless Workflow DSL: {error}"
        raise InvalidRequest(msg) from None
    _require_known(document)
    kept = dict(_kept(document.document))
    made: Plain = {**kept}
    for name, ours in (("title", "title"), ("summary", "description")):
        if document.document.get(name):
            made[ours] = document.document[name]
    schema = (document.input.get("schema") or {}).get("document")
    if schema is not None:
        made["input"] = schema
    if "as" in document.output:
        made["output"] = document.output["as"]
    made["nodes"] = _Reader().nodes(document.do)
    try:
        return msgspec.convert(made, Definition)
    except msgspec.ValidationError as error:
        msg = f"what it describes is no workflow here: {error}"
        raise InvalidRequest(msg) from None


def _require_known(document: _Document) -> None:
    version = str(document.document.get("dsl", ""))
    if not version.startswith("1.0"):
        msg = f"document.dsl: {version or 'nothing'} isn't read here; 1.0 is"
        raise InvalidRequest(msg, param="document.dsl")
    language = document.evaluate.get("language", "jq")
    if language not in _LANGUAGES:
        msg = (
            f"evaluate.language: expressions in {language} aren't read; write them in CEL and "
            "say `evaluate: {language: cel}`"
        )
        raise InvalidRequest(msg, param="evaluate.language")
    for name in ("use", "timeout", "schedule"):
        if getattr(document, name):
            msg = f"{name}: has no counterpart here; take it out (schedules are triggers)"
            raise InvalidRequest(msg, param=name)


def _kept(holder: Mapping[str, Any]) -> Mapping[str, Any]:
    metadata = holder.get("metadata")
    kept = metadata.get("legato") if isinstance(metadata, Mapping) else None
    return kept if isinstance(kept, Mapping) else {}


class _Reader:
    def __init__(self) -> None:
        self._nodes: list[Plain] = []

    def nodes(self, tasks: Sequence[Mapping[str, Any]]) -> list[Plain]:
        """Return the nodes of a list of tasks."""
        self._list(tasks, [])
        return self._nodes

    def _list(self, tasks: Sequence[Mapping[str, Any]], begin: Paths) -> Paths:
        """Read a list that these paths lead into; return those that lead out of it."""
        names = [_name(task) for task in tasks]
        into: dict[str, Paths] = {name: [] for name in names}
        out: Paths = []
        arriving = list(begin)
        for index, (name, holder) in enumerate(zip(names, tasks, strict=True)):
            task = holder[name]
            if not isinstance(task, Mapping):
                msg = f"{name}: a task is an object"
                raise Unwritable(msg, param=name)
            paths = [*arriving, *into[name]]
            if index and not paths:
                msg = f"{name}: no task leads to it; take it out, or name it by `then`"
                raise Unwritable(msg, param=name)
            following = names[index + 1] if index + 1 < len(names) else ""
            arriving = []
            for target, leaving in self._task(name, task, paths):
                goes = target if target != "continue" else following
                if goes in _END or not goes:
                    out += [] if target == "end" else leaving
                elif goes == following:
                    arriving += leaving
                elif goes in names[index + 1 :]:
                    into[goes] += leaving
                else:
                    msg = f"{name}.then: {goes!r} isn't a task further on in the same list"
                    raise Unwritable(msg, param=f"{name}.then")
        return [*out, *arriving]

    def _task(self, name: str, task: Mapping[str, Any], paths: Paths) -> list[tuple[str, Paths]]:
        """Read a task; return where it goes on, with the paths that go there."""
        then = str(task.get("then", "continue"))
        if "fork" in task:
            return [(then, self._fork(name, task, paths))]
        if "switch" in task:
            return self._switch(name, task, paths)
        if "try" in task:
            return self._try(name, task, paths)
        if "do" in task and "for" not in task:
            return [(then, self._list(task["do"], paths))]
        self._node(name, task, paths)
        return [(then, [name])]

    def _node(self, name: str, task: Mapping[str, Any], paths: Paths) -> None:
        kept = _kept(task)
        node = self._for(name, task, kept) if "for" in task else node_of(name, task, kept)
        after = kept.get("after")
        given = list(dict.fromkeys(paths))
        if isinstance(after, list) and {_whole(one) for one in after} == set(map(_whole, given)):
            given = after
        if given:
            node["after"] = given
        self._nodes.append(node)

    def _fork(self, name: str, task: Mapping[str, Any], paths: Paths) -> Paths:
        branches = task["fork"].get("branches") if isinstance(task["fork"], Mapping) else None
        if not isinstance(branches, list):
            msg = f"{name}.fork.branches: is missing"
            raise Unwritable(msg, param=name)
        if task["fork"].get("compete"):
            msg = f"{name}.fork.compete: the first branch would end the others; nothing does here"
            raise Unwritable(msg, param=name)
        out: Paths = []
        for branch in branches:
            out += self._list([branch], paths)
        return out

    def _switch(self, name: str, task: Mapping[str, Any], paths: Paths) -> list[tuple[str, Paths]]:
        of = name.removesuffix(_PORTS)
        goes = [
            (_name(case), case[_name(case)].get("when"), str(case[_name(case)].get("then")))
            for case in task["switch"]
        ]
        if name != of and paths == [of]:  # the ports of the node before it
            return [(then, [of if port == DONE else f"{of}:{port}"]) for port, _, then in goes]
        kept = _kept(task)
        cases = [
            {"port": port, "when": expression_of(when, f"{name}.switch.{port}.when")}
            for port, when, _ in goes
            if when is not None
        ]
        otherwise = [(port, then) for port, when, then in goes if when is None]
        port, then = otherwise[0] if otherwise else ("otherwise", "continue")
        extra = {key: value for key, value in kept.items() if key != "after"}
        if "if" in task:
            extra["when"] = expression_of(task["if"], f"{name}.if")
        node = {"kind": "switch", "id": name, "cases": cases, "otherwise": port, **extra}
        if paths:
            node["after"] = kept.get("after") or list(dict.fromkeys(paths))
        self._nodes.append(node)
        to = {case: then for case, when, then in goes if when is not None}
        ways = [(to[case], [f"{name}:{case}"]) for case in to]
        return [*ways, (then, [f"{name}:{port}"])]

    def _try(self, name: str, task: Mapping[str, Any], paths: Paths) -> list[tuple[str, Paths]]:
        inner, catch = task["try"], task.get("catch") or {}
        then = str(task.get("then", "continue"))
        if not isinstance(inner, list) or len(inner) != 1 or catch.keys() - {"as", "retry", "do"}:
            msg = f"{name}.try: holds one task here, and its catch `as`, `retry` and `do`"
            raise Unwritable(msg, param=f"{name}.try")
        only = inner[0][_name(inner[0])]
        kept = dict(_kept(task)) or dict(_kept(only))
        if "retry" in catch and "retry" not in kept:
            kept["retry"] = _retry(name, catch["retry"])
        whole = {**only, "metadata": {"legato": kept}}
        self._node(name, whole, paths)
        if "do" not in catch:
            return [(then, [name])]
        mended = self._list(catch["do"], [f"{name}:{ERROR}"])
        return [(then, [name, *mended])]

    def _for(self, name: str, task: Mapping[str, Any], kept: Mapping[str, Any]) -> Plain:
        loop = task["for"]
        if loop.get("each", "item") != "item" or loop.get("at", "index") != "index":
            msg = f"{name}.for.each: items are called `item`, places `index` here"
            raise Unwritable(msg, param=f"{name}.for")
        if "while" in task:
            msg = f"{name}.while: has no counterpart; loops here end with their list"
            raise Unwritable(msg, param=f"{name}.while")
        made: Plain = {"kind": "for", "id": name}
        made["each"] = expression_of(loop.get("in"), f"{name}.for.in")
        made |= {key: value for key, value in kept.items() if key not in {"after", "output"}}
        if "if" in task:
            made["when"] = expression_of(task["if"], f"{name}.if")
        if "workflow" not in kept:
            made["do"] = {"nodes": _Reader().nodes(task["do"])}
            if "output" in kept:
                made["do"]["output"] = kept["output"]
        return made


def _retry(name: str, retry: Any) -> Plain:
    if not isinstance(retry, Mapping):
        msg = f"{name}.catch.retry: is written out here, not named"
        raise Unwritable(msg, param=name)
    count = ((retry.get("limit") or {}).get("attempt") or {}).get("count", 3)
    delay = (retry.get("delay") or {}).get("seconds", 1)
    return {"attempts_max": count, "wait_s": delay}


def _name(task: Mapping[str, Any]) -> str:
    if len(task) != 1:
        msg = f"{', '.join(map(str, task))}: an entry of a list is one task by its name"
        raise Unwritable(msg)
    return str(next(iter(task)))


def _whole(path: str) -> str:
    return path if ":" in path else f"{path}:{DONE}"


def is_document(plain: Any) -> bool:
    """Whether plain data is a document of the DSL rather than a definition."""
    return isinstance(plain, Mapping) and "document" in plain and "do" in plain
