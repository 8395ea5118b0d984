"""Which combinations of fields each kind of node refuses, and what it had better say."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from legato.core.json_schema import schema_problem
from legato.flow.definition import (
    DONE,
    ERROR,
    SKIPPED,
    Agent,
    Aggregate,
    AnyNode,
    Classify,
    For,
    Human,
    Listen,
    Prompt,
    Repeat,
    Switch,
    Tool,
    Validate,
    Wait,
)
from legato.flow.kinds import ports_of

_ROLES: Final = frozenset({"system", "user", "assistant", "tool"})
Told = Iterator[tuple[str, str]]


def combination_problems(node: AnyNode) -> Told:
    """Yield fields that contradict each other, and why."""
    check = _CHECKS.get(type(node))
    if check is not None:
        yield from check(node)
    if isinstance(node, Human | Listen | Wait) and node.timeout_s is not None:
        yield "timeout_s", "doesn't hold for what waits; use its own deadline"
    if node.confidence is not None:
        for index, below in enumerate(node.confidence.below):
            if bool(below.model) == bool(below.port):
                yield f"confidence.below[{index}]", "wants a model or a port: one of the two"
            if below.model and not isinstance(node, Prompt | Classify | Agent):
                told = f"a {kind_name(node)} has no model to do it again with; name a port"
                yield f"confidence.below[{index}].model", told
    yield from _reserved_ports(node)


def kind_name(node: AnyNode) -> str:
    """Return what a node's kind is called in definitions."""
    return str(node.__struct_config__.tag)


def _reserved_ports(node: AnyNode) -> Told:
    if SKIPPED in ports_of(node):
        yield "", f"no port is called `{SKIPPED}`: that is what becomes of nodes without a path"
    named: list[tuple[str, str]] = []
    match node:
        case Classify() | Human():
            named = [(f"choices[{at}].port", choice.port) for at, choice in enumerate(node.choices)]
        case Switch():
            named = [(f"cases[{at}].port", case.port) for at, case in enumerate(node.cases)]
        case _:
            pass
    seen: set[str] = set()
    for place, port in named:
        if port == ERROR:
            yield place, f"`{ERROR}` is the port of what failed; name this one otherwise"
        if port in seen and not isinstance(node, Switch):
            yield place, f"another choice has the port `{port}`"
        seen.add(port)


def _prompt(node: Prompt) -> Told:
    given = [
        name
        for name, there in (
            ("prompt", node.prompt is not None),
            ("messages", bool(node.messages)),
            ("system and user", bool(node.system or node.user)),
        )
        if there
    ]
    if not given:
        yield "user", "nothing is asked; give `prompt`, `user` (with `system`) or `messages`"
    elif len(given) > 1:
        yield "prompt", f"{' and '.join(given)} stand beside each other; keep one of them"
    elif node.system and not node.user:
        yield "user", "is missing beside `system`"
    if node.variables and node.prompt is None:
        yield "variables", "are those of a `prompt` of the registry; here write `${...}`"
    if not node.model and node.prompt is None:
        yield "model", "is missing; only a prompt of the registry brings its own"
    yield from _schema(node.output_schema, "output_schema")
    for index, message in enumerate(node.messages):
        if message.get("role") not in _ROLES:
            yield f"messages[{index}].role", f"must be one of {', '.join(sorted(_ROLES))}"
        if "content" not in message and "tool_calls" not in message:
            yield f"messages[{index}].content", "is missing"


def _classify(node: Classify) -> Told:
    if node.otherwise and node.otherwise in {choice.port for choice in node.choices}:
        yield "otherwise", "is a choice already; name the port otherwise"


def _aggregate(node: Aggregate) -> Told:
    if bool(node.of) == (node.values is not None):
        yield "of", "give `of` or `values`: one of the two"
    if node.how == "best" and not node.model:
        yield "model", "the judge of `best` is missing"
    if node.how == "best" and not node.criteria:
        yield "criteria", "say by what the judge chooses the best"
    for name, there, how in (
        ("model", bool(node.model), "best"),
        ("criteria", bool(node.criteria), "best"),
        ("by", node.by is not None, "vote"),
        ("agree", node.agree > 0, "vote"),
    ):
        if there and node.how != how:
            yield name, f"means something with `how: {how}` alone"


def _agent(node: Agent) -> Told:
    yield from _schema(node.output_schema, "output_schema")
    if node.tools and not node.tool_calls_max:
        yield "tool_calls_max", "0 lets it call none of its tools; raise it or take them out"
    names = [one.name for one in node.specialists]
    for index, name in enumerate(names):
        if name in names[:index]:
            yield f"specialists[{index}].name", f"another specialist is called `{name}`"


def _validate(node: Validate) -> Told:
    if node.json_schema is None and not node.rules:
        yield "json_schema", "nothing is checked; give `json_schema` or `rules`"
    yield from _schema(node.json_schema, "json_schema")


def _for(node: For) -> Told:
    if (node.do is None) == (node.workflow is None):
        yield "do", "give `do` or `workflow`: one of the two"


def _human(node: Human) -> Told:
    if node.ask == "choose" and not node.choices:
        yield "choices", "are missing; what may be chosen?"
    if node.ask != "choose" and node.choices:
        yield "choices", "mean something with `ask: choose` alone"
    if node.ask == "form" and node.form is None:
        yield "form", "is missing: the JSON schema of what is filled in"
    if node.ask not in {"form", "edit"} and node.form is not None:
        yield "form", "means something with `ask: form` or `edit` alone"
    yield from _schema(node.form, "form")
    if node.deadline_s is None:
        return
    if node.remind_s is not None and node.remind_s >= node.deadline_s:
        yield "remind_s", "comes after the deadline; make it shorter"
    for index, escalation in enumerate(node.escalations):
        if escalation.after_s >= node.deadline_s:
            yield f"escalations[{index}].after_s", "comes after the deadline; make it shorter"


def _wait(node: Wait) -> Told:
    if (node.for_s is None) == (node.until is None):
        yield "for_s", "give `for_s` or `until`: one of the two"


def _schema(schema: Any, place: str) -> Told:
    if schema is not None and (found := schema_problem(schema)) is not None:
        yield ".".join((place, *map(str, found[0]))), found[1]


_CHECKS: Final[Mapping[type, Any]] = {
    Prompt: _prompt,
    Classify: _classify,
    Aggregate: _aggregate,
    Agent: _agent,
    Validate: _validate,
    For: _for,
    Human: _human,
    Wait: _wait,
}


def combination_hints(node: AnyNode, taken: frozenset[str]) -> Told:
    """Yield what had better be said; `taken` are the ports that paths lead on from."""
    if isinstance(node, Tool) and ERROR not in taken:
        told = "nothing catches its failure, and what it did outside stays done"
        yield "", f"{told}; lead a path from `{node.id}:{ERROR}` to what makes up for it"
    if isinstance(node, Human) and node.deadline_s is None:
        yield "deadline_s", "without one a run may wait for ever"
    if isinstance(node, Listen) and node.deadline_s is None:
        yield "deadline_s", "without one a run may wait for ever"
    if isinstance(node, Human | Listen) and node.deadline_s and "expired" not in taken:
        yield "deadline_s", f"nothing follows `{node.id}:expired`; what then?"
    if isinstance(node, Agent) and node.cost_usd_max is None:
        told = f"{node.turns_max} turns, each with all that came before, have no bound in money"
        yield "cost_usd_max", told
    if isinstance(node, Repeat | Agent) and "limit" not in taken and DONE in taken:
        yield "", f"nothing follows `{node.id}:limit`: the path ends there in silence"
