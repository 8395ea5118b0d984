"""What a workflow definition is: a graph of nodes, as people write it and as the registry keeps it.

Nodes are named; `after` says where the paths into a node come from: another node's default port
(`classify`), or a port of it (`classify:refund`). There are no circles: what repeats is `for`,
`repeat`, `agent` or a retry. A path is *taken* where its node ended at that port, else *skipped*;
a node runs when all paths into it are decided and at least one is taken, and is skipped when none
is (dead path elimination, as in WS-BPEL 2.0, 11.6). Nodes without paths into them run first; nodes
that wait for nothing of each other run at the same time.

Texts may hold expressions, `${ ... }` in CEL, over `input`, `steps.NODE.output`, `steps.NODE.port`,
`steps.NODE.error`, `steps.NODE.confidence`, `run`, `vars`, and in bodies of loops `item`, `index`,
`last`. A text that is one expression has the expression's value, with its type; in others values
are put in as text.

`steps` has an entry for each node that has ended and wasn't skipped: `has(steps.a)` asks whether
`a` ran. Of one that failed `output` is null; `error` is `{code, message}`, else null. Bodies of
loops see what is around them as well: `input`, `vars`, and `steps` that had ended before the loop
began; so ids are unique in a whole definition. Of `run` there are `id`, `workflow`, `user`, `test`.

Kinds are named like tasks of the CNCF Serverless Workflow DSL 1.0 where it has them.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

NodeId = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
"""An identifier in expressions, too; so no dashes."""
PortName = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
After = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,63}(:[a-z][a-z0-9_]{0,63})?$")]
ObjectRef = Annotated[
    str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}(@[A-Za-z0-9._-]{1,64})?$")
]
"""An object of the registry: its name, or NAME@LABEL, NAME@NUMBER, NAME@DIGEST."""
Expression = Annotated[str, Meta(min_length=1, max_length=2_000)]
"""CEL, without `${}`."""
Template = Any
"""Plain data, in whose texts `${ expression }` is replaced."""
Seconds = Annotated[float, Meta(gt=0, le=366 * 86_400)]
Probability = Annotated[float, Meta(ge=0, le=1)]
Dollars = Annotated[str, Meta(pattern=r"^[0-9]{1,9}(\.[0-9]{1,9})?$")]

DONE = "done"
"""The port of a node that ended well and has no choice to make; `node` means `node:done`."""
ERROR = "error"
"""The port of every node for what failed after its retries; the run fails if no path leads on."""
SKIPPED = "skipped"
"""No port: what became of a node that no taken path leads to."""


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Refuses fields that it doesn't know, and is written without its defaults."""


class Position(Part, frozen=True, kw_only=True):
    """Where a node stands on the canvas, in its units."""

    x: float
    y: float


class Retry(Part, frozen=True, kw_only=True):
    """How often a node that failed is tried again, and after how long."""

    attempts_max: Annotated[int, Meta(ge=1, le=20)] = 3
    """With the first one."""
    wait_s: Annotated[float, Meta(ge=0, le=86_400)] = 1.0
    backoff: Annotated[float, Meta(ge=1, le=10)] = 2.0
    """By what the wait is multiplied each time, with jitter."""
    wait_s_max: Seconds = 300.0
    on: tuple[str, ...] = ()
    """Codes of errors; none: all that may pass by themselves (`retryable`)."""


class Below(Part, frozen=True, kw_only=True):
    """What is done while a node's confidence is below its threshold, in this order."""

    model: str = ""
    """Do it again with this model or route."""
    port: PortName = ""
    """End the node at this port: where a person decides, for one."""


class Confidence(Part, frozen=True, kw_only=True):
    """When a node may be believed."""

    at_least: Probability
    value: Expression | None = None
    """Of `output`; none: what the node's kind says of itself."""
    calibration: str = ""
    """A calibration kept under this name; none: as it stands."""
    below: Annotated[tuple[Below, ...], Meta(min_length=1)]


class Node(Part, frozen=True, kw_only=True):
    """What every node has. `id` is unique within its graph."""

    id: NodeId
    title: Annotated[str, Meta(max_length=200)] = ""
    after: tuple[After, ...] = ()
    join: Literal["all", "any"] = "all"
    """Whether it waits until all paths into it are decided, or begins with the first taken one."""
    when: Expression | None = None
    """False: the node is skipped though a path leads to it."""
    retry: Retry | None = None
    timeout_s: Seconds | None = None
    """Of one attempt; of nodes that wait for people or events it is their own deadline instead."""
    confidence: Confidence | None = None
    at: Position | None = None


# ---------------------------------------------------------------------- models


class Prompt(Node, frozen=True, kw_only=True, tag="prompt", tag_field="kind"):
    """Calls a model through the gateway. Output: its text, or what `output_schema` says.

    Either a prompt of the registry with `variables`, or `system` and `user` (or `messages`).
    """

    model: str = ""
    """A route, deployment or alias; none: the prompt's own."""
    prompt: ObjectRef | None = None
    variables: dict[str, Template] = {}
    system: str = ""
    user: str = ""
    messages: tuple[dict[str, Template], ...] = ()
    output_schema: dict[str, Any] | None = None
    max_tokens: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None


class Choice(Part, frozen=True, kw_only=True):
    """A class that a classifier may choose: also the port the node then ends at."""

    port: PortName
    description: str = ""


class Classify(Node, frozen=True, kw_only=True, tag="classify", tag_field="kind"):
    """Has a model choose one of several ports. Output: `{label, confidence, reason}`."""

    model: str
    text: str
    choices: Annotated[tuple[Choice, ...], Meta(min_length=2, max_length=50)]
    instructions: str = ""
    otherwise: PortName = ""
    """Where it ends when no choice fits; none: that is an error."""


class Aggregate(Node, frozen=True, kw_only=True, tag="aggregate", tag_field="kind"):
    """Makes one of several outputs. Those of skipped nodes are left out.

    `vote`: the most frequent value of `by`, with its share as confidence; `best`: a judge chooses;
    `merge`: objects laid over each other, in order; `list`: all of them; `first`: of them.
    """

    of: Annotated[tuple[NodeId, ...], Meta(min_length=1)] = ()
    values: Expression | None = None
    """A list, instead of `of`: the outputs of a `for`."""
    how: Literal["vote", "best", "merge", "list", "first"]
    by: Expression | None = None
    """Of `output`: what is voted on."""
    model: str = ""
    """The judge of `best`."""
    criteria: str = ""
    agree: Probability = 0.0
    """Of `vote`: a smaller share ends at the port `disagreed`."""


class ToolUse(Part, frozen=True, kw_only=True):
    """A tool that an agent may use."""

    tool: str
    """A tool's name; `workflow:NAME@LABEL` is a tool, too, and `agent:NODE`: another agent of the
    same graph, which then doesn't run by itself."""
    description: str = ""
    """Instead of its own."""
    approval: Literal["never", "always", "by_policy"] = "by_policy"


class Memory(Part, frozen=True, kw_only=True):
    """What an agent remembers beyond its turns."""

    scope: Literal["run", "user", "workflow"] = "run"
    key: str = ""
    """Whose: a template. Of scope `user` the caller's user if none."""
    keep_days: Annotated[int, Meta(ge=1, le=3_650)] = 30
    entries_max: Annotated[int, Meta(ge=1, le=1_000)] = 50


class Agent(Node, frozen=True, kw_only=True, tag="agent", tag_field="kind"):
    """Lets a model act in turns until it answers, calls stop, or a limit ends it.

    Output: `{answer, turns, tool_calls, stopped}`; ports `done`, `limit` and `refused`.
    """

    model: str
    system: str = ""
    task: str
    tools: tuple[ToolUse, ...] = ()
    specialists: tuple["Specialist", ...] = ()
    """Whom it may hand over to: this makes it a supervisor."""
    plan: bool = False
    """Write a plan first, and revise it after each observation."""
    memory: Memory | None = None
    output_schema: dict[str, Any] | None = None
    turns_max: Annotated[int, Meta(ge=1, le=100)] = 10
    tool_calls_max: Annotated[int, Meta(ge=0, le=1_000)] = 50
    cost_usd_max: Dollars | None = None
    time_s_max: Seconds | None = None
    stop_when: Expression | None = None
    """Of `turn`, `output` and `tools`: looked at after each turn."""


class Specialist(Part, frozen=True, kw_only=True):
    """An agent that a supervisor may hand a task to."""

    name: NodeId
    description: str
    model: str = ""
    system: str = ""
    tools: tuple[ToolUse, ...] = ()
    turns_max: Annotated[int, Meta(ge=1, le=100)] = 6


# ---------------------------------------------------------------------- data and rules


class Tool(Node, frozen=True, kw_only=True, tag="call", tag_field="kind"):
    """Calls a tool: a Python callable, an HTTP or OpenAPI operation, a tool of an MCP server."""

    tool: str
    arguments: dict[str, Template] = {}
    approval: Literal["never", "always", "by_policy"] = "by_policy"


class Set(Node, frozen=True, kw_only=True, tag="set", tag_field="kind"):
    """Makes data of data. Output: `value`."""

    value: Template


class Rule(Part, frozen=True, kw_only=True):
    """A business rule."""

    name: str
    check: Expression
    """Of `value`, and what every expression sees: true where it is kept."""
    message: str = ""


class Validate(Node, frozen=True, kw_only=True, tag="validate", tag_field="kind"):
    """Checks data. Output: `{value, problems}`; ports `done` and `invalid`."""

    value: Template
    json_schema: dict[str, Any] | None = None
    rules: tuple[Rule, ...] = ()


class Case(Part, frozen=True, kw_only=True):
    """A way on: the first whose condition holds is taken."""

    port: PortName
    when: Expression


class Switch(Node, frozen=True, kw_only=True, tag="switch", tag_field="kind"):
    """Chooses a port by rules. Output: the port's name."""

    cases: Annotated[tuple[Case, ...], Meta(min_length=1, max_length=50)]
    otherwise: PortName = "otherwise"


class Raise(Node, frozen=True, kw_only=True, tag="raise", tag_field="kind"):
    """Fails the run, or what it is the body of."""

    code: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
    message: str


class Twin(Node, frozen=True, kw_only=True, tag="twin", tag_field="kind"):
    """Mirrors the state of a thing in the world, or tries an action on the mirror.

    `state` and the event become the new state by `update`; with `simulate`, nothing is kept and
    the output is what would be. Output: `{before, after}`.
    """

    twin: str
    key: str
    """Which thing: a template."""
    initial: Template = None
    update: Template
    """Of `state`, and what every expression sees."""
    simulate: bool = False


# ---------------------------------------------------------------------- loops and bodies


class Graph(Part, frozen=True, kw_only=True):
    """Nodes, and what their body comes to."""

    nodes: Annotated[tuple["AnyNode", ...], Meta(min_length=1, max_length=500)]
    output: Template = msgspec.UNSET
    """None given: the output of the one node that ends it, or an object of those by their ids."""


class For(Node, frozen=True, kw_only=True, tag="for", tag_field="kind"):
    """Runs a body for each item of a list. Output: what the bodies came to, in the items' order.

    Each is a child run with an id of its own. With `on_error: collect` what failed is
    `{error: ...}` in its place.
    """

    each: Expression
    do: Graph | None = None
    workflow: ObjectRef | None = None
    """Instead of `do`; its input is the item."""
    at_once: Annotated[int, Meta(ge=1, le=1_000)] = 8
    on_error: Literal["fail", "collect"] = "fail"


class Repeat(Node, frozen=True, kw_only=True, tag="repeat", tag_field="kind"):
    """Runs a body until a condition holds. Output: the last one's; ports `done` and `limit`."""

    do: Graph
    until: Expression
    """Of `output` and `index`."""
    times_max: Annotated[int, Meta(ge=1, le=100)] = 5


class SubWorkflow(Node, frozen=True, kw_only=True, tag="workflow", tag_field="kind"):
    """Runs another workflow as a child run. Output: its output."""

    workflow: ObjectRef
    input: Template = None


# ---------------------------------------------------------------------- people, time, events


class Assignees(Part, frozen=True, kw_only=True):
    """Who may decide: any of these. None named: whoever may decide tasks of the workflow's team."""

    accounts: tuple[str, ...] = ()
    """By id or login; of `assignees` templates: `${run.user}` is for whom the run was begun."""
    roles: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()


class Escalation(Part, frozen=True, kw_only=True):
    """Who is asked too, after how long."""

    after_s: Seconds
    to: Assignees


class Human(Node, frozen=True, kw_only=True, tag="human", tag_field="kind"):
    """Asks a person. Output: `{decision, data, by, comment}`.

    `approve`: ports `approved`, `rejected`; `edit`: `approved` with the changed `data`, `rejected`;
    `choose`: a port for each of `choices`; `form`: `done`. All: `expired` after the deadline.
    """

    ask: Literal["approve", "edit", "choose", "form"] = "approve"
    subject: str
    body: str = ""
    data: Template = None
    """What is shown, and may be edited."""
    form: dict[str, Any] | None = None
    """The JSON schema of what is filled in or edited."""
    choices: tuple[Choice, ...] = ()
    assignees: Assignees = Assignees()
    approvals_needed: Annotated[int, Meta(ge=1, le=10)] = 1
    """By so many different people (2: four eyes); one rejection is enough."""
    not_by: tuple[NodeId, ...] = ()
    """Human nodes whose deciders may not decide this one as well."""
    not_by_starter: bool = False
    """Who started the run may not decide it."""
    deadline_s: Seconds | None = None
    remind_s: Seconds | None = None
    escalations: tuple[Escalation, ...] = ()


class Listen(Node, frozen=True, kw_only=True, tag="listen", tag_field="kind"):
    """Waits for an event: a CloudEvent, sent to `/api/v1/workflow-events`.

    Output: the event; ports `done` and `expired`.
    """

    event: str
    """Its type, or the topic of a signal; a `*` at the end means all that begin so."""
    match: Expression | None = None
    """Of `event`."""
    deadline_s: Seconds | None = None


class Wait(Node, frozen=True, kw_only=True, tag="wait", tag_field="kind"):
    """Waits. One of the two."""

    for_s: Seconds | None = None
    until: Expression | None = None
    """An RFC 3339 time, or nanoseconds since the epoch."""


class Notify(Node, frozen=True, kw_only=True, tag="notify", tag_field="kind"):
    """Tells people or systems by the notification channels. Output: the notification's id."""

    channel: str = ""
    """One of `notifications.channels`; none: as its routes say for `workflow.message`."""
    subject: str
    text: str


AnyNode = (
    Prompt | Classify | Aggregate | Agent | Tool | Set | Validate | Switch | Raise | Twin
    | For | Repeat | SubWorkflow | Human | Listen | Wait | Notify
)  # fmt: skip
"""Told apart by `kind`."""


# ---------------------------------------------------------------------- the whole


class Limits(Part, frozen=True, kw_only=True):
    """What ends a run."""

    cost_usd_max: Dollars | None = None
    time_s_max: Seconds | None = None
    steps_max: Annotated[int, Meta(ge=1, le=100_000)] = 10_000


class Trigger(Part, frozen=True, kw_only=True):
    """What begins runs by itself, while the version that has it is in force."""

    name: NodeId
    kind: Literal["webhook", "schedule", "rabbitmq", "nats", "redis", "kafka", "mqtt", "event"]
    settings: dict[str, Any] = {}
    """As its kind asks: the how-to "Triggers" has them."""
    input: Template = msgspec.UNSET
    """Of `event`; none given: the event's data."""
    when: Expression | None = None
    """Of `event`: others begin nothing."""


class Outcome(Part, frozen=True, kw_only=True):
    """What counts as an accepted outcome, for the cost of one."""

    accepted: Expression
    """Of `output` and `steps`."""


class Definition(Part, frozen=True, kw_only=True):
    """A workflow: what a version in the registry holds."""

    legato: Literal[1] = 1
    """The version of this format."""
    title: Annotated[str, Meta(max_length=200)] = ""
    description: Annotated[str, Meta(max_length=4_000)] = ""
    input: dict[str, Any] | None = None
    """The JSON schema of what a run begins with; none: anything."""
    vars: dict[str, Template] = {}
    """Values that several nodes use; may read `input`."""
    nodes: Annotated[tuple[AnyNode, ...], Meta(min_length=1, max_length=500)]
    output: Template = msgspec.UNSET
    triggers: tuple[Trigger, ...] = ()
    limits: Limits = Limits()
    outcome: Outcome | None = None
