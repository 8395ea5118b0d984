"""Anthropic's own bodies through InvokeModel: their callers' requests go on as they came."""

from base64 import b64decode
from typing import TYPE_CHECKING, Any

import msgspec

from legato.core.chat import ChatEvent, ChatRequest, ChatResponse
from legato.core.clock import Clock
from legato.core.errors import BadProviderResponse, InvalidRequest, UpstreamError
from legato.core.wire import Answer, Dialect, Operation, RequestView, WireRequest
from legato.providers.anthropic import chat_from_wire, chat_to_wire, from_wire, to_wire
from legato.providers.anthropic.decoder import AnthropicDecoder
from legato.providers.anthropic.stream import AnthropicReader
from legato.providers.base import Target
from legato.providers.bedrock import errors
from legato.providers.bedrock.event_stream import Event, EventSplitter
from legato.providers.bedrock.settings import BedrockSettings, Place
from legato.providers.bedrock.wire import model_path

if TYPE_CHECKING:
    from legato.providers.bedrock.access import Access

_NOT_IN_BODY = ("model", "stream")


class InvokeAnthropic:
    """Messages of Claude at Bedrock, in Anthropic's dialect."""

    dialect = Dialect.ANTHROPIC

    def __init__(
        self, access: "Access", options: BedrockSettings, place: Place, clock: Clock
    ) -> None:
        self.base_url = place.base_url
        self.authorize = access.authorize
        self._access = access
        self._clock = clock
        self._added: dict[str, Any] = {"anthropic_version": options.anthropic_version}
        if options.anthropic_beta:
            self._added["anthropic_beta"] = list(options.anthropic_beta)

    def supports(self, operation: Operation) -> bool:
        """Chat only."""
        return operation is Operation.CHAT

    def takes_cache_hints(self, model: str) -> bool:
        """All of Claude that is served takes them; too short a part is not kept."""
        del model
        return True

    def request(
        self, operation: Operation, body: dict[str, Any], view: RequestView, target: Target
    ) -> WireRequest:
        """Write a request from a caller's body; fields we don't know stay as they are."""
        if operation is not Operation.CHAT:
            raise InvalidRequest(f"{operation} is not available through InvokeModel")
        wire = to_wire.messages_body(body, target)
        return self._written(wire, target, stream=view.stream)

    def request_from_chat(self, chat: ChatRequest, target: Target) -> WireRequest:
        """Write a request from the canonical form. Raises InvalidRequest."""
        return self._written(chat_to_wire.chat_body(chat, target), target, stream=chat.stream)

    def _written(self, wire: dict[str, Any], target: Target, *, stream: bool) -> WireRequest:
        body = {name: value for name, value in wire.items() if name not in _NOT_IN_BODY}
        verb = "invoke-with-response-stream" if stream else "invoke"
        path = model_path(target.model, verb)
        return WireRequest(path, self._access.headers, msgspec.json.encode(body | self._added))

    def answer(self, operation: Operation, body: bytes) -> Answer:
        """Read usage and model. Raises BadProviderResponse."""
        return from_wire.read_answer(operation, body, None)

    def to_chat(self, body: bytes) -> ChatResponse:
        """Translate a complete answer. Raises BadProviderResponse."""
        return chat_from_wire.read_chat(body, None)

    def reader(self, view: RequestView) -> "InvokeReader":
        """Forward a stream in Anthropic's framing."""
        del view
        return InvokeReader(self._access.secrets)

    def decoder(self) -> "InvokeDecoder":
        """Translate a stream."""
        return InvokeDecoder(self._access.secrets)

    def failure(
        self, status: int, headers: list[tuple[bytes, bytes]], body: bytes
    ) -> UpstreamError:
        """Classify an HTTP error answer."""
        return errors.read_failure(
            status, headers, body, secrets=self._access.secrets, clock=self._clock
        )


class _Unwrapping:
    """Takes Anthropic's events out of AWS's messages, framed as Anthropic frames them."""

    def __init__(self, secrets: tuple[str, ...]) -> None:
        self._secrets = secrets
        self._splitter = EventSplitter()

    def feed(self, chunk: bytes) -> tuple[bytes, UpstreamError | None]:
        """Return the events that are complete, and the error that came behind them."""
        frames: list[bytes] = []
        error: UpstreamError | None = None
        try:
            for event in self._splitter.feed(chunk):
                error = errors.error_event(event, self._secrets)
                if error is not None:
                    break
                frames.append(_framed(event))
        except BadProviderResponse as problem:
            error = problem
        return b"".join(frames), error


class InvokeReader(AnthropicReader):
    """The fast lane: the events themselves go on untouched."""

    __slots__ = ("_unwrapping",)

    def __init__(self, secrets: tuple[str, ...]) -> None:
        super().__init__(secret=None)
        self._unwrapping = _Unwrapping(secrets)

    def feed(self, chunk: bytes) -> bytes:
        """Take bytes as they came, return the events that may go out now."""
        if self._over:
            return b""
        events, error = self._unwrapping.feed(chunk)
        frames = super().feed(events) if events else b""
        if error is not None and not self._over:
            self._fail(error)
        return frames


class InvokeDecoder(AnthropicDecoder):
    """The translating path."""

    def __init__(self, secrets: tuple[str, ...]) -> None:
        super().__init__(secret=None)
        self._unwrapping = _Unwrapping(secrets)

    def feed(self, chunk: bytes) -> list[ChatEvent]:
        """Take bytes as they came, return the events that are now complete."""
        if self._is_over():
            return []
        events, error = self._unwrapping.feed(chunk)
        decoded = super().feed(events) if events else []
        if error is not None and not self._is_over():
            self.error = error
        return decoded


def _framed(event: Event) -> bytes:
    try:
        payload = b64decode(msgspec.json.decode(event.payload)["bytes"], validate=True)
        kind: bytes = msgspec.json.decode(payload)["type"].encode("ascii")
    except (msgspec.DecodeError, AttributeError, KeyError, TypeError, ValueError):
        raise BadProviderResponse("the provider sent an event of unknown shape") from None
    return b"event: " + kind + b"\ndata: " + payload + b"\n\n"
