"""What each kind of node promises: where it ends, what its output is like, what it reads."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from msgspec import UNSET

from legato.flow.definition import (
    DONE,
    ERROR,
    Agent,
    Aggregate,
    AnyNode,
    Classify,
    For,
    Graph,
    Human,
    Listen,
    Notify,
    Prompt,
    Raise,
    Repeat,
    Set,
    SubWorkflow,
    Switch,
    Tool,
    Twin,
    Validate,
    Wait,
)
from legato.flow.expressions import TemplateInvalid, compile_template

Schema = Mapping[str, Any]
ANYTHING: Final[Schema] = {}
"""The schema of what isn't known before it is there."""
TEXT: Final[Schema] = {"type": "string"}
NUMBER: Final[Schema] = {"type": "number"}
EXPRESSION: Final = "expression"
TEMPLATE: Final = "template"


class Read(NamedTuple):
    """A field of a node that holds expressions."""

    place: str
    """Below the node, such as `cases[0].when`."""
    source: Any
    form: str
    """EXPRESSION or TEMPLATE."""
    names: tuple[str, ...] = ()
    """What it sees besides what every expression does."""


def ports_of(node: AnyNode) -> tuple[str, ...]:
    """Return the ports that a node can end at, its default first; `error` is the last."""
    below = () if node.confidence is None else tuple(b.port for b in node.confidence.below)
    return tuple(dict.fromkeys(port for port in (*_own_ports(node), *below, ERROR) if port))


def _own_ports(node: AnyNode) -> tuple[str, ...]:
    match node:
        case Classify():
            return (*(choice.port for choice in node.choices), node.otherwise)
        case Switch():
            return (*(case.port for case in node.cases), node.otherwise)
        case Aggregate() if node.how == "vote" and node.agree > 0:
            return (DONE, "disagreed")
        case Agent():
            return (DONE, "limit", "refused")
        case Validate():
            return (DONE, "invalid")
        case Repeat():
            return (DONE, "limit")
        case Listen():
            return (DONE, "expired" if node.deadline_s is not None else "")
        case Human():
            expired = "expired" if node.deadline_s is not None else ""
            decided = {
                "choose": tuple(choice.port for choice in node.choices),
                "form": (DONE,),
            }.get(node.ask, ("approved", "rejected"))
            return (*decided, expired)
        case Raise():
            return ()
    return (DONE,)


def output_schema(node: AnyNode) -> Schema:
    """Return what is known of a node's output before it runs, as a JSON schema."""
    match node:
        case Prompt():
            return node.output_schema or (TEXT if node.prompt is None else ANYTHING)
        case Classify():
            return closed(label=TEXT, confidence=NUMBER, reason=TEXT)
        case Agent():
            answer = node.output_schema or TEXT
            return closed(answer=answer, turns=NUMBER, tool_calls=ANYTHING, stopped=ANYTHING)
        case Set():
            return schema_of(node.value)
        case Validate():
            value = node.json_schema or schema_of(node.value)
            return closed(value=value, problems={"type": "array"})
        case Switch() | Notify():
            return TEXT
        case Twin():
            return closed(before=ANYTHING, after=ANYTHING)
        case For():
            inner = ANYTHING
            if node.do is not None and node.on_error == "fail":
                inner = graph_output(node.do)
            return {"type": "array", "items": inner}
        case Repeat():
            return graph_output(node.do)
        case Human():
            data = node.form if node.form is not None and node.ask == "form" else ANYTHING
            return closed(decision=TEXT, data=data, by=ANYTHING, comment=ANYTHING)
    return ANYTHING


def graph_output(graph: Graph) -> Schema:
    """Return what is known of what a body comes to."""
    if graph.output is not UNSET:
        return schema_of(graph.output)
    return output_schema(graph.nodes[0]) if len(graph.nodes) == 1 else ANYTHING


def closed(**properties: Schema) -> Schema:
    """Return the schema of an object that has these fields and no others."""
    return {"type": "object", "properties": properties, "additionalProperties": False}


def schema_of(template: Any) -> Schema:
    """Return what is known of the data that a template makes."""
    match template:
        case bool():
            return {"type": "boolean"}
        case int() | float():
            return NUMBER
        case str():
            return _text_schema(template)
        case dict():
            return closed(**{name: schema_of(value) for name, value in template.items()})
        case list() | tuple():
            return {"type": "array"}
    return ANYTHING


def _text_schema(text: str) -> Schema:
    try:
        expressions = compile_template(text).expressions
    except TemplateInvalid:
        return ANYTHING
    whole = len(expressions) == 1 and text.startswith("${") and text.endswith("}")
    return ANYTHING if whole else TEXT


def bodies_of(node: AnyNode) -> Iterator[tuple[Graph, tuple[str, ...]]]:
    """Yield the graphs within a node, with the names that their expressions see besides others."""
    if isinstance(node, For) and node.do is not None:
        yield node.do, ("item", "index")
    elif isinstance(node, Repeat):
        yield node.do, ("index", "last")


def reads_of(node: AnyNode) -> Iterator[Read]:
    """Yield the fields of a node that hold expressions; those of bodies are the bodies' own."""
    if node.when is not None:
        yield Read("when", node.when, EXPRESSION)
    if node.confidence is not None and node.confidence.value is not None:
        yield Read("confidence.value", node.confidence.value, EXPRESSION, ("output",))
    for name in TEMPLATE_FIELDS.get(type(node), ()):
        yield Read(name, getattr(node, name), TEMPLATE)
    yield from _expressions(node)


TEMPLATE_FIELDS: Final[Mapping[type, tuple[str, ...]]] = {
    Prompt: ("variables", "system", "user", "messages"),
    Classify: ("text", "instructions"),
    Aggregate: ("criteria",),
    Agent: ("system", "task"),
    Tool: ("arguments",),
    Set: ("value",),
    Validate: ("value",),
    Raise: ("message",),
    SubWorkflow: ("input",),
    Human: ("subject", "body", "data"),
    Notify: ("subject", "text"),
    Twin: ("key", "initial"),
}


def _expressions(node: AnyNode) -> Iterator[Read]:
    match node:
        case Agent(memory=memory) if memory is not None:
            yield Read("memory.key", memory.key, TEMPLATE)
        case Validate():
            for index, rule in enumerate(node.rules):
                yield Read(f"rules[{index}].check", rule.check, EXPRESSION, ("value",))
        case Switch():
            for index, case in enumerate(node.cases):
                yield Read(f"cases[{index}].when", case.when, EXPRESSION)
        case Twin():
            yield Read("update", node.update, TEMPLATE, ("state",))
        case Human(assignees=who):
            yield Read("assignees.accounts", list(who.accounts), TEMPLATE)
        case _:
            pass
    for name, names in EXPRESSION_FIELDS.get(type(node), {}).items():
        if (source := getattr(node, name)) is not None:
            yield Read(name, source, EXPRESSION, names)


EXPRESSION_FIELDS: Final[Mapping[type, Mapping[str, tuple[str, ...]]]] = {
    Aggregate: {"values": (), "by": ("output",)},
    Agent: {"stop_when": ("turn", "output", "tools")},
    For: {"each": ()},
    Repeat: {"until": ("output", "index")},
    Listen: {"match": ("event",)},
    Wait: {"until": ()},
}


def calls_models(node: AnyNode) -> bool:
    """Whether a node itself asks a model."""
    return isinstance(node, Prompt | Classify | Agent) or (
        isinstance(node, Aggregate) and node.how == "best"
    )
