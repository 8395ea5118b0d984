"""Decoding shared by the dialects: bodies, content parts, fingerprints."""

import hashlib
from typing import Any, TypeVar

import msgspec

from legato.providers.simulated.refusal import Refusal
from legato.providers.simulated.usage import (
    TOKENS_PER_MEDIUM,
    TOKENS_PER_MESSAGE,
    json_tokens,
    text_tokens,
)

Decoded = TypeVar("Decoded")

# Parts of a message that carry a text, by dialect word.
_TEXT_FIELDS = ("text", "thinking", "refusal")
_MEDIA = frozenset({"image_url", "image", "input_audio", "file", "document"})

Content = str | list[dict[str, Any]] | None


def decoded(body: bytes, decoder: "msgspec.json.Decoder[Decoded]") -> Decoded:
    """The request.

    Raises:
        Refusal: 400, it is no valid JSON or no valid request.
    """
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refusal(400, f"Invalid request: {error}") from error


class Prompt:
    """Adds up the tokens and the fingerprint of everything a call says."""

    def __init__(self, model: str) -> None:
        self.tokens = 0
        self.said: list[tuple[str, str]] = []
        self._hash = hashlib.blake2b(model.encode(), digest_size=32)

    def message(self, role: str, content: Content) -> str:
        """Count one message; returns its text."""
        self._hash.update(b"\0" + role.encode() + b"\0")
        self.tokens += TOKENS_PER_MESSAGE
        if content is None:
            return ""
        if isinstance(content, str):
            text = self.text(content)
        else:
            text = "".join(self._part(part) for part in content)
        results = [] if isinstance(content, str) else [part for part in content if _is_result(part)]
        self.said += [("tool", _text_of(part.get("content"))) for part in results]
        if text or not results:
            self.said.append(("tool" if role == "function" else role, text))
        return text

    def structure(self, value: Any) -> None:
        """Count tools, tool calls or a schema as the text of their compact JSON."""
        self._hash.update(msgspec.json.encode(value, order="deterministic"))
        self.tokens += json_tokens(value)

    def salt(self, value: Any) -> None:
        """Let a value change the answer without being counted."""
        self._hash.update(repr(value).encode())

    def fingerprint(self) -> bytes:
        """32 bytes that stand for all of it."""
        return self._hash.digest()

    def _part(self, part: dict[str, Any]) -> str:
        for field in _TEXT_FIELDS:
            text = part.get(field)
            if isinstance(text, str):
                return self.text(text)
        if part.get("type") in _MEDIA:
            self._hash.update(msgspec.json.encode(part, order="deterministic"))
            self.tokens += TOKENS_PER_MEDIUM
        else:
            self.structure(part)
        return ""

    def text(self, text: str) -> str:
        """Count a text that is part of a message."""
        self._hash.update(text.encode())
        self.tokens += text_tokens(text)
        return text


def _is_result(part: dict[str, Any]) -> bool:
    return part.get("type") == "tool_result"


def _text_of(content: Any) -> str:
    """The text of a tool's result: it stands there plain, or in blocks."""
    blocks = content if isinstance(content, list) else [{"text": content}]
    texts = (block.get("text") for block in blocks if isinstance(block, dict))
    return "".join(text for text in texts if isinstance(text, str))
