"""Every provider kind in front of a server that speaks its wire: what the contract is asked of."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from legato.api.anthropic.count_tokens import CountTokens
from legato.api.anthropic.messages import Messages
from legato.api.openai.chat import ChatCompletions
from legato.api.openai.completions import Completions
from legato.api.openai.embeddings import Embeddings
from legato.api.openai.images import Images
from legato.api.openai.moderations import Moderations
from legato.api.openai.responses.surface import Responses
from legato.api.openai.speech import Speech
from legato.core.clock import ManualClock
from legato.core.config import Provider as ProviderConfig
from legato.core.ids import IdSource
from legato.core.wire import Dialect, Operation, WireRequest
from legato.providers.anthropic import factory as anthropic_factory
from legato.providers.azure_openai import factory as azure_factory
from legato.providers.base import Provider, ProviderSettings, Target
from legato.providers.local.provider import factory as local_factory
from legato.providers.openai_compatible import factory as openai_factory
from legato.providers.simulated.provider import factory as simulated_factory

if TYPE_CHECKING:
    from collections.abc import Callable

    from legato.core.wire import Surface
    from legato.providers.transport import Response, Transport

sys.path.append(str(Path(__file__).parents[3] / "examples" / "provider-package" / "src"))
from signed_vendor.provider import factory as signed_vendor_factory

SECRET = "sk-the-provider-key-of-the-contract"
MODEL = "simulated-small"
SURFACES: dict[tuple[Dialect, Operation], Surface] = {
    (Dialect.OPENAI, Operation.CHAT): ChatCompletions(ManualClock()),
    (Dialect.OPENAI, Operation.EMBEDDINGS): Embeddings(),
    (Dialect.OPENAI, Operation.COMPLETIONS): Completions(),
    (Dialect.OPENAI, Operation.MODERATIONS): Moderations(),
    (Dialect.OPENAI, Operation.IMAGES): Images(),
    (Dialect.OPENAI, Operation.SPEECH): Speech(),
    (Dialect.ANTHROPIC, Operation.CHAT): Messages(),
    (Dialect.RESPONSES, Operation.CHAT): Responses(ManualClock(), IdSource(ManualClock())),
    (Dialect.ANTHROPIC, Operation.COUNT_TOKENS): CountTokens(),
}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
MESSAGES = [{"role": "user", "content": "Name three colours."}]


class Kind(NamedTuple):
    """A provider kind; `version` is what its base URL ends in."""

    factory: Callable[[ProviderSettings], Provider]
    settings: dict[str, Any]
    version: str = "/v1"
    mount: bytes = b""
    """What stands before the dialect's own path at the vendor, not at the simulated server."""

    def open(self, name: str, url: str, key: str = SECRET) -> Provider:
        config = ProviderConfig(name="p", kind=name, settings=self.settings)
        return self.factory(ProviderSettings(config, url + self.version, key))


KINDS = {
    "openai_compatible": Kind(openai_factory, {}),
    "anthropic": Kind(anthropic_factory, {}, version=""),
    "azure_openai": Kind(azure_factory, {}, version="", mount=b"/openai"),
    "local": Kind(local_factory, {"model": "smollm2-135m"}),
    "simulated": Kind(simulated_factory, {}),
    "signed_vendor": Kind(signed_vendor_factory, {"key_id": "team-7"}),
}


class Wired:
    """A provider and the transport to its server."""

    def __init__(
        self, provider: Provider, transport: Transport, model: str = MODEL, mount: bytes = b""
    ) -> None:
        self.provider = provider
        self.target = Target(model)
        self._transport = transport
        self._mount = mount

    @property
    def dialect(self) -> Dialect:
        return self.provider.dialect

    def chat(self, **fields: Any) -> dict[str, Any]:
        """A caller's chat body of the provider's own dialect."""
        return {"model": "alias", "messages": MESSAGES, "max_tokens": 48} | fields

    def tool(self) -> dict[str, Any]:
        if self.dialect is Dialect.ANTHROPIC:
            return {"name": "weather", "input_schema": SCHEMA}
        return {"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}

    def surface(self, operation: Operation = Operation.CHAT) -> Surface:
        return SURFACES[self.dialect, operation]

    def write(self, body: dict[str, Any], target: Target | None = None) -> WireRequest:
        view = self.surface().read(body)
        return self.provider.request(Operation.CHAT, body, view, target or self.target)

    async def send(self, request: WireRequest, **steering: object) -> Response:
        """Send it; `steering` are the simulated server's headers, see `simulated/steering.py`."""
        lines = [
            f"x-simulated-{name.replace('_', '-')}: {value}\r\n".encode()
            for name, value in steering.items()
        ]
        return await self._transport.send(
            request.path.removeprefix(self._mount),
            request.headers + b"".join(lines),
            request.body,
        )

    async def whole(self, body: dict[str, Any], **steering: object) -> bytes:
        response = await self.send(self.write(body), **steering)
        answer = await response.read(1 << 20)
        assert response.status == 200, answer
        return answer

    async def stream(self, body: dict[str, Any], **steering: object) -> bytes:
        response = await self.send(self.write(body | {"stream": True}), **steering)
        assert response.status == 200
        chunks = []
        while (chunk := await response.read_chunk()) is not None:
            chunks.append(chunk)
        return b"".join(chunks)
