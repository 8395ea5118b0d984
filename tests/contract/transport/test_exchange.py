import asyncio
import gzip
import zlib
from typing import Any

import pytest

from legato.providers.transport import (
    BadResponse,
    ConnectionLost,
    Limits,
    ResponseTooLarge,
    Transport,
)

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b'5;name="va;lue"\r\nhello\r\n1\r\n \r\n005\r\nworld\r\n0\r\nx-trailer: 1\r\n\r\n'
)


def answering(*answers: bytes) -> Any:
    """A script that serves one answer per request, then waits for the client to leave."""

    async def script(peer: Any) -> Any:
        requests = []
        for answer in answers:
            requests.append(await peer.request())
            await peer.send(answer)
        await peer.gone()
        return requests

    return script


async def post(transport: Transport, body: bytes = b"{}") -> tuple[int, bytes]:
    response = await transport.send(b"/v1/x", b"", body)
    return response.status, await response.read(1 << 20)


async def stream(transport: Transport) -> bytes:
    response = await transport.send(b"/v1/x", b"", b"{}")
    pieces = []
    while (piece := await response.read_chunk()) is not None:
        assert piece
        pieces.append(piece)
    assert await response.read_chunk() is None
    return b"".join(pieces)


async def test_request_on_the_wire(serve: Any, connect: Any) -> None:
    server = await serve(answering(OK, OK))
    transport = connect(server.base_url + "/base/")
    headers = b"authorization: Bearer k\r\ncontent-type: text/plain\r\n"
    response = await transport.send(b"/v1/chat?a=%20b", headers, b"question")
    assert await response.read(100) == b"hello"
    response = await transport.send(b"/models", b"", b"", method=b"GET")
    assert await response.read(100) == b"hello"
    await transport.close()
    (head, body), (get_head, _) = await server.result()
    lines = head.lower().split(b"\r\n")
    assert head.startswith(b"POST /base/v1/chat?a=%20b HTTP/1.1\r\n")
    assert body == b"question"
    host = server.base_url.removeprefix("http://").encode()
    for line in (
        b"host: " + host,
        b"authorization: bearer k",
        b"content-length: 8",
        b"accept-encoding: identity",
        b"content-type: text/plain",
    ):
        assert lines.count(line) == 1, line
    assert get_head.startswith(b"GET /base/models HTTP/1.1\r\n")
    assert b"content-length" not in get_head.lower()


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        (b"/a b", b""),
        (b"/a\r\nx: y", b""),
        (b"a", b""),
        (b"/a", b"x: y"),
        (b"/a", b"x: y\r\n\r\nGET / HTTP/1.1\r\n"),
        (b"/a", b"\r\n"),
    ],
)
async def test_a_request_that_would_break_framing_is_refused(
    connect: Any, path: bytes, headers: bytes
) -> None:
    with pytest.raises(ValueError, match=r"path|headers"):
        await connect("http://127.0.0.1:9").send(path, headers, b"")


@pytest.mark.parametrize("answer", [OK, CHUNKED], ids=["length", "chunked"])
async def test_packets_split_at_every_byte(serve: Any, connect: Any, answer: bytes) -> None:
    expected = b"hello" if answer is OK else b"hello world"
    splits = range(1, len(answer), 3)

    async def script(peer: Any) -> Any:
        for split in splits:
            await peer.request()
            await peer.send(answer[:split])
            await asyncio.sleep(0.001)
            await peer.send(answer[split:])
        await peer.request()
        for byte in answer:
            await peer.send(bytes((byte,)))
            await asyncio.sleep(0)
        await peer.gone()

    server = await serve(script)
    transport = connect(server.base_url)
    for _ in splits:
        assert await post(transport) == (200, expected)
    assert await stream(transport) == expected
    assert server.connections == 1


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", (204, b"")),
        (b"HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\n", (304, b"")),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", (200, b"")),
        (b"HTTP/1.1 429 Slow Down\r\ncontent-length: 2\r\n\r\nno", (429, b"no")),
        (b"HTTP/1.1 302 Found\r\nlocation: /y\r\ncontent-length: 2\r\n\r\nno", (302, b"no")),
        (
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nlink: x\r\n\r\n" + OK,
            (200, b"hello"),
        ),
        (b"HTTP/1.1 200\r\ncontent-length: 5\r\n\r\nhello", (200, b"hello")),
        (b"HTTP/1.1 200 OK\ncontent-length: 5\n\nhello", (200, b"hello")),
    ],
    ids=["204", "304", "empty", "429", "302", "1xx", "no-reason", "bare-lf"],
)
async def test_answers_that_keep_the_connection(
    serve: Any, connect: Any, answer: bytes, expected: tuple[int, bytes]
) -> None:
    server = await serve(answering(answer, OK))
    transport = connect(server.base_url)
    assert await post(transport) == expected
    assert await post(transport) == (200, b"hello")
    assert server.connections == 1


async def test_headers_are_lower_case_in_order_without_interim_or_trailers(
    serve: Any, connect: Any
) -> None:
    answer = (
        b"HTTP/1.1 103 Hints\r\nlink: x\r\n\r\n"
        b"HTTP/1.1 200 OK\r\nX-One: A\r\nx-two:  b \r\nX-ONE: c\r\n"
        b"transfer-encoding: chunked\r\n\r\n0\r\nx-trailer: 1\r\n\r\n"
    )
    server = await serve(answering(answer))
    response = await connect(server.base_url).send(b"/", b"", b"")
    await response.read(10)
    assert response.headers[:3] == [(b"x-one", b"A"), (b"x-two", b"b"), (b"x-one", b"c")]
    assert b"x-trailer" not in dict(response.headers)
    assert b"link" not in dict(response.headers)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 5\r\n\r\nhello",
        b"HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nhello",
    ],
    ids=["close", "http10"],
)
async def test_the_client_closes_when_told_to(serve: Any, connect: Any, answer: bytes) -> None:
    server = await serve(answering(answer))
    transport = connect(server.base_url)
    assert await post(transport) == (200, b"hello")
    await server.result()
    assert await post(transport) == (200, b"hello")
    assert server.connections == 2


@pytest.mark.parametrize("read", [post, stream])
async def test_a_body_until_close(serve: Any, connect: Any, read: Any) -> None:
    async def script(peer: Any) -> Any:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\n\r\nhel")
        await asyncio.sleep(0.01)
        await peer.send(b"lo")

    server = await serve(script)
    assert await read(connect(server.base_url)) in ((200, b"hello"), b"hello")


async def test_head_answers_have_no_body(serve: Any, connect: Any) -> None:
    server = await serve(answering(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n"))
    response = await connect(server.base_url).send(b"/", b"", b"", method=b"HEAD")
    assert await response.read(10) == b""


@pytest.mark.parametrize("size", [0, 1, 65_536, 3_000_000])
async def test_large_bodies_both_ways(serve: Any, connect: Any, size: int) -> None:
    async def script(peer: Any) -> Any:
        for _ in range(2):
            _, body = await peer.request()
            await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        await peer.gone()

    server = await serve(script)
    transport = connect(server.base_url)
    body = b"x" * size
    response = await transport.send(b"/", b"", body)
    assert await response.read(size) == body
    response = await transport.send(b"/", b"", body)
    got = 0
    while (piece := await response.read_chunk()) is not None:
        got += len(piece)
    assert got == size
    assert server.connections == 1


@pytest.mark.parametrize("framing", ["length", "chunked"])
async def test_a_body_over_the_limit_closes_the_connection(
    serve: Any, connect: Any, framing: str
) -> None:
    async def script(peer: Any) -> Any:
        await peer.request()
        if framing == "length":
            await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 101\r\n\r\n" + b"x" * 101)
        else:
            await peer.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
            await peer.send(b"65\r\n" + b"x" * 101 + b"\r\n")
        return await peer.gone()

    server = await serve(script)
    transport = connect(server.base_url)
    response = await transport.send(b"/", b"", b"")
    with pytest.raises(ResponseTooLarge) as caught:
        await response.read(100)
    assert caught.value.sent
    await transport.close()
    assert await server.result()


def coded(name: bytes, body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\ncontent-encoding: %b\r\ncontent-length: %d\r\n\r\n%b" % (
        name,
        len(body),
        body,
    )


@pytest.mark.parametrize(
    "answer",
    [
        coded(b"gzip", gzip.compress(b"hello")),
        coded(b"GZIP", gzip.compress(b"he") + gzip.compress(b"llo")),
        coded(b"deflate", zlib.compress(b"hello")),
        coded(b"deflate", zlib.compress(b"hello", wbits=-15)),
        coded(b"identity", b"hello"),
    ],
    ids=["gzip", "members", "zlib", "raw", "identity"],
)
async def test_coded_bodies_are_decoded_when_read_whole(
    serve: Any, connect: Any, answer: bytes
) -> None:
    server = await serve(answering(answer))
    assert await post(connect(server.base_url)) == (200, b"hello")


async def test_a_gzip_bomb_is_refused(serve: Any, connect: Any) -> None:
    server = await serve(answering(coded(b"gzip", gzip.compress(bytes(50_000_000)))))
    response = await connect(server.base_url).send(b"/", b"", b"")
    with pytest.raises(ResponseTooLarge):
        await response.read(1_000_000)


@pytest.mark.parametrize(
    "answer",
    [
        coded(b"br", b"hello"),
        coded(b"gzip", b"hello"),
        coded(b"gzip", gzip.compress(b"hello" * 99)[:-9]),
    ],
    ids=["brotli", "not-gzip", "cut"],
)
async def test_broken_codings_are_bad_responses(serve: Any, connect: Any, answer: bytes) -> None:
    server = await serve(answering(answer))
    with pytest.raises(BadResponse):
        await post(connect(server.base_url))


async def test_a_coded_stream_is_refused(serve: Any, connect: Any) -> None:
    server = await serve(answering(coded(b"gzip", gzip.compress(b"hello"))))
    with pytest.raises(BadResponse):
        await stream(connect(server.base_url))


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.2p1\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"HTTP/1.1 2x0 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nbad name : x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: five\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\nhello",
    ],
    ids=["ssh", "tls", "status", "name", "length", "lengths", "both-framings"],
)
async def test_garbage_for_a_head(serve: Any, connect: Any, answer: bytes) -> None:
    server = await serve(answering(answer))
    transport = connect(server.base_url)
    with pytest.raises(BadResponse) as caught:
        await post(transport)
    assert caught.value.sent


@pytest.mark.parametrize("read", [post, stream])
async def test_garbage_for_a_chunk(serve: Any, connect: Any, read: Any) -> None:
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n"
    server = await serve(answering(head + b"zz\r\nhello\r\n"))
    with pytest.raises(BadResponse):
        await read(connect(server.base_url))


async def test_a_head_over_the_limit(serve: Any, connect: Any) -> None:
    async def script(peer: Any) -> Any:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\n")
        for number in range(2000):
            await peer.send(b"x-%d: %b\r\n" % (number, b"y" * 1000))
        await peer.gone()

    server = await serve(script)
    transport = connect(server.base_url, limits=Limits(head_bytes_max=16_384))
    with pytest.raises((ResponseTooLarge, BadResponse)) as caught:
        await post(transport)
    assert caught.value.sent


async def test_an_early_answer_before_the_request_is_read(serve: Any, connect: Any) -> None:
    async def script(peer: Any) -> Any:
        await peer.reader.readuntil(b"\r\n\r\n")
        await peer.send(b"HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\n\r\nbig")
        await asyncio.sleep(0.2)

    server = await serve(script)
    transport = connect(server.base_url)
    assert await post(transport, bytes(20_000_000)) == (413, b"big")
    # The rest of that request must never be taken for the start of another one.
    assert await post(transport, bytes(20_000_000)) == (413, b"big")
    assert server.connections == 2


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n50\r\nhello",
    ],
    ids=["length", "between-chunks", "in-chunk"],
)
async def test_a_body_cut_short(serve: Any, connect: Any, answer: bytes) -> None:
    async def script(peer: Any) -> Any:
        await peer.request()
        await peer.send(answer)

    server = await serve(script)
    transport = connect(server.base_url)
    with pytest.raises(ConnectionLost) as caught:
        await post(transport)
    assert (caught.value.sent, caught.value.response_started) == (True, True)
    response = await transport.send(b"/", b"", b"")
    assert await response.read_chunk() == b"hello"
    with pytest.raises(ConnectionLost):
        await response.read_chunk()
