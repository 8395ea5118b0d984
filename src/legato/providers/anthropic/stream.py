"""Anthropic's stream, forwarded as it comes."""

from typing import Any

import msgspec

from legato.core.errors import BadProviderResponse
from legato.core.usage import Usage
from legato.providers import sse
from legato.providers.anthropic.errors import in_band_error
from legato.providers.anthropic.usage import merge, read_wire, to_usage
from legato.providers.anthropic.wire import BlockStart, Event, EventDelta, WireUsage
from legato.providers.pass_through import PassThroughReader

MESSAGE_STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
_EVENT = msgspec.json.Decoder(Event)
_CONTENT = b"event: content_block_delta\ndata: "
_CHARS_PER_TOKEN = 4


class AnthropicReader(PassThroughReader):
    """The stream of `/v1/messages`.

    Usage comes twice: with message_start, its output figure a mere beginning, and cumulative
    with message_delta. Between the two, `usage` holds the true input and an output estimated
    from the text that came, which is what a cut stream is settled with.
    """

    __slots__ = ("_is_final", "_reported", "_secret", "_stop_reason_seen")

    def __init__(self, *, secret: str | None) -> None:
        super().__init__()
        self._secret = secret
        self._reported: WireUsage | None = None
        self._is_final = False
        self._stop_reason_seen = False

    def _is_whole(self, event: bytes) -> bool:
        payload = sse.data(event)
        return not payload or sse.is_json(payload)

    def _conclude(self) -> bytes:
        """End properly for an upstream that gave its stop reason but no message_stop."""
        if self._over or not self._stop_reason_seen:
            return b""
        self._finish()
        return MESSAGE_STOP

    def _take(self, event: bytes) -> bytes:
        payload = event[len(_CONTENT) :] if event.startswith(_CONTENT) else sse.data(event)
        if not payload:  # a comment
            return event
        try:
            read = _EVENT.decode(payload)
        except (msgspec.DecodeError, RecursionError):
            return self._odd(event)
        if read.type == "content_block_delta" and read.delta is not None:
            self._note_content(read.delta)
        elif read.type == "error" or read.error:
            return self._fail(in_band_error(read.error, self._secret))
        elif read.type == "content_block_start" and read.content_block is not None:
            self._note_block(read.content_block)
        elif read.type == "message_start":
            self._note_start(read.message)
        elif read.type == "message_delta":
            self._note_end(read)
        elif read.type == "message_stop":
            self._finish()
        elif sse.name(event) == b"error":  # a proxy's, of another shape
            return self._fail(in_band_error(None, self._secret))
        return event

    def _note_content(self, delta: EventDelta) -> None:
        text = delta.text or delta.thinking or delta.partial_json
        if text:
            self.output_chars += len(text)
            self.started = True
            if self._reported is not None and not self._is_final:
                self.usage = self._estimate(self._reported)

    def _note_block(self, block: BlockStart) -> None:
        """A tool call is content by its name; text and thinking only once they say something."""
        if block.type not in {"text", "thinking"} or block.text or block.thinking:
            self.started = True
            self.output_chars += len(block.text or block.thinking or "")

    def _note_start(self, message: Any) -> None:
        if isinstance(message, dict):
            model = message.get("model")
            self.model = model if isinstance(model, str) else ""
            self._report(message.get("usage"))

    def _note_end(self, read: Event) -> None:
        if read.delta is not None and read.delta.stop_reason:
            self.started = self._stop_reason_seen = True
        self._is_final = read.usage is not None or self._is_final
        self._report(read.usage)

    def _report(self, reported: Any) -> None:
        wire = read_wire(reported)
        if wire is None:
            return
        merged = merge(self._reported, wire)
        usage = to_usage(merged)
        if usage is not None:
            self._reported, self.usage = merged, usage

    def _estimate(self, reported: WireUsage) -> Usage | None:
        begun = reported.output_tokens or 0
        estimated = max(begun, -(-self.output_chars // _CHARS_PER_TOKEN))
        if self.usage is not None and self.usage.output_tokens == estimated:
            return self.usage
        return to_usage(msgspec.structs.replace(reported, output_tokens=estimated))

    def _odd(self, event: bytes) -> bytes:
        """JSON of a shape we don't know is the client's to read; anything else is a fault."""
        payload = sse.data(event)
        if sse.name(event) == b"error":
            return self._fail(in_band_error(None, self._secret))
        if not payload.startswith(b"{") or not sse.is_json(payload):
            return self._fail(BadProviderResponse("the provider sent an event that is not JSON"))
        self.started = True
        return event
