"""The words between the gateway, the surfaces in front of it and the providers behind it."""

from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

import msgspec

from legato.core.chat import ChatEvent, ChatRequest, ChatResponse
from legato.core.embeddings import EmbeddingsRequest, EmbeddingsResponse
from legato.core.errors import LegatoError, UpstreamError
from legato.core.rerank import RerankRequest, RerankResponse
from legato.core.usage import Usage


class Dialect(StrEnum):
    """A family of wire formats. Same dialect in front and behind: no translation."""

    OPENAI = "openai"
    ANTHROPIC = "anthropic"
    RESPONSES = "responses"
    BEDROCK = "bedrock"
    COHERE = "cohere"
    GEMINI = "gemini"


class Operation(StrEnum):
    """What is asked of a model."""

    CHAT = "chat"
    EMBEDDINGS = "embeddings"
    COUNT_TOKENS = "count_tokens"
    COMPLETIONS = "completions"
    MODERATIONS = "moderations"
    RERANK = "rerank"
    IMAGES = "images"
    IMAGE_EDITS = "image_edits"
    SPEECH = "speech"
    TRANSCRIPTION = "transcription"
    TRANSLATION = "translation"
    PAGE = "page"
    """Nothing: what is asked for is a page of ours."""


class FormPart(msgspec.Struct, frozen=True, gc=False):
    """A part of a form; without a `filename` it is a plain field."""

    name: str
    value: bytes
    filename: str = ""
    content_type: str = ""


class RequestView(msgspec.Struct, frozen=True, gc=False):
    """What the pipeline itself needs to know of a request body."""

    model: str
    stream: bool = False
    wants_stream_usage: bool = False  # the caller asked for the usage chunk
    max_output_tokens: int | None = None
    choices: int = 1
    user: str = ""
    image_count: int = 0
    needs: int = 0
    """Bits of `core.capability`: what a deployment must be able to do to serve this."""
    unit: str = ""  # what the operation counts beside tokens: a value of core.usage.Unit
    units: int = 0  # the most of it that this request can use
    turn: "Turn | None" = None  # the request's own surface, where it is a turn of a conversation
    form: tuple[FormPart, ...] = ()  # a body that came as multipart/form-data, in order


class WireRequest(msgspec.Struct, frozen=True, gc=False):
    """One upstream HTTP POST; `headers` are rendered lines, each ending in CRLF."""

    path: bytes
    headers: bytes
    body: bytes


class Answer(msgspec.Struct, frozen=True, gc=False):
    """What accounting needs of a complete answer. `usage` is None where none was reported.

    `body` is set where a vendor's answer isn't quite of the dialect it says it speaks: it goes
    to the caller in the place of what came.
    """

    usage: Usage | None
    model: str
    output_chars: int = 0
    body: bytes | None = None


class StreamReader(Protocol):
    """Turns upstream bytes into the caller's frames, whatever the two dialects.

    Only whole events leave it. `started` turns true with the first event that carries
    content: until then the gateway holds frames back, so that an early failure can still be
    an HTTP error or a fallback.
    """

    @property
    def started(self) -> bool:
        """The first content has been seen."""
        ...

    @property
    def finished(self) -> bool:
        """The provider's own end of stream was seen: a close before it is a cut."""
        ...

    @property
    def usage(self) -> Usage | None:
        """The last report; while a stream runs its output may be estimated."""
        ...

    @property
    def model(self) -> str:
        """The model that serves."""
        ...

    @property
    def output_chars(self) -> int:
        """About how much text came, for estimates."""
        ...

    @property
    def error(self) -> UpstreamError | None:
        """An in-band error event of the provider."""
        ...

    def feed(self, chunk: bytes) -> bytes:
        """Take bytes as they came, return the frames that may go out now."""
        ...

    def close(self) -> bytes:
        """Take the end of the upstream body, return the last frames."""
        ...


class StreamDecoder(Protocol):
    """A provider dialect's stream as canonical events (the translating path)."""

    @property
    def finished(self) -> bool:
        """The provider's own end of stream was seen."""
        ...

    @property
    def error(self) -> UpstreamError | None:
        """An in-band error event of the provider."""
        ...

    def feed(self, chunk: bytes) -> list[ChatEvent]:
        """Take bytes as they came."""
        ...

    def close(self) -> list[ChatEvent]:
        """Take the end of the body."""
        ...


class StreamEncoder(Protocol):
    """Canonical events as a caller dialect's frames."""

    def encode(self, event: ChatEvent) -> bytes:
        """Return zero or more whole frames."""
        ...


class Surface(Protocol):
    """One endpoint in front: reads its body, writes its answers and errors."""

    name: str
    dialect: Dialect
    operation: Operation

    def read(self, body: dict[str, Any]) -> RequestView:
        """Validate what we rely on. Raises InvalidRequest naming the field."""
        ...

    def to_chat(self, body: dict[str, Any], *, drop_unsupported: bool) -> ChatRequest:
        """Translate the body; raises InvalidRequest for what can't be carried."""
        ...

    def render(self, response: ChatResponse) -> bytes:
        """Translate a complete answer."""
        ...

    def encoder(self, view: RequestView) -> StreamEncoder:
        """Translate a stream."""
        ...

    def error(self, error: LegatoError, request_id: str) -> bytes:
        """Render the body of an HTTP error."""
        ...

    def stream_error(self, error: LegatoError, request_id: str) -> bytes:
        """Render the in-band error frame after a 200 has gone out."""
        ...


@runtime_checkable
class PromptSurface(Protocol):
    """What a surface of chat has beside the rest: its requests may name a prompt."""

    def with_prompt(
        self, body: dict[str, Any], prompt: ChatRequest, *, drop_unsupported: bool
    ) -> dict[str, Any]:
        """Return the body with a rendered prompt before its own, in this dialect.

        Messages come first, parameters are defaults. Raises InvalidRequest for what the dialect
        can't carry, unless such may be dropped.
        """
        ...


@runtime_checkable
class RerankSurface(Protocol):
    """What a surface of reranking has beside its pass-through, for other dialects behind it."""

    def to_rerank(self, body: dict[str, Any], *, drop_unsupported: bool) -> RerankRequest:
        """Translate the body; raises InvalidRequest for what can't be carried."""
        ...

    def render_rerank(self, response: RerankResponse, body: dict[str, Any]) -> bytes:
        """Translate an answer, with the documents where the caller's body asks for them."""
        ...


@runtime_checkable
class CountSurface(Protocol):
    """What a surface of token counting has beside the rest."""

    def render_count(self, tokens: int, *, estimated: bool) -> bytes:
        """Write a count; one that we estimated says so."""
        ...


@runtime_checkable
class EmbeddingsSurface(Protocol):
    """What a surface of embeddings has beside its pass-through, for other dialects behind it."""

    def to_embeddings(self, body: dict[str, Any], *, drop_unsupported: bool) -> EmbeddingsRequest:
        """Translate the body; raises InvalidRequest for what can't be carried."""
        ...

    def render_embeddings(self, response: EmbeddingsResponse, body: dict[str, Any]) -> bytes:
        """Translate an answer, encoded as the caller's body asks."""
        ...


class Turn(Surface, Protocol):
    """The surface of one request that continues, or begins, a conversation we keep."""

    id: str
    """The answer's id."""
    store: bool
    """The caller wants the answer kept."""

    def answers(self, request_id: str) -> None:
        """Let the answer's id be that of the request: who has the one knows the other."""
        ...

    @property
    def previous_id(self) -> str:
        """The answer this one follows; "" for none."""
        ...

    @property
    def referenced_ids(self) -> frozenset[str]:
        """Answers whose items the request refers to by their ids."""
        ...

    def question(self) -> list[dict[str, Any]]:
        """Return the request's own items as they are kept."""
        ...

    def asks(self, body: dict[str, Any]) -> None:
        """Let answers repeat the fields of this body, which isn't quite the caller's."""
        ...

    def continued(
        self,
        body: dict[str, Any],
        earlier: list[dict[str, Any]],
        referenced: dict[str, dict[str, Any]],
    ) -> tuple[dict[str, Any], RequestView]:
        """Return the body with all earlier items before its own, and its view.

        `referenced` holds the items referred to, by id. Raises InvalidRequest.
        """
        ...

    def answer_in(self, sent: bytes, *, frames: bool) -> dict[str, Any] | None:
        """Return the finished answer in a body, or in a stream's last frames."""
        ...

    def not_kept(self, sent: bytes, *, frames: bool) -> bytes:
        """Return the body or last frames telling that the answer is not kept."""
        ...

    def recast(self, recorded: bytes) -> bytes:
        """Return a recorded answer as this turn's own: under its id."""
        ...
