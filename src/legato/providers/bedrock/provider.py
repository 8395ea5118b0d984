"""The provider of kind `bedrock`, speaking Converse."""

from typing import Any, NoReturn

import msgspec

from legato.core.chat import ChatRequest, ChatResponse
from legato.core.clock import Clock, SystemClock
from legato.core.embeddings import EmbeddingsRequest, EmbeddingsResponse
from legato.core.errors import InvalidRequest, UpstreamError
from legato.core.ids import IdSource
from legato.core.wire import Answer, Dialect, Operation, RequestView, StreamReader, WireRequest
from legato.providers.base import Provider, ProviderSettings, Target
from legato.providers.bedrock import embeddings as embedding_bodies
from legato.providers.bedrock import errors, from_wire, to_wire
from legato.providers.bedrock.access import Access
from legato.providers.bedrock.decoder import ConverseDecoder
from legato.providers.bedrock.invoke_anthropic import InvokeAnthropic
from legato.providers.bedrock.settings import BedrockSettings, Place, read_settings
from legato.providers.bedrock.wire import family_of, model_path

_OPERATIONS = frozenset({Operation.CHAT, Operation.EMBEDDINGS})


class Bedrock:
    """Chat by Converse for callers of other dialects, and embeddings by InvokeModel."""

    dialect = Dialect.BEDROCK

    def __init__(
        self, access: Access, options: BedrockSettings, place: Place, clock: Clock
    ) -> None:
        self.base_url = place.base_url
        self.authorize = access.authorize
        self._access = access
        self._family = options.family
        self._clock = clock
        self._ids = IdSource(clock)

    def supports(self, operation: Operation) -> bool:
        """Chat and embeddings."""
        return operation in _OPERATIONS

    def takes_cache_hints(self, model: str) -> bool:
        """Claude and Nova; other models refuse them."""
        return family_of(model, self._family) != "other"

    def request(
        self, operation: Operation, body: dict[str, Any], view: RequestView, target: Target
    ) -> WireRequest:
        """Refuse: no surface speaks this dialect."""
        del body, view, target
        _refuse_own_dialect(operation)

    def request_from_chat(self, chat: ChatRequest, target: Target) -> WireRequest:
        """Write a chat request. Raises InvalidRequest."""
        body = to_wire.chat_body(chat, target, family_of(target.model, self._family))
        verb = "converse-stream" if chat.stream else "converse"
        return self._written(model_path(target.model, verb), body)

    def request_from_embeddings(self, embeddings: EmbeddingsRequest, target: Target) -> WireRequest:
        """Write a request for embeddings. Raises InvalidRequest."""
        body = embedding_bodies.embeddings_body(embeddings, target.model)
        return self._written(model_path(target.model, "invoke"), body)

    def _written(self, path: bytes, body: dict[str, Any]) -> WireRequest:
        return WireRequest(path, self._access.headers, msgspec.json.encode(body))

    def answer(self, operation: Operation, body: bytes) -> Answer:
        """Read usage and model. Raises BadProviderResponse."""
        if operation is Operation.EMBEDDINGS:
            return embedding_bodies.read_answer(body)
        return from_wire.read_answer(body)

    def to_chat(self, body: bytes) -> ChatResponse:
        """Translate a complete answer. Raises BadProviderResponse."""
        return from_wire.read_chat(body, self._new_id())

    def to_embeddings(self, body: bytes) -> EmbeddingsResponse:
        """Translate an answer. Raises BadProviderResponse."""
        return embedding_bodies.read_embeddings(body)

    def reader(self, view: RequestView) -> StreamReader:
        """Refuse, like `request`."""
        del view
        _refuse_own_dialect(Operation.CHAT)

    def decoder(self) -> ConverseDecoder:
        """Translate a stream."""
        return ConverseDecoder(self._new_id(), self._access.secrets)

    def failure(
        self, status: int, headers: list[tuple[bytes, bytes]], body: bytes
    ) -> UpstreamError:
        """Classify an HTTP error answer."""
        return errors.read_failure(
            status, headers, body, secrets=self._access.secrets, clock=self._clock
        )

    def _new_id(self) -> str:
        return f"bedrock-{self._ids.new()}"


def _refuse_own_dialect(operation: Operation) -> NoReturn:
    raise InvalidRequest(f"no caller speaks Converse, so {operation} is always translated")


def factory(settings: ProviderSettings) -> Provider:
    """Build the provider of a configuration entry. Raises ConfigInvalid."""
    options, place = read_settings(settings)
    clock = SystemClock()
    access = Access(settings, options, place, clock)
    if options.api == "invoke_anthropic":
        return InvokeAnthropic(access, options, place, clock)
    return Bedrock(access, options, place, clock)
