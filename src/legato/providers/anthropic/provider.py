"""The provider of kind `anthropic`."""

from typing import Any

import msgspec

from legato.core.chat import ChatRequest, ChatResponse
from legato.core.clock import Clock, SystemClock
from legato.core.errors import ConfigInvalid, InvalidRequest, UpstreamError
from legato.core.wire import Answer, Dialect, Operation, RequestView, WireRequest
from legato.providers import failure, request_headers
from legato.providers.anthropic import (
    chat_from_wire,
    chat_to_wire,
    errors,
    from_wire,
    to_wire,
)
from legato.providers.anthropic.batches import AnthropicBatches
from legato.providers.anthropic.decoder import AnthropicDecoder
from legato.providers.anthropic.settings import AnthropicSettings, read_settings
from legato.providers.anthropic.stream import AnthropicReader
from legato.providers.base import Provider, ProviderSettings, Target

_BASE_URL = "https://api.anthropic.com"


class Anthropic:
    """Messages and token counts; `base_url` with or without a final `/v1`, as in the SDK."""

    dialect = Dialect.ANTHROPIC

    def __init__(
        self, settings: ProviderSettings, options: AnthropicSettings, clock: Clock
    ) -> None:
        place = f"providers[{settings.config.name}]"
        if settings.config.preset is not None:
            raise ConfigInvalid(f"{place}.preset: the kind anthropic has none")
        self.base_url = settings.base_url or _BASE_URL
        version = b"" if self.base_url.endswith("/v1") else b"/v1"
        self._messages_path = version + b"/messages"
        self._count_path = version + b"/messages/count_tokens"
        self._secret = settings.api_key
        self._clock = clock
        defaults = {
            "content-type": "application/json",
            "anthropic-version": options.version,
        }
        if options.beta:
            defaults["anthropic-beta"] = ",".join(options.beta)
        if settings.api_key:
            defaults["x-api-key"] = settings.api_key
        configured = settings.config.headers
        self._headers = request_headers.render(defaults, configured, place=place)
        del defaults["content-type"]  # most of what is asked about a batch has no body
        plain = request_headers.render(defaults, configured, place=place)
        self.batches = AnthropicBatches(self._messages_path, plain, self.failure)
        """See `legato.providers.batching`."""

    def supports(self, operation: Operation) -> bool:
        """Chat and counting tokens; Anthropic has no embeddings."""
        return operation in {Operation.CHAT, Operation.COUNT_TOKENS}

    def takes_cache_hints(self, model: str) -> bool:
        """All of Claude that is served takes them; too short a part is not kept."""
        del model
        return True

    def request(
        self, operation: Operation, body: dict[str, Any], view: RequestView, target: Target
    ) -> WireRequest:
        """Write a request from a caller's body; fields we don't know stay as they are."""
        del view
        if operation is Operation.CHAT:
            wire = to_wire.messages_body(body, target)
            return WireRequest(self._messages_path, self._headers, msgspec.json.encode(wire))
        if operation is Operation.COUNT_TOKENS:
            wire = to_wire.count_tokens_body(body, target)
            return WireRequest(self._count_path, self._headers, msgspec.json.encode(wire))
        raise InvalidRequest(f"{operation} is not available at Anthropic")

    def request_from_chat(self, chat: ChatRequest, target: Target) -> WireRequest:
        """Write a chat request from the canonical form. Raises InvalidRequest."""
        body = chat_to_wire.chat_body(chat, target)
        return WireRequest(self._messages_path, self._headers, msgspec.json.encode(body))

    def request_for_count(self, chat: ChatRequest, target: Target) -> WireRequest:
        """Write a request that counts what a chat would read. Raises InvalidRequest."""
        body = chat_to_wire.counted_body(chat, target)
        return WireRequest(self._count_path, self._headers, msgspec.json.encode(body))

    def to_count(self, body: bytes) -> int:
        """Read how many tokens were counted. Raises BadProviderResponse."""
        return from_wire.read_count(body)

    def to_chat(self, body: bytes) -> ChatResponse:
        """Translate a complete answer. Raises BadProviderResponse."""
        return chat_from_wire.read_chat(body, self._secret)

    def decoder(self) -> AnthropicDecoder:
        """Translate a stream."""
        return AnthropicDecoder(secret=self._secret)

    def answer(self, operation: Operation, body: bytes) -> Answer:
        """Read usage and model. Raises BadProviderResponse."""
        return from_wire.read_answer(operation, body, self._secret)

    def reader(self, view: RequestView) -> AnthropicReader:
        """Open the fast lane of a stream."""
        del view
        return AnthropicReader(secret=self._secret)

    def failure(
        self, status: int, headers: list[tuple[bytes, bytes]], body: bytes
    ) -> UpstreamError:
        """Classify an HTTP error answer."""
        lower = {name.lower(): value for name, value in headers}
        detail = errors.detail_of_body(body, self._secret)
        return failure.classify(status, lower, detail, clock=self._clock)


def factory(settings: ProviderSettings) -> Provider:
    """Build the provider of a configuration entry. Raises ConfigInvalid."""
    config = settings.config
    options = read_settings(config.settings, place=f"providers[{config.name}]")
    return Anthropic(settings, options, SystemClock())
