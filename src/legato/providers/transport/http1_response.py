"""The answer of an HTTP/1.1 exchange: a buffer between the parser and one reader."""

import asyncio
from collections import deque
from typing import Protocol

from legato.providers.transport.base import (
    BadResponse,
    ConnectionLost,
    ResponseTooLarge,
    Take,
    TransportError,
)
from legato.providers.transport.decoding import content_coding, decode_body


class BodySource(Protocol):
    """What a response asks of the connection that fills it."""

    def resume_body(self) -> None:
        """Read from the socket again after the buffer ran full."""
        ...

    def abandon(self, error: TransportError) -> None:
        """Close the connection and fail the response with `error`."""
        ...


class Http1Response:
    """Implements `base.Response`. Filled by the connection, read by one task.

    One pending future stands for whatever the reader waits for (head, next piece, whole body); it
    exists only while somebody waits, so data already here is handed over without touching the loop.
    While somebody pumps, the connection hands over each packet's data itself, and no task wakes.
    """

    __slots__ = (
        "_error",
        "_loop",
        "_pieces",
        "_reading_whole",
        "_source",
        "_stream_allowed",
        "_take_failure",
        "_waiter",
        "buffered_bytes",
        "buffered_bytes_max",
        "ended",
        "head_complete",
        "headers",
        "status",
        "taker",
    )

    def __init__(
        self, source: BodySource, loop: asyncio.AbstractEventLoop, stream_buffer_bytes: int
    ) -> None:
        """Start empty; past `stream_buffer_bytes` the connection stops reading the socket."""
        self._source = source
        self._loop = loop
        self._pieces: deque[bytes] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._error: TransportError | None = None
        self._reading_whole = False
        self._stream_allowed = False
        self._take_failure: BaseException | None = None
        self.taker: Take | None = None
        self.buffered_bytes = 0
        self.buffered_bytes_max = stream_buffer_bytes
        self.ended = False
        self.head_complete = False
        self.headers: list[tuple[bytes, bytes]] = []
        self.status = 0

    # ---- the reader's side

    async def read(self, body_bytes_max: int) -> bytes:
        """Implement `base.Response.read`."""
        coding = self._coding()
        self._reading_whole = True
        self.buffered_bytes_max = body_bytes_max
        if self.buffered_bytes > body_bytes_max:
            self._source.abandon(_body_too_large(body_bytes_max))
        elif not self.ended:
            self._source.resume_body()
            await self.wait()
        self.raise_failure()
        if self.buffered_bytes > body_bytes_max:
            raise _body_too_large(body_bytes_max)
        body = self._take()
        return body if coding is None else decode_body(coding, body, body_bytes_max)

    async def read_chunk(self) -> bytes | None:
        """Implement `base.Response.read_chunk`."""
        if not self._stream_allowed:
            self._allow_stream()
        if not self._pieces:
            if not self.ended:
                await self.wait()
            if not self._pieces:
                self.raise_failure()
                return None
        return self._take_and_go_on()

    async def pump(self, take: Take) -> bool:
        """Implement `base.Response.pump`."""
        if not self._stream_allowed:
            self._allow_stream()
        while self._pieces or not self.ended:
            if self._pieces:
                if not take(self._take_and_go_on()):
                    return self.ended and self._error is None
                continue
            self.taker = take
            await self.wait()
            if not self._release_taker():
                return self.ended and self._error is None and not self._pieces
        self.raise_failure()
        return True

    def close(self) -> None:
        """Implement `base.Response.close`."""
        if not self.ended:
            self._source.abandon(
                ConnectionLost("closed by the reader", response_started=True, reused=False)
            )
        self.taker = None
        self._pieces.clear()
        self.buffered_bytes = 0

    async def wait(self) -> None:
        """Wait for the next event of interest; cancelling it abandons the exchange."""
        if self._waiter is not None:
            raise RuntimeError("a response has one reader")
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        except asyncio.CancelledError:
            self._waiter = None
            self.close()
            raise
        self._waiter = None

    def raise_failure(self) -> None:
        """Raise the error that ended the exchange, if one did."""
        if self._error is not None:
            raise self._error

    # ---- the connection's side

    def start(self, status: int) -> None:
        """Note the final response head."""
        self.status = status
        self.head_complete = True
        self._wake()

    def receive(self, piece: bytes) -> bool:
        """Take one piece of body; true when the buffer is now past its limit."""
        self._pieces.append(piece)
        self.buffered_bytes += len(piece)
        if self.taker is None and not self._reading_whole:
            self._wake()
        return self.buffered_bytes > self.buffered_bytes_max

    def deliver(self) -> None:
        """Hand what has come to `taker`, once a packet has been read to its end."""
        take = self.taker
        if take is None or not self._pieces:
            return
        try:
            wants_more = take(self._take_and_go_on())
        except BaseException as failure:  # noqa: BLE001 - whoever called `pump` gets it
            self._take_failure = failure
            wants_more = False
        if not wants_more:
            self.taker = None
            self._wake()

    def overflow(self) -> ResponseTooLarge | None:
        """Return the error of a whole body past its limit, or `None` where pausing is enough."""
        return _body_too_large(self.buffered_bytes_max) if self._reading_whole else None

    def finish(self, error: TransportError | None = None) -> None:
        """End the exchange, well or with `error`."""
        self.ended = True
        self._error = error
        self._wake()

    # ---- inner parts

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _take(self) -> bytes:
        pieces = self._pieces
        body = pieces.popleft() if len(pieces) == 1 else b"".join(pieces)
        pieces.clear()
        self.buffered_bytes = 0
        return body

    def _release_taker(self) -> bool:
        """Tell whether the taker still wants more; raises what it raised."""
        taker, self.taker = self.taker, None
        if self._take_failure is not None:
            raise self._take_failure
        return taker is not None

    def _take_and_go_on(self) -> bytes:
        was_full = self.buffered_bytes > self.buffered_bytes_max
        chunk = self._take()
        if was_full and not self.ended:
            self._source.resume_body()
        return chunk

    def _coding(self) -> bytes | None:
        try:
            return content_coding(self.headers)
        except TransportError:
            self.close()
            raise

    def _allow_stream(self) -> None:
        if self._coding() is not None:
            self.close()
            raise BadResponse("the answer is a compressed stream, which was not asked for")
        self._stream_allowed = True


def _body_too_large(body_bytes_max: int) -> ResponseTooLarge:
    return ResponseTooLarge(f"response body over {body_bytes_max} bytes")
