"""The provider kind `signed_vendor`: OpenAI's dialect, each request signed.

All that is the vendor's own stands here; the dialect itself is borrowed from the kind
`openai_compatible`, through the same Protocol that Legato uses.
"""

from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec

from legato.core.chat import ChatRequest, ChatResponse
from legato.core.clock import Clock, SystemClock
from legato.core.errors import ConfigInvalid, UpstreamError
from legato.core.wire import (
    Answer,
    Dialect,
    Operation,
    RequestView,
    StreamDecoder,
    StreamReader,
    WireRequest,
)
from legato.providers.base import Provider, ProviderSettings, Target
from legato.providers.openai_compatible import factory as openai_factory
from signed_vendor.signature import Signer


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What may stand under `settings` in legato.yaml."""

    key_id: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class SignedVendor:
    """A `Provider`: stateless apart from its settings, shared between requests."""

    dialect = Dialect.OPENAI

    def __init__(self, inner: Provider, signer: Signer) -> None:
        self.base_url = inner.base_url
        self._inner = inner
        self._signer = signer
        self._base_path = urlsplit(inner.base_url).path.encode()

    def supports(self, operation: Operation) -> bool:
        """Chat only: the vendor has no embeddings."""
        return operation is Operation.CHAT

    def request(
        self, operation: Operation, body: dict[str, Any], view: RequestView, target: Target
    ) -> WireRequest:
        """Write a request from a caller's body of OpenAI's dialect."""
        return self._signed(self._inner.request(operation, body, view, target))

    def request_from_chat(self, chat: ChatRequest, target: Target) -> WireRequest:
        """Write a request for a caller of another dialect."""
        return self._signed(self._inner.request_from_chat(chat, target))

    def _signed(self, request: WireRequest) -> WireRequest:
        line = self._signer.header(self._base_path + request.path, request.body)
        return WireRequest(request.path, request.headers + line, request.body)

    def answer(self, operation: Operation, body: bytes) -> Answer:
        """Read usage and model of a complete answer."""
        return self._inner.answer(operation, body)

    def to_chat(self, body: bytes) -> ChatResponse:
        """Translate a complete answer."""
        return self._inner.to_chat(body)

    def reader(self, view: RequestView) -> StreamReader:
        """Forward a stream as it comes."""
        return self._inner.reader(view)

    def decoder(self) -> StreamDecoder:
        """Translate a stream."""
        return self._inner.decoder()

    def failure(
        self, status: int, headers: list[tuple[bytes, bytes]], body: bytes
    ) -> UpstreamError:
        """Classify an HTTP error answer."""
        return self._inner.failure(status, headers, body)


def factory(settings: ProviderSettings) -> Provider:
    """Build the provider of a configuration entry. Raises ConfigInvalid."""
    return build(settings, SystemClock())


def build(settings: ProviderSettings, clock: Clock) -> SignedVendor:
    """Build it by a given clock. Raises ConfigInvalid."""
    config = settings.config
    place = f"providers[{config.name}]"
    try:
        own = msgspec.convert(config.settings, Settings)
    except msgspec.ValidationError as problem:
        raise ConfigInvalid(f"{place}.settings: {problem}") from None
    if not settings.api_key:
        raise ConfigInvalid(f"{place}.api_key: needed, requests are signed with it")
    # The inner provider knows the key, to keep it out of errors, and never sends it.
    dialect = msgspec.structs.replace(config, settings={"key_header": ""})
    inner = openai_factory(msgspec.structs.replace(settings, config=dialect))
    return SignedVendor(inner, Signer(own.key_id, settings.api_key, clock.now_ns))
