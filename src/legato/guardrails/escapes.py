r"""Texts as whoever decodes them sees them: a model reads `\u004b`, `%4B` and `&#75;` as a K.

Escapes of JSON and programming languages, of URLs and of HTML become what they stand for, also
where one is within another. Every position of the outcome is known in the original.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from html.entities import html5
from typing import Final, NamedTuple

from msgspec.structs import replace

from legato.core.guarding import Finding
from legato.guardrails.normalize import TAGS, Normalized, normalized

_ROUNDS_MAX: Final = 3
"""`%2540`, `\\u0040`, `&amp;#64;`: deeper ones nobody reads."""
_ESCAPE: Final = re.compile(
    r"\\(?:u[0-9a-fA-F]{4}(?:\\u[dD][c-fC-F][0-9a-fA-F]{2})?|u\{[0-9a-fA-F]{1,6}\}"
    r"""|U[0-9a-fA-F]{8}|x[0-9a-fA-F]{2}|["'\\/bfnrt])"""
    r"|(?:%[0-9a-fA-F]{2})+"
    r"|&(?:\#\d{1,7};?|\#[xX][0-9a-fA-F]{1,6};?|[A-Za-z][A-Za-z0-9]{1,31};)"
)
_TAG: Final = re.compile(f"[{TAGS}]+")
_SIGNS: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_PERCENT_CHARS: Final = 3
_LAST: Final = 0x10FFFF
_HIGH, _LOW, _NO_PAIR = 0xD800, 0xDC00, 0xE000
_PLANE: Final = 0x10000
_ASCII: Final = 0x80
_HEADS: Final = ((0xF0, 4), (0xE0, 3), (0xC0, 2))
"""What a first byte of UTF-8 is at least, and of how many bytes its character is."""


class View(NamedTuple):
    """A text made plain and decoded, and where its characters stood."""

    text: str
    steps: tuple[Normalized, ...]

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Return where the characters `start` to `end` of `text` stand in the original."""
        for step in reversed(self.steps):
            start, end = step.original(start, end)
        return start, end


def views(text: str) -> Sequence[View]:
    """Return a text made plain; where it has escapes, what they stand for, made plain, too.

    Tags, which people don't see, are letters in these and left out of one more.
    """
    plain = normalized(text)
    steps: tuple[Normalized, ...] = (plain,)
    found = [View(plain.text, steps)]
    for _ in range(_ROUNDS_MAX):
        step = _decoded(steps[-1].text)
        if step is None:
            break
        steps = (*steps, step, normalized(step.text))
    if len(steps) > 1:
        found.append(View(steps[-1].text, steps))
    if not text.isascii() and _TAG.search(text) is not None:
        seen = made_of(text, ((one.start(), one.end(), "") for one in _TAG.finditer(text)))
        again = normalized(seen.text)
        found.append(View(again.text, (seen, again)))
    return found


def together(plain: list[Finding], decoded: list[Finding]) -> list[Finding]:
    """Put what two views have in order: of two that overlap the longer stays, and holds both."""
    if not decoded or decoded == plain:
        return plain
    found: list[Finding] = []
    for one in sorted((*plain, *decoded), key=lambda each: (each.start, -each.end)):
        if not found or one.start >= found[-1].end:
            found.append(one)
            continue
        last = found[-1]
        longer = one if one.end - one.start > last.end - last.start else last
        found[-1] = replace(longer, start=last.start, end=max(last.end, one.end))
    return found


def _decoded(text: str) -> Normalized | None:
    """Return a text without its escapes; None where it has none."""
    if "\\" not in text and "%" not in text and "&" not in text:
        return None
    step = made_of(text, (one for match in _ESCAPE.finditer(text) for one in _characters(match)))
    return step if step.begins else None


def made_of(text: str, changes: Iterable[tuple[int, int, str]]) -> Normalized:
    """Put one character, or none, in the place of others, from left to right."""
    parts: list[str] = []
    begins: list[int] = []
    shifts: list[int] = []
    taken = made = 0
    for start, end, character in changes:
        parts += (text[taken:start], character)
        made += start - taken + len(character)
        taken = end
        begins.append(made)
        shifts.append(end - made)
    parts.append(text[taken:])
    return Normalized("".join(parts), tuple(begins), tuple(shifts))


def _characters(match: re.Match[str]) -> Iterator[tuple[int, int, str]]:
    """Yield what one escape, or a row of them, stands for, each with its place."""
    text, start, end = match[0], match.start(), match.end()
    if text[0] == "%":
        yield from _of_bytes(text, start)
        return
    character = spelled(text) if text[0] == "\\" else _of_entity(text)
    if character:
        yield start, end, character


def _of_bytes(text: str, start: int) -> Iterator[tuple[int, int, str]]:
    """Yield the characters of a row of bytes; what is no UTF-8 stays as it is."""
    data = bytes.fromhex(text.replace("%", ""))
    at = 0
    while at < len(data):
        size = next((size for least, size in _HEADS if data[at] >= least), 1)
        try:
            character = data[at : at + size].decode()
        except UnicodeDecodeError:
            at += 1
            continue
        yield start + at * _PERCENT_CHARS, start + (at + size) * _PERCENT_CHARS, character
        at += size


def spelled(text: str) -> str:
    """Return the character that an escape with a backslash stands for; "" if none."""
    kind = text[1]
    if kind not in "uUx":
        return _SIGNS.get(kind, kind)
    numbers = [int(one.strip("{}"), 16) for one in re.split(r"\\[uUx]", text)[1:]]
    if len(numbers) > 1:
        high, low = numbers
        if _HIGH <= high < _LOW:
            return chr(_PLANE + ((high - _HIGH) << 10) + (low - _LOW))
        return ""
    return _character(numbers[0])


def _of_entity(text: str) -> str:
    name = text[1:].rstrip(";")
    if name[0] != "#":
        named = html5.get(f"{name};", "")
        return named if len(named) == 1 else ""
    number = name[1:]
    return _character(int(number[1:], 16) if number[0] in "xX" else int(number))


def _character(number: int) -> str:
    return "" if number > _LAST or _HIGH <= number < _NO_PAIR else chr(number)
