r"""Answers that are JSON, or hold some: looked into as whoever decodes them sees them.

`a\u0040b.de` says nothing to a reader of the raw text, and an address to the application that
decodes it. A running text is decoded as far as its escapes are complete.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from msgspec.structs import replace

from legato.core.guarding import Finding
from legato.guardrails.escapes import made_of, spelled
from legato.guardrails.normalize import Normalized
from legato.guardrails.outputs.finder import Finder

_ESCAPE: Final = re.compile(
    r"""\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"""
    r"""|u[0-9a-fA-F]{4}|["\\/bfnrt])"""
)
_CUT: Final = re.compile(
    r"\\(?:u[0-9a-fA-F]{0,3}|u[dD][89abAB][0-9a-fA-F]{2}(?:\\(?:u[0-9a-fA-F]{0,3})?)?)?"
)
"""An escape whose end is yet to come, or the first of a pair."""
_ROUNDS_MAX: Final = 3
"""JSON within a string of JSON within another one: deeper ones nobody reads."""


class Decoded(NamedTuple):
    """A text as its reader decodes it, and where its characters stood."""

    text: str
    steps: tuple[Normalized, ...] = ()

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Return where the characters `start` to `end` stand in the text as it came."""
        for step in reversed(self.steps):
            start, end = step.original(start, end)
        return start, end


def decoded(text: str) -> Decoded:
    """Return a text without escapes, however deep they are."""
    return next(reversed(list(_decodings(text))), Decoded(text))


class DecodingFinder:
    """A Finder that looks into a text as it is, and as it is decoded."""

    def __init__(self, finder: Finder) -> None:
        """Ask `finder` about both."""
        self._finder = finder

    def find(self, text: str) -> Sequence[Finding]:
        """Return what is in either; a stretch that both have is told once."""
        found = self._finder.find(text)
        if "\\" not in text:
            return found
        every = list(found)
        for view in _decodings(text):
            for one in self._finder.find(view.text):
                start, end = view.original(one.start, one.end)
                if not _is_known(every, one.label, start, end):
                    every.append(replace(one, start=start, end=end))
        return sorted(every, key=lambda each: each.start)

    def open_from(self, text: str) -> int:
        """Return where something may have begun, an escape that is cut included."""
        opened = self._finder.open_from(text)
        if "\\" not in text:
            return opened
        complete = _complete(text)
        for view in _decodings(text[:complete]):
            at = self._finder.open_from(view.text)
            if at < len(view.text):
                opened = min(opened, view.original(at, at)[0])
        return min(opened, complete) if complete < len(text) else opened


def _decodings(text: str) -> Iterator[Decoded]:
    """Yield a text decoded once, twice, ...; nothing where it has no escapes."""
    steps: tuple[Normalized, ...] = ()
    for _ in range(_ROUNDS_MAX):
        step = _step(text)
        if step is None:
            return
        steps, text = (*steps, step), step.text
        yield Decoded(text, steps)


def _step(text: str) -> Normalized | None:
    if "\\" not in text:
        return None
    changes = ((one.start(), one.end(), spelled(one[0])) for one in _ESCAPE.finditer(text))
    step = made_of(text, (one for one in changes if one[2]))
    return step if step.begins else None


def _complete(text: str) -> int:
    """Return where a text's last escape begins if its end is yet to come; else its length."""
    tail = max(0, len(text) - 12)
    run = tail
    while run > 0 and text[run - 1] == "\\":  # which of several begins one depends on all of them
        run -= 1
    at = run
    while (at := text.find("\\", at)) >= 0:
        if _CUT.fullmatch(text, at) is not None:
            return at
        match = _ESCAPE.match(text, at)
        at = at + 1 if match is None else match.end()
    return len(text)


def _is_known(found: Sequence[Finding], label: str, start: int, end: int) -> bool:
    return any(one.label == label and one.start <= start and end <= one.end for one in found)
