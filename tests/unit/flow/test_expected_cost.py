"""What a run will cost before it runs."""

from typing import Any

import msgspec
import pytest

from legato.flow.definition import Definition
from legato.flow.expected_cost import Beliefs, Observed, Range, Sources, expected_cost


def definition(*nodes: dict[str, Any]) -> Definition:
    return msgspec.convert({"nodes": nodes}, Definition)


def priced(model: str, tokens_in: Range, tokens_out: Range) -> Range | None:
    """A nano-dollar a token in, ten a token out; one model has no price."""
    return None if model == "unknown" else tokens_in.plus(tokens_out.times(Range(10, 10, 10)))


def expected(*nodes: dict[str, Any], **more: Any) -> Any:
    return expected_cost(definition(*nodes), Sources(priced=priced, **more))


ASK = {"kind": "prompt", "id": "ask", "model": "m", "user": "x" * 400, "max_tokens": 100}


def test_a_prompt_is_one_call_of_its_texts_length() -> None:
    found = expected(ASK)
    assert found.calls == Range(1, 1, 1)
    (node,) = found.nodes
    assert node.input_tokens == Range(100, 100, 100)
    assert node.output_tokens == Range(20, 100, 100)
    assert found.cost_nano_usd == Range(300, 1_100, 1_100)
    assert node.basis == "estimate"


def test_an_agent_of_five_turns_costs_up_to_five_calls_each_with_all_before_it() -> None:
    act = {"kind": "agent", "id": "act", "model": "m", "task": "x" * 400, "turns_max": 5}
    found = expected(act, beliefs=Beliefs(answer_tokens=Range(10, 10, 10)))
    assert found.calls == Range(1, 3, 5)
    assert found.nodes[0].input_tokens == Range(100, 3 * 100 + 3 * 10, 5 * 100 + 10 * 10)
    assert found.nodes[0].output_tokens == Range(10, 30, 50)


def test_loops_multiply_and_branches_divide() -> None:
    sort = {"kind": "classify", "id": "sort", "model": "m", "text": "t",
            "choices": [{"port": "a"}, {"port": "b"}]}  # fmt: skip
    loop = {"kind": "for", "id": "all", "each": "[1, 2, 3]", "after": ["sort:a"],
            "do": {"nodes": [ASK]}}  # fmt: skip
    unknown = {"kind": "for", "id": "some", "each": "input.list", "after": ["sort:b"],
               "do": {"nodes": [ASK | {"id": "say"}]}}  # fmt: skip
    found = expected(sort, loop, unknown)
    calls = {node.node: node.calls for node in found.nodes}
    assert calls["all.ask"] == Range(0, 1.5, 3)
    assert calls["some.say"] == Range(0, 5, 100)
    assert any("`items`" in told for told in found.assumptions)


def test_repeats_and_retries_raise_the_high_figure() -> None:
    again = {"kind": "repeat", "id": "again", "times_max": 4, "until": "true",
             "do": {"nodes": [ASK | {"retry": {"attempts_max": 3}}]}}  # fmt: skip
    assert expected(again).calls == Range(1, 2, 12)


def test_what_ran_before_is_believed_more_than_beliefs() -> None:
    seen = Observed(
        runs=20,
        calls=Range(1, 1.2, 2),
        input_tokens=Range(10, 20, 30),
        output_tokens=Range(1, 2, 3),
    )
    found = expected(ASK, history={"ask": seen})
    assert found.nodes[0].basis == "history"
    assert found.calls == Range(1, 1.2, 2)
    assert found.cost_nano_usd == Range(20, 40, 60)
    assert found.assumptions == ("nodes that ran before go on as in their last 20 runs",)


def test_workflows_within_are_followed_and_what_isnt_known_is_named() -> None:
    inner = definition(ASK | {"model": "unknown"})
    sub = {"kind": "workflow", "id": "sub", "workflow": "inner@2"}
    gone = {"kind": "workflow", "id": "gone", "workflow": "gone"}
    found = expected(sub, gone, workflow={"inner@2": inner}.get)
    assert [node.node for node in found.nodes] == ["sub.ask"]
    assert found.unpriced == ("unknown", "workflow gone")
    assert found.cost_nano_usd == Range(0, 0, 0)


def test_a_workflow_that_calls_itself_comes_to_an_end() -> None:
    itself = definition(ASK, {"kind": "workflow", "id": "again", "workflow": "me"})
    found = expected_cost(itself, Sources(priced=priced, workflow=lambda _: itself))
    assert found.calls.high == pytest.approx(9)
