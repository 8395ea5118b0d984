"""Anthropic's stream as canonical events."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from legato.core.chat import (
    ChatEvent,
    Ended,
    Ping,
    RedactedThinkingDelta,
    SignatureDelta,
    Started,
    Stopped,
    ThinkingDelta,
    ToolUseDelta,
    ToolUseStarted,
    UsageReported,
)
from legato.core.citations import CitedBlocks
from legato.providers.anthropic.citations import read_citation, read_citations
from legato.providers.anthropic.errors import in_band_error
from legato.providers.anthropic.stop_reason import stop_reason
from legato.providers.anthropic.usage import merge, read_wire, to_usage
from legato.providers.event_decoder import EventDecoder

if TYPE_CHECKING:
    from legato.providers.anthropic.wire import WireUsage


class AnthropicDecoder(EventDecoder):
    """Events of `/v1/messages`; blocks of server-side tools have no canonical form."""

    def __init__(self, *, secret: str | None) -> None:
        super().__init__()
        self._secret = secret
        self._tools: dict[int, int] = {}  # block index -> number of the tool call
        self._texts = CitedBlocks()
        self._usage: WireUsage | None = None
        self._has_stopped = False

    def _conclude(self) -> Sequence[ChatEvent]:
        """A stop reason without message_stop is an end all the same."""
        return self._end() if self._has_stopped else []

    def _end(self) -> Sequence[ChatEvent]:
        self.finished = True
        return [Ended()]

    def _decode(self, name: bytes, body: dict[str, Any]) -> Sequence[ChatEvent]:
        kind = body.get("type")
        if kind == "error" or name == b"error" or body.get("error"):
            raise in_band_error(body.get("error"), self._secret)
        if kind == "content_block_delta":
            return self._decode_delta(body["index"], body["delta"])
        if kind == "content_block_start":
            return self._decode_block(body["index"], body["content_block"])
        if kind == "content_block_stop":
            return self._texts.end(body["index"])
        if kind == "message_start":
            return self._decode_start(body["message"])
        if kind == "message_delta":
            return self._decode_end(body)
        if kind == "message_stop":
            return self._end()
        return [Ping()] if kind == "ping" else []

    def _decode_start(self, message: dict[str, Any]) -> Sequence[ChatEvent]:
        self._usage = read_wire(message.get("usage"))
        usage = to_usage(self._usage) if self._usage is not None else None
        return [Started(message.get("id") or "", message.get("model") or "", 0, usage)]

    def _decode_block(self, index: int, block: dict[str, Any]) -> Sequence[ChatEvent]:
        kind = block["type"]
        if kind == "tool_use":
            number = self._tools[index] = len(self._tools)
            return [ToolUseStarted(number, block["id"], block["name"])]
        for citation in read_citations(block) if kind == "text" else ():
            self._texts.cite(index, citation)
        if kind == "text" and block.get("text"):
            return [self._texts.text(index, block["text"])]
        if kind == "thinking" and block.get("thinking"):
            return [ThinkingDelta(block["thinking"])]
        if kind == "redacted_thinking":
            return [RedactedThinkingDelta(block["data"])]
        return []

    def _decode_delta(self, index: int, delta: dict[str, Any]) -> Sequence[ChatEvent]:
        kind = delta["type"]
        if kind == "text_delta" and delta["text"]:
            return [self._texts.text(index, delta["text"])]
        if kind == "thinking_delta" and delta["thinking"]:
            return [ThinkingDelta(delta["thinking"])]
        if kind == "citations_delta":
            self._texts.cite(index, read_citation(delta["citation"]))
        if kind == "signature_delta":
            return [SignatureDelta(delta["signature"])]
        if kind == "input_json_delta" and delta["partial_json"] and index in self._tools:
            return [ToolUseDelta(self._tools[index], delta["partial_json"])]
        return []

    def _decode_end(self, body: dict[str, Any]) -> Sequence[ChatEvent]:
        events: list[ChatEvent] = [*self._texts.end_all()]
        delta = body.get("delta") or {}
        if delta.get("stop_reason") and not self._has_stopped:
            self._has_stopped = True
            reason = stop_reason(delta["stop_reason"])
            events.append(Stopped(reason, delta.get("stop_sequence")))
        reported = read_wire(body.get("usage"))
        if reported is not None:
            self._usage = merge(self._usage, reported)
            usage = to_usage(self._usage)
            events += [UsageReported(usage)] if usage is not None else []
        return events
