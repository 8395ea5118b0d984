"""The tags of an answer, by which it can be purged from the cache, and the documents it came from.

A document is named with what tells its versions apart: `4711@3fa9c1`. It is a tag like others, so
that a purge finds it; an answer from one version isn't given to who asks with another.
"""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from legato.core.errors import InvalidRequest
from legato.core.semantic_records import DOCUMENT

if TYPE_CHECKING:
    from legato.gateway.context import Call

TAGS_MAX: Final = 20
TAG_CHARS_MAX: Final = 64
DOCUMENT_CHARS_MAX: Final = 128
_TAGS_HEADER: Final = b"x-legato-cache-tags"
_DOCUMENTS_HEADER: Final = b"x-legato-documents"
_FIELD: Final = "documents"
_SAFE: Final = re.compile(r"[A-Za-z0-9._:/@+=~#-]+")


def tags_of(call: "Call") -> tuple[str, ...]:
    """Read tags and documents. Raises InvalidRequest naming header or field."""
    header = call.source.header(_TAGS_HEADER)
    if header is None:
        return documents_of(call)
    named = _TAGS_HEADER.decode()
    return (*_listed(header.decode("latin-1"), named, TAG_CHARS_MAX), *documents_of(call))


def documents_of(call: "Call") -> tuple[str, ...]:
    """Read the documents that a request came with, as tags. Raises InvalidRequest."""
    told: Any
    header = call.source.header(_DOCUMENTS_HEADER)
    if header is not None:
        named, told = _DOCUMENTS_HEADER.decode(), header.decode("latin-1")
    else:
        metadata: Any = call.body.get("metadata")
        if not isinstance(metadata, Mapping) or _FIELD not in metadata:
            return ()
        named, told = f"metadata.{_FIELD}", metadata[_FIELD]
    if isinstance(told, list) and all(isinstance(one, str) for one in told):
        told = ",".join(told)
    if not isinstance(told, str):
        msg = f"{named}: a text, documents separated by commas, as in `4711@3fa9c1, 4712`"
        raise InvalidRequest(msg, param=named)
    return tuple(DOCUMENT + one for one in _listed(told, named, DOCUMENT_CHARS_MAX))


def in_conflict(earlier: tuple[str, ...], asked: tuple[str, ...]) -> str:
    """Return which document an earlier answer has in another version, "" where none."""
    versions = dict(_versions(asked))
    for name, version in _versions(earlier):
        now = versions.get(name)
        if now is not None and now != version:
            return f"{name}@{version}" if version else name
    return ""


def _versions(tags: tuple[str, ...]) -> list[tuple[str, str]]:
    found = []
    for tag in tags:
        if tag.startswith(DOCUMENT):
            name, _, version = tag.removeprefix(DOCUMENT).partition("@")
            found.append((name, version))
    return found


def _listed(told: str, named: str, chars_max: int) -> tuple[str, ...]:
    found = tuple(one for part in told.split(",") if (one := part.strip()))
    if len(found) > TAGS_MAX or any(
        len(one) > chars_max or _SAFE.fullmatch(one) is None for one in found
    ):
        msg = (
            f"{named}: at most {TAGS_MAX}, separated by commas, of at most {chars_max} ASCII "
            "letters, digits and signs of ._:/@+=~#- each"
        )
        raise InvalidRequest(msg, param=named)
    return found
