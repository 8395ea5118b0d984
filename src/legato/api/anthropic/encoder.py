"""Canonical events as Anthropic's stream."""

from typing import Any

import msgspec

from legato.api.anthropic.citations import citation_object
from legato.api.anthropic.render import STOP_REASONS, no_pictures, usage_object
from legato.api.anthropic.signatures import of_call, of_text, thinking_block
from legato.core.chat import (
    ChatEvent,
    CitationDelta,
    Ended,
    ImageDelta,
    Ping,
    RedactedThinkingDelta,
    RefusalDelta,
    SignatureDelta,
    Started,
    Stopped,
    TextDelta,
    ThinkingDelta,
    ToolUseDelta,
    ToolUseStarted,
    UsageReported,
)
from legato.core.errors import BadProviderResponse
from legato.core.usage import NO_USAGE, Usage

_PENDING_CHARS_MAX = 16 * 1024 * 1024
_PING = b'event: ping\ndata: {"type":"ping"}\n\n'
_TEXT, _THINKING, _REDACTED = -1, -2, -3  # keys of blocks that are no tool call
_KEYS = 3  # texts that the provider keeps apart have every third key below


class _Pending:
    """A block that waits for the open one to close."""

    def __init__(self, key: int, block: dict[str, Any]) -> None:
        self.key = key
        self.block = block
        self.deltas: list[dict[str, Any]] = []


class AnthropicEncoder:
    """A `StreamEncoder` whose blocks are strictly nested.

    OpenAI's tool calls may interleave, Anthropic's blocks may not: once a tool call is open,
    whatever belongs elsewhere waits for the stop, in the order it began. Arguments are of use
    only when whole, so nobody waits longer for it. The input figure of message_start is the
    provider's where it is known by then; message_delta always carries the final one.
    """

    def __init__(self) -> None:
        self._index = -1
        self._open: int | None = None
        self._text_key = _TEXT
        self._pending: list[_Pending] = []
        self._pending_chars = 0
        self._has_started = False
        self._has_ended = False
        self._stopped: Stopped | None = None
        self._usage: Usage | None = None

    def encode(self, event: ChatEvent) -> bytes:
        """Return zero or more whole frames. Raises BadProviderResponse past a bound."""
        if self._has_ended:
            return b""
        if isinstance(event, Started):
            return self._start(event)
        if isinstance(event, UsageReported):
            self._usage = event.usage
            return b""
        if isinstance(event, Ended):
            return self._end()
        if isinstance(event, Ping):
            return _PING if self._has_started else b""
        if event.choice != 0:  # this dialect has one answer
            return b""
        if isinstance(event, Stopped):
            self._stopped = self._stopped or event
            return self._close_all()
        return self._content(event)

    def _start(self, event: Started) -> bytes:
        self._has_started = True
        self._usage = event.usage
        message: dict[str, Any] = {
            "id": event.id,
            "type": "message",
            "role": "assistant",
            "model": event.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": usage_object(event.usage or NO_USAGE),
        }
        return _frame("message_start", message=message)

    def _content(
        self,
        event: TextDelta
        | CitationDelta
        | ThinkingDelta
        | SignatureDelta
        | RedactedThinkingDelta
        | RefusalDelta
        | ImageDelta
        | ToolUseStarted
        | ToolUseDelta,
    ) -> bytes:
        if isinstance(event, ImageDelta):
            raise no_pictures()
        if isinstance(event, ToolUseStarted):
            block = {"type": "tool_use", "id": event.id, "name": event.name, "input": {}}
            return self._sign(of_call(event.signature)) + self._deliver(event.tool, block, None)
        if isinstance(event, ToolUseDelta):
            delta = {"type": "input_json_delta", "partial_json": event.arguments}
            return self._deliver(event.tool, {}, delta)
        if isinstance(event, TextDelta | RefusalDelta):
            return self._text(event)
        if isinstance(event, CitationDelta):
            cited = {"type": "citations_delta", "citation": citation_object(event.citation)}
            return self._deliver(self._text_key, {"type": "text", "text": ""}, cited)
        if isinstance(event, RedactedThinkingDelta):
            return self._whole(_REDACTED, {"type": "redacted_thinking", "data": event.data})
        if isinstance(event, ThinkingDelta):
            delta = {"type": "thinking_delta", "thinking": event.text}
            return self._deliver(_THINKING, thinking_block(), delta)
        return self._sign(event.signature)

    def _text(self, event: TextDelta | RefusalDelta) -> bytes:
        frames = b""
        if event.text:
            block = {"type": "text", "text": ""}
            if isinstance(event, TextDelta):
                self._text_key = _TEXT - _KEYS * event.block
            delta = {"type": "text_delta", "text": event.text}
            frames = self._deliver(self._text_key, block, delta)
        return frames + self._sign(of_text(event.signature) if isinstance(event, TextDelta) else "")

    def _sign(self, signature: str) -> bytes:
        """Sign the open block of thinking, or one of its own; nothing for no signature."""
        if not signature:
            return b""
        delta = {"type": "signature_delta", "signature": signature}
        return self._deliver(_THINKING, thinking_block(), delta)

    def _deliver(self, key: int, block: dict[str, Any], delta: dict[str, Any] | None) -> bytes:
        if key == self._open:
            return self._delta(delta)
        if self._open is not None and self._open >= 0:
            self._hold(key, block, delta)
            return b""
        return self._close() + self._begin(key, block) + self._delta(delta)

    def _whole(self, key: int, block: dict[str, Any]) -> bytes:
        """A block that has no deltas."""
        if self._open is not None and self._open >= 0:
            self._pending.append(_Pending(key, block))
            return b""
        return self._close() + self._begin(key, block) + self._close()

    def _hold(self, key: int, block: dict[str, Any], delta: dict[str, Any] | None) -> None:
        held = [pending for pending in self._pending if pending.key == key]
        if key < 0 and held and held[-1] is not self._pending[-1]:
            held = []  # text after another block is a text of its own
        if not held:
            held = [_Pending(key, block)]
            self._pending += held
        if delta is not None:
            held[-1].deltas.append(delta)
            self._pending_chars += len(msgspec.json.encode(delta))
            if self._pending_chars > _PENDING_CHARS_MAX:
                raise BadProviderResponse("the provider's tool calls are too long")

    def _begin(self, key: int, block: dict[str, Any]) -> bytes:
        self._open = key
        self._index += 1
        return _frame("content_block_start", index=self._index, content_block=block)

    def _delta(self, delta: dict[str, Any] | None) -> bytes:
        if delta is None:
            return b""
        return _frame("content_block_delta", index=self._index, delta=delta)

    def _close(self) -> bytes:
        if self._open is None:
            return b""
        self._open = None
        return _frame("content_block_stop", index=self._index)

    def _close_all(self) -> bytes:
        frames = [self._close()]
        for pending in self._pending:
            frames.append(self._begin(pending.key, pending.block))
            frames += [self._delta(delta) for delta in pending.deltas]
            frames.append(self._close())
        self._pending.clear()
        return b"".join(frames)

    def _end(self) -> bytes:
        self._has_ended = True
        closing = self._close_all()
        stopped = self._stopped
        delta = {
            "stop_reason": STOP_REASONS[stopped.reason] if stopped else "end_turn",
            "stop_sequence": stopped.stop_sequence if stopped else None,
        }
        usage = usage_object(self._usage or NO_USAGE)
        usage.pop("cache_creation")  # the delta's usage has no such field
        ending = _frame("message_delta", delta=delta, usage=usage)
        return closing + ending + _frame("message_stop")


def _frame(kind: str, **fields: Any) -> bytes:
    body = msgspec.json.encode({"type": kind, **fields})
    return b"event: " + kind.encode() + b"\ndata: " + body + b"\n\n"
