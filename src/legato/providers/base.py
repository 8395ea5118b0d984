"""What the gateway asks of a provider. Stable within a minor version: others implement it.

A provider is registered by an entry point of the group `legato.providers`: a callable
`factory(settings: ProviderSettings) -> Provider`, named after the `kind` in legato.yaml.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol, runtime_checkable

import msgspec

from legato.core.chat import ChatRequest, ChatResponse
from legato.core.config import Provider as ProviderConfig
from legato.core.embeddings import EmbeddingsRequest, EmbeddingsResponse
from legato.core.errors import UpstreamError
from legato.core.rerank import RerankRequest, RerankResponse
from legato.core.wire import (
    Answer,
    Dialect,
    Operation,
    RequestView,
    StreamDecoder,
    StreamReader,
    WireRequest,
)


class Repeated(NamedTuple):
    """Which parts of a request came before, so that the vendor is worth being told to keep them.

    `head`: tools and system prompt. `turns`: all messages but the newest.
    """

    head: bool = False
    turns: bool = False


NOT_REPEATED = Repeated()


class Target(msgspec.Struct, frozen=True):
    """The deployment a request is written for.

    `output_tokens_max` is set only when a budget holds the call and the caller set no bound:
    the provider then writes it into the body under its dialect's name.
    """

    model: str
    output_tokens_max: int | None = None
    drop_unsupported: bool = False
    """Leave out what the vendor is known not to have, instead of refusing it."""
    repeated: Repeated = NOT_REPEATED
    """To be marked, in a dialect that has marks: only for who `takes_cache_hints`."""


class ProviderSettings(msgspec.Struct, frozen=True):
    """A provider's configuration with its secret resolved; `base_url` has no trailing slash."""

    config: ProviderConfig
    base_url: str
    api_key: str | None = None
    secrets: Mapping[str, str] = {}

    def __repr__(self) -> str:
        return f"ProviderSettings({self.config.name}, {self.base_url})"


class Authorizer(Protocol):
    """Adds a credential that can't be rendered once: a token that is fetched, a signature.

    A provider that needs one has it as its attribute `authorize`; see `authorizer_of`.
    """

    async def __call__(self, request: WireRequest) -> WireRequest:
        """Return the request with its credential; it is sent as it is returned.

        Called once for each attempt, just before it is sent, and cancelled with it. Must not
        block the event loop. Raises an UpstreamError where no credential can be had
        (ProviderUnavailable: the source may answer later): the attempt then counts as failed
        and as not sent, so the next deployment is tried.
        """
        ...


class Provider(Protocol):
    """One provider; stateless apart from its settings, safe to share between requests."""

    dialect: Dialect
    base_url: str
    """Where its transport connects to: as configured, or a preset's."""

    def supports(self, operation: Operation) -> bool:
        """Whether the provider can serve this operation at all."""
        ...

    def request(
        self,
        operation: Operation,
        body: dict[str, Any],
        view: RequestView,
        target: Target,
    ) -> WireRequest:
        """Write a request from a caller's body of the same dialect. Must not change `body`."""
        ...

    def request_from_chat(self, chat: ChatRequest, target: Target) -> WireRequest:
        """Write a chat request from the canonical form."""
        ...

    def answer(self, operation: Operation, body: bytes) -> Answer:
        """Read usage and model of a complete answer. Raises BadProviderResponse."""
        ...

    def to_chat(self, body: bytes) -> ChatResponse:
        """Translate a complete answer. Raises BadProviderResponse."""
        ...

    def reader(self, view: RequestView) -> StreamReader:
        """Open the fast lane: the stream forwarded as it comes, scanned for usage and errors."""
        ...

    def decoder(self) -> StreamDecoder:
        """Translate a stream."""
        ...

    def failure(
        self, status: int, headers: list[tuple[bytes, bytes]], body: bytes
    ) -> UpstreamError:
        """Classify an HTTP error answer, with its retry-after; no secret in the message."""
        ...


@runtime_checkable
class CacheHinted(Protocol):
    """What a provider has besides, where requests mark what the vendor is to keep of them."""

    def takes_cache_hints(self, model: str) -> bool:
        """Whether this model may be sent marks."""
        ...


@runtime_checkable
class Reranker(Protocol):
    """What a provider has besides, where it reranks for callers of another dialect.

    Its `answer` reads usage and model of these answers, too.
    """

    def request_from_rerank(self, rerank: RerankRequest, target: Target) -> WireRequest:
        """Write a request from the canonical form. Raises InvalidRequest."""
        ...

    def to_rerank(self, body: bytes) -> RerankResponse:
        """Translate an answer. Raises BadProviderResponse."""
        ...


@runtime_checkable
class Embedder(Protocol):
    """What a provider has besides, where it serves embeddings to callers of another dialect.

    Its `answer` reads usage and model of these answers, too.
    """

    def request_from_embeddings(self, embeddings: EmbeddingsRequest, target: Target) -> WireRequest:
        """Write a request from the canonical form. Raises InvalidRequest."""
        ...

    def to_embeddings(self, body: bytes) -> EmbeddingsResponse:
        """Translate an answer. Raises BadProviderResponse."""
        ...


@runtime_checkable
class TokenCounter(Protocol):
    """What a provider has besides, where it counts tokens for callers of another dialect."""

    def request_for_count(self, chat: ChatRequest, target: Target) -> WireRequest:
        """Write a request that counts what a chat would read. Raises InvalidRequest."""
        ...

    def to_count(self, body: bytes) -> int:
        """Read how many tokens were counted. Raises BadProviderResponse."""
        ...


def authorizer_of(provider: Provider) -> Authorizer | None:
    """Return the provider's optional attribute `authorize`; looked up once, at start."""
    authorize: Authorizer | None = getattr(provider, "authorize", None)
    return authorize
