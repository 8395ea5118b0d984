"""The listener as a client on a real socket sees it."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from legato.api.http1.connection import Listener
from legato.api.http1.exchange import Exchange
from legato.api.http1.limits import ConnectionLimits
from legato.core.errors import LegatoError

LIMITS = ConnectionLimits(
    body_bytes_max=100_000,
    head_bytes_max=4_000,
    headers_max=20,
    keep_alive_s=0.6,
    head_s=0.6,
    linger_bytes_max=1_000_000,
)
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def echo(exchange: Exchange) -> None:
    try:
        body = await exchange.body()
    except LegatoError as error:
        await exchange.reply(error.http_status, [], error.code.encode())
        return
    await exchange.reply(200, [(b"x-path", exchange.path.encode())], exchange.method + b" " + body)


@asynccontextmanager
async def listening(
    serve: Callable[[Exchange], Awaitable[None]] = echo,
) -> AsyncIterator[tuple[Listener, Callable[[], Awaitable[Streams]]]]:
    listener = Listener(serve, LIMITS)
    server = await asyncio.get_running_loop().create_server(listener, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    opened: list[asyncio.StreamWriter] = []

    async def connect() -> Streams:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        opened.append(writer)
        return reader, writer

    try:
        yield listener, connect
    finally:
        for writer in opened:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()
        server.close()
        await listener.drain(0.2)


async def talk(data: bytes, pieces: int = 1) -> bytes:
    """Send bytes in pieces and read until the server closes."""
    async with listening() as (_, connect):
        reader, writer = await connect()
        step = max(1, -(-len(data) // pieces))
        for start in range(0, len(data), step):
            writer.write(data[start : start + step])
            await writer.drain()
            if pieces > 1:
                await asyncio.sleep(0)
        answer = await asyncio.wait_for(reader.read(), 5)
        writer.close()
        return answer


POST = b"POST /v1/x?y=1 HTTP/1.1\r\nhost: h\r\ncontent-length: 5\r\n\r\nhello"
CLOSING = POST.replace(b"host: h\r\n", b"host: h\r\nconnection: close\r\n")


@pytest.mark.parametrize(
    ("hosts", "said"),
    [
        (b"", b"There is no Host header: HTTP/1.1 asks for one."),
        (b"host: h\r\nHost: h\r\n", b"There is more than one Host header."),
    ],
)
async def test_one_host_is_named(hosts: bytes, said: bytes) -> None:
    answer = await talk(POST.replace(b"host: h\r\n", hosts))
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert said in answer
    assert b"hello" not in answer


async def test_a_host_may_be_empty_and_an_older_caller_needs_none() -> None:
    empty = await talk(CLOSING.replace(b"host: h", b"host:"))
    older = await talk(POST.replace(b"host: h\r\n", b"").replace(b"HTTP/1.1", b"HTTP/1.0"))
    for answer in (empty, older):
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
        assert answer.endswith(b"POST hello")


async def test_a_request_is_answered_in_one_piece_and_the_query_is_no_part_of_the_path() -> None:
    assert await talk(CLOSING) == (
        b"HTTP/1.1 200 OK\r\nx-content-type-options: nosniff\r\n"
        b"x-path: /v1/x\r\nconnection: close\r\n"
        b"content-length: 10\r\n\r\nPOST hello"
    )


@pytest.mark.parametrize("pieces", [2, 7, 1000])
async def test_any_splitting_of_the_bytes_reads_the_same(pieces: int) -> None:
    assert (await talk(CLOSING, pieces)).endswith(b"\r\n\r\nPOST hello")


async def test_an_idle_connection_is_kept_for_the_next_request_and_closed_after_a_while() -> None:
    answer = await talk(POST + POST)  # pipelined: answered in order
    assert answer.count(b"POST hello") == 2
    assert b"connection: close" not in answer


async def test_a_chunked_body_is_joined() -> None:
    chunked = (
        b"POST / HTTP/1.1\r\nhost: h\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n"
        b"3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"
    )
    assert (await talk(chunked, 5)).endswith(b"POST hello")


async def test_expect_100_is_answered_before_the_body_comes() -> None:
    async with listening() as (_, connect):
        reader, writer = await connect()
        head = b"POST / HTTP/1.1\r\nhost: h\r\nexpect: 100-continue\r\n"
        writer.write(head + b"content-length: 5\r\n\r\n")
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"hello")
        assert b"200 OK" in await reader.readline()


async def test_http_10_gets_no_chunks_and_no_keep_alive() -> None:
    async def stream(exchange: Exchange) -> None:
        await exchange.start([])
        exchange.send(b"one")
        await exchange.drained()
        exchange.send(b"two")
        await exchange.drained()
        await exchange.end()

    async with listening(stream) as (_, connect):
        reader, writer = await connect()
        writer.write(b"GET / HTTP/1.0\r\n\r\n")
        answer = await reader.read()
    assert answer.endswith(b"connection: close\r\n\r\nonetwo")
    assert b"chunked" not in answer


async def test_head_gets_the_length_and_no_body() -> None:
    answer = await talk(b"HEAD / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n")
    assert answer.endswith(b"content-length: 5\r\n\r\n")


async def test_an_upgrade_offer_is_ignored() -> None:
    offer = b"GET / HTTP/1.1\r\nhost: h\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n"
    assert (await talk(offer)).startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize("pieces", [1, 3, 1000])
@pytest.mark.parametrize(
    "framed",
    [
        b"content-length: 5\r\n\r\nhello",
        b"transfer-encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
    ],
    ids=["length", "chunked"],
)
async def test_a_request_that_offers_an_upgrade_keeps_its_body(framed: bytes, pieces: int) -> None:
    """As Java's HttpClient sends each first request of a connection."""
    offer = b"connection: Upgrade, HTTP2-Settings\r\nhttp2-settings: AAEA\r\nupgrade: h2c\r\n"
    answer = await talk(b"POST / HTTP/1.1\r\nhost: h\r\n" + offer + framed, pieces)
    assert answer.count(b"HTTP/1.1 ") == 1
    assert answer.endswith(b"connection: close\r\ncontent-length: 10\r\n\r\nPOST hello")


async def test_what_follows_a_declined_upgrade_is_no_request() -> None:
    offer = b"connection: upgrade\r\nupgrade: h2c\r\ncontent-length: 5\r\n\r\nhello"
    answer = await talk(b"POST / HTTP/1.1\r\nhost: h\r\n" + offer + POST)
    assert answer.count(b"HTTP/1.1 ") == 1
    assert answer.endswith(b"POST hello")


async def test_http_10_is_not_told_to_continue() -> None:
    asked = b"POST / HTTP/1.0\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\nhel"
    async with listening() as (_, connect):
        reader, writer = await connect()
        writer.write(asked)
        await asyncio.sleep(0.05)
        writer.write(b"lo")
        assert (await reader.read()).startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize(
    "broken",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello!",
        b"POST / HTTP/1.1\r\nhost: h\r\ncontent-length: -1\r\n\r\n",
        POST.replace(b"\r\n\r\n", b"\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
        b"POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"GET / HTTP/1.1\r\nhost: h\r\nbad header\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: h\r\nlong: " + b"x" * 5_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: h\r\n" + b"".join(b"h%d: x\r\n" % n for n in range(30)) + b"\r\n",
        b"GET /" + b"x" * 5_000 + b" HTTP/1.1\r\nhost: h\r\n\r\n",
    ],
)
async def test_what_is_no_good_http_gets_400_and_the_connection_ends(broken: bytes) -> None:
    answer = await talk(broken)
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    head, body = answer.split(b"\r\n\r\n", 1)
    assert b"content-length: %d\r\n" % len(body) in head + b"\r\n"


async def test_a_declared_body_over_the_limit_is_refused_unread() -> None:
    big = b"POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 999999999\r\n\r\n" + b"x" * 1000
    answer = await talk(big)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in answer


async def test_an_endless_chunked_body_is_cut_at_the_limit() -> None:
    async with listening() as (_, connect):
        reader, writer = await connect()
        writer.write(b"POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n")
        sent = 0
        with suppress(ConnectionError):
            while sent < 50_000_000 and not reader.at_eof():
                writer.write(b"2710\r\n" + b"x" * 10_000 + b"\r\n")
                await writer.drain()
                sent += 10_000
        assert sent < 20_000_000


@pytest.mark.parametrize("size", [50, 5_000_000])
async def test_a_packed_body_is_unpacked_within_the_limit(size: int) -> None:
    packed = gzip.compress(b"a" * size)
    answer = await talk(
        b"POST / HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-encoding: gzip\r\n"
        b"content-length: %d\r\n\r\n%b" % (len(packed), packed)
    )
    assert (b"413" in answer.split(b"\r\n")[0]) == (size > LIMITS.body_bytes_max)
    if size == 50:
        assert answer.endswith(b"a" * 50)


@pytest.mark.parametrize("behind", [gzip.compress(b"more"), b"more"], ids=["packed", "plain"])
async def test_nothing_may_stand_behind_a_packed_body(behind: bytes) -> None:
    packed = gzip.compress(b"whole") + behind
    answer = await talk(
        b"POST / HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-encoding: GZip\r\n"
        b"content-length: %d\r\n\r\n%b" % (len(packed), packed)
    )
    assert answer.startswith(b"HTTP/1.1 400")


async def test_a_caller_who_leaves_ends_the_work_at_once() -> None:
    ended = asyncio.Event()

    async def work(exchange: Exchange) -> None:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            assert exchange.gone
            ended.set()
            raise

    async with listening(work) as (listener, connect):
        _, writer = await connect()
        writer.write(POST)
        await asyncio.sleep(0.05)
        writer.close()
        await asyncio.wait_for(ended.wait(), 1)
        await asyncio.sleep(0)
        assert not listener.tasks


async def test_a_slow_reader_holds_the_sender_back() -> None:
    sent = 0

    async def flood(exchange: Exchange) -> None:
        nonlocal sent
        await exchange.start([])
        while True:
            exchange.send(b"x" * 65_536)
            await exchange.drained()
            sent += 65_536

    async with listening(flood) as (_, connect):
        _, writer = await connect()
        writer.write(POST)
        await asyncio.sleep(0.3)
        before = sent
        await asyncio.sleep(0.2)
        assert before == sent < 20_000_000
        writer.close()


async def test_silence_within_a_request_ends_the_connection() -> None:
    answer = await talk(b"POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 5\r\n\r\nhel")
    assert answer == b""


async def test_a_long_answer_is_not_taken_for_silence() -> None:
    async def slow(exchange: Exchange) -> None:
        await asyncio.sleep(1.5)
        await exchange.reply(200, [], b"late")

    async with listening(slow) as (_, connect):
        reader, writer = await connect()
        writer.write(POST)
        assert await reader.readuntil(b"late")
        writer.close()


async def test_draining_lets_open_requests_end_and_closes_idle_connections() -> None:
    async def slow(exchange: Exchange) -> None:
        await asyncio.sleep(0.2)
        await exchange.reply(200, [], b"done")

    async with listening(slow) as (listener, connect):
        idle_reader, _ = await connect()
        reader, writer = await connect()
        writer.write(POST)
        await asyncio.sleep(0.05)
        await listener.drain(5)
        assert await idle_reader.read() == b""
        answer = await reader.read()
        assert answer.endswith(b"done")
        assert b"connection: close" in answer


@pytest.mark.parametrize(
    ("target", "path"),
    [
        (b"http://gateway.test/v1/models", b"/v1/models"),
        (b"HTTPS://gateway.test:8443/v1/models?limit=2", b"/v1/models"),
        (b"http://gateway.test", b"/"),
        (b"http://gateway.test?a=/b", b"/"),
        (b"/v1/http://models", b"/v1/http://models"),
    ],
)
async def test_an_absolute_target_means_its_path(target: bytes, path: bytes) -> None:
    head = b"GET %b HTTP/1.1\r\nhost: elsewhere\r\nconnection: close\r\n\r\n"
    answer = await talk(head % target)
    assert b"x-path: %b\r\n" % path in answer
