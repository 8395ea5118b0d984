"""Where the child's wire differs from OpenAI's: refused before it is sent, mended on the way back.

The list of differences, each with its test, stands in the package's docstring.
"""

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec

from legato.core.errors import InvalidRequest
from legato.providers.local.catalogue import Capabilities

_ECHO = re.compile(r"(?<=Failed to parse messages):.*|; last read:.*", re.DOTALL)
"""The two messages that quote the conversation itself."""
_MESSAGE_CHARS_MAX = 300
_CALLERS_FAULT_SENT_AS_500 = ("is not supported", "Failed to parse messages")
_CONTEXT_OVERFLOW = "exceed_context_size_error"
_BOUNDS = ("max_tokens", "max_completion_tokens")


class WireError(msgspec.Struct, frozen=True):
    """An error answer in OpenAI's shape."""

    status: int
    type: str
    code: str | None
    message: str

    def body(self) -> bytes:
        """The JSON body."""
        error = {"message": self.message, "type": self.type, "param": None, "code": self.code}
        return msgspec.json.encode({"error": error})


def check_request(body: Mapping[str, Any], capabilities: Capabilities) -> None:
    """Refuse what the child would silently ignore, miscount or answer with a 500.

    Raises:
        InvalidRequest: naming the field.
    """
    choices = body.get("n")
    if choices is not None and choices > capabilities.choices_max:
        raise InvalidRequest("this local model gives one choice per request", param="n")
    for field in ("tools", "functions"):
        if body.get(field) and not capabilities.tools:
            raise InvalidRequest("this local model can't call tools", param=field)
    if "grammar" in body:
        # llama.cpp prints a grammar it can't parse to its log, past any log level.
        raise InvalidRequest("use response_format instead of a grammar", param="grammar")
    for field in _BOUNDS:
        bound = body.get(field)
        if bound is not None and bound < 1:
            raise InvalidRequest(f"{field} must be at least 1", param=field)
    _check_messages(body.get("messages"), capabilities)


def _check_messages(messages: Any, capabilities: Capabilities) -> None:
    if not isinstance(messages, Sequence) or isinstance(messages, str) or not messages:
        raise InvalidRequest("messages must be a list of at least one message", param="messages")
    for index, message in enumerate(messages):
        if not isinstance(message, Mapping) or not isinstance(message.get("role"), str):
            raise InvalidRequest("a message needs a role", param=f"messages[{index}].role")
        content = message.get("content")
        parts = content if isinstance(content, list) else ()
        for part in parts:
            kind = part.get("type") if isinstance(part, Mapping) else None
            if kind != "text" and not (kind == "image_url" and capabilities.vision):
                raise InvalidRequest(
                    "this local model does not take this kind of content part",
                    param=f"messages[{index}].content",
                )


def normalise_error(status: int, body: bytes) -> WireError:
    """Turn the child's error answer into OpenAI's: status, words for codes, no caller's text."""
    try:
        error = msgspec.json.decode(body)["error"]
        kind, said = str(error["type"]), str(error["message"])
    except (msgspec.DecodeError, KeyError, TypeError):
        return WireError(status, "server_error", None, "the local model gave an unreadable error")
    message = _ECHO.sub("", said).strip()[:_MESSAGE_CHARS_MAX] or "the request was refused"
    if kind == _CONTEXT_OVERFLOW:
        return WireError(400, "invalid_request_error", "context_length_exceeded", message)
    if status == HTTPStatus.INTERNAL_SERVER_ERROR and any(
        words in said for words in _CALLERS_FAULT_SENT_AS_500
    ):
        return WireError(400, "invalid_request_error", None, message)
    return WireError(status, kind, None, message)
