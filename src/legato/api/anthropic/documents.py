"""Anthropic's documents and search results in canonical form."""

from typing import Any

from legato.api.body import refuse
from legato.api.documents import at_url, of_bytes
from legato.core.chat import Document

DOCUMENTS = frozenset({"document", "search_result"})


def read_document(block: dict[str, Any], place: str) -> Document:
    """Read a block of one of these kinds. Raises InvalidRequest naming the field."""
    citations, hint = block.get("citations"), block.get("cache_control")
    more: dict[str, Any] = {
        "title": _text(block, "title"),
        "cites": isinstance(citations, dict) and citations.get("enabled") is True,
        "cache_control": hint if isinstance(hint, dict) else None,
    }
    if block["type"] == "search_result":
        text = _texts(block.get("content"), f"{place}.content")
        return Document(text=text, source=_text(block, "source"), **more)
    return _sent(
        block.get("source"), f"{place}.source", {"context": _text(block, "context"), **more}
    )


def _sent(source: Any, place: str, more: dict[str, Any]) -> Document:
    if not isinstance(source, dict):
        raise refuse(place, "must be an object")
    kind = source.get("type")
    if kind == "text":
        return Document(media_type="text/plain", text=_required(source, "data", place), **more)
    if kind == "content":
        text = _texts(source.get("content"), f"{place}.content")
        return Document(media_type="text/plain", text=text, **more)
    if kind == "url":
        return at_url(_required(source, "url", place), **more)
    if kind == "base64":
        media_type = _required(source, "media_type", place)
        return of_bytes(media_type, _required(source, "data", place), f"{place}.data", **more)
    raise refuse(
        f"{place}.type",
        "must be base64, text, content or url: files that are kept can't be carried to the "
        "provider behind this model",
    )


def _texts(content: Any, place: str) -> str:
    """Return the text of blocks, which stand apart in it."""
    if isinstance(content, str):
        return content
    texts = []
    for index, block in enumerate(content if isinstance(content, list) else [None]):
        if not isinstance(block, dict) or not isinstance(block.get("text"), str):
            raise refuse(f"{place}.{index}", "must be a text block here")
        texts.append(block["text"])
    return "\n\n".join(texts)


def _text(block: dict[str, Any], field: str) -> str:
    value = block.get(field)
    return value if isinstance(value, str) else ""


def _required(source: dict[str, Any], field: str, place: str) -> str:
    value = source.get(field)
    if not isinstance(value, str):
        raise refuse(f"{place}.{field}", "must be a string")
    return value
