"""What one family of detectors says of a text, before all of it is put in order."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple, Protocol

_JOINS: Final = tuple(
    chr(byte).isascii() and (chr(byte).isalnum() or chr(byte) == "_") for byte in range(256)
)
DIGITS: Final = r"\d(?:[ ./()\t\r\n_+|-]{0,3}\d){5}"
"""The gate of all that looks at rows of digits: shared, it is one."""


class Span(NamedTuple):
    """A place in the bytes of a plain text. `rank` decides where two overlap: the greater wins."""

    start: int
    end: int
    label: str
    detector: str
    rank: int = 0
    score: float = 1.0


class Text:
    """A plain text as the detectors see it: UTF-8, with looks to either side of a place."""

    def __init__(self, text: str) -> None:
        # A lone surrogate becomes one byte, which `characters` counts as one character again.
        self.data: Final = text.encode("utf-8", "replace")
        self._ascii: Final = self.data.isascii()

    def part(self, start: int, end: int) -> str:
        """Return the text of a place."""
        return self.data[start:end].decode("utf-8", "replace")

    def before(self, start: int, count: int = 48) -> str:
        """Return up to `count` bytes before a place, in small letters."""
        return self.data[max(0, start - count) : start].decode("utf-8", "ignore").lower()

    def leading(self, start: int, count: int = 64) -> bytes:
        """Return up to `count` bytes before a place as they are."""
        return self.data[max(0, start - count) : start]

    def after(self, end: int, count: int = 24) -> str:
        """Return up to `count` bytes behind a place, in small letters."""
        return self.data[end : end + count].decode("utf-8", "ignore").lower()

    def apart(self, start: int, end: int, joining: bytes = b"_") -> bool:
        """Whether a place is no part of a longer word.

        `joining` are marks that, with a letter or digit on their far side, would make it one.
        """
        data = self.data
        if start and _JOINS[data[start - 1]]:
            return False
        if end < len(data) and _JOINS[data[end]]:
            return False
        if start > 1 and data[start - 1] in joining and _JOINS[data[start - 2]]:
            return False
        return not (end + 1 < len(data) and data[end] in joining and _JOINS[data[end + 1]])

    def characters(self, spans: Sequence[Span]) -> list[tuple[int, int]]:
        """Return the places of ascending spans in characters instead of bytes."""
        if self._ascii:
            return [(span.start, span.end) for span in spans]
        places = []
        at = count = 0
        for span in spans:
            start = count + len(self.data[at : span.start].decode("utf-8"))
            end = start + len(self.data[span.start : span.end].decode("utf-8"))
            places.append((start, end))
            at, count = span.end, end
        return places


class Family(Protocol):
    """Detectors that share a look of the text."""

    @property
    def gate(self) -> str:
        """A pattern of RE2: where it isn't found, nothing of the family is."""
        ...

    @property
    def labels(self) -> frozenset[str]:
        """What it may find."""
        ...

    def find(self, text: Text) -> Iterable[Span]:
        """Return what it finds, in any order; spans may overlap."""
        ...


def settled(spans: Iterable[Span]) -> list[Span]:
    """Return spans of which no two overlap, ascending: of two, the one of greater rank stays."""
    found = sorted(spans, key=lambda one: (-one.rank, one.start - one.end, one.start))
    taken = bytearray(max((span.end for span in found), default=0))
    kept: list[Span] = []
    for span in found:
        if taken.find(1, span.start, span.end) < 0:
            taken[span.start : span.end] = b"\1" * (span.end - span.start)
            kept.append(span)
    return sorted(kept, key=lambda one: one.start)
