"""Checking a tree against the configuration types, reporting every problem.

msgspec stops at the first one; an operator wants all of them, with their places. What passes
here converts: the types in `core.config` stay the only description of the configuration.
"""

import re
from typing import Any, Final

import msgspec
from msgspec import inspect

from legato.app.config.problems import Path, Problem, suggestion
from legato.app.config.tree import Node, Value

_MONEY_PATTERN: Final = r"^[0-9]+(\.[0-9]+)?$"
_WORDS: Final = {
    dict: "a mapping",
    list: "a list",
    str: "text",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    type(None): "nothing",
}


def check_types(tree: Node, wanted: type[Any]) -> list[Problem]:
    """Check a tree, turning numbers written as money into their exact text in place."""
    checker = _Checker()
    checker.check(tree, inspect.type_info(wanted), ())
    return checker.problems


class _Checker:
    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def check(self, node: Node, wanted: inspect.Type, path: Path) -> None:
        while isinstance(wanted, inspect.Metadata):
            wanted = wanted.type
        match wanted:
            case inspect.UnionType():
                self._union(node, wanted, path)
            case inspect.StructType():
                self._struct(node, wanted, path)
            case inspect.ListType():
                self._list(node, wanted, path)
            case inspect.DictType():
                self._dict(node, wanted, path)
            case inspect.StrType():
                self._text(node, wanted, path)
            case inspect.IntType() | inspect.FloatType():
                self._number(node, wanted, path)
            case inspect.BoolType():
                self._boolean(node, path)
            case inspect.LiteralType() | inspect.EnumType():
                self._choice(node, wanted, path)
            case _:  # Any: the provider kind checks its own settings
                pass

    def _union(self, node: Node, wanted: inspect.UnionType, path: Path) -> None:
        if node.value is None and wanted.includes_none:
            return
        others = [one for one in wanted.types if not isinstance(one, inspect.NoneType)]
        self.check(node, others[0], path)

    def _struct(self, node: Node, wanted: inspect.StructType, path: Path) -> None:
        mapping = self._mapping(node, path)
        if mapping is None:
            return
        fields = {field.encode_name: field for field in wanted.fields}
        for name, below in mapping.items():
            if name in fields:
                self.check(below, fields[name].type, (*path, name))
            else:
                remedy = suggestion(name, list(fields))
                place = below.key_place or below.place
                self.problems.append(Problem((*path, name), place, "unknown key", remedy))
        for name, field in fields.items():
            if field.required and name not in mapping:
                self._add((*path, name), node, "missing", f"Add `{name}:` here.")

    def _list(self, node: Node, wanted: inspect.ListType, path: Path) -> None:
        if not isinstance(node.value, list):
            self._wrong_type(node, path, "a list", "Write it as `[a, b]` or with `- ` lines.")
            return
        if wanted.min_length and len(node.value) < wanted.min_length:
            self._add(path, node, "an empty list", "Name at least one.")
        for index, below in enumerate(node.value):
            self.check(below, wanted.item_type, (*path, index))

    def _dict(self, node: Node, wanted: inspect.DictType, path: Path) -> None:
        for name, below in (self._mapping(node, path) or {}).items():
            self.check(below, wanted.value_type, (*path, name))

    def _mapping(self, node: Node, path: Path) -> dict[str, Node] | None:
        if isinstance(node.value, dict):
            return node.value
        self._wrong_type(node, path, "a mapping", "Write it as `{name: value}`.")
        return None

    def _text(self, node: Node, wanted: inspect.StrType, path: Path) -> None:
        money = wanted.pattern == _MONEY_PATTERN
        if money and isinstance(node.value, int | float) and not isinstance(node.value, bool):
            node.value = node.text  # the digits as written: no float ever holds money
        if not isinstance(node.value, str):
            self._wrong_type(node, path, "text", "Write it in quotes.")
        elif wanted.pattern and not re.search(wanted.pattern, node.value):
            if money:
                message, remedy = "not an amount of dollars", 'Write plain digits, as in "0.15".'
            else:
                message = "not a usable name"
                remedy = "Letters, digits and . _ : / - only, a letter or digit first, <= 128."
            self._add(path, node, f"`{_shown(node.value)}` is {message}", remedy)

    def _number(self, node: Node, wanted: inspect.IntType | inspect.FloatType, path: Path) -> None:
        value = node.value
        whole = isinstance(wanted, inspect.IntType)
        if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
            word = _WORDS[int] if whole else _WORDS[float]
            self._wrong_type(node, path, word, "Write it without quotes or a unit.")
            return
        for failed, sign, bound in (
            (wanted.gt is not None and not value > wanted.gt, ">", wanted.gt),
            (wanted.ge is not None and not value >= wanted.ge, ">=", wanted.ge),
            (wanted.lt is not None and not value < wanted.lt, "<", wanted.lt),
            (wanted.le is not None and not value <= wanted.le, "<=", wanted.le),
        ):
            if failed:
                self._add(path, node, f"{value} is out of range", f"Give a number {sign} {bound}.")

    def _boolean(self, node: Node, path: Path) -> None:
        if not isinstance(node.value, bool):
            self._wrong_type(node, path, "true or false", "Write it without quotes.")

    def _choice(
        self, node: Node, wanted: inspect.LiteralType | inspect.EnumType, path: Path
    ) -> None:
        if isinstance(wanted, inspect.LiteralType):
            known = [str(value) for value in wanted.values]
        else:
            known = [str(member.value) for member in wanted.cls]
        if node.value not in known:
            shown = _shown(node.value)
            self._add(path, node, f"`{shown}` is not a choice", suggestion(shown, known))

    def _wrong_type(self, node: Node, path: Path, wanted: str, remedy: str) -> None:
        found = _WORDS[type(node.value)]
        self._add(path, node, f"expected {wanted}, found {found}", remedy)

    def _add(self, path: Path, node: Node, message: str, remedy: str) -> None:
        self.problems.append(Problem(path, node.place, message, remedy))


def _shown(value: Value) -> str:
    text = str(value)
    return text if len(text) <= 40 else text[:40] + "…"  # noqa: PLR2004 - enough to recognise it


def convert(tree: Node, wanted: type[msgspec.Struct]) -> Any:
    """Turn a checked tree into the typed configuration."""
    return msgspec.convert(tree.plain(), wanted)
