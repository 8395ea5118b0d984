"""The effective configuration for people: each value with its source, no secret."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from legato.app.config.loaded import LoadedConfig
from legato.app.config.problems import Path, render
from legato.core.config_parts import SecretRef

MASKED = "***"
_CREDENTIALS = re.compile("//.*@")
DEFAULT = "default"
_HEADERS_DEPTH = 3
"""`providers[0].headers.NAME`: such a header may hold a credential written in the file."""


class ShownValue(msgspec.Struct, frozen=True):
    """One value; a secret is shown as the reference that names it."""

    path: str
    value: Any
    source: str


def shown_values(loaded: LoadedConfig) -> list[ShownValue]:
    """Return every value in the order of the types, with where it came from."""
    return [
        ShownValue(render(path), _masked(path, value), _source(path, loaded))
        for path, value in _leaves(loaded.config, ())
        if value is not None
    ]


def _leaves(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, SecretRef):
        named = ((kind, getattr(value, kind)) for kind in value.__struct_fields__)
        yield path, {kind: msgspec.to_builtins(one) for kind, one in named if one is not None}
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from _leaves(getattr(value, name), (*path, name))
    elif isinstance(value, dict) and value:
        for name, item in value.items():
            yield from _leaves(item, (*path, name))
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from _leaves(item, (*path, index))
    else:
        yield path, msgspec.to_builtins(value)


def _masked(path: Path, value: Any) -> Any:
    is_header = path[0] == "providers" and path[2:_HEADERS_DEPTH] == ("headers",) and value != {}
    if path[0] == "providers" and path[2:] == ("proxy",) and isinstance(value, str):
        return _CREDENTIALS.sub(f"//{MASKED}@", value)
    return MASKED if is_header else value


def _source(path: Path, loaded: LoadedConfig) -> str:
    name = render(path)
    forms = ("", ".env", ".file", ".vault", ".hashicorp.path", ".aws_secret.id")
    for suffix in forms:
        if name + suffix in loaded.sources:
            return loaded.sources[name + suffix]
    return DEFAULT
