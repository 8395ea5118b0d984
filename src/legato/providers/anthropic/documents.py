"""Documents as Anthropic's blocks: PDF or text, by their bytes or by URL."""

from typing import Any

from legato.core.chat import Document
from legato.core.documents import refused_document

_PDF = "application/pdf"


def document_block(document: Document, place: str) -> dict[str, Any]:
    """Write a document or a search result. Raises InvalidRequest for what is neither."""
    said: dict[str, Any] = {"citations": {"enabled": True}} if document.cites else {}
    if document.cache_control is not None:
        said["cache_control"] = document.cache_control
    if document.title:
        said["title"] = document.title
    if document.source and document.text is not None:
        content = [{"type": "text", "text": document.text}]
        return {
            "type": "search_result",
            "source": document.source,
            "title": "",
            "content": content,
            **said,
        }
    if document.context:
        said["context"] = document.context
    return {"type": "document", "source": _source(document, place), **said}


def _source(document: Document, place: str) -> dict[str, Any]:
    if document.text is not None:
        return {"type": "text", "media_type": "text/plain", "data": document.text}
    if document.media_type != _PDF:
        raise refused_document("takes documents as PDF or text", place)
    if document.url is not None:
        return {"type": "url", "url": document.url}
    return {"type": "base64", "media_type": _PDF, "data": document.data or ""}
