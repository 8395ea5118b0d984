"""How much work a JSON Schema may make: references that meet again and again double it each time.

A validator visits what a reference points to whenever it meets one, and nothing can stop it while
it does: forty such doublings take days. So the work is counted before, from above.
"""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote

from legato.core.errors import InvalidRequest

VISITS_MAX: Final = 100_000
_DOWN: Final = frozenset(
    {
        "additionalItems", "additionalProperties", "contains", "items", "patternProperties",
        "prefixItems", "properties", "propertyNames", "unevaluatedItems", "unevaluatedProperties",
    }
)  # fmt: skip
"""What says something of a value's parts, not of the value itself."""
_KEPT: Final = frozenset({"$defs", "definitions"})
"""Visited by reference alone."""
_BY_NAME: Final = frozenset({"dependencies", "dependentSchemas", "patternProperties", "properties"})
"""Their names are no words of a schema."""
_ELSEWHERE: Final = frozenset({"$dynamicRef", "$recursiveRef", "$id"})
_OLD_ID: Final = "draft-04"


def visits(schema: Mapping[str, Any], depth: int) -> int:
    """Return at most how many parts of a schema are visited for one value that nests so deep.

    Counted up to a little above VISITS_MAX, which a reference back to where it stands is.

    Raises:
        InvalidRequest: a reference is no `#/...`, or leads nowhere.
    """
    try:
        return _Count(schema).of(schema, depth)
    except RecursionError:
        return VISITS_MAX + 1


def depth_of(value: Any) -> int:
    """Return how deep a value of JSON nests: 0 for a text."""
    depth, level = 0, [value]
    while True:
        level = [
            inner
            for one in level
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return depth
        depth += 1


class _Count:
    def __init__(self, root: Any) -> None:
        self._root = root
        self._known: dict[tuple[int, int], int] = {}
        self._moving = {*_ELSEWHERE, "id"} if _OLD_ID in str(root.get("$schema")) else _ELSEWHERE

    def of(self, node: Any, depth: int) -> int:
        if depth < 0 or not isinstance(node, dict | list):
            return 0
        place = id(node), depth
        if place not in self._known:
            self._known[place] = VISITS_MAX + 1  # for who comes back here at the same value
            self._known[place] = min(1 + self._inside(node, depth), VISITS_MAX + 1)
        return self._known[place]

    def _inside(self, node: Any, depth: int) -> int:
        if isinstance(node, list):
            return sum(self.of(one, depth) for one in node)
        total = 0
        for name, value in node.items():
            if name == "$ref" and isinstance(value, str):
                total += self.of(self._target(value), depth)
            elif name in self._moving and isinstance(value, str):
                if node is not self._root or name.endswith("Ref"):
                    raise _refused(name, value)
            elif name not in _KEPT:
                below = depth - (name in _DOWN)
                named = name in _BY_NAME and isinstance(value, dict)
                total += sum(self.of(one, below) for one in (value.values() if named else [value]))
        return total

    def _target(self, reference: str) -> Any:
        found, fragment = self._root, reference.removeprefix("#")
        if not reference.startswith("#") or fragment[:1] not in {"", "/"}:
            raise _refused("$ref", reference)
        for step in unquote(fragment).split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            try:
                found = found[int(name)] if isinstance(found, list) else found[name]
            except (KeyError, IndexError, ValueError, TypeError):
                raise _refused("$ref", reference) from None
        return found


def _refused(name: str, value: str) -> InvalidRequest:
    told = f"schema: {name} {value[:80]!r} can't be followed; write it as #/$defs/NAME"
    return InvalidRequest(told, param="schema")
