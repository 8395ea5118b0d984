"""The provider kind `local`: OpenAI's dialect towards a llama.cpp child, its deviations mended."""

from typing import Any

import msgspec

from legato.core.chat import ChatRequest
from legato.core.clock import SystemClock
from legato.core.errors import UpstreamError
from legato.core.wire import Operation, RequestView, WireRequest
from legato.providers.base import ProviderSettings, Target
from legato.providers.local.catalogue import CATALOGUE, Capabilities
from legato.providers.local.wire import check_request, normalise_error
from legato.providers.openai_compatible.presets import Preset
from legato.providers.openai_compatible.provider import OpenAICompatible


class LocalModel(OpenAICompatible):
    """One local chat model."""

    def __init__(self, settings: ProviderSettings, capabilities: Capabilities) -> None:
        super().__init__(settings, Preset(), SystemClock())
        self._capabilities = capabilities

    def supports(self, operation: Operation) -> bool:
        """Chat only, unless the model is one for embeddings."""
        return operation is Operation.CHAT or (
            operation is Operation.EMBEDDINGS and self._capabilities.embeddings
        )

    def request(
        self, operation: Operation, body: dict[str, Any], view: RequestView, target: Target
    ) -> WireRequest:
        """Refuse what the child would drop without a word. Raises InvalidRequest."""
        check_request(body, self._capabilities)
        return super().request(operation, body, view, target)

    def request_from_chat(self, chat: ChatRequest, target: Target) -> WireRequest:
        """Hold a translated request to the same: what is written is checked. InvalidRequest."""
        request = super().request_from_chat(chat, target)
        check_request(msgspec.json.decode(request.body), self._capabilities)
        return request

    def failure(
        self, status: int, headers: list[tuple[bytes, bytes]], body: bytes
    ) -> UpstreamError:
        """Classify an error answer, freed of what it quotes of the conversation."""
        mended = normalise_error(status, body)
        return super().failure(mended.status, headers, mended.body())


def factory(settings: ProviderSettings) -> LocalModel:
    """Build the provider; a GGUF of the operator's own has the plainest capabilities."""
    entry = CATALOGUE.get(str(settings.config.settings.get("model", "")))
    return LocalModel(settings, Capabilities() if entry is None else entry.capabilities)
