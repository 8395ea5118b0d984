"""Documents as Converse's blocks: by their bytes, or where they lie in S3."""

import re
from base64 import b64encode
from typing import Any

from legato.core.chat import Document
from legato.core.documents import refused_document

_FORMATS = {
    "application/pdf": "pdf",
    "text/csv": "csv",
    "application/msword": "doc",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.ms-excel": "xls",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "text/html": "html",
    "text/markdown": "md",
}
_UNFIT = re.compile(r"[^A-Za-z0-9()\[\]-]+")
_NAME_CHARS_MAX = 180


class Documents:
    """Writes the documents of one request, each under a name of its own, as Converse wants it."""

    def __init__(self) -> None:
        self._names: set[str] = set()

    def block(self, document: Document, place: str) -> dict[str, Any]:
        """Write a document or a search result. Raises InvalidRequest."""
        cited = {"citations": {"enabled": True}} if document.cites else {}
        if document.source and document.text is not None:
            result: dict[str, Any] = {"source": document.source, "title": document.title}
            return {"searchResult": {**result, "content": [{"text": document.text}], **cited}}
        block = {
            "format": self._format(document, place),
            "name": self._name(document.title),
            "source": _source(document, place),
            **cited,
        }
        if document.context:
            block["context"] = document.context
        return {"document": block}

    def _format(self, document: Document, place: str) -> str:
        known = _FORMATS.get(document.media_type)
        if known is None and document.text is None:
            raise refused_document(
                "takes documents as PDF, CSV, DOC, DOCX, XLS, XLSX, HTML, Markdown or text", place
            )
        return known or "txt"

    def _name(self, title: str) -> str:
        """Return the title in the characters that Converse allows, told apart by a number."""
        plain = _UNFIT.sub(" ", title)[:_NAME_CHARS_MAX].strip() or "document"
        name, number = plain, 1
        while name in self._names:
            number += 1
            name = f"{plain} {number}"
        self._names.add(name)
        return name


def _source(document: Document, place: str) -> dict[str, Any]:
    if document.text is not None:
        return {"bytes": b64encode(document.text.encode()).decode()}
    if document.url is None:
        return {"bytes": document.data or ""}
    if document.url.startswith("s3://"):
        return {"s3Location": {"uri": document.url}}
    raise refused_document("takes documents by their bytes, or by an s3 URL", place)
