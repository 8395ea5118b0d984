"""The provider of kind `openai_compatible`."""

from typing import Any

import msgspec

from legato.core.chat import ChatRequest, ChatResponse
from legato.core.clock import Clock, SystemClock
from legato.core.errors import ConfigInvalid, InvalidRequest, UpstreamError
from legato.core.wire import Answer, Dialect, Operation, RequestView, WireRequest
from legato.providers import failure, request_headers
from legato.providers.base import Provider, ProviderSettings, Target
from legato.providers.openai_compatible import (
    chat_from_wire,
    chat_to_wire,
    errors,
    from_wire,
    media,
    mistral,
    rerank,
    to_wire,
)
from legato.providers.openai_compatible.batches import OpenAIBatches
from legato.providers.openai_compatible.decoder import OpenAIDecoder
from legato.providers.openai_compatible.presets import Preset, preset_for
from legato.providers.openai_compatible.stream import MistralReader, OpenAIReader

_CHAT_PATH = b"/chat/completions"
_PATHS = {
    Operation.CHAT: _CHAT_PATH,
    Operation.EMBEDDINGS: b"/embeddings",
    Operation.COMPLETIONS: b"/completions",
    Operation.MODERATIONS: b"/moderations",
    Operation.RERANK: b"/rerank",
    **media.PATHS,
}


class OpenAICompatible:
    """Chat completions and embeddings at `base_url`, which ends in the API's version."""

    dialect = Dialect.OPENAI

    def __init__(self, settings: ProviderSettings, preset: Preset, clock: Clock) -> None:
        place = f"providers[{settings.config.name}]"
        self.base_url = settings.base_url or preset.base_url
        if not self.base_url:
            raise ConfigInvalid(f"{place}.base_url: needed where no preset gives one")
        self._preset = preset
        self._secret = settings.api_key
        self._clock = clock
        defaults = {"content-type": "application/json"}
        if settings.api_key and preset.key_header:
            defaults[preset.key_header] = preset.key_prefix + settings.api_key
        configured = settings.config.headers
        self._headers = request_headers.render(defaults, configured, place=place)
        del defaults["content-type"]  # a form's names its boundary
        self._form_headers = request_headers.render(defaults, configured, place=place)
        self.batches = (
            OpenAIBatches(self._form_headers, self.failure, lambda: self._secret)
            if preset.batches
            else None
        )
        """See `legato.providers.batching`."""

    def supports(self, operation: Operation) -> bool:
        """All of the dialect: what a vendor leaves out, it refuses itself with a 404."""
        return operation in _PATHS

    def request(
        self, operation: Operation, body: dict[str, Any], view: RequestView, target: Target
    ) -> WireRequest:
        """Write a request from a caller's body; fields we don't know stay as they are."""
        if operation is Operation.CHAT:
            wire = to_wire.chat_body(body, view, target, self._preset)
            return WireRequest(_CHAT_PATH, self._headers, msgspec.json.encode(wire))
        path = _PATHS.get(operation)
        if path is None:
            raise InvalidRequest(f"{operation} is not available at an OpenAI-compatible provider")
        if view.form:
            content_type, form = media.write_form(view.form, target.model)
            line = b"content-type: %b\r\n" % content_type
            return WireRequest(path, self._form_headers + line, form)
        if operation is Operation.COMPLETIONS:
            wire = to_wire.completions_body(body, view, target, self._preset)
        else:
            wire = to_wire.plain_body(body, target)
        return WireRequest(path, self._headers, msgspec.json.encode(wire))

    def request_from_chat(self, chat: ChatRequest, target: Target) -> WireRequest:
        """Write a chat request from the canonical form. Raises InvalidRequest."""
        body = chat_to_wire.chat_body(chat, target, self._preset)
        return WireRequest(_CHAT_PATH, self._headers, msgspec.json.encode(body))

    def to_chat(self, body: bytes) -> ChatResponse:
        """Translate a complete answer. Raises BadProviderResponse."""
        return chat_from_wire.read_chat(body, self._secret)

    def decoder(self) -> OpenAIDecoder:
        """Translate a stream."""
        return OpenAIDecoder(secret=self._secret)

    def answer(self, operation: Operation, body: bytes) -> Answer:
        """Read usage and model. Raises BadProviderResponse."""
        if operation in media.PATHS:
            return media.read_answer(operation, body, self._secret)
        if operation is Operation.RERANK:
            return rerank.read_answer(body, self._secret)
        answer = from_wire.read_answer(operation, body, self._secret)
        if self._preset.mistral_messages and operation is Operation.CHAT:
            return msgspec.structs.replace(answer, body=mistral.plain_answer(body))
        return answer

    def reader(self, view: RequestView) -> OpenAIReader | media.MediaReader:
        """Open the fast lane of a stream."""
        if view.unit:
            return media.MediaReader(count=view.choices, secret=self._secret)
        kind = MistralReader if self._preset.mistral_messages else OpenAIReader
        return kind(choices=view.choices, wants_usage=view.wants_stream_usage, secret=self._secret)

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
    preset = preset_for(config.preset, config.settings, place=f"providers[{config.name}]")
    return OpenAICompatible(settings, preset, SystemClock())
