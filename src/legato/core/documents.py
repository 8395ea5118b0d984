"""Documents of a conversation in front of dialects that have none, or only some."""

from collections.abc import Iterable, Iterator
from xml.sax.saxutils import quoteattr

from msgspec.structs import replace

from legato.core.chat import Document, Message, Part, Text, ToolResult
from legato.core.errors import InvalidRequest

_ATTRIBUTES = ("title", "source", "context")


def as_texts(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """Return the turns with each document that is a text told as one, between `document` tags."""
    if not any(_documents(message.parts) for message in messages):
        return messages
    return tuple(replace(one, parts=tuple(map(_as_text, one.parts))) for one in messages)


def refuse_citing(messages: Iterable[Message]) -> None:
    """Refuse documents that the answer shall cite. Raises InvalidRequest."""
    for position, message in enumerate(messages):
        if any(document.cites for document in _documents(message.parts)):
            raise InvalidRequest(
                "citations: the provider behind this model can't cite documents; leave it out, or "
                "set drop_unsupported on the route",
                param=f"messages.{position}",
            )


def refused_document(reason: str, place: str) -> InvalidRequest:
    """Return the error for a document that a dialect has no place for."""
    return InvalidRequest(f"the provider behind this model {reason}", param=place)


def _documents(parts: Iterable[Part]) -> list[Document]:
    return list(_found(parts))


def _found(parts: Iterable[Part]) -> Iterator[Document]:
    for part in parts:
        if isinstance(part, Document):
            yield part
        elif isinstance(part, ToolResult):
            yield from _found(part.content)


def _as_text(part: Part) -> Part:
    if isinstance(part, ToolResult):
        content = tuple(_told(one) if isinstance(one, Document) else one for one in part.content)
        return replace(part, content=content)
    return _told(part) if isinstance(part, Document) else part


def _told(document: Document) -> Document | Text:
    if document.text is None:
        return document
    said = ((name, getattr(document, name)) for name in _ATTRIBUTES)
    head = "".join(f" {name}={quoteattr(value)}" for name, value in said if value)
    text = f"<document{head}>\n{document.text}\n</document>"
    return Text(text, document.cache_control)
