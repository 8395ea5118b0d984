"""Between two dialects, and answers that carry the caller's name for the model."""

import re
from typing import TYPE_CHECKING, Any

import msgspec

from legato.core.chat import (
    RefusalDelta,
    Started,
    TextDelta,
    ThinkingDelta,
    ToolUseDelta,
    UsageReported,
)
from legato.core.errors import InvalidRequest, UpstreamError
from legato.core.wire import (
    EmbeddingsSurface,
    Operation,
    RerankSurface,
    StreamDecoder,
    StreamEncoder,
    StreamReader,
    Surface,
    WireRequest,
)
from legato.gateway.readers import ReaderAround
from legato.providers.base import Embedder, Provider, Reranker, Target

if TYPE_CHECKING:
    from legato.core.usage import Usage

# In JSON an unescaped `"model":` can only be a key; both dialects use it for the model alone.
_MODEL = re.compile(rb'("model"\s*:\s*)"(?:[^"\\]|\\.)*"')

_CHARS_PER_TOKEN = 4


def translated_request(
    surface: Surface, body: dict[str, Any], provider: Provider, target: Target, *, drop: bool
) -> WireRequest:
    """Write a caller's request for a provider of another dialect. Raises InvalidRequest."""
    if surface.operation is Operation.EMBEDDINGS:
        front, behind = _embedding(surface, provider)
        embeddings = front.to_embeddings(body, drop_unsupported=drop)
        return behind.request_from_embeddings(embeddings, target)
    if surface.operation is Operation.RERANK:
        asks, ranks = _reranking(surface, provider)
        return ranks.request_from_rerank(asks.to_rerank(body, drop_unsupported=drop), target)
    return provider.request_from_chat(surface.to_chat(body, drop_unsupported=drop), target)


def translated_answer(
    surface: Surface, body: dict[str, Any], provider: Provider, answer: bytes, *, model: str
) -> bytes:
    """Write a provider's complete answer in the caller's dialect.

    `model` stands in where the provider names none. Raises UpstreamError.
    """
    if surface.operation is Operation.EMBEDDINGS:
        front, behind = _embedding(surface, provider)
        embeddings = behind.to_embeddings(answer)
        if not embeddings.model:
            embeddings = msgspec.structs.replace(embeddings, model=model)
        return front.render_embeddings(embeddings, body)
    if surface.operation is Operation.RERANK:
        asks, ranks = _reranking(surface, provider)
        ranking = ranks.to_rerank(answer)
        if not ranking.model:
            ranking = msgspec.structs.replace(ranking, model=model)
        return asks.render_rerank(ranking, body)
    response = provider.to_chat(answer)
    if not response.model:
        response = msgspec.structs.replace(response, model=model)
    return surface.render(response)


def _embedding(surface: Surface, provider: Provider) -> tuple[EmbeddingsSurface, Embedder]:
    if isinstance(surface, EmbeddingsSurface) and isinstance(provider, Embedder):
        return surface, provider
    raise InvalidRequest("the provider behind this model has no embeddings", param="model")


def _reranking(surface: Surface, provider: Provider) -> tuple[RerankSurface, Reranker]:
    if isinstance(surface, RerankSurface) and isinstance(provider, Reranker):
        return surface, provider
    raise InvalidRequest("the provider behind this model does not rerank", param="model")


class TranslatingReader:
    """A stream of one dialect, read as another: a decoder and an encoder back to back.

    `model` stands in where the provider names none.
    """

    def __init__(self, decoder: StreamDecoder, encoder: StreamEncoder, model: str = "") -> None:
        self._asked = model
        self._decoder = decoder
        self._encoder = encoder
        self.started = False
        self.model = ""
        self.output_chars = 0
        self._begun: Usage | None = None
        self._reported: Usage | None = None

    @property
    def usage(self) -> "Usage | None":
        """The last report; before it, the input reported at the start and an estimated output.

        A stream that is cut is settled with it, and the output figure of a start is no bill.
        """
        if self._reported is not None or self._begun is None:
            return self._reported
        estimated = max(self._begun.out_text, -(-self.output_chars // _CHARS_PER_TOKEN))
        return msgspec.structs.replace(self._begun, out_text=estimated)

    @property
    def finished(self) -> bool:
        """Whether the provider's own end was seen."""
        return self._decoder.finished

    @property
    def error(self) -> UpstreamError | None:
        """The provider's in-band error."""
        return self._decoder.error

    def feed(self, chunk: bytes) -> bytes:
        """Translate what came."""
        return b"".join(self._encoded(event) for event in self._decoder.feed(chunk))

    def close(self) -> bytes:
        """Translate the end."""
        return b"".join(self._encoded(event) for event in self._decoder.close())

    def _encoded(self, event: object) -> bytes:
        if type(event) is TextDelta:  # most of a stream
            self.started = True
            self.output_chars += len(event.text)
            return self._encoder.encode(event)
        match event:
            case Started(model=model, usage=usage):
                self.model = model
                if not model and self._asked:
                    event = msgspec.structs.replace(event, model=self._asked)
                self._begun = usage
            case UsageReported(usage=usage):
                self._reported = usage
            case ThinkingDelta(text=text) | RefusalDelta(text=text):
                self.started = True
                self.output_chars += len(text)
            case ToolUseDelta(arguments=arguments):
                self.started = True
                self.output_chars += len(arguments)
            case _:
                self.started = self.started or type(event).__name__ in _CONTENT_EVENTS
        return self._encoder.encode(event)  # type: ignore[arg-type]


_CONTENT_EVENTS = frozenset(
    {"ToolUseStarted", "Stopped", "SignatureDelta", "RedactedThinkingDelta", "ImageDelta"}
)


class RenamingReader(ReaderAround):
    """A stream whose chunks all carry the caller's name for the model."""

    def __init__(self, reader: StreamReader, alias: str) -> None:
        super().__init__(reader)
        self._model = rb"\1" + msgspec.json.encode(alias).replace(b"\\", rb"\\")

    def feed(self, chunk: bytes) -> bytes:
        """Rename in whole events."""
        return _MODEL.sub(self._model, self._reader.feed(chunk))

    def close(self) -> bytes:
        """Rename in the last events."""
        return _MODEL.sub(self._model, self._reader.close())


def renamed(body: bytes, alias: str) -> bytes:
    """Return a complete answer under the caller's name for the model."""
    answer = msgspec.json.decode(body)
    answer["model"] = alias
    return msgspec.json.encode(answer)
