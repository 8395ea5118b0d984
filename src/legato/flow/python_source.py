"""Writes a definition as Python that makes the same one when it runs."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from legato.flow.definition import Definition, Part

_WIDTH: Final = 100
_INDENT: Final = "    "


def python_source(definition: Definition) -> str:
    """Return a module whose `definition` equals this one, formatted as ruff would."""
    body = _written(definition, 0, len("definition = "))
    names = ", ".join(sorted(_kinds(definition)))
    imported = f"from legato.flow.definition import {names}"
    if len(imported) > _WIDTH:
        lines = "".join(f"{_INDENT}{name},\n" for name in sorted(_kinds(definition)))
        imported = f"from legato.flow.definition import (\n{lines})"
    title = definition.title or "A workflow."
    head = title.replace("\\", " ").replace('"', "'").splitlines()[0]
    return f'"""{head}"""\n\n{imported}\n\ndefinition = {body}\n'


def _kinds(value: Any) -> set[str]:
    found: set[str] = set()
    if isinstance(value, Part):
        found.add(type(value).__name__)
        for _, inner in _given(value):
            found |= _kinds(inner)
    elif isinstance(value, tuple | list):
        for inner in value:
            found |= _kinds(inner)
    return found


def _given(part: Part) -> list[tuple[str, Any]]:
    """Return the fields that differ from their defaults, as the type orders them."""
    found = []
    for field in msgspec.structs.fields(type(part)):
        value = getattr(part, field.name)
        if field.default is not msgspec.NODEFAULT:
            default = field.default
        elif field.default_factory is not msgspec.NODEFAULT:
            default = field.default_factory()
        else:
            default = msgspec.NODEFAULT
        if type(value) is not type(default) or value != default:
            found.append((field.name, value))
    return found


def _written(value: Any, level: int, before: int) -> str:
    """Return an expression; on one line where what stands before it leaves room."""
    inline = _inline(value)
    if len(inline) + before + len(_INDENT) * level < _WIDTH and "\n" not in inline:
        return inline
    pieces: list[str] = []
    inner = level + 1
    if isinstance(value, Part):
        opening, closing = f"{type(value).__name__}(", ")"
        for name, one in _given(value):
            pieces.append(f"{name}={_written(one, inner, len(name) + 2)}")
    elif isinstance(value, Mapping):
        opening, closing = "{", "}"
        for key, one in value.items():
            pieces.append(f"{key!r}: {_written(one, inner, len(repr(key)) + 3)}")
    elif isinstance(value, tuple | list):
        opening, closing = ("(", ")") if isinstance(value, tuple) else ("[", "]")
        pieces += [_written(one, inner, 1) for one in value]
    else:
        return inline
    if not pieces:
        return inline
    lines = "".join(f"{_INDENT * inner}{piece},\n" for piece in pieces)
    return f"{opening}\n{lines}{_INDENT * level}{closing}"


def _inline(value: Any) -> str:
    if isinstance(value, Part):
        fields = ", ".join(f"{name}={_inline(one)}" for name, one in _given(value))
        return f"{type(value).__name__}({fields})"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key!r}: {_inline(one)}" for key, one in value.items()) + "}"
    if isinstance(value, tuple):
        inner = ", ".join(map(_inline, value))
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if isinstance(value, list):
        return "[" + ", ".join(map(_inline, value)) + "]"
    return repr(value)
