"""Signed and encrypted reasoning in chat completions: `reasoning_details`, as OpenRouter has it.

OpenAI's own dialect has no place for what Anthropic wants to see again with the next turn. Clients
that keep a message as it came send it back. What we tell is whole, in streams too; OpenRouter's
streams tell a signature apart from its text. Details of other vendors' formats are kept whole and
unread, marked as OpenRouter's: they mean something to it alone.
"""

import base64
import binascii
from collections.abc import Iterable
from typing import Any

import msgspec

from legato.core.chat import Part, RedactedThinking, Thinking
from legato.core.errors import InvalidRequest
from legato.core.foreign import OPENROUTER

_FORMAT = "anthropic-claude-v1"
_SEALED = frozenset({"data", "signature"})


def details(parts: Iterable[Part]) -> list[dict[str, Any]]:
    """Return the details of an answer; none where nothing is signed or encrypted."""
    sealed = [
        part
        for part in parts
        if isinstance(part, RedactedThinking) or (isinstance(part, Thinking) and part.signature)
    ]
    return [detail(part, index) for index, part in enumerate(sealed)]


def detail(part: Thinking | RedactedThinking, index: int) -> dict[str, Any]:
    """Return one detail. Raises InvalidRequest: a caller spoilt one that is kept whole."""
    if isinstance(part, RedactedThinking) and part.data.startswith(OPENROUTER):
        return {**_unpacked(part.data), "index": index}
    if isinstance(part, RedactedThinking):
        told = {"type": "reasoning.encrypted", "data": part.data}
    else:
        told = {"type": "reasoning.text", "text": part.text, "signature": part.signature}
    return {**told, "format": _FORMAT, "index": index}


def read_details(given: Any) -> tuple[Thinking | RedactedThinking, ...]:
    """Return what details hold for a vendor; none for details that aren't of this kind."""
    found: list[Thinking | RedactedThinking] = []
    for one in given if isinstance(given, list) else ():
        if not isinstance(one, dict):
            continue
        if one.get("format") not in {None, _FORMAT}:
            found += [_packed(one)] if one.keys() & _SEALED else []
            continue
        data, text, signature = one.get("data"), one.get("text"), one.get("signature")
        if one.get("type") == "reasoning.encrypted" and isinstance(data, str):
            found.append(RedactedThinking(data))
        elif isinstance(signature, str) and signature:
            found.append(Thinking(text if isinstance(text, str) else "", signature))
    return tuple(found)


def _packed(given: dict[str, Any]) -> RedactedThinking:
    kept = {name: value for name, value in given.items() if name != "index"}
    return RedactedThinking(OPENROUTER + base64.b64encode(msgspec.json.encode(kept)).decode())


def _unpacked(data: str) -> dict[str, Any]:
    try:
        packed = base64.b64decode(data.removeprefix(OPENROUTER), validate=True)
        return msgspec.json.decode(packed, type=dict[str, Any])
    except (binascii.Error, ValueError, msgspec.DecodeError, RecursionError):
        raise InvalidRequest(
            "messages: reasoning that was told encrypted goes back as it came", param="messages"
        ) from None


class SealedThoughts:
    """The reasoning of one choice of a stream, until its signature is whole."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._signature = ""
        self._told = 0

    def text(self, text: str) -> None:
        """Note more reasoning."""
        self._texts.append(text)

    def sign(self, signature: str) -> None:
        """Note more of the signature."""
        self._signature += signature

    def whole(self) -> list[dict[str, Any]]:
        """Return the detail of reasoning that has been signed, if any."""
        if not self._signature:
            return []
        part = Thinking("".join(self._texts), self._signature)
        self._texts, self._signature = [], ""
        return [self.told(part)]

    def told(self, part: Thinking | RedactedThinking) -> dict[str, Any]:
        """Return a detail with its number."""
        self._told += 1
        return detail(part, self._told - 1)
