from typing import Any

import pytest
from tests.unit.workflows.nodes.memory_step import MemoryStep, ScriptedModels

from legato.core.errors import InvalidRequest
from legato.flow.definition import Aggregate
from legato.workflows.nodes.aggregate import AggregateKind

STEPS: dict[str, Any] = {
    "a": {"output": {"label": "x", "n": 1}, "port": "done"},
    "b": {"output": {"label": "y", "n": 2}, "port": "done"},
    "c": {"output": {"label": "x", "n": 3}, "port": "done"},
    "d": {"output": None, "port": "skipped"},
}
OF = ("a", "b", "c", "d")


def step() -> MemoryStep:
    return MemoryStep({"steps": STEPS})


async def test_a_vote_has_the_share_of_its_winner_as_confidence() -> None:
    node = Aggregate(id="v", of=OF, how="vote", by="output.label", agree=0.6)
    outcome = await AggregateKind(ScriptedModels())(node, step())
    assert outcome.output == {"label": "x", "n": 1}
    assert (outcome.port, outcome.confidence) == ("done", pytest.approx(2 / 3))


async def test_a_vote_that_agrees_too_little_ends_at_disagreed() -> None:
    node = Aggregate(id="v", of=OF, how="vote", by="output.label", agree=0.9)
    assert (await AggregateKind(ScriptedModels())(node, step())).port == "disagreed"


async def test_a_judge_is_asked_in_both_orders() -> None:
    models = ScriptedModels('{"reason": "", "best": 2}', '{"reason": "", "best": 2}')
    node = Aggregate(id="b", of=OF, how="best", model="judge")
    outcome = await AggregateKind(models)(node, step())
    assert outcome.output == STEPS["b"]["output"]
    assert (outcome.confidence, outcome.lineage["judge_agreed"]) == (1.0, True)
    split = ScriptedModels('{"reason": "", "best": 1}', '{"reason": "", "best": 1}')
    outcome = await AggregateKind(split)(node, step())
    assert outcome.output == STEPS["a"]["output"]
    assert outcome.confidence == 0.5


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("merge", {"label": "x", "n": 3}),
        ("first", {"label": "x", "n": 1}),
        ("list", [STEPS[one]["output"] for one in "abc"]),
    ],
)
async def test_data_is_put_together(how: Any, expected: Any) -> None:
    node = Aggregate(id="m", of=OF, how=how)
    assert (await AggregateKind(ScriptedModels())(node, step())).output == expected


async def test_values_of_a_loop_stand_for_nodes() -> None:
    node = Aggregate(id="m", values="input.all", how="vote")
    found = await AggregateKind(ScriptedModels())(node, MemoryStep({"input": {"all": [1, 2, 2]}}))
    assert found.output == 2
    with pytest.raises(InvalidRequest, match="list"):
        await AggregateKind(ScriptedModels())(node, MemoryStep({"input": {"all": 1}}))


async def test_nothing_to_aggregate_is_an_error() -> None:
    with pytest.raises(InvalidRequest, match="skipped"):
        await AggregateKind(ScriptedModels())(Aggregate(id="m", of=("d",), how="first"), step())
