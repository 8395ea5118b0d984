"""Writes workflows in Python: the same definition as YAML, with wiring that a type checker knows.

    class Ticket(msgspec.Struct):
        text: str
        amount: int

    flow = Flow(Ticket, title="Refunds")
    check = flow.prompt("check", model="best", user=f"Is this fair? {flow.input.text}", output=Fair)
    ask = flow.approve("ask", subject="Refund?", data=check.output, after=check,
                       when=check.output.sure < 0.9)
    flow.returns({"fair": check.output.fair})
    definition = flow.build()

`flow.input` is typed as the input and `step.output` as what the step returns, so a field that isn't
there, or a number where a text is wanted, is an error of mypy. `build` refuses whatever is wrong
besides, all at once. Without `after` a node comes after the steps whose outputs it reads.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final, Generic, TypedDict, TypeVar, Unpack, cast, overload

import msgspec

from legato.core.errors import InvalidRequest
from legato.flow.checking import check_definition
from legato.flow.definition import (
    Agent,
    Aggregate,
    AnyNode,
    Case,
    Choice,
    Classify,
    Confidence,
    Definition,
    For,
    Graph,
    Human,
    Limits,
    Listen,
    Notify,
    Outcome,
    Position,
    Prompt,
    Raise,
    Repeat,
    Retry,
    Set,
    SubWorkflow,
    Switch,
    Tool,
    ToolUse,
    Trigger,
    Validate,
    Wait,
)
from legato.flow.typed_steps import (
    Answered,
    Checked,
    Classified,
    Decided,
    Path,
    Sorted,
    Step,
)
from legato.flow.typed_values import Value, condition_of, plain_of, source_of, steps_in

In = TypeVar("In")
Made = TypeVar("Made")
Item = TypeVar("Item")
Label = TypeVar("Label", bound=str)
_TEXT: Final[Any] = str
_ANYTHING: Final[Any] = dict
_NOTHING: Final[Any] = None


After = Step[Any] | Path | Sequence[Step[Any] | Path] | None


class Options(TypedDict, total=False):
    """What every node has."""

    title: str
    after: After
    join: str
    when: bool | str
    retry: Retry
    timeout_s: float
    confidence: Confidence
    at: Position


class Sampled(Options, total=False):
    """What prompts have besides."""

    max_tokens: int
    temperature: float


class FlowInvalid(InvalidRequest):
    """A flow that can't run, with all its problems."""


class Body:
    """Nodes, as they are added."""

    def __init__(self) -> None:
        self._nodes: list[AnyNode] = []
        self._read: list[str] = []

    @property
    def reads(self) -> tuple[str, ...]:
        """Nodes outside that nodes within read."""
        own = {node.id for node in self._nodes}
        return tuple(dict.fromkeys(name for name in self._read if name not in own))

    def add(self, node: AnyNode) -> Step[Any]:
        """Add a node as a definition has it."""
        self._nodes.append(node)
        return Step(node.id)

    def _node(self, kind: type[Any], node_id: str, options: Options | Sampled, fields: Any) -> None:
        """Add a node; fields that nobody gave stay at their defaults."""
        given = {name: value for name, value in fields.items() if value is not None}
        common: dict[str, Any] = dict(options)
        after = common.pop("after", None)
        reads = steps_in([*given.values(), common.get("when")])
        self._read += reads
        own = {node.id for node in self._nodes}  # what is around a body comes before it anyway
        read = dict.fromkeys(name for name in reads if name in own)
        paths = _paths(after) if after is not None else tuple(read)
        if "when" in common:
            common["when"] = condition_of(common["when"])
        node = {"kind": kind.__struct_config__.tag, "id": node_id, "after": paths, **common}
        for name, value in given.items():
            node[name] = plain_of(value)
        plain = msgspec.to_builtins(node)
        try:
            self._nodes.append(msgspec.convert(plain, kind))
        except msgspec.ValidationError as error:
            msg = f"nodes.{node_id}: {error}"
            raise FlowInvalid(msg, param=f"nodes.{node_id}") from None

    # ------------------------------------------------------------------ models

    @overload
    def prompt(
        self, node_id: str, *, output: type[Made], model: str = "", user: str = "",
        system: str = "", prompt: str | None = None, variables: Mapping[str, Any] | None = None,
        **options: Unpack[Sampled],
    ) -> Step[Made]: ...  # fmt: skip
    @overload
    def prompt(
        self, node_id: str, *, model: str = "", user: str = "",
        system: str = "", prompt: str | None = None, variables: Mapping[str, Any] | None = None,
        **options: Unpack[Sampled],
    ) -> Step[str]: ...  # fmt: skip
    def prompt(
        self, node_id: str, *, output: type[Any] | None = None, model: str = "", user: str = "",
        system: str = "", prompt: str | None = None, variables: Mapping[str, Any] | None = None,
        **options: Unpack[Sampled],
    ) -> Step[Any]:  # fmt: skip
        """Call a model; with `output`, a type, it answers with data of that type."""
        schema = None if output is None or output is str else schema_of(output)
        fields = {
            "model": model, "user": user, "system": system, "prompt": prompt,
            "variables": variables, "output_schema": schema,
        }  # fmt: skip
        self._node(Prompt, node_id, options, fields)
        return Step(node_id)

    def classify(
        self, node_id: str, *, choices: type[Label], text: str, model: str,
        instructions: str = "", **options: Unpack[Options],
    ) -> Sorted[Classified, Label]:  # fmt: skip
        """Have a model choose; the members of `choices`, an enumeration, are the ports."""
        if not issubclass(choices, StrEnum):
            msg = f"nodes.{node_id}.choices: give a StrEnum; its members become the ports"
            raise FlowInvalid(msg, param=f"nodes.{node_id}.choices")
        ports = [Choice(port=member.value) for member in choices]
        fields = {"choices": ports, "text": text, "model": model, "instructions": instructions}
        self._node(Classify, node_id, options, fields)
        return Sorted(node_id)

    def agent(
        self, node_id: str, *, model: str, task: str, system: str = "",
        tools: Sequence[str | ToolUse] = (), output: type[Made] = _TEXT,
        turns_max: int = 10, cost_usd_max: str | None = None, **options: Unpack[Options],
    ) -> Step[Answered[Made]]:  # fmt: skip
        """Let a model act in turns, with tools."""
        schema = None if output is _TEXT else schema_of(output)
        uses = [one if isinstance(one, ToolUse) else ToolUse(tool=one) for one in tools]
        fields = {
            "model": model, "task": task, "system": system, "tools": uses,
            "output_schema": schema, "turns_max": turns_max, "cost_usd_max": cost_usd_max,
        }  # fmt: skip
        self._node(Agent, node_id, options, fields)
        return Step(node_id)

    def vote(
        self, node_id: str, *, of: Sequence[Step[Made]], agree: float = 0.0,
        **options: Unpack[Options],
    ) -> Step[Made]:  # fmt: skip
        """Take the most frequent of several steps' outputs, which have one type."""
        options.setdefault("after", list(of))
        names = [step.id for step in of]
        self._node(Aggregate, node_id, options, {"of": names, "how": "vote", "agree": agree})
        return Step(node_id)

    def best(
        self, node_id: str, *, of: Sequence[Step[Made]], model: str, criteria: str,
        **options: Unpack[Options],
    ) -> Step[Made]:  # fmt: skip
        """Have a model choose the best of several steps' outputs."""
        options.setdefault("after", list(of))
        fields = {"of": [s.id for s in of], "how": "best", "model": model, "criteria": criteria}
        self._node(Aggregate, node_id, options, fields)
        return Step(node_id)

    # ------------------------------------------------------------------ data and rules

    def set(self, node_id: str, value: Made, **options: Unpack[Options]) -> Step[Made]:
        """Make data of data."""
        self._node(Set, node_id, options, {"value": value})
        return Step(node_id)

    def call(
        self, node_id: str, tool: str, *, arguments: Mapping[str, Any] | None = None,
        returns: type[Made] = _ANYTHING, **options: Unpack[Options],
    ) -> Step[Made]:  # fmt: skip
        """Call a tool, which is trusted to return what is said here."""
        del returns
        self._node(Tool, node_id, options, {"tool": tool, "arguments": arguments})
        return Step(node_id)

    def validate(
        self, node_id: str, value: Any, *, of: type[Made], **options: Unpack[Options]
    ) -> Step[Checked[Made]]:
        """Hold data against a type: ports `done` and `invalid`."""
        self._node(Validate, node_id, options, {"value": value, "json_schema": schema_of(of)})
        return Step(node_id)

    def switch(
        self, node_id: str, cases: Mapping[Label, bool | str], otherwise: str = "otherwise",
        **options: Unpack[Options],
    ) -> Step[str]:  # fmt: skip
        """Go on at the first port whose condition holds."""
        chosen = [Case(port=port, when=condition_of(when)) for port, when in cases.items()]
        if "after" not in options:
            options["after"] = _after(*steps_in(list(cases.values())))
        self._node(Switch, node_id, options, {"cases": chosen, "otherwise": otherwise})
        return Step(node_id)

    def fail(self, node_id: str, code: str, message: str, **options: Unpack[Options]) -> None:
        """Fail the run."""
        self._node(Raise, node_id, options, {"code": code, "message": message})

    # ------------------------------------------------------------------ loops

    def each(
        self, node_id: str, over: Sequence[Item], do: Callable[["Body", Item], Made], *,
        at_once: int = 8, **options: Unpack[Options],
    ) -> Step[list[Made]]:  # fmt: skip
        """Run a body for each item; what `do` returns is what each comes to."""
        body = Body()
        result = do(body, cast("Item", Value("item")))
        if "after" not in options:
            options["after"] = _after(*steps_in(over), *body.reads)
        fields = {"each": condition_of(over), "do": body.graph(result), "at_once": at_once}
        self._node(For, node_id, options, fields)
        return Step(node_id)

    def repeat(
        self, node_id: str, do: Callable[["Body"], Made], *, until: Callable[[Made], bool],
        times_max: int = 5, **options: Unpack[Options],
    ) -> Step[Made]:  # fmt: skip
        """Run a body until a condition of what it came to holds."""
        body = Body()
        result = do(body)
        if "after" not in options:
            options["after"] = _after(*body.reads)
        condition = condition_of(until(cast("Made", Value("output"))))
        fields = {"do": body.graph(result), "until": condition, "times_max": times_max}
        self._node(Repeat, node_id, options, fields)
        return Step(node_id)

    def workflow(
        self, node_id: str, workflow: str, *, input: Any = None,  # noqa: A002 - as definitions say
        returns: type[Made] = _ANYTHING, **options: Unpack[Options],
    ) -> Step[Made]:  # fmt: skip
        """Run another workflow, which is trusted to return what is said here."""
        del returns
        self._node(SubWorkflow, node_id, options, {"workflow": workflow, "input": input})
        return Step(node_id)

    # ------------------------------------------------------------------ people, time, events

    def approve(
        self, node_id: str, *, subject: str, data: Made = _NOTHING, body: str = "",
        deadline_s: float | None = None, approvals_needed: int = 1, **options: Unpack[Options],
    ) -> Step[Decided[Made]]:  # fmt: skip
        """Ask a person: ports `approved`, `rejected`, and `expired` with a deadline."""
        fields = {
            "subject": subject, "data": data, "body": body, "deadline_s": deadline_s,
            "approvals_needed": approvals_needed,
        }  # fmt: skip
        self._node(Human, node_id, options, fields)
        return Step(node_id)

    def form(
        self, node_id: str, *, subject: str, asks: type[Made], body: str = "",
        deadline_s: float | None = None, **options: Unpack[Options],
    ) -> Step[Decided[Made]]:  # fmt: skip
        """Have a person fill in data of a type."""
        fields = {
            "ask": "form", "subject": subject, "form": schema_of(asks), "body": body,
            "deadline_s": deadline_s,
        }  # fmt: skip
        self._node(Human, node_id, options, fields)
        return Step(node_id)

    def listen(
        self, node_id: str, event: str, *, match: str | None = None,
        deadline_s: float | None = None, **options: Unpack[Options],
    ) -> Step[Any]:  # fmt: skip
        """Wait for an event."""
        fields = {"event": event, "match": match, "deadline_s": deadline_s}
        self._node(Listen, node_id, options, fields)
        return Step(node_id)

    def wait(self, node_id: str, for_s: float, **options: Unpack[Options]) -> Step[None]:
        """Wait for so many seconds."""
        self._node(Wait, node_id, options, {"for_s": for_s})
        return Step(node_id)

    def notify(
        self, node_id: str, *, subject: str, text: str, channel: str = "",
        **options: Unpack[Options],
    ) -> Step[str]:  # fmt: skip
        """Tell people or systems."""
        fields = {"subject": subject, "text": text, "channel": channel}
        self._node(Notify, node_id, options, fields)
        return Step(node_id)

    def graph(self, result: Any) -> Graph:
        """Return the nodes, and what they come to: a value, plain data, or a step's output."""
        output = result.output if isinstance(result, Step) else result
        self._read += steps_in(output)
        return Graph(nodes=tuple(self._nodes), output=plain_of(output))


class Flow(Body, Generic[In]):
    """A workflow that begins with data of a type."""

    def __init__(
        self, begins_with: type[In] = _ANYTHING, *, title: str = "", description: str = "",
        limits: Limits | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        anything = begins_with is _ANYTHING
        self._definition: dict[str, Any] = {
            "title": title,
            "description": description,
            "input": None if anything else schema_of(begins_with),
            "limits": limits or Limits(),
        }

    @property
    def input(self) -> In:
        """What a run begins with."""
        return cast("In", Value("input"))

    def returns(self, output: Any) -> None:
        """Say what a run comes to: values, and plain data with values in it."""
        self._definition["output"] = plain_of(output)

    def variables(self, **values: Any) -> None:
        """Name values that several nodes use, as `vars.NAME`."""
        self._definition["vars"] = plain_of(values)

    def accepted_if(self, condition: bool | str) -> None:  # noqa: FBT001 - a value, typed as bool
        """Say what counts as an accepted outcome."""
        self._definition["outcome"] = Outcome(accepted=condition_of(condition))

    def begins_by(self, *triggers: Trigger) -> None:
        """Add what begins runs by itself."""
        self._definition["triggers"] = (*self._definition.get("triggers", ()), *triggers)

    def build(self) -> Definition:
        """Return the definition.

        Raises:
            FlowInvalid: with everything that can't work, by node and field.
        """
        if not self._nodes:
            msg = "nodes: there are none; add one"
            raise FlowInvalid(msg, param="nodes")
        definition = Definition(nodes=tuple(self._nodes), **self._definition)
        if problems := check_definition(definition).problems:
            raise FlowInvalid("\n".join(map(str, problems)), param=problems[0].place)
        return definition


def expression(source: str, returns: type[Made]) -> Made:
    """Return the value of an expression, trusted to be of a type."""
    del returns
    return cast("Made", Value(source))


def has(value: Any) -> bool:
    """Return whether a field is there."""
    return cast("bool", Value(f"has({source_of(value)})", steps_in(value)))


def schema_of(kind: Any) -> dict[str, Any]:
    """Return the JSON schema of a type: of a Struct its fields, and no others."""
    schema = msgspec.json.schema(kind)
    if set(schema) == {"$ref", "$defs"} and len(schema["$defs"]) == 1:
        return dict(next(iter(schema["$defs"].values())))
    return schema


def _paths(after: After) -> tuple[str, ...]:
    several = after if isinstance(after, list | tuple) else (after,)
    return tuple(
        one.source if isinstance(one, Path) else cast("Step[Any]", one).id for one in several
    )


def _after(*steps: str) -> list[Step[Any] | Path]:
    return [Path(step) for step in dict.fromkeys(steps)]
