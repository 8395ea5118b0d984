"""What every provider kind makes of failure: its class, its wait, no secret, no false end."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from subjects import SECRET, Wired

from legato.core.errors import (
    BadProviderResponse,
    ProviderRateLimited,
    ProviderRefusesCredentials,
    ProviderRejected,
    ProviderTimeout,
    ProviderUnavailable,
    UpstreamError,
)
from legato.core.wire import Dialect, Operation, RequestView
from legato.providers.transport import TransportError

if TYPE_CHECKING:
    from legato.core.wire import StreamDecoder, StreamReader
    from legato.providers.simulated.server import SimulatedServer
    from legato.providers.transport import Response

VIEW = RequestView("alias", stream=True, wants_stream_usage=True)
SLOW = {"output_tokens": 5_000, "itl_ms": 20}
CLASSES = [
    (400, ProviderRejected, 400, False),
    (401, ProviderRefusesCredentials, 502, False),
    (404, ProviderRejected, 404, False),
    (408, ProviderTimeout, 504, True),
    (429, ProviderRateLimited, 429, True),
    (500, ProviderUnavailable, 503, True),
    (503, ProviderUnavailable, 503, True),
    (529, ProviderUnavailable, 503, True),
]


async def failed(wired: Wired, **steering: object) -> UpstreamError:
    response = await wired.send(wired.write(wired.chat()), **steering)
    return wired.provider.failure(response.status, response.headers, await response.read(1 << 20))


@pytest.mark.parametrize(("status", "kind", "http_status", "retryable"), CLASSES)
async def test_a_status_has_its_class(
    wired: Wired, status: int, kind: type[UpstreamError], http_status: int, *, retryable: bool
) -> None:
    error = await failed(wired, status=status)
    assert type(error) is kind
    assert (error.http_status, error.retryable) == (http_status, retryable)
    assert error.fails_over is (kind is not ProviderRejected)
    assert error.message


@pytest.mark.parametrize(
    ("steering", "wait_s"),
    [({"retry_after_s": 7}, 7.0), ({"retry_after_s": 7, "retry_after_ms": 1500}, 1.5)],
)
async def test_how_long_to_wait_is_read(
    wired: Wired, steering: dict[str, object], wait_s: float
) -> None:
    error = await failed(wired, status=429, **steering)
    assert error.retry_after_s == wait_s


@pytest.mark.parametrize("status", [408, 429, 500, 503, 529])
def test_any_failure_that_passes_may_say_when(wired: Wired, status: int) -> None:
    error = wired.provider.failure(status, [(b"Retry-After", b"12")], b"")
    assert error.retry_after_s == 12.0
    assert wired.provider.failure(status, [], b"").retry_after_s is None


def telling_bodies(dialect: Dialect) -> list[bytes]:
    """Error bodies that repeat the provider's key wherever there is room for it."""
    said = f"Incorrect API key provided: {SECRET}."
    fields: dict[str, Any] = {"message": said, "type": SECRET, "code": SECRET, "param": SECRET}
    whole = {"error": fields} | ({"type": "error"} if dialect is Dialect.ANTHROPIC else {})
    shapes: list[Any] = [whole, {"error": said}, {"detail": said}, {"message": said}, said, [said]]
    return [
        *(json.dumps(shape).encode() for shape in shapes),
        said.encode(),
        b"<h1>" + said.encode(),
    ]


def everything_of(error: UpstreamError) -> str:
    return f"{error!r} {error} {error.__dict__} {error.__cause__!r}"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 409, 418, 422, 429, 500, 503, 529])
def test_no_error_holds_the_providers_key(wired: Wired, status: int) -> None:
    for body in telling_bodies(wired.dialect):
        error = wired.provider.failure(status, [(b"www-authenticate", SECRET.encode())], body)
        assert SECRET not in everything_of(error), body


def test_no_error_under_a_status_of_success_holds_it(wired: Wired) -> None:
    for body in telling_bodies(wired.dialect):
        for read in (lambda b: wired.provider.answer(Operation.CHAT, b), wired.provider.to_chat):
            with pytest.raises(UpstreamError) as raised:
                read(body)
            assert SECRET not in everything_of(raised.value), body


def test_no_error_in_a_stream_holds_it(wired: Wired) -> None:
    for body in telling_bodies(wired.dialect):
        event = b"event: error\ndata: " + body + b"\n\n"
        reader, decoder = wired.provider.reader(VIEW), wired.provider.decoder()
        frames = reader.feed(event) + reader.close()
        decoder.feed(event)
        decoder.close()
        assert SECRET.encode() not in frames, body
        for error in (reader.error, decoder.error):
            assert error is not None, body
            assert SECRET not in everything_of(error), body


@pytest.mark.parametrize("garbage", ["html", "invalid_json"])
async def test_garbage_under_a_status_of_success_is_a_fault(wired: Wired, garbage: str) -> None:
    raw = await wired.whole(wired.chat(), garbage=garbage)
    with pytest.raises(BadProviderResponse):
        wired.provider.answer(Operation.CHAT, raw)
    with pytest.raises(BadProviderResponse):
        wired.provider.to_chat(raw)
    stream = await wired.stream(wired.chat(), garbage=garbage)
    reader, decoder = read_stream(wired, stream)
    assert not reader.finished
    assert not decoder.finished


@pytest.mark.parametrize("cut_after", [0, 1, 4])
async def test_an_error_in_band_ends_the_stream(wired: Wired, cut_after: int) -> None:
    raw = await wired.stream(wired.chat(), cut_after=cut_after, cut_style="error_event")
    reader, decoder = read_stream(wired, raw)
    for read in (reader, decoder):
        assert isinstance(read.error, ProviderUnavailable)
        assert not read.finished
    assert reader.feed(b"data: {}\n\n") + reader.close() == b""
    assert decoder.feed(b"data: {}\n\n") + decoder.close() == []


@pytest.mark.parametrize("cut_after", [0, 1, 4, 10])
async def test_a_body_that_stops_short_is_not_finished(wired: Wired, cut_after: int) -> None:
    raw = await wired.stream(wired.chat(), output_tokens=20, cut_after=cut_after, cut_style="eof")
    reader, decoder = read_stream(wired, raw)
    assert (reader.finished, decoder.finished) == (False, False)
    assert (reader.error, decoder.error) == (None, None)


@pytest.mark.parametrize("style", ["close", "reset"])
async def test_a_connection_that_breaks_leaves_the_stream_unfinished(
    wired: Wired, style: str
) -> None:
    body = wired.chat(stream=True)
    response = await wired.send(wired.write(body), cut_after=6, cut_style=style)
    reader = wired.provider.reader(VIEW)
    with pytest.raises(TransportError) as broken:
        await read_to_the_end(response, reader)
    reader.close()
    assert broken.value.sent
    assert not reader.finished


async def test_leaving_a_stream_closes_it_upstream(wired: Wired, server: SimulatedServer) -> None:
    response = await wired.send(wired.write(wired.chat(stream=True, max_tokens=5_000)), **SLOW)
    reader = wired.provider.reader(VIEW)
    while not reader.started:
        chunk = await response.read_chunk()
        assert chunk is not None
        reader.feed(chunk)
    response.close()
    assert await outcome(server) == {"client_gone": 1}


async def test_cancelling_before_the_answer_closes_it_upstream(
    wired: Wired, server: SimulatedServer
) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await wired.send(wired.write(wired.chat()), latency_ms=60_000)
    assert await outcome(server) == {"client_gone": 1}


async def test_cancelling_a_wait_for_more_closes_it_upstream(
    wired: Wired, server: SimulatedServer
) -> None:
    stalled = {"stall_s": 60, "stall_where": "mid_stream", "stall_after_events": 4}
    response = await wired.send(wired.write(wired.chat(stream=True)), **stalled)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await read_to_the_end(response, wired.provider.reader(VIEW))
    assert await outcome(server) == {"client_gone": 1}


async def read_to_the_end(response: Response, reader: StreamReader) -> None:
    while (chunk := await response.read_chunk()) is not None:
        reader.feed(chunk)


async def outcome(server: SimulatedServer) -> dict[str, int]:
    until_s = time.monotonic() + 5
    while server.book.counts().in_flight and time.monotonic() < until_s:
        await asyncio.sleep(0.01)
    return server.book.counts().by_outcome


def read_stream(wired: Wired, raw: bytes) -> tuple[StreamReader, StreamDecoder]:
    reader, decoder = wired.provider.reader(VIEW), wired.provider.decoder()
    for at in range(0, len(raw), 11):
        reader.feed(raw[at : at + 11])
        decoder.feed(raw[at : at + 11])
    reader.close()
    decoder.close()
    return reader, decoder
