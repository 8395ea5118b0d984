"""Whether two answers to one question say the same, by measures that cost nothing.

Certain only where the words are the same. What differs in words is for a judge, or counts as
different.
"""

import re
from typing import Any, Final

import msgspec

_decode = msgspec.json.Decoder().decode
_MARKS: Final = re.compile(r"\*\*|__|`|^#+\s|^>\s|^\s*[-•*]\s+", re.MULTILINE)
_BETWEEN: Final = re.compile(
    '[.,;:!?]+(?=\\s|$)|["\u201c\u201d\u2018\u2019]|\\s[\u2013\u2014-]\\s|\\s+'
)
"""Punctuation at the end of words only: a sign before a number, or a point in it, matters."""
_NOTHING: Final[Any] = object()


def says_the_same(one: str, other: str) -> bool:
    """Compare as JSON where both are, else word by word, whatever case, marks and spaces."""
    if one == other:
        return True
    first, second = _parsed(one), _parsed(other)
    if first is not _NOTHING and second is not _NOTHING:
        return bool(first == second)
    return normalised(one) == normalised(other)


def normalised(text: str) -> str:
    """Return a text's words, in small letters, without marks and punctuation."""
    return " ".join(_BETWEEN.sub(" ", _MARKS.sub(" ", text)).split()).casefold()


def _parsed(text: str) -> Any:
    stripped = text.strip()
    if not stripped.startswith(("{", "[")):
        return _NOTHING
    try:
        return _decode(stripped)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return _NOTHING
