"""Whether two answers to the same request say the same, by cheap and certain measures."""

from typing import Any

import msgspec

_decode = msgspec.json.Decoder().decode
_NOTHING: Any = object()


class Agreement(msgspec.Struct, frozen=True):
    """Whether each text is JSON, and whether both are the same.

    As JSON where both are, else letter by letter but for spaces around. None where there is no
    text to compare.
    """

    live_json: bool | None = None
    shadow_json: bool | None = None
    agrees: bool | None = None


def compared(live: bytes, shadow: bytes) -> Agreement:
    """Compare two answers of chat completions, messages or responses, as their callers get them."""
    one, other = text_of(live), text_of(shadow)
    if one is None or other is None:
        return Agreement()
    first, second = _parsed(one), _parsed(other)
    both_json = first is not _NOTHING and second is not _NOTHING
    agrees = first == second if both_json else one.strip() == other.strip()
    return Agreement(first is not _NOTHING, second is not _NOTHING, agrees)


def _parsed(text: str) -> Any:
    """Return what the text is as JSON; a bare word or number is taken for prose."""
    try:
        value = _decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return _NOTHING
    return value if isinstance(value, dict | list) else _NOTHING


def text_of(answer: bytes) -> str | None:
    """Return all text of an answer; None where it is none, or calls tools."""
    try:
        body = _decode(answer)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    if not isinstance(body, dict):
        return None
    choices = body.get("choices")
    if isinstance(choices, list):
        texts = [_content(one.get("message")) for one in choices if isinstance(one, dict)]
    elif isinstance(output := body.get("output"), list):
        texts = [_item(one) for one in output if _type(one) != "reasoning"]
    else:
        texts = [_content(body)]
    if not texts or None in texts:
        return None
    return "\n".join(text for text in texts if text is not None)


def _type(item: Any) -> Any:
    return item.get("type") if isinstance(item, dict) else None


def _item(item: Any) -> str | None:
    """Return the text of an item of a response; None where it is no message in words."""
    if _type(item) != "message" or not isinstance(item.get("content"), list):
        return None
    parts = item["content"]
    if any(_type(part) != "output_text" for part in parts):
        return None
    return "".join(part["text"] for part in parts if isinstance(part.get("text"), str))


def _content(message: Any) -> str | None:
    if not isinstance(message, dict) or message.get("tool_calls"):
        return None
    content = message.get("content")
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return None
    blocks = [block for block in content if isinstance(block, dict)]
    if any(block.get("type") not in {"text", "thinking", "redacted_thinking"} for block in blocks):
        return None
    return "".join(block["text"] for block in blocks if isinstance(block.get("text"), str))
