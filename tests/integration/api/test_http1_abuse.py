"""The listener against clients that mean harm, or only read too slowly."""

import asyncio
import gc
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from legato.api.http1.connection import Connection, Listener
from legato.api.http1.exchange import Exchange
from legato.api.http1.limits import ConnectionLimits
from legato.core.errors import LegatoError

LIMITS = ConnectionLimits(
    body_bytes_max=100_000,
    head_bytes_max=4_000,
    keep_alive_s=0.6,
    head_s=0.6,
    reader_window_s=0.4,
    reader_bytes_per_s_min=1_000_000,
    linger_s=0.5,
)
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
LARGE = 20_000_000
GET = b"GET /healthz HTTP/1.1\r\nhost: h\r\n\r\n"
CHUNKED = b"POST /x HTTP/1.1\r\nhost: h\r\nx-who: head\r\ntransfer-encoding: chunked\r\n\r\n"


async def large(exchange: Exchange) -> None:
    await exchange.reply(200, [], b"x" * LARGE)


@asynccontextmanager
async def listening(
    serve: Callable[[Exchange], Awaitable[None]], limits: ConnectionLimits = LIMITS
) -> AsyncIterator[tuple[Listener, Callable[[], Awaitable[Streams]]]]:
    listener = Listener(serve, limits)
    server = await asyncio.get_running_loop().create_server(listener, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    opened: list[asyncio.StreamWriter] = []

    async def connect() -> Streams:
        streams = await asyncio.open_connection("127.0.0.1", port)
        opened.append(streams[1])
        return streams

    try:
        yield listener, connect
    finally:
        for writer in opened:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()
        server.close()
        await listener.drain(0.2)


async def pong(exchange: Exchange) -> None:
    await exchange.reply(200, [], b"~" * 1_000)


async def read_all(exchange: Exchange) -> None:
    try:
        body = await exchange.body()
    except LegatoError as error:
        await exchange.reply(error.http_status, [], error.code.encode())
        return
    await exchange.reply(200, [], exchange.header(b"x-who") or body or b"-")


async def gone(listener: Listener) -> None:
    async with asyncio.timeout(5):
        while listener.connections or listener.tasks:
            await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    "start",
    [
        b"GET / HTTP/1.1\r\nhost: h\r\nx-endless: ",
        b"GET / HTTP/1.1\r\nhost: h\r\nx-",
        b"GET /",
        CHUNKED + b"5\r\nhello\r\n0\r\nx-trailer: ",
        CHUNKED + b"5;extension=",
    ],
)
async def test_a_head_that_never_ends_is_refused_before_it_is_collected(start: bytes) -> None:
    async with listening(read_all) as (_, connect):
        reader, writer = await connect()
        writer.write(start + b"a" * 200_000)
        answer = await asyncio.wait_for(reader.read(), 5)
        assert answer.startswith(b"HTTP/1.1 400")


DRIPS = {
    "head": (b"", b"GET / HTTP/1.1\r\nhost: h\r\nx-endless: " + b"a" * 1_000),
    "body": (b"POST /x HTTP/1.1\r\nhost: h\r\ncontent-length: 1000\r\n\r\n", b"a" * 1_000),
    "chunks": (CHUNKED, b"1\r\na\r\n" * 1_000),
    "trailers": (CHUNKED + b"1\r\na\r\n0\r\nx-endless: ", b"a" * 1_000),
}


@pytest.mark.parametrize(("begin", "rest"), DRIPS.values(), ids=DRIPS.keys())
async def test_a_request_that_arrives_by_drips_is_cut_off(begin: bytes, rest: bytes) -> None:
    async with listening(read_all) as (listener, connect):
        reader, writer = await connect()
        writer.write(begin)
        dripped = 0
        for dripped in range(200):  # 10 s, and never a long silence
            writer.write(rest[dripped : dripped + 1])
            await asyncio.sleep(0.05)
            if reader.at_eof() or reader.exception():  # reset, where a drip met the end
                break
        assert dripped < 100
        await gone(listener)


async def test_a_slow_upload_that_keeps_up_is_no_drip() -> None:
    async with listening(read_all) as (_, connect):
        reader, writer = await connect()
        writer.write(b"POST /x HTTP/1.1\r\nhost: h\r\ncontent-length: 20000\r\n\r\n")
        for _ in range(20):  # 1 s
            writer.write(b"a" * 1_000)
            await asyncio.sleep(0.05)
        assert b"200 OK" in await reader.readline()


async def test_time_spent_in_the_queue_is_not_the_callers() -> None:
    async def slow(exchange: Exchange) -> None:
        await asyncio.sleep(0 if exchange.method == b"POST" else 1.5)
        await read_all(exchange)

    async with listening(slow) as (_, connect):
        reader, writer = await connect()
        writer.write(GET + b"POST /x HTTP/1.1\r\nhost: h\r\ncontent-length: 5\r\n\r\nhe")
        assert (await reader.readuntil(b"\r\n\r\n-")).startswith(b"HTTP/1.1 200 OK")
        await asyncio.sleep(0.2)
        writer.write(b"llo")
        assert (await reader.readuntil(b"hello")).startswith(b"HTTP/1.1 200 OK")


async def test_a_body_in_tiny_chunks_takes_no_more_memory_than_it_is_long() -> None:
    asked = asyncio.Event()

    async def wanting(exchange: Exchange) -> None:
        asked.set()
        await read_all(exchange)

    async with listening(wanting) as (listener, connect):
        _, writer = await connect()
        writer.write(CHUNKED)
        await asked.wait()
        (connection,) = listener.connections
        pieces = b"2\r\nab\r\n" * 45_000
        tracemalloc.start()
        try:
            for start in range(0, len(pieces), 65_536):
                connection.data_received(pieces[start : start + 65_536])
            held, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert held < 2 * 90_000


async def test_few_of_the_requests_that_arrive_at_once_are_taken_in_ahead() -> None:
    async def never(_: Exchange) -> None:
        await asyncio.Event().wait()

    async with listening(never) as (listener, connect):
        await connect()
        await asyncio.sleep(0.05)
        (connection,) = listener.connections
        request = b"GET / HTTP/1.1\r\nhost:\r\n\r\n"
        connection.data_received(request * 14_000)  # what one read can bring
        assert sum(isinstance(one, Exchange) for one in gc.get_objects()) < 2_000


async def test_trailers_change_no_header() -> None:
    async with listening(read_all) as (_, connect):
        reader, writer = await connect()
        writer.write(CHUNKED + b"5\r\nhello\r\n")
        await asyncio.sleep(0.05)
        writer.write(b"0\r\nx-who: trailer\r\n\r\n")
        assert b"\r\n\r\nhead" in await reader.read(1_000)


async def test_answers_nobody_reads_are_bounded() -> None:
    async with listening(pong) as (listener, connect):
        _, writer = await connect()
        connection: Connection = next(iter(listener.connections))
        most = 0

        async def flood() -> None:
            with suppress(ConnectionError):
                while True:
                    writer.write(GET * 2_000)
                    await writer.drain()

        flooding = asyncio.ensure_future(flood())
        for _ in range(30):
            await asyncio.sleep(0.01)
            most = max(most, connection.unsent_bytes)
        flooding.cancel()
        assert 0 < most < 1_000_000


async def test_everything_is_answered_to_a_client_that_reads_late() -> None:
    async with listening(pong) as (_, connect):
        reader, writer = await connect()
        asked = 12_000
        writer.write(GET * asked)
        await asyncio.sleep(0.2)
        found = 0
        async with asyncio.timeout(10):
            while found < asked * 1_000:
                found += (await reader.read(1 << 20)).count(b"~")
        assert found == asked * 1_000


async def test_who_reads_a_large_answer_by_drips_is_cut_off() -> None:
    async with listening(large) as (listener, connect):
        reader, writer = await connect()
        writer.write(GET)
        async with asyncio.timeout(5):
            while listener.connections:  # always something, and about a tenth of the least rate
                assert await reader.read(2_000)
                await asyncio.sleep(0.02)


async def test_who_reads_at_the_least_rate_gets_all_of_it() -> None:
    async with listening(large) as (listener, connect):
        reader, writer = await connect()
        writer.write(GET.replace(b"host: h", b"host: h\r\nconnection: close"))
        found = 0
        while part := await reader.read(200_000):
            found += len(part)
            await asyncio.sleep(0.02)
        assert found > LARGE
        await gone(listener)


async def test_bytes_that_wait_for_the_first_time_have_a_window_of_their_own() -> None:
    """Who had nothing to take for long isn't late the moment there is something."""
    later = asyncio.Event()

    async def in_turns(exchange: Exchange) -> None:
        await exchange.start([])
        exchange.send(b"x" * 100)
        await later.wait()
        exchange.send(b"x" * LARGE)
        await exchange.drained()
        await exchange.end()

    async with listening(in_turns) as (listener, connect):
        _, writer = await connect()
        writer.write(GET)
        await asyncio.sleep(1)
        later.set()
        await asyncio.sleep(0.2)  # half a window
        (connection,) = listener.connections
        assert connection.unsent_bytes
        await gone(listener)
        writer.close()


@pytest.mark.parametrize("streamed", [True, False])
async def test_a_client_that_stops_reading_is_cut_off(streamed: bool) -> None:  # noqa: FBT001
    async def large(exchange: Exchange) -> None:
        if not streamed:
            await exchange.reply(200, [], b"x" * 20_000_000)
            return
        await exchange.start([])
        for _ in range(200):
            exchange.send(b"x" * 100_000)
            await exchange.drained()
        await exchange.end()

    async with listening(large) as (listener, connect):
        reader, writer = await connect()
        writer.write(GET)
        assert await reader.read(10)
        await gone(listener)
        writer.close()


async def test_a_body_that_is_too_large_is_told_so_and_not_reset() -> None:
    async with listening(read_all) as (listener, connect):
        reader, writer = await connect()
        writer.write(b"POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 5000000\r\n\r\n")
        for _ in range(50):
            writer.write(b"x" * 100_000)
            await writer.drain()
        assert (await reader.read()).startswith(b"HTTP/1.1 413")
        writer.close()
        await gone(listener)


async def test_garbage_behind_a_running_answer_puts_nothing_into_it() -> None:
    async def slow(exchange: Exchange) -> None:
        await exchange.start([])
        exchange.send(b"one")
        await exchange.drained()
        await asyncio.sleep(0.3)
        exchange.send(b"two")
        await exchange.drained()
        await exchange.end()

    async with listening(slow) as (_, connect):
        reader, writer = await connect()
        writer.write(GET)
        await asyncio.sleep(0.05)
        writer.write(b"\x00\x01 garbage\r\n\r\n")
        assert b"400" not in await reader.read()


async def test_a_waiting_writer_that_is_cancelled_does_not_cancel_the_next() -> None:
    outcomes: list[str] = []

    async def full(exchange: Exchange) -> None:
        await exchange.start([])
        with suppress(TimeoutError):
            async with asyncio.timeout(0.1):
                while True:
                    exchange.send(b"x" * 1_000_000)
                    await exchange.drained()
        try:
            exchange.send(b"the end")
            await exchange.drained()
        except asyncio.CancelledError:
            outcomes.append("cancelled" if not exchange.gone else "gone")
            raise
        outcomes.append("sent")
        await exchange.end()

    async with listening(full) as (_, connect):
        reader, writer = await connect()
        writer.write(GET)
        await asyncio.sleep(0.25)
        while b"the end" not in await reader.read(1 << 20):
            pass
        assert outcomes == ["sent"]


async def test_what_comes_after_an_answer_is_not_sent() -> None:
    async def talkative(exchange: Exchange) -> None:
        await exchange.reply(200, [], b"whole")
        exchange.send(b"more")
        await exchange.drained()
        await exchange.end()

    async with listening(talkative) as (_, connect):
        reader, writer = await connect()
        writer.write(GET)
        await asyncio.sleep(0.1)
        assert (await reader.read(1_000)).endswith(b"whole")


async def answer(reader: asyncio.StreamReader) -> bytes:
    await reader.readuntil(b"\r\n\r\n")
    return await reader.readexactly(1_000)


async def test_at_the_most_connections_the_idlest_kept_one_makes_room() -> None:
    limits = ConnectionLimits(connections_max=3)
    async with listening(pong, limits) as (listener, connect):
        kept = [await connect() for _ in range(3)]
        for number in (1, 0, 2):
            reader, writer = kept[number]
            writer.write(GET)
            await answer(reader)
            await asyncio.sleep(0.01)
        kept[1][1].write(GET[:20])  # in the middle of asking: no longer idle
        await asyncio.sleep(0.01)
        newcomer = await connect()
        for reader, writer in (newcomer, kept[2]):
            writer.write(GET)
            await answer(reader)
        kept[1][1].write(GET[20:])
        await answer(kept[1][0])
        assert await kept[0][0].read() == b""
        assert len(listener.connections) == 3


async def test_past_the_most_busy_connections_new_ones_are_closed() -> None:
    limits = ConnectionLimits(connections_max=2)
    release = asyncio.Event()

    async def slow(exchange: Exchange) -> None:
        await release.wait()
        await exchange.reply(200, [], b"late")

    async with listening(slow, limits) as (listener, connect):
        kept = [await connect() for _ in range(2)]
        for _, writer in kept:
            writer.write(GET)
        await asyncio.sleep(0.05)
        reader, _ = await connect()
        assert await reader.read() == b""
        release.set()
        for reader, _ in kept:
            assert b"200 OK" in await reader.read(1_000)
        assert len(listener.connections) == 2


async def test_newcomers_past_the_most_do_not_each_look_at_all_connections(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks = 0

    class Watched(Connection):
        @property
        def is_idle(self) -> bool:
            nonlocal looks
            looks += 1
            return super().is_idle

    async def never(_: Exchange) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr("legato.api.http1.connection.Connection", Watched)
    async with listening(never, ConnectionLimits(connections_max=2)) as (_, connect):
        for _, writer in [await connect() for _ in range(2)]:
            writer.write(GET)
        await asyncio.sleep(0.05)
        for _ in range(20):
            reader, _ = await connect()
            assert await reader.read() == b""
        assert 2 <= looks < 20
