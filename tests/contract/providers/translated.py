"""Kinds whose dialect no caller speaks, each in front of the server that knows its wire."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from legato.core.chat import ChatRequest, Message, Role, Text
from legato.core.config import Provider as ProviderConfig
from legato.providers.base import Provider, ProviderSettings, Target, authorizer_of
from legato.providers.bedrock import factory as bedrock_factory
from legato.providers.cohere import factory as cohere_factory
from legato.providers.gemini import factory as gemini_factory
from legato.providers.vertex import factory as vertex_factory

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from legato.providers.transport import Response, Transport

sys.path.append(str(Path(__file__).parents[2] / "wire_servers"))
import bedrock
import gemini

from wire_servers import cohere


class Kind(NamedTuple):
    """A kind, its server, and by which words of a question that server does what."""

    kind: str
    factory: Callable[[ProviderSettings], Provider]
    server: Callable[[], AbstractContextManager[Any]]
    settings: dict[str, Any]
    credentials: Callable[[Any], dict[str, Any]]
    model: str
    throttled: str
    denied: str
    failing: str
    rejected: str
    hanging_up: str
    failing_midway: tuple[str, ...]
    error: Callable[[str], Any]
    """An error body of the dialect that says a text wherever there is room for it."""

    def open(self, server: Any) -> Provider:
        config = ProviderConfig(name="p", kind=self.kind, settings=self.settings)
        return self.factory(ProviderSettings(config, server.url, **self.credentials(server)))


def _bedrock(credentials: dict[str, Any]) -> Kind:
    return Kind(
        "bedrock", bedrock_factory, bedrock.BedrockServer, {"region": bedrock.REGION},
        lambda _: credentials, bedrock.PROFILE,
        throttled="throttle", denied="denied", failing="server error", rejected=" ",
        hanging_up="cut", failing_midway=("throttled midway", "error at once"),
        error=lambda said: {"message": said, "__type": said, "Message": said},
    )  # fmt: skip


def _google(
    kind: str,
    factory: Callable[[ProviderSettings], Provider],
    settings: dict[str, Any],
    model: str = "gemini-3-flash",
) -> Kind:
    return Kind(
        kind, factory, gemini.GeminiServer, settings,
        lambda server: {"api_key": gemini.KEY if kind == "gemini" else server.account},
        model,
        throttled="exhausted", denied="denied", failing="overloaded", rejected="reject",
        hanging_up="hang up", failing_midway=("break",),
        error=lambda said: {
            "error": {"message": said, "status": said, "details": [{"reason": said, "@type": said}]}
        },
    )  # fmt: skip


KINDS = {
    "bedrock, signed": _bedrock(
        {"secrets": {"access_key_id": bedrock.ACCESS_KEY, "secret_access_key": bedrock.SECRET_KEY}}
    ),
    "bedrock, by key": _bedrock({"api_key": bedrock.API_KEY}),
    "cohere": Kind(
        "cohere", cohere_factory, cohere.CohereServer, {},
        lambda _: {"api_key": cohere.KEY}, "command-x",
        throttled="FAIL", denied="DENY", failing="OVERLOAD", rejected="REJECT",
        hanging_up="HANG UP", failing_midway=("BREAK",),
        error=lambda said: {"message": said, "id": said, "data": said},
    ),
    "gemini": _google("gemini", gemini_factory, {}),
    "vertex": _google(
        "vertex", vertex_factory, {"project": gemini.PROJECT, "location": gemini.LOCATION}
    ),
    "vertex, Claude": _google(
        "vertex", vertex_factory,
        {"project": gemini.PROJECT, "location": gemini.LOCATION, "publisher": "anthropic"},
        "claude-sonnet-4-5@20250929",
    ),
}  # fmt: skip


def question(said: str, **fields: Any) -> ChatRequest:
    return ChatRequest((Message(Role.USER, (Text(said),)),), **fields)


class Asked(NamedTuple):
    """A provider and the transport to its server."""

    kind: Kind
    provider: Provider
    transport: Transport
    server: Any

    @property
    def secret(self) -> str:
        """What its calls are let in by; known once one was made."""
        if self.kind.kind == "vertex":
            return str(self.server.tokens[-1])
        given = self.kind.credentials(self.server)
        return str(given.get("api_key") or given["secrets"]["secret_access_key"])

    async def send(self, said: str, **fields: Any) -> Response:
        return await self.send_chat(question(said, **fields))

    async def send_chat(self, chat: ChatRequest, target: Target | None = None) -> Response:
        request = self.provider.request_from_chat(chat, target or Target(self.kind.model))
        authorize = authorizer_of(self.provider)
        if authorize is not None:
            request = await authorize(request)
        return await self.transport.send(request.path, request.headers, request.body)
