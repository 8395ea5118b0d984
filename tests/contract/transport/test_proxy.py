"""Both clients go out through a real proxy, to servers of a private authority and plain ones."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from legato.providers.transport import ConnectFailed, ConnectTimeout, Timeouts, open_transport
from wire_servers.forward_proxy import ForwardProxy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from legato.providers.transport import Transport

SECRET = "pass:word @ö"
QUOTED = "pass%3Aword%20%40%C3%B6"
NAME = "models.internal"  # nobody resolves it: only the proxy can know the way


@pytest.fixture
async def proxy() -> AsyncIterator[ForwardProxy]:
    async with ForwardProxy("team", SECRET) as running:
        yield running


@pytest.fixture
async def opened() -> AsyncIterator[list[Transport]]:
    transports: list[Transport] = []
    yield transports
    for transport in transports:
        await transport.close()
    await asyncio.sleep(0.01)


def known_to(proxy: ForwardProxy) -> str:
    return f"http://team:{QUOTED}@127.0.0.1:{proxy.port}"


async def echo(peer: Any) -> list[bytes]:
    heads = []
    while not await _ended(peer):
        head, body = await peer.request()
        heads.append(head)
        await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))
    return heads


async def _ended(peer: Any) -> bool:
    reader: asyncio.StreamReader = peer.reader
    while not reader.at_eof():
        if reader._buffer:  # type: ignore[attr-defined]
            return False
        await asyncio.sleep(0.005)
    return True


async def post(transport: Transport, body: bytes = b"hello") -> tuple[int, bytes]:
    response = await transport.send(b"/v1/x", b"x-one: 1\r\n", body)
    return response.status, await response.read(1000)


def way(kind: Any, base_url: str, proxy_url: str, ca_file: Path | None = None) -> Transport:
    waits = Timeouts(connect_s=2.0, first_byte_s=5.0, idle_s=5.0)
    return open_transport(kind, base_url, timeouts=waits, ca_file=ca_file, proxy_url=proxy_url)


async def test_a_tunnel_to_a_server_of_a_private_authority(
    *,
    kind: str,
    serve: Any,
    proxy: ForwardProxy,
    tls_for: Any,
    ca_file: Path,
    opened: list[Transport],
) -> None:
    server = await serve(echo, tls=tls_for(NAME))
    port = int(server.base_url.rpartition(":")[2])
    transport = way(kind, f"https://{NAME}:{port}/base", known_to(proxy), ca_file)
    opened.append(transport)
    assert await post(transport) == (200, b"hello")
    assert await post(transport, b"again") == (200, b"again")
    assert proxy.seen == [f"CONNECT {NAME}:{port} HTTP/1.1".encode()], "one tunnel, kept open"
    await transport.close()
    heads = await server.result()
    assert heads[0].startswith(b"POST /base/v1/x HTTP/1.1\r\n")
    assert not any(b"proxy-" in head.lower() for head in heads), "the password is the proxy's"


async def test_a_plain_server_is_asked_for_in_absolute_form_each_time(
    kind: str, serve: Any, proxy: ForwardProxy, opened: list[Transport]
) -> None:
    server = await serve(echo)
    port = int(server.base_url.rpartition(":")[2])
    transport = way(kind, f"http://{NAME}:{port}/base", known_to(proxy))
    opened.append(transport)
    assert await post(transport) == (200, b"hello")
    assert await post(transport, b"again") == (200, b"again")
    assert proxy.seen == [f"POST http://{NAME}:{port}/base/v1/x HTTP/1.1".encode()] * 2
    head = (await server.result())[0]
    assert head.lower().count(b"\r\nhost: models.internal") == 1


async def test_the_private_authority_is_needed_through_a_tunnel_too(
    *, kind: str, serve: Any, proxy: ForwardProxy, tls_for: Any, opened: list[Transport]
) -> None:
    server = await serve(echo, tls=tls_for(NAME))
    port = int(server.base_url.rpartition(":")[2])
    opened.append(way(kind, f"https://{NAME}:{port}", known_to(proxy)))
    with pytest.raises(ConnectFailed):
        await post(opened[0])


async def test_a_proxy_that_refuses_us_means_nothing_was_sent(
    kind: str, proxy: ForwardProxy, opened: list[Transport]
) -> None:
    stranger = f"http://team:{QUOTED}wrong@127.0.0.1:{proxy.port}"
    opened.append(way(kind, f"https://{NAME}", stranger))
    with pytest.raises(ConnectFailed) as caught:
        await post(opened[0])
    assert not caught.value.sent
    for secret in (SECRET, QUOTED, "pass"):
        assert secret not in str(caught.value)
        assert secret not in repr(caught.value.__cause__)


async def test_no_proxy_there(kind: str, opened: list[Transport]) -> None:
    opened.append(way(kind, f"https://{NAME}", f"http://u:{QUOTED}@127.0.0.1:9"))
    with pytest.raises(ConnectFailed) as caught:
        await post(opened[0])
    assert "pass" not in str(caught.value)


async def test_a_proxy_that_never_answers(kind: str, serve: Any, opened: list[Transport]) -> None:
    async def silent(peer: Any) -> bool:
        return bool(await peer.gone())

    server = await serve(silent)
    waits = Timeouts(connect_s=0.2, first_byte_s=5.0, idle_s=5.0)
    transport = open_transport(
        kind,  # type: ignore[arg-type]
        f"https://{NAME}",
        timeouts=waits,
        proxy_url=server.base_url,
    )
    opened.append(transport)
    with pytest.raises(ConnectTimeout):
        await post(transport)
