"""What an exchange writes to its connection, and in how many pieces."""

from __future__ import annotations

import asyncio
import gzip

import pytest

from legato.api.http1.exchange import Exchange
from legato.api.http1.limits import ConnectionLimits
from legato.core.errors import TooLarge

HEAD = (
    b"HTTP/1.1 200 OK\r\nx-content-type-options: nosniff\r\n"
    b"x-a: b\r\ntransfer-encoding: chunked\r\n\r\n"
)


class Line:
    """A connection that keeps what it is given."""

    limits = ConnectionLimits()
    address = ""
    paused: asyncio.Future[None] | None = None

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.done = 0

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def want_body(self) -> None:
        return

    def abort(self) -> None:
        self.written.append(b"aborted")

    def exchange_done(self, exchange: Exchange) -> None:
        del exchange
        self.done += 1


@pytest.fixture
def line() -> Line:
    return Line()


def exchange_on(line: Line) -> Exchange:
    exchange = Exchange(line)
    exchange.complete = True
    return exchange


async def test_the_head_of_a_stream_goes_out_with_its_first_frames(line: Line) -> None:
    exchange = exchange_on(line)
    await exchange.start([(b"x-a", b"b")])
    assert exchange.began
    assert exchange.send(b"data: 1\n\n")
    assert exchange.send(b"data: 2\n\n")
    await exchange.end(b"data: 3\n\n")
    assert line.written == [
        HEAD + b"9\r\ndata: 1\n\n\r\n",
        b"9\r\ndata: 2\n\n\r\n",
        b"9\r\ndata: 3\n\n\r\n0\r\n\r\n",
    ]
    assert line.done == 1


@pytest.mark.parametrize(("last", "chunk"), [(b"", b""), (b"x", b"1\r\nx\r\n")])
async def test_a_stream_of_nothing_but_its_end_has_a_head(
    line: Line, last: bytes, chunk: bytes
) -> None:
    exchange = exchange_on(line)
    await exchange.start([(b"x-a", b"b")])
    await exchange.end(last)
    assert line.written == [HEAD + chunk + b"0\r\n\r\n"]


async def test_without_chunks_the_frames_follow_the_head(line: Line) -> None:
    exchange = exchange_on(line)
    exchange.speak_http10()
    await exchange.start([])
    exchange.send(b"one")
    await exchange.end(b"two")
    assert line.written == [
        b"HTTP/1.1 200 OK\r\nx-content-type-options: nosniff\r\nconnection: close\r\n\r\none",
        b"two",
    ]


@pytest.mark.parametrize(
    ("peer", "stated", "address"),
    [
        ("10.0.0.1", b"192.0.2.9", "192.0.2.9"),
        ("10.0.0.1", b"198.51.100.1, 192.0.2.9, 10.0.0.2", "192.0.2.9"),
        ("10.0.0.1", b"203.0.113.9:4411", "203.0.113.9"),
        ("10.0.0.1", b"[2001:db8::1]:443, 10.0.0.2:80", "2001:db8::1"),
        ("10.0.0.1", b"10.0.0.3", ""),
        ("10.0.0.1", b"", ""),
        ("192.0.2.1", b"10.0.0.9", "192.0.2.1"),
    ],
)
def test_only_a_load_balancer_of_ours_states_whom_it_speaks_for(
    line: Line, peer: str, stated: bytes, address: str
) -> None:
    line.address = peer
    line.limits = ConnectionLimits(trusted_proxies=("10.0.0.0/8",))
    exchange = exchange_on(line)
    exchange.headers[b"x-forwarded-for"] = stated
    assert exchange.address == address
    line.limits = ConnectionLimits()
    assert exchange.address == peer


@pytest.mark.parametrize("how", ["declared", "arrived", "arriving", "unpacked"])
async def test_a_body_may_be_held_to_less_than_the_connection(line: Line, how: str) -> None:
    exchange = exchange_on(line)
    if how == "declared":
        exchange.headers[b"content-length"] = b"101"
    elif how == "unpacked":
        exchange.headers[b"content-encoding"] = b"gzip"
        exchange.add_body(gzip.compress(b"x" * 101))
    else:
        exchange.add_body(b"x" * (101 if how == "arrived" else 100))
    if how == "arriving":
        exchange.complete = False
        asyncio.get_running_loop().call_soon(exchange.add_body, b"x")
    with pytest.raises(TooLarge, match="100 bytes"):
        await exchange.body(100)
    assert not exchange.keep_alive


async def test_a_body_within_its_limit_is_whole(line: Line) -> None:
    exchange = exchange_on(line)
    exchange.add_body(b"x" * 100)
    assert await exchange.body(100) == b"x" * 100
