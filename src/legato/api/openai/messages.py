"""OpenAI's messages in canonical form."""

import re
from collections.abc import Iterator
from typing import Any

from legato.api.body import refuse
from legato.api.documents import read_file
from legato.api.unsupported import refuse_unknown
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
from legato.core.pictures import read_pictures
from legato.core.reasoning_details import read_details
from legato.core.speakers import are_several, said_by

# What an earlier answer cited comes back with it: no model is told again, none asks for it.
_KNOWN = frozenset(
    {
        "annotations",
        "citations",
        "role",
        "content",
        "tool_calls",
        "tool_call_id",
        "refusal",
        "reasoning_content",
        "reasoning_details",
        "extra_content",
        "images",
    }
)
# Fields SDKs echo back from an answer; they ask for nothing.
_ECHOED = frozenset({"audio", "function_call", "name", "reasoning"})
# LiteLLM's SDK moves these of an answer's message into a field of its own, and sends that back.
_MOVED = "provider_specific_fields"
_MOVABLE = frozenset({"annotations", "citations", "refusal", "reasoning_content", "extra_content"})
_NAMED = frozenset({"user", "assistant", "tool"})
_DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+);base64,(.*)", re.DOTALL)


def read_messages(
    wire: list[dict[str, Any]], *, drop_unsupported: bool
) -> tuple[tuple[Text, ...], tuple[Message, ...]]:
    """Return system texts and turns; neighbouring tool messages become one turn.

    System and developer messages count wherever they stand. Content without a canonical form
    (audio) is refused under any policy, since dropping it would change the question.
    """
    system: list[Text] = []
    messages: list[Message] = []
    results: list[ToolResult] = []
    tells_speakers = are_several(wire)
    for position, sent in enumerate(wire):
        place = f"messages.{position}"
        if not drop_unsupported:
            _refuse_fields(sent, place)
        message = _put_back(sent)
        role = message["role"]
        if role == "tool":
            results.append(_tool_result(message, place))
            continue
        if results:
            messages.append(Message(Role.USER, tuple(results)))
            results = []
        if role in {"system", "developer"}:
            system += _texts(message.get("content"), place)
        elif role == "user":
            parts: Iterator[Part] = _user_parts(message["content"], place)
            if tells_speakers and message.get("name"):
                parts = said_by(message["name"], parts)
            messages.append(Message(Role.USER, tuple(parts)))
        elif role == "assistant":
            messages.append(Message(Role.ASSISTANT, tuple(_assistant_parts(message, place))))
        else:
            raise refuse(f"{place}.role", f"{role} messages can't be translated; use tool calls")
    if results:
        messages.append(Message(Role.USER, tuple(results)))
    return tuple(system), tuple(messages)


def _refuse_fields(message: dict[str, Any], place: str) -> None:
    # A result's name is the tool's, which its call has named; of others see `speakers`.
    known = _KNOWN | {"name"} if message["role"] in _NAMED else _KNOWN
    moved = message.get(_MOVED)
    if isinstance(moved, dict):
        known |= {_MOVED}
        refuse_unknown(moved, _MOVABLE, neutral={}, place=f"{place}.{_MOVED}.")
    given = {field: value for field, value in message.items() if field not in _ECHOED or value}
    ignored = {field: frozenset({""}) for field in _ECHOED}
    refuse_unknown(given, known, neutral=ignored, place=f"{place}.")


def _put_back(message: dict[str, Any]) -> dict[str, Any]:
    """Return the message with what LiteLLM's SDK moved where it was; its own fields go first."""
    moved = message.get(_MOVED)
    if not isinstance(moved, dict):
        return message
    own = {field: value for field, value in message.items() if value is not None}
    return {field: moved[field] for field in _MOVABLE & moved.keys()} | own


def _tool_result(message: dict[str, Any], place: str) -> ToolResult:
    call_id = message.get("tool_call_id")
    if not isinstance(call_id, str):
        raise refuse(f"{place}.tool_call_id", "is required for role tool")
    return ToolResult(call_id, tuple(_texts(message.get("content"), place)))


def _texts(content: Any, place: str) -> Iterator[Text]:
    if isinstance(content, str):
        if content:
            yield Text(content)
        return
    for index, part in enumerate(content or ()):
        if part["type"] != "text":
            raise refuse(f"{place}.content.{index}.type", "only text is allowed here")
        yield _text(part)


def _text(part: dict[str, Any]) -> Text:
    hint = part.get("cache_control")
    return Text(part["text"], hint if isinstance(hint, dict) else None)


def _user_parts(content: Any, place: str) -> Iterator[Text | Image | Document]:
    if isinstance(content, str):
        yield Text(content)
        return
    for index, part in enumerate(content):
        if part["type"] == "text":
            yield _text(part)
        elif part["type"] == "image_url":
            yield _image(part, f"{place}.content.{index}.image_url")
        elif part["type"] == "file":
            yield read_file(part.get("file"), f"{place}.content.{index}.file")
        else:
            raise refuse(
                f"{place}.content.{index}.type",
                f"{part['type']} can't be carried to the provider behind this model",
            )


def _image(part: dict[str, Any], place: str) -> Image:
    image = part.get("image_url")
    url = image.get("url") if isinstance(image, dict) else None
    if not isinstance(image, dict) or not isinstance(url, str):
        raise refuse(f"{place}.url", "must be a string")
    detail = image.get("detail")
    hint = part.get("cache_control")
    cache_control = hint if isinstance(hint, dict) else None
    if url.startswith("data:"):
        match = _DATA_URL.fullmatch(url)
        if match is None:
            raise refuse(f"{place}.url", "a data URL must be base64 with a media type")
        return Image(None, match[1], match[2], detail, cache_control)
    return Image(url, None, None, detail, cache_control)


def _assistant_parts(message: dict[str, Any], place: str) -> Iterator[Part]:
    sealed = read_details(message.get("reasoning_details"))
    yield from sealed
    if not any(isinstance(part, Thinking) for part in sealed) and (
        reasoning := message.get("reasoning_content")
    ):
        yield Thinking(reasoning)
    content = message.get("content")
    signature = _signature(message)
    if isinstance(content, str):
        if content or signature:
            yield Text(content, None, signature)
    else:
        if signature:
            yield Text("", None, signature)
        for index, part in enumerate(content or ()):
            if part["type"] == "refusal":
                yield Refusal(part.get("refusal") or "")
            elif part["type"] == "text":
                yield _text(part)
            else:
                raise refuse(f"{place}.content.{index}.type", "must be text or refusal")
    yield from read_pictures(message.get("images"))
    if refusal := message.get("refusal"):
        yield Refusal(refusal)
    for index, call in enumerate(message.get("tool_calls") or ()):
        yield _call(call, f"{place}.tool_calls.{index}")


def _call(call: Any, place: str) -> ToolUse:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict):
        raise refuse(f"{place}.function", "only function calls can be translated")
    call_id, name, arguments = call.get("id"), function.get("name"), function.get("arguments", "")
    if not (isinstance(call_id, str) and isinstance(name, str) and isinstance(arguments, str)):
        raise refuse(place, "id, function.name and function.arguments must be strings")
    return ToolUse(call_id, name, arguments, _signature(call))


def _signature(owner: dict[str, Any]) -> str:
    """Return Google's signature of a thought, where its layer for OpenAI's clients puts it."""
    extra = owner.get("extra_content")
    google = extra.get("google") if isinstance(extra, dict) else None
    signature = google.get("thought_signature") if isinstance(google, dict) else None
    return signature if isinstance(signature, str) else ""
