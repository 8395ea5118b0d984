"""Workflows to begin with, one for each pattern; they run as they are once their model is named."""

from functools import cache
from importlib.resources import files
from typing import Final, NamedTuple

import msgspec

from legato.core.errors import NotFound
from legato.flow.definition import Definition

MODEL: Final = "default"
"""What the patterns call the model that whoever takes one names."""


class Pattern(NamedTuple):
    """A pattern, without its text."""

    name: str
    title: str
    description: str


@cache
def patterns() -> tuple[Pattern, ...]:
    """Return all, by name."""
    found = ((name, pattern(name)) for name in _names())
    return tuple(Pattern(name, one.title, one.description) for name, one in found)


def pattern(name: str, model: str = MODEL) -> Definition:
    """Return a pattern with its model named.

    Raises:
        NotFound: there is none of this name; it says which there are.
    """
    return msgspec.yaml.decode(pattern_text(name, model), type=Definition)


def pattern_text(name: str, model: str = MODEL) -> str:
    """Return a pattern as it was written, comments included. Raises NotFound."""
    if name not in _names():
        msg = f"there is no pattern {name!r}; there are {', '.join(_names())}"
        raise NotFound(msg, param="pattern")
    text = (files(__name__) / f"{name}.yaml").read_text("utf-8")
    return text.replace(f"model: {MODEL}\n", f"model: {model}\n")


@cache
def _names() -> tuple[str, ...]:
    found = (one.name for one in files(__name__).iterdir())
    return tuple(sorted(name.removesuffix(".yaml") for name in found if name.endswith(".yaml")))
