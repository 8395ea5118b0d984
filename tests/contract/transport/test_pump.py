"""`Response.pump`: a body handed over as it arrives, by every transport."""

import asyncio
from typing import Any

import pytest

from legato.providers.transport import ConnectionLost, Limits, TransportError

STREAM_HEAD = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def sending(*packets: bytes) -> Any:
    """A script that answers each request in these packets, apart, and waits for the client."""

    async def script(peer: Any) -> Any:
        while True:
            await peer.request()
            for packet in packets:
                await peer.send(packet)
                await asyncio.sleep(0.01)

    return script


class Taker:
    """Keeps what it is handed, and says that it has had enough after `enough` pieces."""

    def __init__(self, enough: int = 1_000) -> None:
        self.pieces: list[bytes] = []
        self.enough = enough

    def __call__(self, piece: bytes) -> bool:
        assert piece
        self.pieces.append(piece)
        return len(self.pieces) < self.enough


async def test_a_body_is_handed_over_packet_by_packet(serve: Any, connect: Any) -> None:
    first = STREAM_HEAD + chunk(b"one ") + chunk(b"two ")
    server = await serve(sending(first, chunk(b"three"), END))
    transport = connect(server.base_url)
    for _ in range(2):  # the second on the same connection: the first was read to its end
        response = await transport.send(b"/", b"", b"{}")
        taker = Taker()
        assert await response.pump(taker)
        assert b"".join(taker.pieces) == b"one two three"
        assert await response.read_chunk() is None
    assert server.connections == 1


async def test_who_had_enough_may_ask_again(serve: Any, connect: Any) -> None:
    packets = [chunk(b"%d" % number) for number in range(6)]
    server = await serve(sending(STREAM_HEAD, *packets, END))
    response = await connect(server.base_url).send(b"/", b"", b"{}")
    taker = Taker(enough=1)
    assert not await response.pump(taker)
    assert taker.pieces == [b"0"]
    assert await response.read_chunk() == b"1"
    await asyncio.sleep(0.05)  # what comes meanwhile waits
    taker.enough = 1_000
    assert await response.pump(taker)
    assert b"".join(taker.pieces) == b"02345"


async def test_a_slow_taker_stops_the_reading_and_loses_nothing(serve: Any, connect: Any) -> None:
    packets = [chunk(b"%07d " % number * 1_000) for number in range(50)]
    server = await serve(sending(STREAM_HEAD, b"".join(packets), END))
    limits = Limits(stream_buffer_bytes=1_000)
    response = await connect(server.base_url, limits=limits).send(b"/", b"", b"{}")
    taker, rounds = Taker(enough=1), 0
    while not await response.pump(taker):
        rounds += 1
        taker.enough += 1
        await asyncio.sleep(0.002)
    assert rounds > 1
    assert b"".join(taker.pieces) == b"".join(b"%07d " % number * 1_000 for number in range(50))


async def test_a_taker_that_fails_fails_the_caller(serve: Any, connect: Any) -> None:
    def take(piece: bytes) -> bool:
        raise ZeroDivisionError(piece)

    server = await serve(sending(STREAM_HEAD, chunk(b"one"), chunk(b"two"), END))
    response = await connect(server.base_url).send(b"/", b"", b"{}")
    with pytest.raises(ZeroDivisionError, match="one"):
        await response.pump(take)
    response.close()


async def test_a_cut_body_is_told_after_what_came(serve: Any, connect: Any) -> None:
    async def script(peer: Any) -> None:
        await peer.request()
        await peer.send(STREAM_HEAD + chunk(b"one"))
        await asyncio.sleep(0.02)

    server = await serve(script)
    response = await connect(server.base_url).send(b"/", b"", b"{}")
    taker = Taker()
    with pytest.raises(ConnectionLost):
        await response.pump(taker)
    assert taker.pieces == [b"one"]


async def test_a_packet_that_turns_bad_gives_what_was_good(serve: Any, connect: Any) -> None:
    server = await serve(sending(STREAM_HEAD, chunk(b"one") + b"no chunk at all\r\n"))
    response = await connect(server.base_url, idle_s=0.2).send(b"/", b"", b"{}")
    taker = Taker()
    with pytest.raises(TransportError):  # aiohttp goes on waiting
        await response.pump(taker)
    assert taker.pieces == [b"one"]


async def test_cancelling_closes_the_connection(serve: Any, connect: Any) -> None:
    async def script(peer: Any) -> Any:
        await peer.request()
        await peer.send(STREAM_HEAD + chunk(b"one"))
        return await peer.gone()

    server = await serve(script)
    response = await connect(server.base_url).send(b"/", b"", b"{}")
    taker = Taker()
    pumping = asyncio.create_task(response.pump(taker))
    await asyncio.sleep(0.05)
    pumping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await pumping
    response.close()
    assert taker.pieces == [b"one"]
    assert await server.result()
