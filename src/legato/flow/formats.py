"""A definition as JSON, as YAML and as a picture; JSON and YAML hold all of it."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec
import yaml

from legato.flow.definition import DONE, AnyNode, Definition, Position
from legato.flow.kinds import bodies_of, ports_of
from legato.flow.progress import Plan, path_of

COLUMN: Final = 260.0
ROW: Final = 140.0
"""How far apart nodes are put that have no place on the canvas, in its units."""
_LABEL_MAX: Final = 60


def plain(definition: Definition) -> dict[str, Any]:
    """Return a definition as plain data, without its defaults."""
    made: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(definition))
    return made


def as_json(definition: Definition) -> str:
    """Return a definition as JSON, for the canvas and for programs."""
    return msgspec.json.format(msgspec.json.encode(definition), indent=2).decode() + "\n"


def as_yaml(definition: Definition) -> str:
    """Return a definition as YAML, for people: long texts as blocks."""
    return yaml.dump(
        plain(definition), Dumper=_Blocks, allow_unicode=True, sort_keys=False, width=100
    )


class _Blocks(yaml.SafeDumper):
    pass


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Blocks.add_representer(str, _text)


def laid_out(definition: Definition) -> Definition:
    """Return the definition with a place for each node that has none.

    Columns by the longest path to a node, rows in the definition's order. Those that have a place
    keep it; bodies are laid out for themselves. Raises InvalidRequest: paths form a circle.
    """
    return msgspec.structs.replace(definition, nodes=_placed(definition.nodes))


def _placed(nodes: Sequence[AnyNode]) -> tuple[AnyNode, ...]:
    column = _columns(nodes)
    rows: dict[int, int] = {}
    placed = []
    for node in nodes:
        at = column[node.id]
        row = rows.get(at, 0)
        rows[at] = row + 1
        changes: dict[str, Any] = {}
        if node.at is None:
            changes["at"] = Position(x=at * COLUMN, y=row * ROW)
        for body, _ in bodies_of(node):
            changes["do"] = msgspec.structs.replace(body, nodes=_placed(body.nodes))
        placed.append(msgspec.structs.replace(node, **changes))
    return tuple(placed)


def _columns(nodes: Sequence[AnyNode]) -> dict[str, int]:
    plan = Plan.of(nodes)
    column: dict[int, int] = {}
    for node in plan.order():
        column[node] = 1 + max((column[source] for source, _ in plan.into[node]), default=-1)
    return {plan.ids[node]: at for node, at in column.items()}


def as_mermaid(definition: Definition) -> str:
    """Return a definition as a flow chart that Mermaid draws; bodies as frames."""
    return "\n".join(("flowchart LR", *_drawn(definition.nodes, "    "))) + "\n"


def _drawn(nodes: Sequence[AnyNode], indent: str) -> Iterator[str]:
    for node in nodes:
        bodies = list(bodies_of(node))
        if bodies:
            yield f'{indent}subgraph {_key(node.id)}["{_label(node)}"]'
            for body, _ in bodies:
                yield from _drawn(body.nodes, f"{indent}    ")
            yield f"{indent}end"
        else:
            opening, closing = ("{", "}") if len(ports_of(node)) > len("de") else ("[", "]")
            yield f'{indent}{_key(node.id)}{opening}"{_label(node)}"{closing}'
    for node in nodes:
        for path in node.after:
            source, port = path_of(path)
            arrow = "-->" if port == DONE else f"-->|{port}|"
            yield f"{indent}{_key(source)} {arrow} {_key(node.id)}"


def _key(node_id: str) -> str:
    """Return a name that Mermaid doesn't take for a word of its own, such as `end`."""
    return f"n_{node_id}"


def _label(node: AnyNode) -> str:
    title = node.title or node.id
    plain_title = "".join(" " if letter in '"<>\n' else letter for letter in title)
    return f"{plain_title[:_LABEL_MAX]}<br>{node.__struct_config__.tag}"
