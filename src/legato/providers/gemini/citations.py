"""What Gemini's answers cite, in canonical form: sources it searched, and texts it recites.

Google counts bytes of UTF-8 from the start of a part, and its documents leave open which part in
a stream. A segment brings its own words, though, so that what doesn't match is looked for.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from legato.core.chat import Citation
from legato.core.citations import listed, number, span, table, words

_CHUNKS = ("web", "retrievedContext", "maps", "image")


def read_citations(candidate: dict[str, Any], texts: Sequence[str]) -> Iterator[Citation]:
    """Yield a candidate's citations.

    `texts` has one entry for each of its parts, "" for those that are not text; spans are in all
    of them joined. A source that supports no segment is a citation without a span.
    """
    whole = "".join(texts)
    grounding = table(candidate, "groundingMetadata")
    chunks = listed(grounding, "groundingChunks")
    used = set()
    for support in listed(grounding, "groundingSupports"):
        place = _place(table(support, "segment"), texts, whole)
        for position in support.get("groundingChunkIndices") or ():
            if type(position) is int and 0 <= position < len(chunks):
                used.add(position)
                yield _source(chunks[position], place)
    for position, chunk in enumerate(chunks):
        if position not in used:
            yield _source(chunk, None)
    recited = table(candidate, "citationMetadata")
    for one in listed(recited, "citationSources") or listed(recited, "citations"):
        yield Citation(_place(one, texts, whole), words(one, "uri"), words(one, "title"))


def _source(chunk: dict[str, Any], place: tuple[int, int] | None) -> Citation:
    told = next((table(chunk, kind) for kind in _CHUNKS if chunk.get(kind)), {})
    return Citation(
        span=place,
        url=words(told, "uri", "sourceUri"),
        title=words(told, "title"),
        document=words(told, "documentName", "fileSearchStore"),
        quote=words(told, "text"),
    )


def _place(segment: dict[str, Any], texts: Sequence[str], whole: str) -> tuple[int, int] | None:
    """Return a segment's place in the joined text, None where it is not to be found."""
    said = words(segment, "text")
    in_bytes = span(segment, "startIndex", "endIndex")
    before = "".join(texts[: number(segment, "partIndex")])
    for lead in dict.fromkeys((before, "")):
        place = _in_chars(whole, len(lead), in_bytes)
        if place is not None and said in {"", whole[place[0] : place[1]]}:
            return place
    at = whole.find(said) if said else -1
    return None if at < 0 else (at, at + len(said))


def _in_chars(whole: str, lead: int, in_bytes: tuple[int, int] | None) -> tuple[int, int] | None:
    """Return a range of bytes behind the first `lead` characters as a range of characters."""
    if in_bytes is None:
        return None
    start, end = in_bytes
    coded = whole[lead:].encode()
    if end > len(coded):
        return None
    begun = lead + len(coded[:start].decode(errors="ignore"))
    return begun, begun + len(coded[start:end].decode(errors="ignore"))
