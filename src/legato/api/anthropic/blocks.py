"""Anthropic's messages and content blocks in canonical form."""

from collections.abc import Iterator
from typing import Any

import msgspec

from legato.api.anthropic.documents import DOCUMENTS, read_document
from legato.api.anthropic.signatures import with_signatures
from legato.api.body import refuse
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


def read_messages(
    wire: list[dict[str, Any]],
) -> tuple[tuple[Text, ...], tuple[Message, ...]]:
    """Return the texts of system messages among the turns, and the turns.

    Blocks without a canonical form (results of server-side tools) are refused under any policy,
    since dropping them would change the question.
    """
    system: list[Text] = []
    messages: list[Message] = []
    for position, message in enumerate(wire):
        place = f"messages.{position}.content"
        content = message["content"]
        if message["role"] == "system":
            system += read_system(content, place)
            continue
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        parts = tuple(_part(block, f"{place}.{index}") for index, block in enumerate(blocks))
        messages.append(Message(Role(message["role"]), with_signatures(parts)))
    return tuple(system), tuple(messages)


def read_system(content: Any, place: str = "system") -> tuple[Text, ...]:
    """Return system texts from a string or text blocks."""
    if not content:
        return ()
    if isinstance(content, str):
        return (Text(content),)
    for index, block in enumerate(content):
        if block["type"] != "text":
            raise refuse(f"{place}.{index}.type", "must be text")
    return tuple(_text(block) for block in content)


def _part(block: dict[str, Any], place: str) -> Part:
    kind = block["type"]
    if kind == "text":
        return _text(block)
    if kind == "image":
        return _image(block, place)
    if kind in DOCUMENTS:
        return read_document(block, place)
    if kind == "tool_use":
        arguments = msgspec.json.encode(block.get("input") or {}).decode()
        return ToolUse(_string(block, "id", place), _string(block, "name", place), arguments)
    if kind == "tool_result":
        return ToolResult(
            tool_use_id=_string(block, "tool_use_id", place),
            content=tuple(_result_content(block.get("content"), place)),
            is_error=block.get("is_error") is True,
            cache_control=_hint(block),
        )
    if kind == "thinking":
        return Thinking(_string(block, "thinking", place), block.get("signature") or "")
    if kind == "redacted_thinking":
        return RedactedThinking(_string(block, "data", place))
    raise refuse(f"{place}.type", f"{kind} can't be carried to the provider behind this model")


def _result_content(content: Any, place: str) -> Iterator[Text | Image | Document]:
    if isinstance(content, str):
        yield Text(content)
        return
    for index, block in enumerate(content or ()):
        inner = f"{place}.content.{index}"
        if block["type"] == "text":
            yield _text(block)
        elif block["type"] == "image":
            yield _image(block, inner)
        elif block["type"] in DOCUMENTS:
            yield read_document(block, inner)
        else:
            raise refuse(f"{inner}.type", "must be text, image, document or search_result")


def _text(block: dict[str, Any]) -> Text:
    return Text(block["text"], _hint(block))


def _image(block: dict[str, Any], place: str) -> Image:
    source = block.get("source")
    if not isinstance(source, dict):
        raise refuse(f"{place}.source", "must be an object")
    if source.get("type") == "url":
        return Image(_string(source, "url", f"{place}.source"), cache_control=_hint(block))
    if source.get("type") != "base64":
        raise refuse(f"{place}.source.type", "must be url or base64")
    return Image(
        media_type=_string(source, "media_type", f"{place}.source"),
        data=_string(source, "data", f"{place}.source"),
        cache_control=_hint(block),
    )


def _string(block: dict[str, Any], field: str, place: str) -> str:
    value = block.get(field)
    if not isinstance(value, str):
        raise refuse(f"{place}.{field}", "must be a string")
    return value


def _hint(block: dict[str, Any]) -> dict[str, Any] | None:
    hint = block.get("cache_control")
    return hint if isinstance(hint, dict) else None
