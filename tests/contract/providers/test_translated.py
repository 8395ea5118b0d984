"""What kinds keep whose dialect no caller speaks: always translated, each at its own server."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from legato.core.chat import ChatRequest, Ended, Message, Role, Text, TextDelta, UsageReported
from legato.core.config import Provider as ProviderConfig
from legato.core.errors import (
    InvalidRequest,
    ProviderRateLimited,
    ProviderRefusesCredentials,
    ProviderRejected,
    ProviderUnavailable,
    UpstreamError,
)
from legato.core.wire import Operation, RequestView
from legato.providers.base import Provider, ProviderSettings, Target, authorizer_of
from legato.providers.transport import Timeouts, TransportError, open_transport

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from legato.core.chat import ChatEvent
    from legato.providers.transport import Response, Transport

sys.path.append(str(Path(__file__).parents[2] / "wire_servers"))
import bedrock as wire

from legato.providers.bedrock import factory

WAITS = Timeouts(connect_s=5.0, first_byte_s=10.0, idle_s=10.0)
KEYS = {"access_key_id": wire.ACCESS_KEY, "secret_access_key": wire.SECRET_KEY}


class Asked(NamedTuple):
    """A provider and the transport to its server."""

    provider: Provider
    transport: Transport

    async def send(self, said: str, *, stream: bool = False) -> Response:
        chat = ChatRequest((Message(Role.USER, (Text(said),)),), stream=stream)
        request = self.provider.request_from_chat(chat, Target(wire.PROFILE))
        authorize = authorizer_of(self.provider)
        if authorize is not None:
            request = await authorize(request)
        return await self.transport.send(request.path, request.headers, request.body)


@pytest.fixture(scope="module")
def server() -> Iterator[wire.BedrockServer]:
    with wire.BedrockServer() as server:
        yield server


def opened(server: wire.BedrockServer, **credentials: Any) -> Provider:
    config = ProviderConfig(name="p", kind="bedrock", settings={"region": wire.REGION})
    return factory(ProviderSettings(config, server.url, **credentials))


@pytest.fixture(params=["signed", "key"])
async def asked(request: pytest.FixtureRequest, server: wire.BedrockServer) -> AsyncIterator[Asked]:
    given: Any = {"secrets": KEYS} if request.param == "signed" else {"api_key": wire.API_KEY}
    provider = opened(server, **given)
    transport = open_transport("http1", provider.base_url, timeouts=WAITS)
    yield Asked(provider, transport)
    await transport.close()


async def everything(response: Response) -> bytes:
    chunks = []
    while (chunk := await response.read_chunk()) is not None:
        chunks.append(chunk)
    return b"".join(chunks)


async def test_a_whole_answer_and_a_stream_agree_for_any_split(asked: Asked) -> None:
    whole = await (await asked.send("hello")).read(1 << 20)
    answer, chat = asked.provider.answer(Operation.CHAT, whole), asked.provider.to_chat(whole)
    response = await asked.send("hello", stream=True)
    raw = await everything(response)
    for size in (1, 7, 1 << 20):
        decoder = asked.provider.decoder()
        events: list[ChatEvent] = []
        for at in range(0, len(raw), size):
            events += decoder.feed(raw[at : at + size])
        events += decoder.close()
        assert decoder.finished
        assert decoder.error is None
        text = "".join(event.text for event in events if isinstance(event, TextDelta))
        assert (Text(text),) == chat.choices[0].parts
        (usage,) = [event.usage for event in events if isinstance(event, UsageReported)]
        assert usage == answer.usage == chat.usage
        assert isinstance(events[-1], Ended)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
async def test_a_cut_stream_is_never_whole(asked: Asked, share: float) -> None:
    response = await asked.send("hello", stream=True)
    raw = await everything(response)
    decoder = asked.provider.decoder()
    decoder.feed(raw[: int(len(raw) * share)])
    decoder.close()
    assert not decoder.finished


async def test_a_connection_that_breaks_is_an_error(asked: Asked) -> None:
    response = await asked.send("cut", stream=True)
    with pytest.raises(TransportError):
        await everything(response)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("throttle", ProviderRateLimited),
        ("denied", ProviderRefusesCredentials),
        ("server error", ProviderUnavailable),
        (" ", ProviderRejected),
    ],
)
async def test_failures_have_their_class(
    asked: Asked, said: str, kind: type[UpstreamError]
) -> None:
    response = await asked.send(said)
    body = await response.read(1 << 20)
    error = asked.provider.failure(response.status, response.headers, body)
    assert type(error) is kind


@pytest.mark.parametrize("said", ["throttled midway", "error at once"])
async def test_an_error_in_a_stream_ends_it(asked: Asked, said: str) -> None:
    response, decoder = await asked.send(said, stream=True), asked.provider.decoder()
    while (chunk := await response.read_chunk()) is not None:
        decoder.feed(chunk)
    assert isinstance(decoder.error, UpstreamError)
    assert not decoder.finished
    assert decoder.close() == []


async def test_no_error_tells_a_secret(asked: Asked) -> None:
    await asked.send("hello")
    for secret in (wire.SECRET_KEY, wire.API_KEY):
        said = f'{{"message": "bad {secret}"}}'.encode()
        for status in (400, 401, 403, 404, 429, 500, 503):
            error = asked.provider.failure(status, [], said)
            in_use = secret in (wire.SECRET_KEY if authorizer_of(asked.provider) else wire.API_KEY)
            assert not (in_use and secret in error.message)


async def test_its_own_dialect_is_nobodys(asked: Asked) -> None:
    with pytest.raises(InvalidRequest):
        asked.provider.request(Operation.CHAT, {}, RequestView("m"), Target("m"))
    with pytest.raises(InvalidRequest):
        asked.provider.reader(RequestView("m"))
