"""Anthropic's own bodies through rawPredict: their callers' requests go on as they came.

Shapes: "Claude on Vertex AI" (docs.claude.com) and the vendor's package anthropic 2.11, whose
client for Vertex AI writes the same paths and fields.
"""

import re
from typing import Any

import msgspec

from legato.core.chat import ChatRequest, ChatResponse
from legato.core.clock import Clock
from legato.core.errors import ConfigInvalid, InvalidRequest, UpstreamError
from legato.core.wire import Answer, Dialect, Operation, RequestView, WireRequest
from legato.providers import failure, request_headers
from legato.providers.anthropic import chat_from_wire, chat_to_wire, from_wire, to_wire
from legato.providers.anthropic import errors as anthropic_errors
from legato.providers.anthropic.decoder import AnthropicDecoder
from legato.providers.anthropic.stream import AnthropicReader
from legato.providers.base import ProviderSettings, Target
from legato.providers.gemini import errors as google_errors
from legato.providers.gemini.service import Service, vertex_url
from legato.providers.gemini.settings import VertexSettings
from legato.providers.vertex.authorizer import TokenAuthorizer
from legato.providers.vertex.google_auth import GoogleAuth

_MODEL = re.compile(
    r"(?:publishers/anthropic/models/)?([A-Za-z0-9](?:[A-Za-z0-9@_-]|\.(?!\.)){0,127})"
)
_OPERATIONS = frozenset({Operation.CHAT, Operation.COUNT_TOKENS})


class RawPredict:
    """Messages and token counts of Claude at Vertex AI, in Anthropic's dialect."""

    dialect = Dialect.ANTHROPIC

    def __init__(
        self, settings: ProviderSettings, options: VertexSettings, auth: GoogleAuth, clock: Clock
    ) -> None:
        place = f"providers[{settings.config.name}]"
        if settings.config.preset is not None:
            raise ConfigInvalid(f"{place}.preset: the kind vertex has none")
        self.base_url = settings.base_url or vertex_url(options.location)
        self.authorize = TokenAuthorizer(auth.fetch, clock)
        service = Service(options.api_version, options.project, options.location)
        self._models = f"/{service.version}/{service.place}/publishers/anthropic/models/"
        self._added = {"anthropic_version": options.anthropic_version}
        self._clock = clock
        defaults = {"content-type": "application/json"}
        if options.anthropic_beta:
            defaults["anthropic-beta"] = ",".join(options.anthropic_beta)
        self._headers = request_headers.render(defaults, settings.config.headers, place=place)

    @property
    def secret(self) -> str | None:
        """What must never be told: the token in use."""
        return self.authorize.secret

    def supports(self, operation: Operation) -> bool:
        """Chat and counting tokens."""
        return operation in _OPERATIONS

    def takes_cache_hints(self, model: str) -> bool:
        """All of Claude that is served takes them; too short a part is not kept."""
        del model
        return True

    def request(
        self, operation: Operation, body: dict[str, Any], view: RequestView, target: Target
    ) -> WireRequest:
        """Write a request from a caller's body; fields we don't know stay as they are."""
        if operation is Operation.COUNT_TOKENS:
            return self._counting(to_wire.count_tokens_body(body, target))
        if operation is not Operation.CHAT:
            raise InvalidRequest(f"{operation} is not available for Anthropic's models")
        return self._written(to_wire.messages_body(body, target), stream=view.stream)

    def request_from_chat(self, chat: ChatRequest, target: Target) -> WireRequest:
        """Write a chat request from the canonical form. Raises InvalidRequest."""
        return self._written(chat_to_wire.chat_body(chat, target), stream=chat.stream)

    def request_for_count(self, chat: ChatRequest, target: Target) -> WireRequest:
        """Write a request that counts what a chat would read. Raises InvalidRequest."""
        return self._counting(chat_to_wire.counted_body(chat, target))

    def to_count(self, body: bytes) -> int:
        """Read how many tokens were counted. Raises BadProviderResponse."""
        return from_wire.read_count(body)

    def to_chat(self, body: bytes) -> ChatResponse:
        """Translate a complete answer. Raises BadProviderResponse."""
        return chat_from_wire.read_chat(body, self.secret)

    def decoder(self) -> AnthropicDecoder:
        """Translate a stream."""
        return AnthropicDecoder(secret=self.secret)

    def answer(self, operation: Operation, body: bytes) -> Answer:
        """Read usage and model. Raises BadProviderResponse."""
        return from_wire.read_answer(operation, body, self.secret)

    def reader(self, view: RequestView) -> AnthropicReader:
        """Open the fast lane of a stream."""
        del view
        return AnthropicReader(secret=self.secret)

    def failure(
        self, status: int, headers: list[tuple[bytes, bytes]], body: bytes
    ) -> UpstreamError:
        """Classify an HTTP error answer: the model's in Anthropic's words, or Google's own."""
        lower = {name.lower(): value for name, value in headers}
        google = google_errors.read_body(body, self.secret)
        if not google.status:
            detail = anthropic_errors.detail_of_body(body, self.secret)
            return failure.classify(status, lower, detail, clock=self._clock)
        if google.retry_after_s is not None:
            lower.setdefault(b"retry-after", str(google.retry_after_s).encode())
        return failure.classify(google.http_status(status), lower, google.detail, clock=self._clock)

    def _written(self, wire: dict[str, Any], *, stream: bool) -> WireRequest:
        """The model is in the path alone; that it streams is said twice."""
        model = _MODEL.fullmatch(wire.pop("model"))
        if model is None:
            raise InvalidRequest(
                "model: the deployment's model is no name of a model of Anthropic's at Vertex AI",
                param="model",
            )
        verb = "streamRawPredict" if stream else "rawPredict"
        return self._sent(f"{model[1]}:{verb}", wire)

    def _counting(self, wire: dict[str, Any]) -> WireRequest:
        """Counting is a model of its own here, and the model it counts for is in the body."""
        return self._sent("count-tokens:rawPredict", wire)

    def _sent(self, path: str, wire: dict[str, Any]) -> WireRequest:
        body = msgspec.json.encode(wire | self._added)
        return WireRequest(f"{self._models}{path}".encode(), self._headers, body)
