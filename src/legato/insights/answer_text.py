"""The text of a chat completion, whole or streamed, as a caller got it."""

from typing import Any

import msgspec

_DATA = b"data:"
_DONE = b"[DONE]"
_decode = msgspec.json.Decoder().decode


def text_of_whole(body: bytes) -> str:
    """Return the first choice's text, "" for an answer without one."""
    message = _first(_decode(body)).get("message")
    return _text(message)


def text_of_stream(frames: bytes) -> str:
    """Return the first choice's text out of a stream's events."""
    parts = []
    for line in frames.splitlines():
        if not line.startswith(_DATA):
            continue
        data = line.removeprefix(_DATA).strip()
        if data and data != _DONE:
            parts.append(_text(_first(_decode(data)).get("delta")))
    return "".join(parts)


def _first(event: Any) -> dict[str, Any]:
    choices = event.get("choices") if isinstance(event, dict) else None
    for choice in choices or ():
        if isinstance(choice, dict) and choice.get("index", 0) == 0:
            return choice
    return {}


def _text(message: Any) -> str:
    content = message.get("content") if isinstance(message, dict) else None
    return content if isinstance(content, str) else ""
