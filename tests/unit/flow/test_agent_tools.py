"""Agents that other agents use as tools."""

from typing import Any

import msgspec
import pytest

from legato.flow.agent_tools import with_helpers
from legato.flow.checking import check_definition
from legato.flow.definition import Agent, Definition, Graph


def agent(id_: str, *tools: str, **more: Any) -> dict[str, Any]:
    uses = [{"tool": one} for one in tools]
    return {"kind": "agent", "id": id_, "model": "m", "task": "t", "tools": uses, **more}


def read(*nodes: dict[str, Any]) -> Definition:
    return msgspec.convert({"nodes": list(nodes)}, Definition)


def problems(*nodes: dict[str, Any]) -> dict[str, str]:
    return {one.place: one.message for one in check_definition(read(*nodes)).problems}


def test_one_that_is_a_tool_runs_as_a_specialist_and_not_by_itself() -> None:
    lead = agent("lead", "agent:law", "look_up")
    law = agent("law", "statutes", title="Knows the law", system="You know the law.", turns_max=3)
    definition = read(lead, law, {"kind": "set", "id": "s", "after": ["lead"], "value": 1})
    assert check_definition(definition).problems == ()
    graph = with_helpers(Graph(nodes=definition.nodes, output=definition.output))
    assert [one.id for one in graph.nodes] == ["lead", "s"]
    user = graph.nodes[0]
    assert isinstance(user, Agent)
    assert [one.tool for one in user.tools] == ["look_up"]
    (one,) = user.specialists
    assert (one.name, one.description, one.system) == ("law", "Knows the law", "You know the law.")
    assert ([use.tool for use in one.tools], one.turns_max) == (["statutes"], 3)


def test_it_is_found_in_bodies_too() -> None:
    body = {"nodes": [agent("lead", "agent:law"), agent("law")]}
    node = {"kind": "for", "id": "each", "each": "input", "do": body}
    definition = read(node)
    assert check_definition(definition).problems == ()
    graph = with_helpers(Graph(nodes=definition.nodes))
    inner = graph.nodes[0].do  # type: ignore[union-attr]
    assert inner is not None
    assert [one.id for one in inner.nodes] == ["lead"]


@pytest.mark.parametrize(
    ("nodes", "place", "told"),
    [
        ([agent("a", "agent:b"), agent("c")], "nodes.a.tools[0].tool", "agents of this graph: c"),
        ([agent("a", "agent:a")], "nodes.a.tools[0].tool", "its own tool"),
        (
            [agent("a", "agent:b"), agent("b", "agent:c"), agent("c")],
            "nodes.a.tools[0].tool",
            "one level",
        ),
        ([agent("a", "agent:b"), agent("b", plan=True)], "nodes.b.plan", "remove it"),
        (
            [agent("a", "agent:b"), agent("b"), {"kind": "set", "id": "s", "after": ["b"],
             "value": 1}],
            "nodes.s.after[0]",
            "doesn't run by itself",
        ),
        (
            [agent("a", "agent:b"), agent("b"), {"kind": "set", "id": "s", "after": ["a"],
             "value": "${steps.b.output}"}],
            "nodes.s.value",
            "b",
        ),
        (
            [{**agent("a"), "tools": [{"tool": "agent:b", "approval": "always"}]}, agent("b")],
            "nodes.a.tools[0].approval",
            "before its own tools",
        ),
    ],
)  # fmt: skip
def test_what_can_not_be_is_told_with_its_place(
    nodes: list[dict[str, Any]], place: str, told: str
) -> None:
    found = problems(*nodes)
    assert place in found
    assert told in found[place]
