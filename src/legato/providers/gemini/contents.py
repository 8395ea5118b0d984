"""Turns of a conversation as Gemini's contents."""

import mimetypes
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import msgspec

from legato.core.chat import (
    Document,
    Image,
    Message,
    Part,
    RedactedThinking,
    Role,
    Text,
    Thinking,
    ToolResult,
    ToolUse,
)
from legato.core.documents import as_texts, refused_document
from legato.core.errors import InvalidRequest
from legato.providers.gemini.parts import OWN_ID

SKIP_SIGNATURE = "skip_thought_signature_validator"
"""Google's own word for a call, or a picture of the model's, that isn't told with its signature:
another vendor's model made it, or the caller's dialect has no place for the signature."""
_ROLES = {Role.USER: "user", Role.ASSISTANT: "model"}
_PDF = "application/pdf"
_FILMS = ("youtube.com", "youtu.be")
"""Whose addresses Google reads as films of any length."""
_SCHEMES = frozenset({"https", "gs"})


class Writer:
    """Writes the contents of one request.

    Reasoning isn't sent back: what Gemini needs of it is in the signatures of texts and calls.
    `signs_calls`: the model refuses a turn of calls whose first has no signature. `needs_type`:
    files by URL must name their media type.
    """

    def __init__(self, *, signs_calls: bool, needs_type: bool) -> None:
        self._signs_calls = signs_calls
        self._needs_type = needs_type
        self._names: dict[str, str] = {}  # id of a call -> name of its function

    def contents(self, messages: tuple[Message, ...]) -> list[dict[str, Any]]:
        """Write the turns: neighbours of one role become one content. Raises InvalidRequest."""
        turns: list[tuple[Role, list[Part]]] = []
        for message in as_texts(messages):
            if turns and turns[-1][0] is message.role:
                turns[-1][1].extend(message.parts)
            else:
                turns.append((message.role, list(message.parts)))
        contents = []
        for position, (role, given) in enumerate(turns):
            parts = list(self._parts(self._in_order(given), role, f"messages.{position}"))
            if parts:
                contents.append({"role": _ROLES[role], "parts": parts})
        if not contents:
            raise InvalidRequest("messages: at least one must say something", param="messages")
        return contents

    def _in_order(self, parts: list[Part]) -> list[Part]:
        """Results before all else, and in the order of their calls: not every call has an id."""
        order = {call_id: position for position, call_id in enumerate(self._names)}
        last = len(order)

        def place(part: Part) -> tuple[bool, int]:
            if isinstance(part, ToolResult):
                return False, order.get(part.tool_use_id, last)
            return True, 0

        return sorted(parts, key=place)

    def _parts(self, parts: list[Part], role: Role, place: str) -> Iterator[dict[str, Any]]:
        is_signed = not self._signs_calls
        for part in parts:
            if isinstance(part, ToolUse):
                signature = part.signature or ("" if is_signed else SKIP_SIGNATURE)
                is_signed = True
                yield self._call(part, signature, place)
            elif isinstance(part, ToolResult):
                yield from self._result(part, place)
            elif isinstance(part, Image):
                own = self._signs_calls and role is Role.ASSISTANT
                yield _signed(self._image(part, place), SKIP_SIGNATURE if own else "")
            elif isinstance(part, Document):
                yield _document(part, place)
            elif isinstance(part, Text):
                if part.text or part.signature:
                    yield _signed({"text": part.text}, part.signature)
            elif not isinstance(part, Thinking | RedactedThinking) and part.text:
                yield {"text": part.text}  # a refusal is text here

    def _call(self, use: ToolUse, signature: str, place: str) -> dict[str, Any]:
        self._names[use.id] = use.name
        call = {"name": use.name, "args": _arguments(use, place), **_given_id(use.id)}
        return _signed({"functionCall": call}, signature)

    def _result(self, result: ToolResult, place: str) -> Iterator[dict[str, Any]]:
        name = self._names.get(result.tool_use_id)
        if name is None:
            raise InvalidRequest(
                f"{place}: a tool result answers no call of this conversation",
                param=f"{place}.tool_call_id",
            )
        texts = [item.text for item in result.content if isinstance(item, Text)]
        media = [
            _document(item, place) if isinstance(item, Document) else self._image(item, place)
            for item in result.content
            if not isinstance(item, Text)
        ]
        key = "error" if result.is_error else "output"
        response: dict[str, Any] = {
            "name": name,
            "response": {key: "\n".join(texts)},
            **_given_id(result.tool_use_id),
        }
        if media and self._signs_calls:  # the same generation that reads media in a result
            response["parts"] = media
            media = []
        yield {"functionResponse": response}
        yield from media

    def _image(self, image: Image, place: str) -> dict[str, Any]:
        if image.url is None:
            return {"inlineData": {"mimeType": image.media_type or "", "data": image.data or ""}}
        url = urlsplit(image.url)
        if url.scheme not in _SCHEMES:
            raise InvalidRequest(
                "image_url: the provider behind this model fetches https and gs URLs only",
                param=f"{place}.image_url",
            )
        media_type = image.media_type or mimetypes.guess_type(url.path)[0]
        is_film = url.hostname is not None and url.hostname.endswith(_FILMS)
        if is_film or not (media_type or "image/").startswith("image/"):
            raise InvalidRequest(
                "image_url: is no image; nothing bounds what it would cost",
                param=f"{place}.image_url",
            )
        if media_type is None and self._needs_type:
            raise InvalidRequest(
                "image_url: the provider behind this model needs a media type, which this URL's "
                "path doesn't tell; send the image as a data URL",
                param=f"{place}.image_url",
            )
        file = {"fileUri": image.url}
        return {"fileData": file if media_type is None else {**file, "mimeType": media_type}}


def _document(document: Document, place: str) -> dict[str, Any]:
    """Write a document that is a file; `as_texts` has told the others. Its title has no place."""
    if document.media_type != _PDF:
        raise refused_document("takes documents as PDF or text", place)
    if document.url is None:
        return {"inlineData": {"mimeType": _PDF, "data": document.data or ""}}
    if urlsplit(document.url).scheme not in _SCHEMES:
        raise refused_document("fetches https and gs URLs only", place)
    return {"fileData": {"fileUri": document.url, "mimeType": _PDF}}


def _given_id(call_id: str) -> dict[str, str]:
    return {} if call_id.startswith(OWN_ID) else {"id": call_id}


def _signed(part: dict[str, Any], signature: str) -> dict[str, Any]:
    if signature:
        part["thoughtSignature"] = signature
    return part


def _arguments(use: ToolUse, place: str) -> dict[str, Any]:
    try:
        decoded = msgspec.json.decode(use.arguments or "{}")
    except (msgspec.DecodeError, RecursionError):
        decoded = None
    if not isinstance(decoded, dict):
        raise InvalidRequest(
            "the arguments of a tool call are not a JSON object", param=f"{place}.tool_calls"
        )
    return decoded
