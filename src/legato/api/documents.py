"""Documents of any caller's dialect in canonical form."""

import binascii
import mimetypes
import re
from base64 import b64decode
from typing import Any
from urllib.parse import urlsplit

from legato.api.body import refuse
from legato.core.chat import Document

_DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+)(?:;[\w=.+-]+)*;base64,(.*)", re.DOTALL)
_PDF = "application/pdf"
_TEXTS = frozenset({"application/json", "application/xml", "application/yaml"})


def is_text(file: Any) -> bool:
    """Whether OpenAI's `file` surely is a text, which any model can read."""
    data = file.get("file_data") if isinstance(file, dict) else None
    return isinstance(data, str) and data.startswith("data:text/")


def read_file(file: Any, place: str) -> Document:
    """Read OpenAI's `file`: its bytes as a data URL, or where they are.

    Raises:
        InvalidRequest: naming the field; a file that the vendor keeps is out of reach.
    """
    if not isinstance(file, dict):
        raise refuse(place, "must be an object")
    name = file.get("filename")
    title = name if isinstance(name, str) else ""
    data, url = file.get("file_data"), file.get("file_url")
    if isinstance(data, str):
        found = _DATA_URL.fullmatch(data)
        if found is None:
            raise refuse(f"{place}.file_data", "must be a base64 data URL with a media type")
        return of_bytes(found[1], found[2], f"{place}.file_data", title=title)
    if isinstance(url, str):
        return at_url(url, title=title)
    if file.get("file_id") is not None:
        raise refuse(
            f"{place}.file_id",
            "files that are kept can't be carried to the provider behind this model; send "
            "file_data",
        )
    raise refuse(f"{place}.file_data", "must be a base64 data URL with a media type")


def of_bytes(media_type: str, data: str, place: str, **more: Any) -> Document:
    """Return a document that was sent as base64; what is text is read here.

    Raises:
        InvalidRequest: naming `place`: it is no base64, or no text in UTF-8.
    """
    kind = media_type.lower()
    if not kind.startswith("text/") and kind not in _TEXTS:
        return Document(media_type=kind, data=data, **more)
    try:
        text = b64decode(data, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise refuse(place, "a text must be UTF-8 in base64") from None
    return Document(media_type=kind, text=text, **more)


def at_url(url: str, **more: Any) -> Document:
    """Return a document that the provider fetches; a path that tells no type is a PDF's."""
    media_type = mimetypes.guess_type(urlsplit(url).path)[0]
    return Document(url=url, media_type=media_type or _PDF, **more)
