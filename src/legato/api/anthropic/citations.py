"""What an answer cites, as Anthropic's text blocks have it: each block is cited as a whole."""

from typing import Any

from legato.core.chat import Citation, CitedPlace, Text

_KINDS = {
    "char": ("char_location", "start_char_index", "end_char_index"),
    "page": ("page_location", "start_page_number", "end_page_number"),
    "block": ("content_block_location", "start_block_index", "end_block_index"),
}


def text_blocks(text: Text) -> list[dict[str, Any]]:
    """Return a text as blocks, cut where cited stretches begin and end; those that overlap join.

    What has no span belongs to the last block.
    """
    blocks: list[dict[str, Any]] = []
    at = 0
    for (start, end), cited in _stretches(text):
        if start > at:
            blocks.append(_block(text.text[at:start]))
        blocks.append(_block(text.text[start:end], cited))
        at = end
    if at < len(text.text) or not blocks:
        blocks.append(_block(text.text[at:]))
    for citation in text.citations:
        if citation.span is None:
            blocks[-1].setdefault("citations", []).append(citation_object(citation))
    return blocks


def citation_object(citation: Citation) -> dict[str, Any]:
    """Return one citation.

    A source that is neither a web page nor a numbered document of the request is told as a search
    result; its numbers are 0, since there is no list they could count in.
    """
    place = citation.place
    if place is not None and place.unit in _KINDS:
        return _in_document(citation, place)
    if place is None and citation.url:
        return {
            "type": "web_search_result_location",
            "cited_text": citation.quote,
            "encrypted_index": "",
            "title": citation.title or None,
            "url": citation.url,
        }
    return {
        "type": "search_result_location",
        "cited_text": citation.quote,
        "search_result_index": place.document if place else 0,
        "source": citation.url or citation.document,
        "start_block_index": place.start if place else 0,
        "end_block_index": place.end if place else 0,
        "title": citation.title or None,
    }


def _in_document(citation: Citation, place: CitedPlace) -> dict[str, Any]:
    kind, start, end = _KINDS[place.unit]
    return {
        "type": kind,
        "cited_text": citation.quote,
        "document_index": place.document,
        "document_title": citation.title or None,
        start: place.start,
        end: place.end,
        "file_id": citation.document or None,
    }


def _block(text: str, cited: list[Citation] | None = None) -> dict[str, Any]:
    block: dict[str, Any] = {"type": "text", "text": text}
    if cited:
        block["citations"] = [citation_object(one) for one in cited]
    return block


def _stretches(text: Text) -> list[tuple[tuple[int, int], list[Citation]]]:
    """Return what is cited from where to where, in order; neighbours stay apart."""
    found: list[tuple[tuple[int, int], list[Citation]]] = []
    spans = [(one.span, one) for one in text.citations if one.span is not None]
    for (start, end), citation in sorted(spans, key=lambda pair: pair[0]):
        if found and (start < found[-1][0][1] or (start, end) == found[-1][0]):
            (begun, ended), cited = found.pop()
            found.append(((begun, max(end, ended)), [*cited, citation]))
        else:
            found.append(((start, end), [citation]))
    return found
