"""ConverseStream as canonical events."""

from collections.abc import Sequence
from typing import Any

import msgspec

from legato.core.chat import (
    ChatEvent,
    Ended,
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
from legato.core.errors import BadProviderResponse, UpstreamError
from legato.providers.bedrock.citations import read_citation
from legato.providers.bedrock.errors import error_event
from legato.providers.bedrock.event_stream import Event, EventSplitter
from legato.providers.bedrock.usage import read_usage, stop_reason


class ConverseDecoder:
    """A `StreamDecoder`: messageStart, blocks, messageStop, and the usage in metadata at last."""

    def __init__(self, answer_id: str, secrets: tuple[str, ...]) -> None:
        self.finished = False
        self.error: UpstreamError | None = None
        self._id = answer_id
        self._secrets = secrets
        self._splitter = EventSplitter()
        self._texts = CitedBlocks()
        self._tools: dict[int, int] = {}  # block index -> number of the tool call
        self._has_stopped = False

    def feed(self, chunk: bytes) -> list[ChatEvent]:
        """Take bytes as they came, return the events that are now complete."""
        events: list[ChatEvent] = []
        try:
            for event in () if self._is_over() else self._splitter.feed(chunk):
                events += self._decode(event)
                if self._is_over():
                    break
        except UpstreamError as error:
            self.error = error
        return events

    def close(self) -> list[ChatEvent]:
        """Take the end of the body: without metadata, a messageStop ends it as well."""
        if self._is_over() or not self._has_stopped or self._splitter.holds:
            return []
        self.finished = True
        return [Ended()]

    def _is_over(self) -> bool:
        return self.finished or self.error is not None

    def _decode(self, event: Event) -> Sequence[ChatEvent]:
        self.error = error_event(event, self._secrets)
        if self.error is not None:
            return []
        try:
            body = msgspec.json.decode(event.payload)
            return self._read(event.headers.get(":event-type", ""), body)
        except (msgspec.DecodeError, RecursionError):
            raise BadProviderResponse("the provider sent an event that is not JSON") from None
        except (AttributeError, KeyError, TypeError) as problem:
            raise BadProviderResponse(
                f"the provider sent an event of unknown shape ({type(problem).__name__})"
            ) from None

    def _read(self, kind: str, body: dict[str, Any]) -> Sequence[ChatEvent]:
        if kind == "contentBlockDelta":
            return self._delta(body["contentBlockIndex"], body["delta"])
        if kind == "contentBlockStart":
            return self._block(body["contentBlockIndex"], body["start"])
        if kind == "contentBlockStop":
            return self._texts.end(body["contentBlockIndex"])
        if kind == "messageStart":
            return [Started(self._id, "", 0)]
        if kind == "messageStop":
            self._has_stopped = True
            own = body.get("additionalModelResponseFields") or {}
            stopped = Stopped(stop_reason(body.get("stopReason")), own.get("stop_sequence"))
            return [*self._texts.end_all(), stopped]
        if kind == "metadata":
            usage = read_usage(body.get("usage"))
            self.finished = self._has_stopped
            reported = [UsageReported(usage)] if usage is not None else []
            return [*reported, Ended()] if self.finished else reported
        return []

    def _block(self, index: int, start: dict[str, Any]) -> Sequence[ChatEvent]:
        use = start.get("toolUse")
        if use is None or use.get("type") is not None:  # one that runs at AWS
            return []
        number = self._tools[index] = len(self._tools)
        return [ToolUseStarted(number, use["toolUseId"], use["name"])]

    def _delta(self, index: int, delta: dict[str, Any]) -> Sequence[ChatEvent]:
        if text := delta.get("text"):
            return [self._texts.text(index, text)]
        if "citation" in delta:
            self._texts.cite(index, read_citation(delta["citation"]))
            return []
        if "toolUse" in delta and index in self._tools and delta["toolUse"]["input"]:
            return [ToolUseDelta(self._tools[index], delta["toolUse"]["input"])]
        reasoning = delta.get("reasoningContent") or {}
        if text := reasoning.get("text"):
            return [ThinkingDelta(text)]
        if signature := reasoning.get("signature"):
            return [SignatureDelta(signature)]
        if data := reasoning.get("redactedContent"):
            return [RedactedThinkingDelta(data)]
        return []
