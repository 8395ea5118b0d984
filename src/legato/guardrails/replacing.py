"""Puts other texts into a body, where pointers of `pieces` say. What was given isn't changed."""

import json
from collections.abc import Mapping
from typing import Any, Final

_ROOT: Final = 1
Tree = dict[str, Any]


def pointer_token(name: str) -> str:
    """Return how a pointer names a field: as in RFC 6901, and `#` as `~2`."""
    if "~" in name or "/" in name or "#" in name:
        return name.replace("~", "~0").replace("/", "~1").replace("#", "~2")
    return name


def replaced(body: dict[str, Any], texts: Mapping[str, str]) -> dict[str, Any]:
    """Return a body with other texts at some pointers; all else is shared with the one given.

    A pointer ending in `#` renames a field, all others name fields as they were before. Below a
    text that is JSON a pointer changes what the text says.

    Raises:
        KeyError, IndexError: there is nothing at a pointer.
    """
    if not texts:
        return body
    tree: Tree = {}
    for pointer, text in texts.items():
        node = tree
        *way, last = pointer.split("/")[_ROOT:]
        for token in way:
            node = node.setdefault(token, {})
            if type(node) is str:
                msg = f"{pointer}: it is inside of a text that is replaced as a whole"
                raise KeyError(msg)
        if type(node.get(last)) is dict:
            msg = f"{pointer}: texts inside of it are replaced, too"
            raise KeyError(msg)
        node[last] = text
    changed: dict[str, Any] = _changed(body, tree)
    return changed


def _changed(value: Any, tree: Tree | str) -> Any:
    if isinstance(tree, str):
        return tree
    if type(value) is str:
        return json.dumps(_changed(json.loads(value), tree), ensure_ascii=False)
    if type(value) is list:
        items = list(value)
        for token, inner in tree.items():
            items[int(token)] = _changed(items[int(token)], inner)
        return items
    return _changed_table(value, tree)


def _changed_table(table: dict[str, Any], tree: Tree) -> dict[str, Any]:
    found: dict[str, Any] = {}
    seen = 0
    for name, value in table.items():
        token = pointer_token(name)
        inner = tree.get(token)
        renamed = tree.get(f"{token}#")
        seen += (inner is not None) + (renamed is not None)
        found[name if renamed is None else renamed] = (
            value if inner is None else _changed(value, inner)
        )
    if seen != len(tree):
        msg = "a pointer names a field that isn't there"
        raise KeyError(msg)
    return found
