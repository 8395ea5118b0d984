"""Rendering of compiled templates: values go in as they are and are never read as templates."""

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any, NamedTuple

import msgspec

from legato.core.errors import InvalidRequest

RENDERED_CHARS_MAX = 2_000_000
STEPS_MAX = 100_000
"""Items of sections, each with the tags within it: what one rendering may take in time."""

Path = tuple[str, ...]
"""The names of a dotted name; none for `{{.}}`."""

_encode = msgspec.json.Encoder().encode


class Section(NamedTuple):
    """Rendered for each item of a list, once for another value; inverted: if there is nothing."""

    path: Path
    inverted: bool
    body: "Body"


class Body(NamedTuple):
    """A template, or what a section holds: its pieces, empty where something goes in."""

    pieces: list[str]
    gaps: tuple[tuple[int, Path | Section], ...]
    chars: int


def body_of(nodes: Iterable[str | Path | Section]) -> Body:
    """Return texts, variables and sections as a body; neighbouring texts become one."""
    pieces: list[str] = []
    gaps: list[tuple[int, Path | Section]] = []
    for is_text, run in groupby(nodes, key=lambda node: isinstance(node, str)):
        if is_text:
            pieces.append("".join(run))  # type: ignore[arg-type]
        else:
            for node in run:
                gaps.append((len(pieces), node))  # type: ignore[arg-type]
                pieces.append("")
    return Body(pieces, tuple(gaps), sum(map(len, pieces)))


class Allowance:
    """What rendering may still use: one for all templates of a prompt."""

    __slots__ = ("chars", "steps")

    def __init__(self, chars: int = RENDERED_CHARS_MAX, steps: int = STEPS_MAX) -> None:
        self.chars = chars
        self.steps = steps


def render(body: Body, values: Mapping[str, Any], allowance: Allowance) -> str:
    """Render a template; a name without a value renders to nothing.

    Raises:
        InvalidRequest: the values are more than `allowance` permits.
    """
    text = _rendered(body, [values], allowance)
    allowance.chars -= len(text)
    return text


def _rendered(body: Body, scopes: list[Any], allowance: Allowance) -> str:
    pieces = body.pieces.copy()
    left = allowance.chars - body.chars
    scope = scopes[-1]
    for index, node in body.gaps:
        if type(node) is tuple:
            if len(node) == 1 and type(scope) is dict and node[0] in scope:
                value = scope[node[0]]
            else:
                value = _found(node, scopes)  # type: ignore[arg-type]
            piece = value if type(value) is str else _written(value)
        else:
            piece = _section(node, scopes, allowance)  # type: ignore[arg-type]
        pieces[index] = piece
        left -= len(piece)
        if left < 0:
            break
    if left < 0:
        msg = "metadata.variables: the prompt gets too long with these; send less"
        raise InvalidRequest(msg, param="metadata.variables")
    return "".join(pieces)


def _section(section: Section, scopes: list[Any], allowance: Allowance) -> str:
    body = section.body
    value = _found(section.path, scopes)
    if section.inverted:
        return "" if value else _rendered(body, scopes, allowance)
    if not value:
        return ""
    pieces = []
    left, steps = allowance.chars, len(body.gaps) + 1
    for item in value if type(value) is list else (value,):
        allowance.steps -= steps
        if left < 0 or allowance.steps < 0:
            msg = "metadata.variables: the lists are too long for this prompt; send fewer items"
            raise InvalidRequest(msg, param="metadata.variables")
        scopes.append(item)
        piece = _rendered(body, scopes, allowance)
        scopes.pop()
        pieces.append(piece)
        left -= len(piece)
    return "".join(pieces)


def _found(path: Path, scopes: list[Any]) -> Any:
    """Return a value: the first name from the innermost scope that has it, the others below."""
    if not path:
        return scopes[-1]
    first = path[0]
    for scope in reversed(scopes):
        if type(scope) is dict and first in scope:
            value = scope[first]
            for name in path[1:]:
                value = value.get(name) if type(value) is dict else None
            return value
    return None


def _written(value: Any) -> str:
    """Write what is no text as JSON; nothing as nothing."""
    return "" if value is None else _encode(value).decode()
