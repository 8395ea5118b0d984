"""Turns of a conversation as Converse's messages."""

from collections.abc import Iterator
from typing import Any

import msgspec

from legato.core.chat import (
    Document,
    Image,
    Message,
    Part,
    Refusal,
    Role,
    Text,
    Thinking,
    ToolResult,
    ToolUse,
)
from legato.core.errors import InvalidRequest
from legato.core.foreign import is_foreign
from legato.providers.bedrock.documents import Documents

_IMAGE_FORMATS = {
    "image/png": "png",
    "image/jpeg": "jpeg",
    "image/jpg": "jpeg",
    "image/gif": "gif",
    "image/webp": "webp",
}
_TTLS = frozenset({"5m", "1h"})


def messages_of(messages: tuple[Message, ...]) -> list[dict[str, Any]]:
    """Write the turns: neighbours of one role become one message, tool results before all else.

    Raises:
        InvalidRequest: content that Converse has no place for, dropped under no policy, since
            that would change the question.
    """
    turns: list[tuple[Role, list[Part]]] = []
    for message in messages:
        if turns and turns[-1][0] is message.role:
            turns[-1][1].extend(message.parts)
        else:
            turns.append((message.role, list(message.parts)))
    wire = []
    documents = Documents()
    for position, (role, parts) in enumerate(turns):
        parts.sort(key=lambda part: not isinstance(part, ToolResult))  # stable
        place = f"messages.{position}"
        content = [block for part in parts for block in _blocks(part, place, documents)]
        if content:
            wire.append({"role": role.value, "content": content})
    return wire


def has_tool_blocks(messages: tuple[Message, ...]) -> bool:
    """Whether calls or results stand in the conversation: Converse then needs the tools, too."""
    return any(isinstance(part, ToolUse | ToolResult) for one in messages for part in one.parts)


def system_of(texts: tuple[Text, ...]) -> list[dict[str, Any]]:
    """Write the system texts; empty ones are refused by Converse."""
    wire: list[dict[str, Any]] = []
    for text in texts:
        if text.text:
            wire += [{"text": text.text}, *cache_point(text.cache_control)]
    return wire


def cache_point(hint: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Write what stands behind a block that is to be cached, in the place of a field of it."""
    if hint is None:
        return []
    point = {"type": "default"}
    if hint.get("ttl") in _TTLS:
        point["ttl"] = hint["ttl"]
    return [{"cachePoint": point}]


def _blocks(part: Part, place: str, documents: Documents) -> Iterator[dict[str, Any]]:
    if isinstance(part, Text | Refusal):
        if part.text:
            yield {"text": part.text}
    elif isinstance(part, Image):
        yield _image(part, place)
    elif isinstance(part, Document):
        yield documents.block(part, place)
    elif isinstance(part, ToolUse):
        use = {"toolUseId": part.id, "name": part.name, "input": _arguments(part, place)}
        yield {"toolUse": use}
    elif isinstance(part, ToolResult):
        yield {"toolResult": _tool_result(part, place, documents)}
    elif isinstance(part, Thinking):
        if part.signature:  # Bedrock refuses reasoning that isn't the model's own
            said = {"text": part.text, "signature": part.signature}
            yield {"reasoningContent": {"reasoningText": said}}
    elif not is_foreign(part.data):  # encrypted, and not by another vendor
        yield {"reasoningContent": {"redactedContent": part.data}}
    if isinstance(part, Text | Image | Document | ToolResult):
        yield from cache_point(part.cache_control)


def _image(image: Image, place: str) -> dict[str, Any]:
    if image.data is None:
        raise InvalidRequest(
            "images by URL can't be carried to the provider behind this model; send their bytes",
            param=place,
        )
    known = _IMAGE_FORMATS.get((image.media_type or "").lower())
    if known is None:
        raise InvalidRequest(
            "the provider behind this model takes images as PNG, JPEG, GIF or WebP", param=place
        )
    return {"image": {"format": known, "source": {"bytes": image.data}}}


def _tool_result(result: ToolResult, place: str, documents: Documents) -> dict[str, Any]:
    content = [
        block
        for item in result.content
        for block in _blocks(item, place, documents)
        if "cachePoint" not in block
    ]
    wire: dict[str, Any] = {"toolUseId": result.tool_use_id, "content": content}
    if result.is_error:
        wire["status"] = "error"
    return wire


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
