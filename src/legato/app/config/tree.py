"""The configuration before it is typed: values that remember where they were written."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from legato.app.config.problems import Path

Value = dict[str, "Node"] | list["Node"] | str | int | float | bool | None


@dataclass(slots=True)
class Node:
    """One value and its place. `text` is a scalar as written: `0.10` stays `0.10`.

    `key_place` is where the key of a mapping's value stands.
    """

    value: Value
    place: str
    text: str = ""
    key_place: str = ""

    def plain(self) -> Any:
        """Return the value without its places."""
        if isinstance(self.value, dict):
            return {name: node.plain() for name, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value

    def child(self, step: str | int) -> "Node | None":
        """Return what stands at a name or an index, None for nothing."""
        if isinstance(self.value, dict) and isinstance(step, str):
            return self.value.get(step)
        if isinstance(self.value, list) and isinstance(step, int):
            return self.value[step] if step < len(self.value) else None
        return None

    def place_of(self, path: Path) -> str:
        """Return the place of a path, or of its nearest ancestor that was written down."""
        node = self
        for step in path:
            below = node.child(step)
            if below is None:
                break
            node = below
        return node.place

    def leaves(self, path: Path = ()) -> Iterator[tuple[Path, "Node"]]:
        """Yield every scalar and every empty collection with its path."""
        if isinstance(self.value, dict) and self.value:
            for name, node in self.value.items():
                yield from node.leaves((*path, name))
        elif isinstance(self.value, list) and self.value:
            for index, node in enumerate(self.value):
                yield from node.leaves((*path, index))
        else:
            yield path, self


def put(tree: Node, path: Path, node: Node) -> bool:
    """Set a value in place, making the mappings on the way; a list may grow by one at its end.

    Returns whether the path can exist: False where it runs through a scalar or past a list's end.
    """
    at = tree
    for step in path[:-1]:
        below = at.child(step)
        if below is None or below.value is None:
            below = Node({}, node.place)
            if not _set(at, step, below):
                return False
        at = below
    return _set(at, path[-1], node)


def _set(parent: Node, step: str | int, node: Node) -> bool:
    if isinstance(parent.value, dict) and isinstance(step, str):
        parent.value[step] = node
        return True
    if isinstance(parent.value, list) and isinstance(step, int) and step <= len(parent.value):
        parent.value[step : step + 1] = [node]
        return True
    return False
