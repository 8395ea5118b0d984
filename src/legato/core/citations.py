"""Citations between a text, the parts it is made of and the stream it comes in."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from legato.core.chat import Citation, CitationDelta, Part, Text, TextDelta

_ADDRESSES = ("https://", "http://", "gs://")


def words(told: Mapping[str, Any], *fields: str) -> str:
    """Return the first of the fields that holds text; a citation amiss never spoils an answer."""
    values = (told.get(field) for field in fields)
    return next((value for value in values if value and isinstance(value, str)), "")


def number(told: Mapping[str, Any], field: str) -> int:
    """Return a field that counts; 0 where it doesn't."""
    value = told.get(field)
    return value if type(value) is int and value > 0 else 0


def span(told: Mapping[str, Any], start: str, end: str) -> tuple[int, int] | None:
    """Return the two fields as a span, None where they aren't one."""
    begun, ended = told.get(start) or 0, told.get(end)
    if type(begun) is int and type(ended) is int and 0 <= begun < ended:
        return begun, ended
    return None


def listed(told: Mapping[str, Any], field: str) -> list[dict[str, Any]]:
    """Return the objects in a list."""
    found = told.get(field)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def table(told: Mapping[str, Any], field: str) -> dict[str, Any]:
    """Return an object; an empty one where there is none."""
    found = told.get(field)
    return found if isinstance(found, dict) else {}


def url_or_document(source: str) -> tuple[str, str]:
    """Return a source as the `url` and the `document` of a citation: one of them is empty."""
    return (source, "") if source.startswith(_ADDRESSES) else ("", source)


def moved(citation: Citation, chars: int) -> Citation:
    """Return a citation whose span begins so many characters later."""
    if citation.span is None or not chars:
        return citation
    start, end = citation.span
    return msgspec.structs.replace(citation, span=(start + chars, end + chars))


def of_whole(citations: Iterable[Citation], text: str) -> tuple[Citation, ...]:
    """Return citations of a text as a whole, for dialects that cite by the block."""
    return tuple(msgspec.structs.replace(one, span=(0, len(text))) for one in citations)


def joined(parts: Iterable[Part]) -> Iterator[Citation]:
    """Yield the citations of an answer's texts, their spans in the joined text."""
    chars = 0
    for part in parts:
        if isinstance(part, Text):
            for citation in part.citations:
                yield moved(citation, chars)
            chars += len(part.text)


def placed(parts: Sequence[Part], citations: Iterable[Citation]) -> tuple[Part, ...]:
    """Return the parts with citations of their joined text, each at the text it begins in.

    What has no span goes to the last text, which is added where there is none.
    """
    held: dict[int, list[Citation]] = {}
    texts = [(at, part) for at, part in enumerate(parts) if isinstance(part, Text)]
    for citation in citations:
        position, own = _home(texts, citation)
        held.setdefault(position, []).append(own)
    if not held:
        return tuple(parts)
    given = list(parts) if texts else [*parts, Text("")]
    for position, own_ones in held.items():
        part = given[position]
        if isinstance(part, Text):
            given[position] = msgspec.structs.replace(part, citations=tuple(own_ones))
    return tuple(given)


def _home(texts: Sequence[tuple[int, Text]], citation: Citation) -> tuple[int, Citation]:
    """Return the position of the text a citation begins in, and its span within that text."""
    last = texts[-1][0] if texts else -1
    if citation.span is None:
        return last, citation
    chars, (start, end) = 0, citation.span
    for position, text in texts:
        size = len(text.text)
        if start < chars + size:
            own = (start - chars, min(end - chars, size))
            return position, msgspec.structs.replace(citation, span=own)
        chars += size
    return last, msgspec.structs.replace(citation, span=None)


class CitedBlocks:
    """The texts of a stream whose citations belong to a block as a whole.

    They may come before the text does: they are told when the block ends.
    """

    def __init__(self) -> None:
        self._chars = 0
        self._begun: dict[int, tuple[int, int]] = {}  # index -> number of the text, its start
        self._waiting: dict[int, list[Citation]] = {}

    def text(self, index: int, text: str) -> TextDelta:
        """Add text to the block of this index."""
        number, _ = self._begun.setdefault(index, (len(self._begun), self._chars))
        self._chars += len(text)
        return TextDelta(text, block=number)

    def cite(self, index: int, citation: Citation) -> None:
        """Keep a citation until the block ends."""
        self._waiting.setdefault(index, []).append(citation)

    def end(self, index: int) -> list[CitationDelta]:
        """Return the citations of a block that has ended."""
        waiting = self._waiting.pop(index, ())
        whole = (self._begun[index][1], self._chars) if index in self._begun else None
        return [CitationDelta(msgspec.structs.replace(one, span=whole)) for one in waiting]

    def end_all(self) -> list[CitationDelta]:
        """Return the citations of blocks whose end was never told."""
        return [event for index in list(self._waiting) for event in self.end(index)]
