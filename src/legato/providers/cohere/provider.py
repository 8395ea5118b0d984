"""The provider of kind `cohere`. No surface speaks its dialect: all is translated."""

from typing import Any

import msgspec

from legato.core.chat import ChatRequest, ChatResponse
from legato.core.clock import Clock, SystemClock
from legato.core.embeddings import EmbeddingsRequest, EmbeddingsResponse
from legato.core.errors import (
    BadProviderResponse,
    ConfigInvalid,
    InvalidRequest,
    UpstreamError,
)
from legato.core.rerank import Ranked, RerankRequest, RerankResponse
from legato.core.wire import (
    Answer,
    Dialect,
    Operation,
    RequestView,
    StreamReader,
    WireRequest,
)
from legato.providers import failure, request_headers
from legato.providers.base import Provider, ProviderSettings, Target
from legato.providers.cohere import errors
from legato.providers.cohere.chat_from_wire import decoded, read_chat
from legato.providers.cohere.chat_to_wire import chat_body
from legato.providers.cohere.decoder import CohereDecoder
from legato.providers.cohere.usage import read_usage

_BASE_URL = "https://api.cohere.com"
_OPERATIONS = frozenset({Operation.CHAT, Operation.EMBEDDINGS, Operation.RERANK})
_SHAPE_ERRORS = (AttributeError, KeyError, TypeError, ValueError)


class CohereSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`input_type`: what texts are embedded for where the caller can't say, which Cohere asks."""

    input_type: str = "search_document"


class Cohere:
    """Chat, embeddings and rerank at `base_url`, without the version."""

    dialect = Dialect.COHERE

    def __init__(self, settings: ProviderSettings, options: CohereSettings, clock: Clock) -> None:
        place = f"providers[{settings.config.name}]"
        self.base_url = settings.base_url or _BASE_URL
        self._secret = settings.api_key
        self._input_type = options.input_type
        self._clock = clock
        defaults = {"content-type": "application/json"}
        if settings.api_key:
            defaults["authorization"] = f"Bearer {settings.api_key}"
        self._headers = request_headers.render(defaults, settings.config.headers, place=place)

    def supports(self, operation: Operation) -> bool:
        """Chat, embeddings and rerank."""
        return operation in _OPERATIONS

    def request(
        self, operation: Operation, body: dict[str, Any], view: RequestView, target: Target
    ) -> WireRequest:
        """Refuse: no caller speaks this dialect."""
        del body, view, target
        raise InvalidRequest(f"{operation} in Cohere's own dialect is not served")

    def request_from_chat(self, chat: ChatRequest, target: Target) -> WireRequest:
        """Write a chat request from the canonical form. Raises InvalidRequest."""
        return self._written(b"/v2/chat", chat_body(chat, target))

    def request_from_embeddings(self, embeddings: EmbeddingsRequest, target: Target) -> WireRequest:
        """Write a request for vectors of texts."""
        body: dict[str, Any] = {
            "model": target.model,
            "texts": embeddings.inputs,
            "input_type": embeddings.input_type or self._input_type,
            "embedding_types": ["float"],
        }
        if embeddings.dimensions is not None:
            body["output_dimension"] = embeddings.dimensions
        return self._written(b"/v2/embed", body)

    def request_from_rerank(self, rerank: RerankRequest, target: Target) -> WireRequest:
        """Write a request to rerank texts."""
        body: dict[str, Any] = {
            "model": target.model,
            "query": rerank.query,
            "documents": rerank.documents,
        }
        if rerank.top_n is not None:
            body["top_n"] = rerank.top_n
        if rerank.tokens_per_document_max is not None:
            body["max_tokens_per_doc"] = rerank.tokens_per_document_max
        return self._written(b"/v2/rerank", body)

    def answer(self, operation: Operation, body: bytes) -> Answer:
        """Read usage and, for an estimate, the length of an answer. Raises BadProviderResponse."""
        answer = decoded(body)
        if operation is Operation.CHAT and not isinstance(answer.get("message"), dict):
            raise BadProviderResponse("the provider's answer holds no message")
        reported = answer.get("usage" if operation is Operation.CHAT else "meta")
        usage = None if reported is None else read_usage(reported)
        chars = 0
        if usage is None and operation is Operation.CHAT:
            chars = len(msgspec.json.encode(answer.get("message")))
        return Answer(usage=usage, model="", output_chars=chars)

    def to_chat(self, body: bytes) -> ChatResponse:
        """Translate a complete answer. Raises BadProviderResponse."""
        return read_chat(body, self._secret)

    def to_embeddings(self, body: bytes) -> EmbeddingsResponse:
        """Translate vectors. Raises BadProviderResponse."""
        answer = decoded(body)
        try:
            vectors = msgspec.convert(answer["embeddings"]["float"], tuple[list[float], ...])
        except _SHAPE_ERRORS as problem:
            raise _unknown_shape(problem) from None
        return EmbeddingsResponse(vectors, usage=read_usage(answer.get("meta")))

    def to_rerank(self, body: bytes) -> RerankResponse:
        """Translate a ranking. Raises BadProviderResponse."""
        answer = decoded(body)
        try:
            ranked = tuple(
                Ranked(int(one["index"]), float(one["relevance_score"]))
                for one in answer["results"]
            )
        except _SHAPE_ERRORS as problem:
            raise _unknown_shape(problem) from None
        usage = read_usage(answer.get("meta"))
        return RerankResponse(ranked, id=str(answer.get("id") or ""), usage=usage)

    def reader(self, view: RequestView) -> StreamReader:
        """Refuse: no caller speaks this dialect."""
        raise InvalidRequest(f"a stream of {view.model} in Cohere's own dialect is not served")

    def decoder(self) -> CohereDecoder:
        """Translate a stream."""
        return CohereDecoder(secret=self._secret)

    def failure(
        self, status: int, headers: list[tuple[bytes, bytes]], body: bytes
    ) -> UpstreamError:
        """Classify an HTTP error answer."""
        lower = {name.lower(): value for name, value in headers}
        detail = errors.detail_of_body(body, self._secret)
        return failure.classify(status, lower, detail, clock=self._clock)

    def _written(self, path: bytes, body: dict[str, Any]) -> WireRequest:
        return WireRequest(path, self._headers, msgspec.json.encode(body))


def _unknown_shape(problem: Exception) -> BadProviderResponse:
    return BadProviderResponse(
        f"the provider's answer has an unknown shape ({type(problem).__name__})"
    )


def factory(settings: ProviderSettings) -> Provider:
    """Build the provider of a configuration entry. Raises ConfigInvalid."""
    config = settings.config
    try:
        options = msgspec.convert(config.settings, CohereSettings)
    except msgspec.ValidationError as problem:
        raise ConfigInvalid(f"providers[{config.name}].settings: {problem}") from None
    return Cohere(settings, options, SystemClock())
