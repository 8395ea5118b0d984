"""Mends JSON that is nearly right, and says what it did. What was cut off isn't made up.

Mended: commas after the last element, single quotes, a code fence around it. A text that ends too
early is completed only where that is asked for: its brackets are closed, and an element that was
begun and not finished is left out. A string that was cut stays cut, so the result is never more
than a part of what was meant.
"""

import re
from typing import Any, Final, NamedTuple

import msgspec

FENCE, QUOTES, COMMA, CUT = "fence", "single_quotes", "trailing_comma", "truncated"
CHARACTERS_MAX: Final = 1_000_000
DEPTH_MAX: Final = 200
_FENCE: Final = re.compile(r"\A\s*```[a-zA-Z0-9]*[ \t]*\r?\n(.*?)\r?\n?```\s*\Z", re.DOTALL)
_OPEN_FENCE: Final = re.compile(r"\A\s*```[a-zA-Z0-9]*[ \t]*\r?\n")
_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_SINGLE: Final = re.compile(r"'(?:[^'\\]|\\.)*'", re.DOTALL)
_BARE: Final = re.compile(r"[^\s,:\[\]{}\"']+")
_CLOSING: Final = {"{": "}", "[": "]"}
_decode = msgspec.json.Decoder().decode


class Mended(NamedTuple):
    """JSON, what it says, and what was done to it: nothing where it was right."""

    text: str
    value: Any
    changes: tuple[str, ...] = ()


def unfenced(text: str) -> str | None:
    """Return what a code fence around all of a text holds; None where there is none."""
    found = _FENCE.match(text) if text.lstrip().startswith("```") else None
    return None if found is None else found[1]


def parsed(text: str) -> Mended | None:
    """Return what a text says that is JSON as it stands; None where it isn't."""
    try:
        return Mended(text, _decode(text))
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return None


def mended(text: str, *, complete: bool = False) -> Mended | None:
    """Return what a text says once it is mended; None where that isn't enough.

    `complete` closes what was cut off, and says so.
    """
    right = parsed(text)
    if right is not None or len(text) > CHARACTERS_MAX:
        return right
    changes: list[str] = []
    inside = unfenced(text)
    if inside is None and complete and (opening := _OPEN_FENCE.match(text)):
        inside = text[opening.end() :]
    if inside is not None:
        changes.append(FENCE)
        text = inside
    written = _rewritten(text, changes, complete=complete)
    found = None if written is None else parsed(written)
    if found is None:
        return None
    return Mended(found.text, found.value, tuple(dict.fromkeys(changes)))


def _rewritten(text: str, changes: list[str], *, complete: bool) -> str | None:
    """Return a text of the same tokens, as JSON wants them; None where it can't be."""
    writer = _Writer(changes)
    at = 0
    while at < len(text):
        char = text[at]
        if char.isspace():
            at += 1
            continue
        if char in "\"'":
            match = (_STRING if char == '"' else _SINGLE).match(text, at)
            if match is None:  # it ends within a string
                return writer.completed(_closed(text[at:])) if complete else None
            writer.value(match[0] if char == '"' else _requoted(match[0], changes))
            at = match.end()
        elif char in "{[]},:":
            if not writer.sign(char):
                return None
            at += 1
        else:
            match = _BARE.match(text, at)
            if match is None:
                return None
            if match.end() == len(text) and complete and writer.depth:
                return writer.completed("")  # a number or word that may have been cut
            writer.value(match[0])
            at = match.end()
    if not writer.depth:
        return writer.text
    return writer.completed("") if complete else None


class _Writer:
    """Writes tokens, leaves commas before a closing bracket out, knows what is open."""

    def __init__(self, changes: list[str]) -> None:
        self._parts: list[str] = []
        self._open: list[str] = []
        self._changes = changes

    @property
    def depth(self) -> int:
        """How many brackets are open."""
        return len(self._open)

    @property
    def text(self) -> str:
        """What was written."""
        return "".join(self._parts)

    def value(self, token: str) -> None:
        """Write a string, number or word."""
        self._parts.append(token)

    def sign(self, char: str) -> bool:
        """Write a sign; false where it can't stand here."""
        if char in _CLOSING:
            if len(self._open) >= DEPTH_MAX:
                return False
            self._open.append(char)
        elif char in "]}":
            if not self._open or _CLOSING[self._open.pop()] != char:
                return False
            if self._parts and self._parts[-1] == ",":
                self._parts.pop()
                self._changes.append(COMMA)
        self._parts.append(char)
        return True

    def completed(self, cut: str) -> str:
        """Return all of it with what is open closed; `cut` is a string that was cut, closed."""
        self._changes.append(CUT)
        parts = self._parts
        if cut and self._open and (parts[-1] == ":" or self._open[-1] == "["):
            parts.append(cut)
        elif parts and parts[-1] == ":":  # a name without its value
            del parts[-2:]
        elif self._open and self._open[-1] == "{" and _is_lone_name(parts):
            parts.pop()
        if parts and parts[-1] == ",":
            parts.pop()
        return self.text + "".join(_CLOSING[one] for one in reversed(self._open))


def _is_lone_name(parts: list[str]) -> bool:
    return parts[-1].startswith('"') and len(parts) > 1 and parts[-2] in {"{", ","}


def _closed(text: str) -> str:
    """Return the beginning of a string as a string; an escape that was cut is left out."""
    inside = text[1:]
    if text[0] == "'":
        inside = inside.replace("\\'", "'").replace('"', '\\"')
    escape = re.search(r"\\(?:u[0-9a-fA-F]{0,3})?\Z", inside)
    if escape and not _is_escaped(inside, escape.start()):
        inside = inside[: escape.start()]
    return f'"{inside}"'


def _is_escaped(text: str, at: int) -> bool:
    before = len(text[:at]) - len(text[:at].rstrip("\\"))
    return before % 2 == 1


def _requoted(token: str, changes: list[str]) -> str:
    changes.append(QUOTES)
    inside = token[1:-1].replace("\\'", "'")
    return '"' + re.sub(r'(?<!\\)((?:\\\\)*)"', r'\1\\"', inside) + '"'
