"""Cuts a text into the tokens that the names tagger labels."""

import re
from collections.abc import Sequence

import msgspec

_MARKS = (
    "\u0300-\u036f\u064b-\u0652\u0900-\u0903\u093a-\u094f\u0980-\u0983\u09bc-\u09cd"
    "\u0b82-\u0bcd\u0e31-\u0e4e"
)
"""What is written over or under letters, and no letter to Python."""
_IDEOGRAPHS = "\u3005\u3040-\u30ff\u3400-\u9fff"
_LETTERS = rf"(?:[^\W\d_{_IDEOGRAPHS}]|[{_MARKS}])+"
# Every repetition that can fail is bounded, so that a long run of one character stays linear.
_TOKEN = re.compile(
    rf"https?://[^\s<>\"']{{1,2000}}"
    rf"|[\w.+%-]{{1,64}}@[\w-]{{1,64}}(?:\.[\w-]{{1,64}}){{0,8}}"
    rf"|(?=[^\W_{_IDEOGRAPHS}]*\d)(?=\d*[^\W\d_{_IDEOGRAPHS}])[^\W_{_IDEOGRAPHS}]+"
    rf"|{_LETTERS}(?:[-'\u2019](?![sS]\b){_LETTERS})*"
    rf"|\d+|[{_IDEOGRAPHS}]|\n|[^\s]"
)
SEQUENCE_TOKENS_MAX = 400
"""Longer texts are tagged in stretches of as many tokens, so that memory stays bounded."""


class Token(msgspec.Struct, frozen=True, gc=False):
    """A word, a number, a sign, or the end of a line."""

    text: str
    start: int
    end: int
    """The first character behind it, as `start` in code points of the text."""
    glued: bool
    """No white space before it."""


def tokens_of(text: str) -> list[Token]:
    """Return the tokens of a text in order. White space other than line ends is left out."""
    found: list[Token] = []
    behind = -1
    for match in _TOKEN.finditer(text):
        start, end = match.span()
        found.append(Token(match[0], start, end, start == behind))
        behind = end
    return found


def stretches(tokens: Sequence[Token], most: int = SEQUENCE_TOKENS_MAX) -> list[Sequence[Token]]:
    """Cut tokens into stretches that are tagged one by one: at a line's end where there is one."""
    parts: list[Sequence[Token]] = []
    begin = 0
    while len(tokens) - begin > most:
        cut = begin + most
        for at in range(cut, begin + most // 2, -1):
            if tokens[at - 1].text == "\n":
                cut = at
                break
        parts.append(tokens[begin:cut])
        begin = cut
    parts.append(tokens[begin:])
    return parts
