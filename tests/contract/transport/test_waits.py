"""A call's own waits, a caller who gives up, a connection that its server would soon close."""

import asyncio
import socket
from typing import Any

import pytest

from legato.providers.transport import (
    FirstByteTimeout,
    IdleTimeout,
    Limits,
    PoolExhausted,
    Timeouts,
    in_line,
    unsent,
)

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"


async def post(transport: Any) -> bytes:
    response = await transport.send(b"/", b"", b"{}")
    assert response.status == 200
    return bytes(await response.read(1 << 20))


async def test_one_calls_own_waits_replace_the_transports(serve: Any, connect: Any) -> None:
    async def sluggish(peer: Any) -> None:
        for _ in range(2):
            await peer.request()
            await asyncio.sleep(0.3)
            await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n")
            await asyncio.sleep(0.3)
            await peer.send(b"ok")

    server = await serve(sluggish)
    transport = connect(server.base_url, first_byte_s=0.1, idle_s=0.1)
    patient = Timeouts(connect_s=1, first_byte_s=1, idle_s=1)
    response = await transport.send(b"/v1", b"", b"{}", timeouts=patient)
    assert await response.read(100) == b"ok"
    with pytest.raises(FirstByteTimeout, match=r"0\.1 s"):
        await transport.send(b"/v1", b"", b"{}")
    response = await transport.send(
        b"/v1", b"", b"{}", timeouts=Timeouts(connect_s=1, first_byte_s=1, idle_s=0.1)
    )
    with pytest.raises(IdleTimeout, match=r"0\.1 s"):
        await response.read(100)


@pytest.mark.parametrize("connected", [False, True])
async def test_who_gives_up_learns_whether_anything_was_sent(
    serve: Any, connect: Any, *, connected: bool
) -> None:
    async def silent(peer: Any) -> Any:
        await peer.request()
        return await peer.gone()

    server = await serve(silent)
    transport = connect(server.base_url, limits=Limits(connections_max=1), connect_s=5)
    calls = [asyncio.create_task(post(transport)) for _ in range(2)]  # the second waits in line
    await asyncio.sleep(0.1)
    given_up = calls[0 if connected else 1]
    given_up.cancel()
    with pytest.raises(asyncio.CancelledError) as caught:
        await given_up
    assert unsent(caught.value) is not connected
    calls[1 if connected else 0].cancel()
    await asyncio.gather(*calls, return_exceptions=True)


async def test_a_full_pool_is_told_from_a_server_that_is_away(serve: Any, connect: Any) -> None:
    released = asyncio.Event()

    async def busy(peer: Any) -> None:
        await peer.request()
        await released.wait()
        await peer.send(OK)

    server = await serve(busy)
    transport = connect(server.base_url, limits=Limits(connections_max=1), connect_s=0.2)
    served = asyncio.create_task(post(transport))
    await asyncio.sleep(0.05)
    with pytest.raises(PoolExhausted, match=r"every connection to .* is busy"):
        await post(transport)
    waiting = asyncio.create_task(post(transport))
    await asyncio.sleep(0.05)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError) as caught:
        await waiting
    assert unsent(caught.value)
    assert in_line(caught.value)
    released.set()
    assert await served == b"hello"


async def test_who_gives_up_while_connecting_has_sent_nothing(connect: Any) -> None:
    with socket.socket() as mute:  # takes the connection, never answers the TLS greeting
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        transport = connect(f"https://127.0.0.1:{mute.getsockname()[1]}", connect_s=5)
        call = asyncio.create_task(post(transport))
        await asyncio.sleep(0.1)
        call.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await call
    assert unsent(caught.value)
    assert not in_line(caught.value)


@pytest.mark.parametrize("said", [b"timeout=1", b"max=100, Timeout=1", b"timeout=0"])
async def test_a_connection_is_closed_before_its_server_would(
    serve: Any, connect: Any, kind: str, said: bytes
) -> None:
    if kind == "aiohttp":
        pytest.skip("aiohttp knows no keep-alive header: idle_age_s alone holds there")

    async def script(peer: Any) -> Any:
        await peer.request()
        await peer.send(OK.replace(b"\r\n\r\n", b"\r\nkeep-alive: %b\r\n\r\n" % said))
        return await peer.gone()

    server = await serve(script)
    transport = connect(server.base_url)
    await post(transport)
    async with asyncio.timeout(0.9):
        assert await server.result()
    await post(transport)
    assert server.connections == 2
