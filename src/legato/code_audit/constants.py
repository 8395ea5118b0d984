"""Texts as code puts them together: of pieces written there, and of names bound elsewhere."""

from typing import NamedTuple

import msgspec

UNKNOWN = "{}"
"""What stands for something that is put in."""


class Piece(NamedTuple):
    """Part of a text: written at a line, or what a name is bound to (then `text` is `{}`)."""

    text: str
    line: int
    name: str = ""


class Bound(NamedTuple):
    """What a name is bound to, once in its file."""

    line: int
    pieces: tuple[Piece, ...]


class Use(NamedTuple):
    """A place that is given a prompt which names something."""

    line: int
    name: str
    pieces: tuple[Piece, ...]


class FileTexts(msgspec.Struct, frozen=True):
    """What one file binds, takes from others, and gives to models.

    `imports` has by name the module as it is written, and the name there ("*" for all of it).
    """

    constants: dict[str, Bound] = {}
    imports: dict[str, tuple[str, str]] = {}
    uses: list[Use] = []


NO_TEXTS = FileTexts()


def bind(constants: dict[str, Bound | None], name: str, bound: Bound | None) -> None:
    """Remember what a name is bound to; one that is bound twice may be either, so neither."""
    constants[name] = None if name in constants else bound


def once(constants: dict[str, Bound | None]) -> dict[str, Bound]:
    """Return the names that are bound once, to a text."""
    return {name: bound for name, bound in constants.items() if bound is not None}
