"""What Cohere's answers cite, in canonical form."""

from collections.abc import Iterator
from typing import Any

from legato.core.chat import Citation
from legato.core.citations import listed, moved, number, span, table, words

_IN_TEXT = "TEXT_CONTENT"


def read_citations(wire: dict[str, Any], starts: dict[int, int]) -> Iterator[Citation]:
    """Yield a citation for each source.

    `starts` holds where in the answer's text each block of content begins. Spans of reasoning
    and plans are left open, since they are not in the text. Documents and what tools put out are
    the caller's own: their address and title are read where they have such.
    """
    cited = span(wire, "start", "end") if wire.get("type") in {None, _IN_TEXT} else None
    base = starts.get(number(wire, "content_index"), 0)
    for source in listed(wire, "sources"):
        told = table(source, "document") or table(source, "tool_output")
        citation = Citation(
            cited, words(told, "url"), words(told, "title"), document=words(source, "id")
        )
        yield moved(citation, base)
