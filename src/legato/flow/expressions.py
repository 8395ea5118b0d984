"""Texts with `${ expressions }` in them, compiled once and worked out for each run.

    compile_expression("input.total > 100").holds(values)
    compile_template({"to": "${ input.mail }", "text": "Dear ${input.name}"}).value(values)

`values` maps names to plain data: `input`, `steps`, `run`, `vars`, in loops `item`, `index`,
`last`. Its mappings may load what they hold when it is asked for. `steps` has an entry for each
node that ran, so `has(steps.a)` asks whether node `a` did.

A text that is one expression and nothing else has the expression's value with its type. In others
texts are put in as they are, and all else as JSON. `$${` stands for `${` itself.

Working out is bounded (`cel/bound.py`: operations, bytes made), needs no thread or process to be
stopped, and comes to the same everywhere. It may take a second or two: on an event loop give it
`Bound.quick()`, which some milliseconds use up, and where that is too little (`TooCostly`) do it
in a thread.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final

import msgspec

from legato.flow.cel.bound import Bound, ExpressionFailed, TooCostly
from legato.flow.cel.functions import kind_of, time_text
from legato.flow.cel.reading import end_of, read
from legato.flow.cel.references import Path, Reference, guards_of, references_of
from legato.flow.cel.running import Scope, compiled
from legato.flow.cel.syntax import (
    Binary,
    Call,
    ExpressionInvalid,
    ListOf,
    Loop,
    MapOf,
    Tree,
    parts_of,
)

__all__ = [
    "Bound",
    "Expression",
    "ExpressionFailed",
    "ExpressionInvalid",
    "Path",
    "Reference",
    "Template",
    "TemplateInvalid",
    "TooCostly",
    "compile_expression",
    "compile_template",
    "literal",
    "text_in",
]
_CACHED: Final = 4_096
_OPENING: Final = "${"
_ESCAPED: Final = "$${"
_DEPTH_MAX: Final = 64
_NOTHING: Final = Bound(0)
"""For what has no expression in it."""


class Expression:
    """One expression, compiled."""

    __slots__ = ("_makes", "_work", "loops", "references", "source", "tree")

    def __init__(self, source: str) -> None:
        self.source: Final = source
        self.tree: Final = read(source)
        self.references: Final = references_of(self.tree)
        """What it reads."""
        self.loops: Final = _has(self.tree, Loop)
        self._makes = _has(self.tree, (Loop, ListOf, MapOf, Binary, Call))
        self._work = compiled(self.tree)

    def guards(self, *, holds: bool = True) -> frozenset[Path]:
        """Return the paths that are there if it is true (or false), as `has(...)` asks for them."""
        return guards_of(self.tree, holds=holds)

    def value(self, values: Mapping[str, Any], bound: Bound | None = None) -> Any:
        """Return its value as plain data; times are RFC 3339 texts, durations seconds.

        Raises:
            ExpressionFailed: the values don't fit, or it costs too much (`TooCostly`).
        """
        bound = bound or Bound()
        try:
            found = self._work(Scope(values, bound))
            return _plain(found, bound) if self._makes else found
        except RecursionError:
            msg = "what it compares is nested too deep"
            raise ExpressionFailed(msg) from None

    def holds(self, values: Mapping[str, Any], bound: Bound | None = None) -> bool:
        """Return its value, which must be true or false. Raises ExpressionFailed."""
        found = self.value(values, bound)
        if isinstance(found, bool):
            return found
        msg = f"a condition is true or false, not a {kind_of(found)}"
        raise ExpressionFailed(msg)


class Template:
    """Plain data, its texts compiled; what has no expression in it costs nothing."""

    __slots__ = ("_make", "expressions")

    def __init__(self, data: Any) -> None:
        found: list[tuple[str, Expression]] = []
        self._make = _made(data, "", found, _DEPTH_MAX)
        self.expressions: Final = tuple(found)
        """Each with its place below the data, such as `.to[0]`."""

    @property
    def loops(self) -> bool:
        """Whether one of its expressions does."""
        return any(expression.loops for _, expression in self.expressions)

    def value(self, values: Mapping[str, Any], bound: Bound | None = None) -> Any:
        """Return the data with its expressions worked out: all of them within one bound.

        Raises:
            ExpressionFailed: one fails; the message begins with its place, if it has one.
        """
        return self._make(values, bound or Bound())


class TemplateInvalid(ExpressionInvalid):
    """Expressions in plain data that can't be read: all of them, with their places."""

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        super().__init__(
            "; ".join(f"{place}: {told}" if place else told for place, told in problems)
        )
        self.problems: Final = tuple(problems)


@lru_cache(maxsize=_CACHED)
def compile_expression(source: str) -> Expression:
    """Return a compiled expression, written without `${}`. Raises ExpressionInvalid."""
    return Expression(source)


def compile_template(data: Any) -> Template:
    """Return compiled plain data.

    Raises:
        TemplateInvalid: with the places of all texts that can't be read.
    """
    problems: list[tuple[str, str]] = []
    for place, text in _texts(data, ""):
        try:
            list(_pieces(text))
        except ExpressionInvalid as error:
            problems.append((place, error.message))
    if problems:
        raise TemplateInvalid(problems)
    return Template(data)


def literal(text: str) -> str:
    """Return a text so that a template has it as it stands."""
    return text.replace(_OPENING, _ESCAPED)


def _has(tree: Tree, kinds: Any) -> bool:
    return isinstance(tree, kinds) or any(_has(part, kinds) for part in parts_of(tree))


Make = Callable[[Mapping[str, Any], Bound], Any]


def _texts(data: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(data, str):
        yield place, data
    elif isinstance(data, dict):
        for name, inner in data.items():
            yield from _texts(inner, f"{place}.{name}")
    elif isinstance(data, list | tuple):
        for index, inner in enumerate(data):
            yield from _texts(inner, f"{place}[{index}]")


def _made(data: Any, place: str, found: list[tuple[str, Expression]], levels: int) -> Make:
    if not levels:
        msg = f"is nested more than {_DEPTH_MAX} levels deep"
        raise ExpressionInvalid(msg)
    before = len(found)
    if isinstance(data, str):
        return _made_text(data, place, found)
    if isinstance(data, dict):
        inner = {
            name: _made(value, f"{place}.{name}", found, levels - 1) for name, value in data.items()
        }
        if len(found) > before:
            return lambda values, bound: {name: make(values, bound) for name, make in inner.items()}
        still = {name: make({}, _NOTHING) for name, make in inner.items()}
        return lambda *_: still
    if isinstance(data, list | tuple):
        items = [
            _made(value, f"{place}[{index}]", found, levels - 1) for index, value in enumerate(data)
        ]
        if len(found) > before:
            return lambda values, bound: [make(values, bound) for make in items]
        fixed = [make({}, _NOTHING) for make in items]
        return lambda *_: fixed
    return lambda *_: data


def _made_text(text: str, place: str, found: list[tuple[str, Expression]]) -> Make:
    pieces = list(_pieces(text))
    found += [(place, piece) for piece in pieces if isinstance(piece, Expression)]
    if not any(isinstance(piece, Expression) for piece in pieces):
        plain = "".join(map(str, pieces))
        return lambda *_: plain

    def value(piece: Expression, values: Mapping[str, Any], bound: Bound) -> Any:
        try:
            return piece.value(values, bound)
        except ExpressionFailed as error:
            at = f"{place.lstrip('.')}: " if place else ""
            msg = f"{at}`{piece.source.strip()[:200]}`: {error.message}"
            raise type(error)(msg, param=place.lstrip(".") or None) from None

    if len(pieces) == 1 and isinstance(only := pieces[0], Expression):
        return lambda values, bound: value(only, values, bound)
    return lambda values, bound: _joined(
        (
            piece if isinstance(piece, str) else text_in(value(piece, values, bound))
            for piece in pieces
        ),
        bound,
    )


def _joined(texts: Iterator[str], bound: Bound) -> str:
    found = []
    for text in texts:
        bound.weigh(len(text))
        found.append(text)
    return "".join(found)


def text_in(value: Any) -> str:
    """Return a value as it stands within a text: texts as they are, all else as JSON."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


@lru_cache(maxsize=_CACHED)
def _pieces(text: str) -> tuple[str | Expression, ...]:
    """Return a text's plain parts and its expressions, in order."""
    pieces: list[str | Expression] = []
    at = 0
    while (opening := text.find(_OPENING, at)) >= 0:
        if opening > at and text[opening - 1] == "$":
            pieces.append(text[at : opening - 1] + _OPENING)
            at = opening + len(_OPENING)
            continue
        begin = opening + len(_OPENING)
        end = end_of(text, begin)
        if end is None:
            msg = "an expression opened by ${ isn't closed by }; write $${ for ${ itself"
            raise ExpressionInvalid(msg)
        pieces += [text[at:opening]] if opening > at else []
        pieces.append(compile_expression(text[begin:end]))
        at = end + 1
    return (*pieces, text[at:]) if at < len(text) else tuple(pieces)


def _plain(value: Any, bound: Bound) -> Any:
    """Return plain data, its size counted."""
    match value:
        case str():
            bound.weigh(len(value))
            return value
        case Mapping():
            bound.weigh()
            return {name: _plain(inner, bound) for name, inner in value.items()}
        case list() | tuple():
            bound.weigh()
            return [_plain(inner, bound) for inner in value]
        case datetime():
            return time_text(value)
        case timedelta():
            return value.total_seconds()
    bound.weigh()
    return value
