"""No connection to an address that may not be called, whatever its name stood for before."""

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import pytest

from legato.core.egress import Egress
from legato.providers.transport import ConnectFailed, Transport, open_transport
from legato.providers.transport.factory import TransportKind

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok"
Open = Callable[..., Transport]


@pytest.fixture(params=["http1", "aiohttp"])
def kind(request: pytest.FixtureRequest) -> TransportKind:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What the resolver will say, one list after the other; the last for ever."""
    said: list[list[str]] = []

    async def getaddrinfo(_: Any, host: str, port: int, **__: Any) -> list[Any]:
        del host
        addresses = said.pop(0) if len(said) > 1 else said[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in addresses]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)
    return said


async def served() -> tuple[asyncio.Server, int]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    return server, server.sockets[0].getsockname()[1]


async def call(transport: Transport) -> bytes:
    response = await transport.send(b"/v1", b"authorization: Bearer secret\r\n", b"")
    return await response.read(100)


@pytest.mark.asyncio
async def test_a_name_that_turns_inward_is_not_followed(
    kind: TransportKind, answers: list[list[str]]
) -> None:
    """DNS rebinding: the first answer may be called, the next one may not."""
    server, port = await served()
    async with server:
        answers += [["127.0.0.1"], ["169.254.169.254"]]
        transport = open_transport(kind, f"http://models.example:{port}")
        assert await call(transport) == b"ok"
        with pytest.raises(ConnectFailed):
            await call(transport)
        await transport.close()


@pytest.mark.asyncio
async def test_one_bad_address_among_good_ones_is_enough(
    kind: TransportKind, answers: list[list[str]]
) -> None:
    server, port = await served()
    async with server:
        answers.append(["127.0.0.1", "169.254.169.254"])
        transport = open_transport(kind, f"http://models.example:{port}")
        with pytest.raises(ConnectFailed):
            await call(transport)
        await transport.close()


@pytest.mark.asyncio
async def test_private_addresses_are_refused_where_the_policy_says_so(
    kind: TransportKind, answers: list[list[str]]
) -> None:
    server, port = await served()
    async with server:
        answers.append(["127.0.0.1"])
        strict = Egress.of([], private=False)
        transport = open_transport(kind, f"http://models.example:{port}", egress=strict)
        with pytest.raises(ConnectFailed):
            await call(transport)
        await transport.close()
        named = Egress.of(["models.example"], private=False)
        transport = open_transport(kind, f"http://models.example:{port}", egress=named)
        assert await call(transport) == b"ok"
        await transport.close()


@pytest.mark.asyncio
@pytest.mark.parametrize("host", ["169.254.169.254", "2130706433", "[::ffff:127.0.0.1]", "0x7f.1"])
async def test_such_a_host_cannot_even_be_configured(kind: TransportKind, host: str) -> None:
    with pytest.raises(ValueError, match="base_url"):
        open_transport(kind, f"http://{host}/v1")


@pytest.mark.asyncio
async def test_a_redirect_is_an_answer_and_nothing_more(kind: TransportKind) -> None:
    asked = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(
            b"HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n"
        )
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        transport = open_transport(kind, f"http://127.0.0.1:{port}")
        response = await transport.send(b"/v1", b"", b"")
        assert response.status == 302
        await response.read(10)
        assert len(asked) == 1
        await transport.close()
