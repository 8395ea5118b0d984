"""Cohere's stream as canonical events."""

from collections.abc import Sequence
from typing import Any

from legato.core.chat import (
    ChatEvent,
    CitationDelta,
    Ended,
    Started,
    Stopped,
    TextDelta,
    ThinkingDelta,
    ToolUseDelta,
    ToolUseStarted,
    UsageReported,
)
from legato.providers.cohere.chat_from_wire import BROKEN_OFF, stop_reason
from legato.providers.cohere.citations import read_citations
from legato.providers.cohere.errors import broken_off
from legato.providers.cohere.logprobs import read_logprobs
from legato.providers.cohere.usage import read_usage
from legato.providers.event_decoder import EventDecoder


class CohereDecoder(EventDecoder):
    """Events of `/v2/chat`, told apart by their `type`."""

    def __init__(self, *, secret: str | None) -> None:
        super().__init__()
        self._secret = secret
        self._starts: dict[int, int] = {}  # index of a block of content -> its place in the text
        self._chars = 0
        self._tools: dict[int, int] = {}  # the provider's index -> number of the tool call

    def _decode(self, name: bytes, body: dict[str, Any]) -> Sequence[ChatEvent]:
        kind = body.get("type")
        if kind is None and (body.get("message") or name == b"error"):
            raise broken_off(body.get("message"), self._secret)
        if kind == "message-start":
            return [Started(body.get("id") or "", "")]
        if kind == "message-end":
            return self._decode_end(body.get("delta") or {})
        message = (body.get("delta") or {}).get("message") or {}
        if kind in {"content-start", "content-delta"}:
            scores = read_logprobs(body.get("logprobs"))
            content = message.get("content") or {}
            return self._decode_content(body.get("index") or 0, content, scores)
        if kind == "citation-start":
            return self._decode_citations(message.get("citations") or ())
        if kind == "tool-plan-delta":
            return [ThinkingDelta(message["tool_plan"])] if message.get("tool_plan") else []
        if kind == "tool-call-start":
            return self._decode_call(body.get("index") or 0, message["tool_calls"])
        if kind == "tool-call-delta":
            arguments = message["tool_calls"]["function"].get("arguments")
            number = self._tools[body.get("index") or 0]
            return [ToolUseDelta(number, arguments)] if arguments else []
        return []

    def _decode_call(self, index: int, call: dict[str, Any]) -> Sequence[ChatEvent]:
        number = self._tools[index] = len(self._tools)
        function = call["function"]
        events: list[ChatEvent] = [ToolUseStarted(number, call["id"], function["name"])]
        if function.get("arguments"):
            events.append(ToolUseDelta(number, function["arguments"]))
        return events

    def _decode_end(self, delta: dict[str, Any]) -> Sequence[ChatEvent]:
        reason = delta.get("finish_reason")
        if reason in BROKEN_OFF:
            raise broken_off(delta.get("error"), self._secret)
        usage = read_usage(delta.get("usage"))
        events: list[ChatEvent] = [Stopped(stop_reason(reason))]
        events += [UsageReported(usage)] if usage is not None else []
        self.finished = True
        return [*events, Ended()]

    def _decode_content(
        self, index: int, content: dict[str, Any], scores: dict[str, Any] | None
    ) -> Sequence[ChatEvent]:
        self._starts.setdefault(index, self._chars)
        events: list[ChatEvent] = []
        if content.get("thinking"):
            events.append(ThinkingDelta(content["thinking"]))
        if content.get("text"):
            self._chars += len(content["text"])
            events.append(TextDelta(content["text"], logprobs=scores))
        return events

    def _decode_citations(self, wire: Any) -> Sequence[ChatEvent]:
        cited = [wire] if isinstance(wire, dict) else wire
        return [CitationDelta(one) for each in cited for one in read_citations(each, self._starts)]
