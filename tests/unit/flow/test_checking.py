"""What a definition is told before it runs: each problem at its node and field, all at once."""

from time import process_time
from typing import Any

import msgspec
import pytest

from legato.flow.checking import check_definition
from legato.flow.definition import Definition


def checked(*nodes: dict[str, Any], **more: Any) -> tuple[dict[str, str], dict[str, str]]:
    """Return problems and hints by their places."""
    found = check_definition(msgspec.convert({"nodes": nodes, **more}, Definition))
    return dict(found.problems), dict(found.hints)


def problems(*nodes: dict[str, Any], **more: Any) -> dict[str, str]:
    return checked(*nodes, **more)[0]


def made(name: str, value: Any = 1, **more: Any) -> dict[str, Any]:
    return {"kind": "set", "id": name, "value": value, **more}


ASK = {"kind": "prompt", "id": "ask", "model": "m", "user": "Hello"}
SORT = {
    "kind": "classify",
    "id": "sort",
    "model": "m",
    "text": "${input.text}",
    "choices": [{"port": "refund"}, {"port": "other"}],
}


def test_a_definition_that_can_run_has_no_problems() -> None:
    assert not problems(
        SORT,
        made("pay", "${steps.sort.output.label}", after=["sort:refund"]),
        {"kind": "human", "id": "look", "subject": "See", "after": ["sort:other"]},
        made("end", "${has(steps.pay) ? steps.pay.output : 'no'}", after=["pay", "look:approved"]),
        input={"type": "object", "properties": {"text": {"type": "string"}}},
    )


@pytest.mark.parametrize(
    ("nodes", "place", "told"),
    [
        ([made("a"), made("b", after=["aa"])], "nodes.b.after[0]", "did you mean `a`"),
        ([SORT, made("b", after=["sort"])], "nodes.b.after[0]", "it has refund, other, error"),
        ([made("a"), made("b", after=["a", "a:done"])], "nodes.b.after[1]", "twice"),
        ([made("a", after=["b"]), made("b", after=["a"])], "nodes.a.after", "circle"),
        ([made("a"), made("a")], "nodes.a.id", "ids are unique"),
        ([made("a", "${1 +}")], "nodes.a.value", "can't be read"),
        ([made("a", {"k": ["${q}"]})], "nodes.a.value.k[0]", "no name `q`"),
        ([made("a", "${steps}")], "nodes.a.value", "write which node's"),
        ([made("a", "${steps.a.output}")], "nodes.a.value", "doesn't come before"),
        ([made("a"), made("b", "${steps.a.output}")], "nodes.b.value", "doesn't come before"),
        ([made("a"), made("b", "${steps.a.x}", after=["a"])], "nodes.b.value", "a node has"),
        ([made("a", "${run.secret}")], "nodes.a.value", "known: id, test"),
        ([made("a", "${input.q}")], "nodes.a.value", "no field `q`; known: text"),
        ([made("a", "${vars.q}")], "nodes.a.value", "no field `q`; known: v"),
        ([ASK, made("b", "${steps.ask.output.x}", after=["ask"])], "nodes.b.value", "is string"),
        ([made("a", when="true &&")], "nodes.a.when", "ends too early"),
        ([{**ASK, "prompt": "p"}], "nodes.ask.prompt", "beside each other"),
        ([{**ASK, "user": ""}], "nodes.ask.user", "nothing is asked"),
        ([{**ASK, "model": ""}], "nodes.ask.model", "is missing"),
        ([{**ASK, "output_schema": {"type": 5}}], "nodes.ask.output_schema.type", "JSON Schema"),
        ([{"kind": "wait", "id": "w"}], "nodes.w.for_s", "one of the two"),
        ([{"kind": "for", "id": "f", "each": "[1]"}], "nodes.f.do", "one of the two"),
        (
            [{"kind": "human", "id": "h", "ask": "choose", "subject": "s"}],
            "nodes.h.choices",
            "miss",
        ),
        ([{"kind": "human", "id": "h", "ask": "form", "subject": "s"}], "nodes.h.form", "missing"),
        ([{"kind": "aggregate", "id": "g", "how": "list"}], "nodes.g.of", "one of the two"),
        (
            [{"kind": "aggregate", "id": "g", "how": "list", "of": ["z"]}],
            "nodes.g.of[0]",
            "isn't a node before",
        ),
        (
            [{"kind": "switch", "id": "s", "cases": [{"port": "skipped", "when": "true"}]}],
            "nodes.s",
            "no port is called",
        ),
        (
            [made("a", confidence={"at_least": 0.5, "below": [{"model": "m"}]})],
            "nodes.a.confidence.below[0].model",
            "no model",
        ),
        (
            [{"kind": "for", "id": "f", "each": "[1]", "do": {"nodes": [made("x", "${itm}")]}}],
            "nodes.f.do.nodes.x.value",
            "did you mean `item`",
        ),
    ],
)
def test_what_cant_work_is_told_at_its_place(
    nodes: list[dict[str, Any]], place: str, told: str
) -> None:
    schema = {"type": "object", "properties": {"text": {"type": "string"}}}
    found = problems(*nodes, input=schema, vars={"v": 1})
    assert place in found, found
    assert told in found[place]


def test_all_problems_are_told_at_once() -> None:
    found = problems(
        {**ASK, "model": "", "user": "${q} ${steps.z.output}"},
        made("b", "${1 +}", after=["no"], when="x"),
        outcome={"accepted": "outputs == 1"},
        triggers=[{"name": "t", "kind": "event", "when": "evnt.data"}],
    )
    assert {"nodes.ask.model", "nodes.b.after[0]", "triggers[0].when"} <= set(found)


# ---------------------------------------------------------------------- what has run before

SWITCH = {"kind": "switch", "id": "s", "cases": [{"port": "x", "when": "true"}], "otherwise": "y"}


@pytest.mark.parametrize(
    "nodes",
    [
        [made("a"), made("b"), made("c", "${steps.a.output + steps.b.output}", after=["a", "b"])],
        [SWITCH, made("a", after=["s:x"]), made("b", after=["s:x"]),
         made("c", "${steps.a.output + steps.b.output}", after=["a", "b"])],
        [SWITCH, made("a", after=["s:x"]), made("b", after=["s:y"]),
         made("c", "${steps.s.port}", after=["a", "b"])],
        [SWITCH, made("a", after=["s:x"]), made("b", "${steps.a.output}", when="has(steps.a)",
         after=["a", "s:y"])],
        [made("r"), SWITCH | {"after": ["r"]}, made("a", after=["s:x"]), made("b", after=["s:y"]),
         made("c", "${steps.r.output}", after=["a", "b"], join="any")],
    ],
    ids=["both", "both in a branch", "the switch", "asked by when", "before all"],
)  # fmt: skip
def test_what_is_sure_to_have_run_may_be_read(nodes: list[dict[str, Any]]) -> None:
    assert not problems(*nodes)


@pytest.mark.parametrize(
    "nodes",
    [
        [SWITCH, made("a", after=["s:x"]), made("b", after=["s:y"]),
         made("c", "${steps.a.output}", after=["a", "b"])],
        [made("a"), made("b"), made("c", "${steps.a.output}", after=["a", "b"], join="any")],
        [made("a", when="input.x"), made("b"), made("c", "${steps.a.output}", after=["a", "b"])],
        [made("a", after=["z"]), made("z"), made("e", after=["z:error"]),
         made("c", "${steps.a.output}", after=["a", "e"])],
    ],
    ids=["one branch", "whichever is first", "on a condition", "unless it failed"],
)  # fmt: skip
def test_what_may_not_have_run_wants_to_be_asked_for(nodes: list[dict[str, Any]]) -> None:
    found = problems(*nodes)
    assert list(found) == ["nodes.c.value"]
    assert "has(steps.a)" in found["nodes.c.value"]


def test_bodies_see_what_is_around_them() -> None:
    body = {"nodes": [made("x", "${[item, index, steps.a.output, input.q, vars.v]}")]}
    loop = {"kind": "for", "id": "f", "each": "steps.a.output", "do": body, "after": ["a"]}
    end = made("end", "${steps.f.output[0].q}", after=["f"])
    assert not problems(made("a", "${[1]}"), loop, end, vars={"v": 1})
    assert "nodes.end.value" in problems(
        made("a"), loop, made("end", "${steps.x.port}", after=["f"])
    )


def test_types_go_through_bodies_and_values() -> None:
    body = {"nodes": [made("x", {"name": "a ${item}", "n": 1})]}
    loop = {"kind": "for", "id": "f", "each": "[1]", "do": body}
    assert not problems(loop, made("end", "${steps.f.output[0].name}", after=["f"]))
    found = problems(loop, made("end", "${steps.f.output[0].nam}", after=["f"]))
    assert "known: n, name" in found["nodes.end.value"]


# ---------------------------------------------------------------------- hints and size


def test_what_may_surprise_is_hinted_at() -> None:
    _, hints = checked(
        {"kind": "call", "id": "pay", "tool": "t"},
        {"kind": "agent", "id": "act", "model": "m", "task": "t", "after": ["pay"]},
        {"kind": "human", "id": "look", "subject": "s", "after": ["act"]},
        made("lost"),
        made("end", "${steps.look.output.by}", after=["look:approved"]),
        output="${has(steps.end) ? steps.end.output : null}",
    )
    assert set(hints) == {
        "nodes.pay",
        "nodes.act.cost_usd_max",
        "nodes.act",
        "nodes.look.deadline_s",
        "nodes.lost",
    }


def layered(count: int) -> Definition:
    nodes: list[dict[str, Any]] = [made("n0", "${input.a}")]
    for index in range(1, count):
        before = sorted({max(0, index - back) for back in (1, 2, 3, 7)})
        kind = SWITCH | {"id": f"n{index}"} if index % 10 == 5 else made(f"n{index}")
        after = [f"n{b}:x" if b % 10 == 5 else f"n{b}" for b in before]
        nodes.append(kind | {"after": after})
        if index % 10 != 5:
            nodes[-1]["value"] = f"${{has(steps.n{before[0]}) ? steps.n{before[0]}.port : 'x'}}"
    return msgspec.convert({"nodes": nodes}, Definition)


def test_two_hundred_nodes_are_checked_within_the_blink_of_an_eye() -> None:
    definition = layered(200)
    assert not check_definition(definition).problems
    best = min(_seconds(definition) for _ in range(3))
    assert best < 0.2, "50 ms on an idle machine"


def _seconds(definition: Definition) -> float:
    began = process_time()
    check_definition(definition)
    return process_time() - began
