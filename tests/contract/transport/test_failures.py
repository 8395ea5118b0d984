"""Timeouts, vanished peers, cancelled callers: what is raised, and what is left behind."""

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest

from legato.providers.transport import (
    ConnectFailed,
    ConnectionLost,
    ConnectTimeout,
    FirstByteTimeout,
    IdleTimeout,
    Limits,
    NotSent,
    TransportClosed,
    TransportError,
)

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"
STREAM_HEAD = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


async def post(transport: Any) -> bytes:
    response = await transport.send(b"/", b"", b"{}")
    assert response.status == 200
    return await response.read(1 << 20)


async def test_refused_connections_were_not_sent(connect: Any) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        transport = connect(f"http://127.0.0.1:{unused.getsockname()[1]}")
        with pytest.raises(ConnectFailed) as caught:
            await post(transport)
    assert not caught.value.sent


async def test_a_server_that_never_accepts_is_a_connect_timeout(connect: Any) -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        fillers = [socket.socket() for _ in range(3)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        with pytest.raises(ConnectTimeout) as caught:
            await post(connect(f"http://127.0.0.1:{port}", connect_s=0.1))
        for filler in fillers:
            filler.close()
    assert not caught.value.sent


async def test_the_first_byte_timeout_holds_against_a_dripping_head(
    serve: Any, connect: Any
) -> None:
    async def script(peer: Any) -> Any:
        await peer.request()
        for byte in OK * 100:
            await peer.send(bytes((byte,)))
            await asyncio.sleep(0.02)

    server = await serve(script)
    with pytest.raises(FirstByteTimeout) as caught:
        await post(connect(server.base_url, first_byte_s=0.15))
    assert caught.value.sent
    assert isinstance(await server.result(), OSError)


async def test_interim_answers_do_not_extend_the_first_byte_timeout(
    serve: Any, connect: Any
) -> None:
    async def script(peer: Any) -> Any:
        await peer.request()
        while True:
            await peer.send(b"HTTP/1.1 102 Processing\r\n\r\n")
            await asyncio.sleep(0.02)

    server = await serve(script)
    with pytest.raises(FirstByteTimeout):
        await post(connect(server.base_url, first_byte_s=0.15))


async def test_an_idle_stream_times_out_and_the_server_sees_it(serve: Any, connect: Any) -> None:
    async def script(peer: Any) -> Any:
        await peer.request()
        await peer.send(STREAM_HEAD + b"5\r\nhello\r\n")
        return await peer.gone()

    server = await serve(script)
    response = await connect(server.base_url, idle_s=0.1).send(b"/", b"", b"")
    assert await response.read_chunk() == b"hello"
    async with asyncio.timeout(2):  # far less than first_byte_s, whose timer may still be armed
        with pytest.raises(IdleTimeout) as caught:
            await response.read_chunk()
    assert caught.value.sent
    assert await server.result()


async def test_a_slow_but_living_stream_outlives_both_timeouts(serve: Any, connect: Any) -> None:
    async def script(peer: Any) -> Any:
        await peer.request()
        await peer.send(STREAM_HEAD)
        for _ in range(12):
            await asyncio.sleep(0.05)
            await peer.send(b"1\r\nx\r\n")
        await peer.send(b"0\r\n\r\n")

    server = await serve(script)
    transport = connect(server.base_url, first_byte_s=0.3, idle_s=0.3)
    response = await transport.send(b"/", b"", b"")
    assert await response.read(100) == b"x" * 12


async def test_a_server_that_leaves_before_answering(serve: Any, connect: Any) -> None:
    async def script(peer: Any) -> Any:
        await peer.request()

    server = await serve(script)
    with pytest.raises(ConnectionLost) as caught:
        await post(connect(server.base_url))
    assert caught.value.sent
    assert not caught.value.response_started
    assert not caught.value.reused
    assert server.connections == 1


async def test_a_reused_connection_that_dies_is_not_resent(serve: Any, connect: Any) -> None:
    async def script(peer: Any) -> Any:
        await peer.request()
        await peer.send(OK)
        await peer.request()

    server = await serve(script)
    transport = connect(server.base_url)
    await post(transport)
    with pytest.raises(ConnectionLost) as caught:
        await post(transport)
    assert (caught.value.sent, caught.value.response_started) == (True, False)
    assert caught.value.reused
    assert server.connections == 1


async def test_a_connection_closed_while_idle_is_replaced(serve: Any, connect: Any) -> None:
    async def script(peer: Any) -> Any:
        await peer.request()
        await peer.send(OK)

    server = await serve(script)
    transport = connect(server.base_url)
    for number in range(1, 4):
        assert await post(transport) == b"hello"
        await server.result()
        await asyncio.sleep(0.02)
        assert server.connections == number


async def test_an_answer_nobody_asked_for_ends_the_connection(serve: Any, connect: Any) -> None:
    async def script(peer: Any) -> Any:
        await peer.request()
        await peer.send(OK + OK)
        return await peer.gone()

    server = await serve(script)
    transport = connect(server.base_url)
    assert await post(transport) == b"hello"
    assert await server.result()
    assert await post(transport) == b"hello"
    assert server.connections == 2


async def test_idle_connections_age_out(serve: Any, connect: Any) -> None:
    async def script(peer: Any) -> Any:
        await peer.request()
        await peer.send(OK)
        return await peer.gone()

    server = await serve(script)
    transport = connect(server.base_url, limits=Limits(idle_age_s=0.1))
    await post(transport)
    await asyncio.sleep(0.3)
    await post(transport)
    assert server.connections == 2
    assert await server.result()


async def test_a_slow_reader_blocks_the_server(serve: Any, connect: Any) -> None:
    progress = {"sent": 0}
    total = 400

    async def script(peer: Any) -> Any:
        await peer.request()
        await peer.send(STREAM_HEAD)
        chunk = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
        for _ in range(total):
            await peer.send(chunk)
            progress["sent"] += 65_536
        await peer.send(b"0\r\n\r\n")
        return await peer.gone()

    server = await serve(script)
    transport = connect(server.base_url, idle_s=0.3)
    response = await transport.send(b"/", b"", b"")
    first = await response.read_chunk()
    await asyncio.sleep(0.8)  # longer than idle_s: our own slowness must not count as theirs
    blocked_at = progress["sent"]
    assert blocked_at < 16_000_000  # kernel buffers on both sides, and ours
    await asyncio.sleep(0.1)
    assert progress["sent"] == blocked_at
    got = len(first)
    largest = 0
    while (piece := await response.read_chunk()) is not None:
        got += len(piece)
        largest = max(largest, len(piece))
    assert got == total * 65_536
    assert largest <= 1_000_000


@pytest.mark.parametrize("window", ["head", "whole", "chunk", "between", "idle-buffered"])
async def test_cancelling_closes_the_connection_at_once(
    serve: Any, connect: Any, window: str
) -> None:
    reached = asyncio.Event()

    async def script(peer: Any) -> Any:
        await peer.request()
        if window != "head":
            await peer.send(STREAM_HEAD + b"5\r\nhello\r\n")
        reached.set()
        return await peer.gone()

    async def call(transport: Any) -> None:
        response = await transport.send(b"/", b"", b"{}")
        try:
            if window == "whole":
                await response.read(100)
            if window != "idle-buffered":
                await response.read_chunk()
            if window == "chunk":
                await response.read_chunk()
            await asyncio.sleep(10)
        finally:
            response.close()
            response.close()

    server = await serve(script)
    transport = connect(server.base_url)
    task = asyncio.create_task(call(transport))
    await reached.wait()
    await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await server.result()
    assert server.connections == 1


async def test_cancelling_while_connecting_closes_the_socket(
    serve: Any, connect: Any, tls_for: Any, ca_file: Path
) -> None:
    async def silent(peer: Any) -> None:
        return await peer.gone()

    server = await serve(silent)
    transport = connect(server.base_url.replace("http://", "https://"), ca_file=ca_file)
    task = asyncio.create_task(post(transport))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(5):
        await server.results.get()


async def test_a_total_deadline_cleans_up(serve: Any, connect: Any) -> None:
    async def script(peer: Any) -> Any:
        await peer.request()
        return await peer.gone()

    server = await serve(script)
    transport = connect(server.base_url)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await post(transport)
    assert await server.result()


async def test_closing_a_finished_response_keeps_the_connection(serve: Any, connect: Any) -> None:
    async def script(peer: Any) -> Any:
        for _ in range(2):
            await peer.request()
            await peer.send(OK)
        await peer.gone()

    server = await serve(script)
    transport = connect(server.base_url)
    for _ in range(2):
        response = await transport.send(b"/", b"", b"")
        await response.read(10)
        response.close()
    assert server.connections == 1


async def test_calls_past_the_connection_limit_wait_their_turn(serve: Any, connect: Any) -> None:
    async def script(peer: Any) -> Any:
        for _ in range(10):
            await peer.request()
            await asyncio.sleep(0.01)
            await peer.send(OK)
        await peer.gone()

    server = await serve(script)
    transport = connect(server.base_url, limits=Limits(connections_max=2))
    assert await asyncio.gather(*(post(transport) for _ in range(10))) == [b"hello"] * 10
    assert server.connections == 2


async def test_a_wait_for_a_connection_is_bounded_and_was_not_sent(
    serve: Any, connect: Any
) -> None:
    async def script(peer: Any) -> Any:
        await peer.request()
        await asyncio.sleep(0.3)
        await peer.send(OK)
        await peer.gone()

    server = await serve(script)
    transport = connect(server.base_url, connect_s=0.1, limits=Limits(connections_max=1))
    outcomes = await asyncio.gather(post(transport), post(transport), return_exceptions=True)
    assert outcomes[0] == b"hello"
    assert isinstance(outcomes[1], NotSent)
    assert not outcomes[1].sent


async def test_leaving_the_line_passes_the_turn_on(serve: Any, connect: Any) -> None:
    async def script(peer: Any) -> Any:
        while True:
            await peer.request()
            await asyncio.sleep(0.05)
            await peer.send(OK)

    server = await serve(script)
    transport = connect(server.base_url, limits=Limits(connections_max=1))
    first, second, third = (asyncio.create_task(post(transport)) for _ in range(3))
    await asyncio.sleep(0.02)
    second.cancel()
    assert await first == b"hello"
    assert await third == b"hello"
    fourth = asyncio.create_task(post(transport))
    await asyncio.sleep(0.02)
    fourth.cancel()
    await asyncio.sleep(0)
    assert await post(transport) == b"hello"


async def test_close_fails_calls_under_way_and_later_ones(serve: Any, connect: Any) -> None:
    async def script(peer: Any) -> Any:
        await peer.request()
        return await peer.gone()

    server = await serve(script)
    transport = connect(server.base_url)
    call = asyncio.create_task(post(transport))
    await asyncio.sleep(0.05)
    await transport.close()
    with pytest.raises(TransportError) as caught:
        await call
    assert caught.value.sent
    assert await server.result()
    with pytest.raises(TransportClosed):
        await post(transport)
    await transport.close()


async def test_two_hundred_streams_at_once(serve: Any, connect: Any) -> None:
    async def script(peer: Any) -> Any:
        await peer.request()
        await peer.send(STREAM_HEAD)
        for number in range(20):
            await peer.send(b"6\r\n%06d\r\n" % number)
            await asyncio.sleep(0.002)
        await peer.send(b"0\r\n\r\n")
        await peer.gone()

    async def read_all(transport: Any) -> bytes:
        response = await transport.send(b"/", b"", b"{}")
        pieces = []
        while (piece := await response.read_chunk()) is not None:
            pieces.append(piece)
        return b"".join(pieces)

    server = await serve(script)
    transport = connect(server.base_url)
    bodies = await asyncio.gather(*(read_all(transport) for _ in range(200)))
    assert set(bodies) == {b"".join(b"%06d" % number for number in range(20))}
    assert server.connections == 200


async def test_ipv6(serve: Any, connect: Any) -> None:
    async def script(peer: Any) -> Any:
        head, _ = await peer.request()
        await peer.send(OK)
        return head

    server = await serve(script, host="::1")
    assert await post(connect(server.base_url)) == b"hello"
    host = server.base_url.removeprefix("http://").encode()
    assert b"host: " + host in (await server.result()).lower()


async def test_tls_with_a_trusted_name(
    serve: Any, connect: Any, tls_for: Any, ca_file: Path
) -> None:
    async def script(peer: Any) -> Any:
        for _ in range(2):
            await peer.request()
            await peer.send(OK)
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\n\r\nuntil close")

    server = await serve(script, tls=tls_for("localhost"))
    base_url = server.base_url.replace("127.0.0.1", "localhost")
    transport = connect(base_url, ca_file=ca_file)
    assert await post(transport) == b"hello"
    assert await post(transport) == b"hello"
    assert await post(transport) == b"until close"
    assert server.connections == 1


async def test_tls_with_the_wrong_name_is_refused_unsent(
    serve: Any, connect: Any, tls_for: Any, ca_file: Path
) -> None:
    async def script(peer: Any) -> Any:
        return await peer.gone()

    server = await serve(script, tls=tls_for("elsewhere.test"))
    base_url = server.base_url.replace("127.0.0.1", "localhost")
    with pytest.raises(ConnectFailed) as caught:
        await post(connect(base_url, ca_file=ca_file))
    assert not caught.value.sent
    assert not isinstance(caught.value, ConnectTimeout)


async def test_tls_from_an_unknown_authority_is_refused_unsent(
    serve: Any, connect: Any, tls_for: Any
) -> None:
    async def script(peer: Any) -> Any:
        return await peer.gone()

    server = await serve(script, tls=tls_for("localhost"))
    with pytest.raises(ConnectFailed):
        await post(connect(server.base_url.replace("127.0.0.1", "localhost")))


async def test_tls_cancelled_in_mid_stream(
    serve: Any, connect: Any, tls_for: Any, ca_file: Path
) -> None:
    async def script(peer: Any) -> Any:
        await peer.request()
        await peer.send(STREAM_HEAD + b"5\r\nhello\r\n")
        return await peer.gone()

    server = await serve(script, tls=tls_for("localhost"))
    base_url = server.base_url.replace("127.0.0.1", "localhost")
    response = await connect(base_url, ca_file=ca_file).send(b"/", b"", b"")
    assert await response.read_chunk() == b"hello"
    response.close()
    assert await server.result()
