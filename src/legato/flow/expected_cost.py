"""What a run of a definition will cost before it runs: low, likely and high, and by which beliefs.

Calls follow from the structure: a prompt is one call, an agent of five turns up to five, each of
them with all that came before it; loops multiply by their length, branches divide. Tokens come from
what earlier runs of the node used, where there were any, else from the lengths of its texts and the
beliefs in `Beliefs`. Nothing here reads a price: `priced` is handed in.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from legato.flow.certainty import Certainty
from legato.flow.definition import (
    ERROR,
    Agent,
    Aggregate,
    AnyNode,
    Classify,
    Definition,
    For,
    Prompt,
    Repeat,
    SubWorkflow,
)
from legato.flow.expressions import (
    ExpressionFailed,
    ExpressionInvalid,
    compile_expression,
    compile_template,
)
from legato.flow.kinds import ports_of, reads_of
from legato.flow.progress import Plan

CHARACTERS_A_TOKEN: Final = 4
DEPTH_MAX: Final = 8
"""Of workflows within workflows that are followed."""


class Range(msgspec.Struct, frozen=True):
    """Low, likely and high."""

    low: float
    likely: float
    high: float

    def times(self, other: "Range") -> "Range":
        """Return the product."""
        pairs = ((self.low, other.low), (self.likely, other.likely), (self.high, other.high))
        return Range(*(one * another for one, another in pairs))

    def plus(self, other: "Range") -> "Range":
        """Return the sum."""
        pairs = ((self.low, other.low), (self.likely, other.likely), (self.high, other.high))
        return Range(*(one + another for one, another in pairs))


NONE: Final = Range(0, 0, 0)
ONE: Final = Range(1, 1, 1)


class Beliefs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is believed where nothing is known; `low, likely, high`."""

    characters_put_in: Range = Range(20, 500, 4_000)
    """Of a value that an expression puts into a text."""
    prompt_characters: Range = Range(200, 1_500, 8_000)
    """Of a prompt of the registry, whose text isn't in the definition."""
    answer_tokens: Range = Range(20, 250, 1_000)
    """Of an answer; `max_tokens` bounds it."""
    label_tokens: Range = Range(5, 30, 100)
    """Of a classifier's or judge's answer."""
    turns_share: Range = Range(0.0, 0.5, 1.0)
    """Which share of its turns beyond the first an agent takes."""
    tool_result_characters: Range = Range(50, 1_000, 8_000)
    """Of what a tool gives back to an agent."""
    items: Range = Range(1, 10, 100)
    """Of a list whose length isn't known."""


class Observed(msgspec.Struct, frozen=True, kw_only=True):
    """What earlier runs of a node took, for each time it ran."""

    runs: int
    calls: Range
    input_tokens: Range
    output_tokens: Range


class NodeCost(msgspec.Struct, frozen=True, kw_only=True):
    """What one node is expected to take in a run; tokens and cost are of all its calls."""

    node: str
    kind: str
    model: str
    calls: Range
    input_tokens: Range
    output_tokens: Range
    cost_nano_usd: Range
    basis: str
    """`history` or `estimate`."""


class ExpectedCost(msgspec.Struct, frozen=True, kw_only=True):
    """What a run is expected to take."""

    calls: Range
    cost_nano_usd: Range
    nodes: tuple[NodeCost, ...]
    assumptions: tuple[str, ...]
    """What was believed, in words."""
    unpriced: tuple[str, ...]
    """Models without a price: what they cost is missing in the sum."""


class Sources(msgspec.Struct, frozen=True, kw_only=True):
    """Where figures come from."""

    priced: Callable[[str, Range, Range], Range | None]
    """What calls of a model cost by its tokens in and out, nano-USD; None: no price is known."""
    workflow: Callable[[str], Definition | None] = lambda _: None
    """The definition that a reference means; None: unknown."""
    history: Mapping[str, Observed] = {}
    """By node."""
    beliefs: Beliefs = Beliefs()


def expected_cost(definition: Definition, sources: Sources) -> ExpectedCost:
    """Return what a run of a definition is expected to take.

    Raises:
        InvalidRequest: its paths form a circle.
    """
    return _Expectation(sources).of(definition)


class _Expectation:
    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._beliefs = sources.beliefs
        self._nodes: list[NodeCost] = []
        self._assumptions: dict[str, None] = {}
        self._unpriced: dict[str, None] = {}

    def of(self, definition: Definition) -> ExpectedCost:
        self._graph(definition.nodes, ONE, "", 0)
        calls = cost = NONE
        for node in self._nodes:
            calls, cost = calls.plus(node.calls), cost.plus(node.cost_nano_usd)
        return ExpectedCost(
            calls=calls,
            cost_nano_usd=cost,
            nodes=tuple(self._nodes),
            assumptions=tuple(self._assumptions),
            unpriced=tuple(self._unpriced),
        )

    def _assume(self, told: str) -> None:
        self._assumptions[told] = None

    def _graph(self, nodes: Sequence[AnyNode], times: Range, path: str, depth: int) -> None:
        plan = Plan.of(nodes)
        certain = Certainty(nodes, plan).at_end()
        likely = self._likely(nodes, plan)
        for index, node in enumerate(nodes):
            sure = bool(certain >> index & 1)
            runs = times.times(Range(1 if sure else 0, likely[index], 1))
            if not sure:
                self._assume(
                    "a branch is as likely as each beside it, a condition holds every second "
                    "time, errors don't occur"
                )
            self._node(node, runs, path, depth)

    @staticmethod
    def _likely(nodes: Sequence[AnyNode], plan: Plan) -> list[float]:
        """Return how likely each node runs, if ports are equally likely and errors don't occur."""
        chance = [1.0] * len(nodes)
        for node in plan.order():
            paths = plan.into[node]
            if paths:
                missed = 1.0
                for source, port in paths:
                    ports = [one for one in ports_of(nodes[source]) if one != ERROR]
                    share = 1 / len(ports) if port in ports else 0.0
                    missed *= 1 - chance[source] * share
                chance[node] = 1 - missed
            if nodes[node].when is not None:
                chance[node] /= 2
        return chance

    def _node(self, node: AnyNode, runs: Range, path: str, depth: int) -> None:
        match node:
            case Prompt():
                self._calls(node, node.model or f"prompt:{node.prompt}", runs, path)
            case Classify() | Agent():
                self._calls(node, node.model, runs, path)
            case Aggregate() if node.how == "best":
                self._calls(node, node.model, runs, path)
            case For():
                inner = runs.times(self._items(node))
                if node.do is not None:
                    self._graph(node.do.nodes, inner, f"{path}{node.id}.", depth)
                else:
                    self._workflow(str(node.workflow), inner, f"{path}{node.id}.", depth)
            case Repeat():
                self._assume("a loop until a condition ends after half its times")
                times = Range(1, max(1.0, node.times_max / 2), node.times_max)
                self._graph(node.do.nodes, runs.times(times), f"{path}{node.id}.", depth)
            case SubWorkflow():
                self._workflow(node.workflow, runs, f"{path}{node.id}.", depth)
            case _:
                pass

    def _items(self, node: For) -> Range:
        """Return how long the list is that a loop is over."""
        length = _known_length(node.each)
        if length is not None:
            return Range(length, length, length)
        items = self._beliefs.items
        self._assume(
            f"a list whose length isn't known has {items.low:g}, {items.likely:g} or "
            f"{items.high:g} items (`items`)"
        )
        return items

    def _workflow(self, reference: str, runs: Range, path: str, depth: int) -> None:
        inner = self._sources.workflow(reference) if depth < DEPTH_MAX else None
        if inner is None:
            self._unpriced[f"workflow {reference}"] = None
            return
        self._graph(inner.nodes, runs, path, depth + 1)

    def _calls(self, node: AnyNode, model: str, runs: Range, path: str) -> None:
        seen = self._sources.history.get(f"{path}{node.id}")
        if seen is not None:
            self._assume(f"nodes that ran before go on as in their last {seen.runs} runs")
            each = seen.calls, seen.input_tokens, seen.output_tokens
        else:
            each = self._turns(node) if isinstance(node, Agent) else self._one(node)
        calls, tokens_in, tokens_out = (runs.times(one) for one in each)
        attempts = 1 if node.retry is None else node.retry.attempts_max
        if node.confidence is not None:
            attempts += sum(1 for below in node.confidence.below if below.model)
        if attempts > 1 and seen is None:
            self._assume("nothing is tried again, but for the high figure: all attempts there are")
            worst = Range(1, 1, attempts)
            calls, tokens_in, tokens_out = (
                one.times(worst) for one in (calls, tokens_in, tokens_out)
            )
        cost = self._sources.priced(model, tokens_in, tokens_out)
        if cost is None:
            self._unpriced[model] = None
        self._nodes.append(
            NodeCost(
                node=f"{path}{node.id}",
                kind=str(node.__struct_config__.tag),
                model=model,
                calls=calls,
                input_tokens=tokens_in,
                output_tokens=tokens_out,
                cost_nano_usd=cost or NONE,
                basis="estimate" if seen is None else "history",
            )
        )

    def _one(self, node: AnyNode) -> tuple[Range, Range, Range]:
        """Return calls, tokens in and tokens out of one call."""
        return ONE, self._texts(node), self._answer(node)

    def _answer(self, node: AnyNode) -> Range:
        if not isinstance(node, Prompt | Agent):
            return self._beliefs.label_tokens
        tokens = self._beliefs.answer_tokens
        told = f"{tokens.low:g}, {tokens.likely:g} or {tokens.high:g}"
        self._assume(f"an answer has {told} tokens (`answer_tokens`), `max_tokens` at most")
        bound = node.max_tokens if isinstance(node, Prompt) else None
        if bound is None:
            return tokens
        return Range(min(tokens.low, bound), min(tokens.likely, bound), bound)

    def _turns(self, node: Agent) -> tuple[Range, Range, Range]:
        """Return what an agent takes: each turn is sent all that came before it.

        With n turns, first input a, and b more each turn: n*a + b*n*(n-1)/2 tokens in.
        """
        share = self._beliefs.turns_share
        more = node.turns_max - 1
        turns = Range(1 + more * share.low, 1 + more * share.likely, 1 + more * share.high)
        self._assume(
            f"an agent takes its first turn and {share.low:g}, {share.likely:g} or "
            f"{share.high:g} of the others (`turns_share`), each with all before it"
        )
        answer, texts = self._answer(node), self._texts(node)
        result = _tokens(self._beliefs.tool_result_characters) if node.tools else NONE
        grows = answer.plus(result)
        pairs = Range(*(n * (n - 1) / 2 for n in (turns.low, turns.likely, turns.high)))
        plan = ONE if node.plan else NONE
        calls = turns.plus(plan)
        return calls, calls.times(texts).plus(pairs.times(grows)), calls.times(answer)

    def _texts(self, node: AnyNode) -> Range:
        """Return the tokens of what a node sends, by the lengths of its texts."""
        known = 0
        values = 0
        for read in reads_of(node):
            if read.form == "template":
                characters, expressions = _lengths(read.source)
                known, values = known + characters, values + expressions
        found = Range(known, known, known)
        if values:
            put_in = self._beliefs.characters_put_in
            told = f"{put_in.low:g}, {put_in.likely:g} or {put_in.high:g}"
            self._assume(f"a value put into a text has {told} characters (`characters_put_in`)")
            found = found.plus(put_in.times(Range(values, values, values)))
        if isinstance(node, Prompt) and node.prompt is not None:
            self._assume("texts of prompts of the registry are of usual length")
            found = found.plus(self._beliefs.prompt_characters)
        return _tokens(found)


def _tokens(characters: Range) -> Range:
    share = 1 / CHARACTERS_A_TOKEN
    return characters.times(Range(share, share, share))


def _lengths(data: Any) -> tuple[int, int]:
    """Return how many characters a template has, and how many expressions."""
    try:
        expressions = compile_template(data).expressions
    except ExpressionInvalid:
        return len(str(data)), 0
    written = sum(len(one.source) + len("${}") for _, one in expressions)
    return max(0, _characters(data) - written), len(expressions)


def _characters(data: Any) -> int:
    if isinstance(data, str):
        return len(data)
    if isinstance(data, Mapping):
        return sum(len(name) + _characters(value) for name, value in data.items())
    if isinstance(data, list | tuple):
        return sum(map(_characters, data))
    return len(str(data))


def _known_length(source: str) -> int | None:
    """Return how long a list is that reads nothing of the run."""
    try:
        expression = compile_expression(source)
        value = None if expression.references else expression.value({})
    except (ExpressionInvalid, ExpressionFailed):
        return None
    return len(value) if isinstance(value, list) else None
