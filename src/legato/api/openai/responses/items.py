"""Input items in canonical form."""

import re
from collections.abc import Iterator
from typing import Any

from legato.api.body import refuse
from legato.api.documents import read_file
from legato.api.openai.responses.custom_tools import custom_arguments
from legato.api.openai.responses.reasoning import SignedPart, read_encrypted, with_signatures
from legato.api.openai.responses.validation import ROLES
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

_DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+);base64,(.*)", re.DOTALL)
_OURS = frozenset({"function_call", "custom_tool_call", "reasoning"})
_INSTRUCTING = ("system", "developer")
_TEXTS = ("input_text", "output_text", "text")
_RESULTS = frozenset({"function_call_output", "custom_tool_call_output"})


def read_items(
    items: list[dict[str, Any]], *, drop_unsupported: bool
) -> tuple[tuple[Text, ...], tuple[Message, ...]]:
    """Return system texts and turns; neighbouring items of one side become one turn.

    Content and items without a canonical form are refused under any policy, since dropping them
    would change the question; only reasoning that another vendor sealed may be dropped.
    """
    system: list[Text] = []
    turns: list[tuple[Role, list[Part | SignedPart]]] = []
    for position, item in enumerate(items):
        place = f"input.{position}"
        kind = item.get("type") or "message"
        if not isinstance(kind, str):
            raise refuse(f"{place}.type", "must be a string")
        if kind == "message" and item.get("role") in _INSTRUCTING:
            system += _texts(item.get("content"), place)
            continue
        role, parts = _side(kind, item, place, drop_unsupported=drop_unsupported)
        if not parts:
            continue
        if turns and turns[-1][0] is role and _joins(role, turns[-1][1], parts):
            turns[-1][1].extend(parts)
        else:
            turns.append((role, parts))
    return tuple(system), tuple(
        Message(role, tuple(with_signatures(parts))) for role, parts in turns
    )


def _side(
    kind: str, item: dict[str, Any], place: str, *, drop_unsupported: bool
) -> tuple[Role, list[Part | SignedPart]]:
    if kind == "message":
        role = item.get("role")
        if not isinstance(role, str) or role not in ROLES:
            raise refuse(f"{place}.role", f"must be one of {', '.join(sorted(ROLES))}")
        if role == "assistant":
            return Role.ASSISTANT, list(_assistant(item.get("content"), place))
        return Role.USER, list(_user(item.get("content"), f"{place}.content"))
    if kind in _RESULTS:
        return Role.USER, [_result(item, place)]
    if kind == "reasoning":
        return Role.ASSISTANT, _reasoning(item, place, drop_unsupported=drop_unsupported)
    if kind == "image_generation_call":
        return Role.ASSISTANT, [_picture(item, place)]
    if kind in _OURS:
        return Role.ASSISTANT, [_call(item, place)]
    if kind == "item_reference":
        raise refuse(f"{place}.id", "there is no such item, or it is not kept any more")
    raise refuse(f"{place}.type", f"{kind[:64]} can't be carried to the provider behind this model")


def _joins(role: Role, before: list[Part | SignedPart], parts: list[Part | SignedPart]) -> bool:
    """The assistant's items are one turn; of the user's only neighbouring results are."""
    if role is Role.ASSISTANT:
        return True
    return isinstance(before[-1], ToolResult) and isinstance(parts[0], ToolResult)


def _user(content: Any, place: str) -> Iterator[Text | Image | Document]:
    if isinstance(content, str):
        yield Text(content)
        return
    if not isinstance(content, list):
        raise refuse(place, "must be a string or a list of parts")
    for index, part in enumerate(content):
        inner = f"{place}.{index}"
        kind = part.get("type") if isinstance(part, dict) else None
        if kind in _TEXTS:
            yield Text(_string(part, "text", inner))
        elif kind == "input_image":
            yield _image(part, inner)
        elif kind == "input_file":
            yield read_file(part, inner)
        else:
            raise refuse(
                f"{inner}.type",
                f"{str(kind)[:64]} can't be carried to the provider behind this model",
            )


def _texts(content: Any, place: str) -> Iterator[Text]:
    for part in _user(content, f"{place}.content"):
        if not isinstance(part, Text):
            raise refuse(f"{place}.content", "only text is allowed here")
        if part.text:
            yield part


def _assistant(content: Any, place: str) -> Iterator[Part]:
    if isinstance(content, str):
        if content:
            yield Text(content)
        return
    if not isinstance(content, list):
        raise refuse(f"{place}.content", "must be a string or a list of parts")
    for index, part in enumerate(content):
        inner = f"{place}.content.{index}"
        kind = part.get("type") if isinstance(part, dict) else None
        if kind in _TEXTS:
            yield Text(_string(part, "text", inner))
        elif kind == "refusal":
            yield Refusal(_string(part, "refusal", inner))
        else:
            raise refuse(f"{inner}.type", "must be output_text or refusal")


def _result(item: dict[str, Any], place: str) -> ToolResult:
    content = item.get("output")
    parts = tuple(_user(content, f"{place}.output"))
    return ToolResult(_string(item, "call_id", place), tuple(p for p in parts if p != Text("")))


def _call(item: dict[str, Any], place: str) -> ToolUse:
    call_id, name = _string(item, "call_id", place), _string(item, "name", place)
    if item["type"] == "custom_tool_call":
        return ToolUse(call_id, name, custom_arguments(_string(item, "input", place)))
    return ToolUse(call_id, name, _string(item, "arguments", place))


def _reasoning(
    item: dict[str, Any], place: str, *, drop_unsupported: bool
) -> list[Part | SignedPart]:
    """What a vendor signed goes back to it; other reasoning goes on as the text it is."""
    sealed = item.get("encrypted_content")
    if isinstance(sealed, str) and sealed:
        part = read_encrypted(sealed)
        if part is not None:
            return [part]
        if not drop_unsupported:
            raise refuse(f"{place}.encrypted_content", "was not made by this gateway")
    texts = [
        part.get("text")
        for field in ("content", "summary")
        for part in (item.get(field) or () if isinstance(item.get(field), list | None) else ())
        if isinstance(part, dict)
    ]
    shown = "".join(text for text in texts if isinstance(text, str))
    return [Thinking(shown)] if shown else []


def _picture(item: dict[str, Any], place: str) -> Image:
    kind = item.get("output_format")
    known = kind if isinstance(kind, str) and kind else "png"
    return Image(None, f"image/{known}", _string(item, "result", place))


def _image(part: dict[str, Any], place: str) -> Image:
    url = part.get("image_url")
    if not isinstance(url, str):
        raise refuse(f"{place}.image_url", "must be a URL; files can't be carried")
    detail = part.get("detail")
    kept = detail if isinstance(detail, str) and detail != "auto" else None
    if not url.startswith("data:"):
        return Image(url, detail=kept)
    match = _DATA_URL.fullmatch(url)
    if match is None:
        raise refuse(f"{place}.image_url", "a data URL must be base64 with a media type")
    return Image(None, match[1], match[2], kept)


def _string(item: dict[str, Any], field: str, place: str) -> str:
    value = item.get(field)
    if not isinstance(value, str):
        raise refuse(f"{place}.{field}", "must be a string")
    return value
