"""What Converse's texts cite, in canonical form."""

from collections.abc import Iterator
from typing import Any

from legato.core.chat import Citation, CitedPlace
from legato.core.citations import listed, number, table, url_or_document, words

_UNITS = {
    "documentChar": ("char", "documentIndex"),
    "documentPage": ("page", "documentIndex"),
    "documentChunk": ("block", "documentIndex"),
    "searchResultLocation": ("result", "searchResultIndex"),
}


def read_citations(block: dict[str, Any]) -> Iterator[Citation]:
    """Yield what a text cites; the span is the block's to know."""
    return map(read_citation, listed(block, "citations"))


def read_citation(wire: dict[str, Any]) -> Citation:
    """Translate one."""
    location = table(wire, "location")
    source = words(table(location, "web"), "url") or words(wire, "source")
    url, document = url_or_document(source)
    return Citation(
        url=url,
        title=words(wire, "title"),
        document=document,
        quote="".join(words(one, "text") for one in listed(wire, "sourceContent")),
        place=_place(location),
    )


def _place(location: dict[str, Any]) -> CitedPlace | None:
    for kind, (unit, document) in _UNITS.items():
        if kind in location:
            found = table(location, kind)
            counts = (number(found, field) for field in (document, "start", "end"))
            return CitedPlace(unit, *counts)
    return None
