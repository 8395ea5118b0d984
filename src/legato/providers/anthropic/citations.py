"""What Anthropic's texts cite, in canonical form."""

from collections.abc import Iterator
from typing import Any

from legato.core.chat import Citation, CitedPlace
from legato.core.citations import listed, number, url_or_document, words

_UNITS = {
    "char_location": ("char", "document_index", "start_char_index", "end_char_index"),
    "page_location": ("page", "document_index", "start_page_number", "end_page_number"),
    "content_block_location": ("block", "document_index", "start_block_index", "end_block_index"),
    "search_result_location": (
        *("result", "search_result_index", "start_block_index", "end_block_index"),
    ),
}


def read_citations(block: dict[str, Any]) -> Iterator[Citation]:
    """Yield what a text cites; the span is the block's to know."""
    return map(read_citation, listed(block, "citations"))


def read_citation(wire: dict[str, Any]) -> Citation:
    """Translate one. `encrypted_index`, of use to Anthropic alone, has no canonical form."""
    url, document = url_or_document(words(wire, "url", "source", "file_id"))
    return Citation(
        url=url,
        title=words(wire, "title", "document_title"),
        document=document,
        quote=words(wire, "cited_text"),
        place=_place(wire),
    )


def _place(wire: dict[str, Any]) -> CitedPlace | None:
    fields = _UNITS.get(words(wire, "type"))
    if fields is None:
        return None
    unit, *counts = fields
    document, start, end = (number(wire, field) for field in counts)
    return CitedPlace(unit, document, start, end)
