"""The provider of the kinds `gemini` and `vertex`."""

from typing import Any, NoReturn

import msgspec

from legato.core.chat import ChatRequest, ChatResponse
from legato.core.clock import Clock, SystemClock
from legato.core.embeddings import EmbeddingsRequest, EmbeddingsResponse
from legato.core.errors import ConfigInvalid, InvalidRequest, UpstreamError
from legato.core.wire import Answer, Dialect, Operation, RequestView, StreamReader, WireRequest
from legato.providers import failure, request_headers
from legato.providers.base import Provider, ProviderSettings, Target
from legato.providers.gemini import chat_from_wire, chat_to_wire, embeddings, errors, from_wire
from legato.providers.gemini.batches import GeminiBatches
from legato.providers.gemini.decoder import GeminiDecoder
from legato.providers.gemini.service import Service
from legato.providers.gemini.settings import GeminiSettings, Options, read_settings

_BASE_URL = "https://generativelanguage.googleapis.com"
_OPERATIONS = frozenset({Operation.CHAT, Operation.EMBEDDINGS, Operation.COUNT_TOKENS})
_COUNTED = frozenset({"contents", "systemInstruction", "tools"})


class Gemini:
    """Chat, embeddings and token counts for callers of other dialects."""

    dialect = Dialect.GEMINI

    def __init__(
        self, settings: ProviderSettings, service: Service, options: Options, clock: Clock
    ) -> None:
        place = f"providers[{settings.config.name}]"
        if settings.config.preset is not None:
            raise ConfigInvalid(f"{place}.preset: the kind {settings.config.kind} has none")
        self.base_url = settings.base_url
        self._service = service
        self._options = options
        self._key = settings.api_key
        self._clock = clock
        defaults = {"content-type": "application/json"}
        if settings.api_key:
            defaults["x-goog-api-key"] = settings.api_key
        self._headers = request_headers.render(defaults, settings.config.headers, place=place)
        self.batches: GeminiBatches | None = None
        """Not at Vertex AI, whose batches read and write Cloud Storage or BigQuery alone."""
        if not service.is_vertex:
            self.batches = GeminiBatches(service, self._headers, self.failure, settings.api_key)

    @property
    def secret(self) -> str | None:
        """What must never be told: the key in use."""
        return self._key

    def supports(self, operation: Operation) -> bool:
        """Chat, embeddings and counting tokens."""
        return operation in _OPERATIONS

    def request(
        self, operation: Operation, body: dict[str, Any], view: RequestView, target: Target
    ) -> WireRequest:
        """Refuse: no surface speaks this dialect."""
        del body, view, target
        _refuse_own_dialect(operation)

    def reader(self, view: RequestView) -> StreamReader:
        """Refuse: no surface speaks this dialect."""
        del view
        _refuse_own_dialect(Operation.CHAT)

    def request_from_chat(self, chat: ChatRequest, target: Target) -> WireRequest:
        """Write a chat request from the canonical form. Raises InvalidRequest."""
        verb = "streamGenerateContent?alt=sse" if chat.stream else "generateContent"
        body = chat_to_wire.chat_body(chat, target, self._service, self._options)
        return self._request(target, verb, body)

    def request_from_embeddings(
        self, embeddings_asked: EmbeddingsRequest, target: Target
    ) -> WireRequest:
        """Write a request for embeddings. Raises InvalidRequest."""
        if self._service.is_vertex:
            return self._request(target, "predict", embeddings.predict_body(embeddings_asked))
        name = self._service.resource(target.model)
        return self._request(
            target, "batchEmbedContents", embeddings.batch_body(embeddings_asked, name)
        )

    def request_for_count(self, chat: ChatRequest, target: Target) -> WireRequest:
        """Write a request that counts what a chat would read. Raises InvalidRequest."""
        body = chat_to_wire.chat_body(chat, target, self._service, self._options)
        if self._service.is_vertex:
            body = {name: value for name, value in body.items() if name in _COUNTED}
        else:
            name = self._service.resource(target.model)
            body = {"generateContentRequest": {"model": name, **body}}
        return self._request(target, "countTokens", body)

    def to_count(self, body: bytes) -> int:
        """Read how many tokens were counted. Raises BadProviderResponse."""
        return from_wire.read_count(body)

    def to_chat(self, body: bytes) -> ChatResponse:
        """Translate a complete answer. Raises UpstreamError."""
        return chat_from_wire.read_chat(body, self.secret)

    def to_embeddings(self, body: bytes) -> EmbeddingsResponse:
        """Translate an answer of embeddings. Raises BadProviderResponse."""
        return embeddings.read_embeddings(body)

    def decoder(self) -> GeminiDecoder:
        """Translate a stream."""
        return GeminiDecoder(secret=self.secret)

    def answer(self, operation: Operation, body: bytes) -> Answer:
        """Read usage and model. Raises UpstreamError."""
        return from_wire.read_answer(operation, body, self.secret)

    def failure(
        self, status: int, headers: list[tuple[bytes, bytes]], body: bytes
    ) -> UpstreamError:
        """Classify an HTTP error answer."""
        lower = {name.lower(): value for name, value in headers}
        read = errors.read_body(body, self.secret)
        if read.retry_after_s is not None:
            lower.setdefault(b"retry-after", str(read.retry_after_s).encode())
        return failure.classify(read.http_status(status), lower, read.detail, clock=self._clock)

    def _request(self, target: Target, verb: str, body: dict[str, Any]) -> WireRequest:
        path = self._service.path(target.model, verb)
        return WireRequest(path, self._headers, msgspec.json.encode(body))


def _refuse_own_dialect(operation: Operation) -> NoReturn:
    raise InvalidRequest(f"{operation} in Gemini's own dialect has no surface here")


def factory(settings: ProviderSettings) -> Provider:
    """Build the provider of a configuration entry of kind `gemini`. Raises ConfigInvalid."""
    config = settings.config
    options = read_settings(config.settings, GeminiSettings, place=f"providers[{config.name}]")
    url = settings.base_url or _BASE_URL
    # As the SDK takes it, or with the version that other vendors' base URLs end in.
    url = url.removesuffix(f"/{options.api_version}")
    at_studio = msgspec.structs.replace(settings, base_url=url)
    return Gemini(at_studio, Service(options.api_version), options, SystemClock())
