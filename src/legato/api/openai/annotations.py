"""What an answer cites, as OpenAI's chat and responses have it.

Both have a form for sources with an address. For others chat has none: they stand in `citations`,
a field beside it that no client trips over. `content` is a source's own words, where the provider
quotes them, as OpenRouter has it.
"""

from typing import Any

from legato.core.chat import Citation


def chat_fields(citations: list[Citation], text_chars: int) -> dict[str, Any]:
    """Return the fields of a message or a delta for citations in its text of so many characters."""
    linked = [
        {"type": "url_citation", "url_citation": _linked(one, text_chars)}
        for one in citations
        if one.url
    ]
    others = [_unlinked(one, text_chars) for one in citations if not one.url]
    fields = {"annotations": linked, "citations": others}
    return {name: found for name, found in fields.items() if found}


def output_annotation(citation: Citation, text_chars: int) -> dict[str, Any]:
    """Return an annotation of a response's text of so many characters."""
    if citation.url:
        return {"type": "url_citation", **_linked(citation, text_chars)}
    return {
        "type": "file_citation",
        "file_id": citation.document,
        "filename": citation.title or citation.document,
        "index": _span(citation, text_chars)[1],
        **_content(citation),
    }


def _linked(citation: Citation, text_chars: int) -> dict[str, Any]:
    start, end = _span(citation, text_chars)
    return {
        "start_index": start,
        "end_index": end,
        "url": citation.url,
        "title": citation.title or citation.url,
        **_content(citation),
    }


def _unlinked(citation: Citation, text_chars: int) -> dict[str, Any]:
    start, end = _span(citation, text_chars)
    return {
        "start_index": start,
        "end_index": end,
        "document": citation.document,
        "title": citation.title,
        **_content(citation),
    }


def _span(citation: Citation, text_chars: int) -> tuple[int, int]:
    """An unknown span is nothing at the end of the text: clients put their marks there."""
    return citation.span or (text_chars, text_chars)


def _content(citation: Citation) -> dict[str, str]:
    return {"content": citation.quote} if citation.quote else {}
