"""Puts values back into a text that comes in pieces.

What may be the beginning of something that stands for a value is held back: never more than one
of them is long. Nothing that stands for a value is part of another, so what is complete can go on
at once, and the result doesn't depend on how the text was cut. What the end cuts off stays as it
is: nothing is guessed.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from legato.core.guarding import BREAK

if TYPE_CHECKING:
    from legato.guardrails.redaction.redaction import Redaction


class Restorer:
    """A `TextFilter` for one text of an answer."""

    __slots__ = ("_escapes", "_held", "_redaction", "_seen", "_tail")

    def __init__(self, redaction: "Redaction", *, escapes: bool = False) -> None:
        """Write values as they stand within a string of JSON where the text is JSON."""
        self._redaction = redaction
        self._escapes = escapes
        self._held = ""
        self._tail = ""
        self._seen = 0  # tags in the text that are no part of what was put back

    def feed(self, text: str) -> str:
        """Return what may go on."""
        if BREAK in text:  # nothing that stands for a value goes over the end of a block
            return BREAK.join(self._blocks(text.split(BREAK)))
        if not text:
            return ""
        redaction = self._redaction
        if redaction.tags:
            self._count(text)
        text = self._held + text
        parts: list[str] = []
        end = 0
        for found in redaction.index.found_in(text):
            parts += (text[end : found.start], self._written(redaction.values[found.text]))
            end = found.end
            redaction.restored += 1
            self._seen -= redaction.is_placeholder(found.text)
        cut = self._cut(text, end)
        self._held = text[cut:]
        parts.append(text[end:cut])
        return "".join(parts)

    def end(self) -> str:
        """Return what was held back: it has become nothing."""
        rest, self._held = self._held, ""
        self._redaction.unknown += max(0, self._seen)
        self._seen = 0
        return rest

    def _blocks(self, texts: list[str]) -> Iterator[str]:
        for text in texts[:-1]:
            told = self.feed(text)
            rest, self._held = self._held, ""
            yield told + rest
        yield self.feed(texts[-1])

    def _cut(self, text: str, end: int) -> int:
        """Return from where a text is held back; what is before `end` is done with."""
        index, size = self._redaction.index, len(text)
        for start in range(max(end, size - index.longest), size):
            if text[start] in index.firsts and index.begins(text[start:]):
                return start
        return size

    def _written(self, value: str) -> str:
        return msgspec.json.encode(value).decode()[1:-1] if self._escapes else value

    def _count(self, text: str) -> None:
        """Count tags, those cut in two, too."""
        seen = self._tail + text
        longest = 0
        for tag in self._redaction.tags:
            mark = f"_{tag}_"
            self._seen += seen.count(mark)
            longest = len(mark) - 1
        self._tail = seen[-longest:]
