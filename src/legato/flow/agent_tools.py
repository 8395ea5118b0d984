"""Agents that other agents of the same graph use as tools: `agent:NODE`.

Such a node doesn't run by itself. What runs is a graph without it, in which whoever names it has
it as a specialist: its words, model, tools and turns, within the limits of who uses it.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from legato.flow.definition import Agent, AnyNode, For, Graph, Repeat, Specialist, ToolUse
from legato.flow.progress import path_of

AGENT_TOOL: Final = "agent:"
_ALONE: Final = ("plan", "memory", "specialists", "output_schema", "stop_when", "after", "when")
"""What an agent that is a tool can't have: it is not its own."""


def helpers_in(nodes: Sequence[AnyNode]) -> frozenset[str]:
    """Return the ids of agents that others use as tools."""
    return frozenset(
        use.tool.removeprefix(AGENT_TOOL)
        for node in nodes
        if isinstance(node, Agent)
        for use in node.tools
        if use.tool.startswith(AGENT_TOOL)
    )


def helper_problems(nodes: Sequence[AnyNode]) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with agents as tools, by the place below the graph."""
    agents = [node for node in nodes if isinstance(node, Agent)]
    by_id, helpers = {node.id: node for node in nodes}, helpers_in(nodes)
    for node in agents:
        yield from _use_problems(node, by_id)
        for name in _ALONE if node.id in helpers else ():
            if getattr(node, name):
                told = f"`{node.id}` is another agent's tool, so this means nothing; remove it"
                yield f"nodes.{node.id}.{name}", told
    for follower in nodes:
        for index, path in enumerate(follower.after):
            if path_of(path)[0] in helpers:
                told = "is an agent that others use as a tool: it doesn't run by itself"
                yield f"nodes.{follower.id}.after[{index}]", f"`{path_of(path)[0]}` {told}"


def _use_problems(node: Agent, by_id: Mapping[str, AnyNode]) -> Iterator[tuple[str, str]]:
    names = {one.name for one in node.specialists}
    for index, use in enumerate(node.tools):
        if not use.tool.startswith(AGENT_TOOL):
            continue
        place, name = f"nodes.{node.id}.tools[{index}]", use.tool.removeprefix(AGENT_TOOL)
        if told := _against(by_id, node, name, taken=name in names):
            yield f"{place}.tool", told
        if use.approval != "by_policy":
            yield f"{place}.approval", "an agent does nothing by itself; ask before its own tools"
    for at, one in enumerate(node.specialists):
        for index, use in enumerate(one.tools):
            if use.tool.startswith(AGENT_TOOL):
                place = f"nodes.{node.id}.specialists[{at}].tools[{index}].tool"
                yield place, "a specialist has no agents as tools; give it to the supervisor"


def _against(by_id: Mapping[str, AnyNode], user: Agent, name: str, *, taken: bool) -> str:
    found = by_id.get(name)
    if not isinstance(found, Agent):
        known = ", ".join(
            one.id for one in by_id.values() if isinstance(one, Agent) and one is not user
        )
        return f"there is no agent `{name}` beside it; agents of this graph: {known or 'none'}"
    if found is user:
        return "an agent isn't its own tool"
    if taken:
        return f"a specialist is called `{name}`, too; keep one of them"
    if any(use.tool.startswith(AGENT_TOOL) for use in found.tools):
        return f"`{name}` has agents as tools itself; only one level is possible"
    return ""


def with_helpers(graph: Graph) -> Graph:
    """Return a graph as it runs, bodies included: agents that are tools are specialists."""
    nodes = tuple(
        msgspec.structs.replace(node, do=with_helpers(node.do))
        if isinstance(node, For | Repeat) and node.do is not None
        else node
        for node in joined_to_users(graph).nodes
    )
    return graph if nodes == graph.nodes else msgspec.structs.replace(graph, nodes=nodes)


def joined_to_users(graph: Graph) -> Graph:
    """Return a graph whose agents that are tools are specialists of who uses them."""
    helpers = helpers_in(graph.nodes)
    by_id = {node.id: node for node in graph.nodes}
    nodes = tuple(_of(node, by_id) for node in graph.nodes if node.id not in helpers)
    return graph if nodes == graph.nodes else msgspec.structs.replace(graph, nodes=nodes)


def _of(node: AnyNode, by_id: Mapping[str, AnyNode]) -> AnyNode:
    if not isinstance(node, Agent):
        return node
    used = [use for use in node.tools if use.tool.startswith(AGENT_TOOL)]
    if not used:
        return node
    joined = [_specialist(by_id[use.tool.removeprefix(AGENT_TOOL)], use) for use in used]
    tools = tuple(use for use in node.tools if use not in used)
    return msgspec.structs.replace(node, tools=tools, specialists=(*node.specialists, *joined))


def _specialist(node: AnyNode, use: ToolUse) -> Specialist:
    assert isinstance(node, Agent)  # noqa: S101 - the definition was checked
    return Specialist(
        name=node.id,
        description=use.description or node.title or node.id,
        model=node.model,
        system=node.system,
        tools=node.tools,
        turns_max=node.turns_max,
    )
