"""One HTTP/1.1 connection: an asyncio protocol around llhttp (by httptools).

Kept lean because every SSE event passes here: no queue, no task, no timer per chunk. One timer per
connection is armed at most once per timeout; activity only moves `_deadline_s`, and the timer
re-arms itself when it finds the deadline moved. The same timer retires idle connections.
"""

import asyncio
import math
import re
import select
from typing import Protocol, cast

import httptools

from legato.providers.transport.base import (
    BadResponse,
    ConnectionLost,
    FirstByteTimeout,
    IdleTimeout,
    Limits,
    ResponseTooLarge,
    Timeouts,
    TransportError,
)
from legato.providers.transport.http1_response import Http1Response

# Joining head and body copies the body: worth it below this, to send one packet.
_JOIN_BYTES_MAX = 64 * 1024
# A connection idle for longer is asked whether the peer has closed it before it is used again.
_PROBE_AFTER_S = 1.0
_KEPT_S = re.compile(rb"(?:^|[,\s])timeout\s*=\s*\"?(\d{1,9})", re.IGNORECASE)
_CLOSE_EARLIER_S = 1.0
# uvloop's timers and clock have millisecond steps.
_TIMER_SLACK_S = 0.001
_FIRST_FINAL_STATUS = 200
_SWITCHING_PROTOCOLS = 101


class ConnectionOwner(Protocol):
    """The pool, as its connections see it."""

    def release(self, connection: "Http1Connection") -> None:
        """Take back a connection that can serve another exchange."""
        ...

    def forget(self, connection: "Http1Connection") -> None:
        """Drop a connection that is gone; called more than once."""
        ...


class Http1Connection(asyncio.Protocol):
    """Serves one exchange at a time and gives itself back to its owner after each."""

    def __init__(
        self,
        owner: ConnectionOwner,
        loop: asyncio.AbstractEventLoop,
        timeouts: Timeouts,
        limits: Limits,
    ) -> None:
        """Prepare a connection that `loop.create_connection` will attach."""
        self._owner = owner
        self._loop = loop
        self._timeouts = timeouts
        self._limits = limits
        self._transport: asyncio.Transport
        self._parser = httptools.HttpResponseParser(self)
        # RFC 9112 2.2 lets a recipient take a bare LF; padded chunk sizes are an old server habit.
        self._parser.set_dangerous_leniencies(
            lenient_optional_cr_before_lf=True, lenient_spaces_after_chunk_size=True
        )
        self._response: Http1Response | None = None
        self._message_complete = False
        self._bodyless = False
        self._reusable = True
        self._paused = False
        self.answered = False
        self._exchanges = 0
        # Wire bytes since the last piece of body: head, chunk extensions, trailers.
        self._overhead_bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at_s = math.inf
        self._deadline_s = math.inf
        self._idle_since_s = 0.0
        self._idle_age_s = limits.idle_age_s
        self._retire_at_s = loop.time() + limits.connection_age_s

    # ---- the owner's side

    async def exchange(
        self, head: bytes, body: bytes, timeouts: Timeouts, *, bodyless: bool
    ) -> Http1Response:
        """Send one request and return its answer once the head is complete."""
        loop = self._loop
        response = Http1Response(self, loop, self._limits.stream_buffer_bytes)
        self._response = response
        self._timeouts = timeouts
        self._message_complete = self.answered = False
        self._bodyless = bodyless
        self._overhead_bytes = 0
        self._exchanges += 1
        if len(body) <= _JOIN_BYTES_MAX:
            self._transport.write(head + body)
        else:
            self._transport.write(head)
            self._transport.write(body)
        self._watch(loop.time() + timeouts.first_byte_s)
        await response.wait()
        if not response.head_complete:
            response.raise_failure()
        return response

    def is_usable(self) -> bool:
        """Tell whether another exchange may start; asks the socket if it sat idle for long."""
        if not self._reusable or self._transport.is_closing():
            return False
        if self._exchanges == 0 or self._loop.time() - self._idle_since_s < _PROBE_AFTER_S:
            return True
        # Anything readable on an idle connection is its end, or an answer to nothing.
        poll = select.poll()
        poll.register(self._transport.get_extra_info("socket").fileno(), select.POLLIN)
        return not poll.poll(0)

    def discard(self) -> None:
        """Close at once, without an error for anyone."""
        self._reusable = False
        self._stop_timer()
        self._transport.abort()
        self._owner.forget(self)

    # ---- the response's side

    def resume_body(self) -> None:
        """Implement `BodySource.resume_body`."""
        if self._paused:
            self._paused = False
            self._watch(self._loop.time() + self._timeouts.idle_s)
            self._transport.resume_reading()

    def abandon(self, error: TransportError) -> None:
        """Implement `BodySource.abandon`."""
        response = self._response
        self._response = None
        self.discard()
        if response is not None:
            response.finish(error)

    # ---- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport; both event loops set TCP_NODELAY themselves."""
        # A cast, not a check: uvloop's transports don't derive from asyncio's classes.
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Feed the parser; its callbacks below fill the response."""
        response = self._response
        if response is None:
            self.discard()  # an answer to nothing: this connection can't be trusted any more
            return
        self.answered = True
        self._overhead_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            if not self._message_complete:
                response.deliver()
                self.abandon(BadResponse("the answer is not valid HTTP/1.1"))
                return
            self._reusable = False
        if response.taker is not None:
            response.deliver()
        if self._message_complete:
            self._finish()
        elif self._overhead_bytes > self._limits.head_bytes_max:
            self.abandon(self._head_too_large())
        elif response.head_complete:
            self._deadline_s = deadline_s = self._loop.time() + self._timeouts.idle_s
            if self._timer_at_s > deadline_s:  # only when idle_s is the shortest: seldom armed
                self._watch(deadline_s)

    def eof_received(self) -> None:
        """End a body that runs until the close; any other one is now known to be cut."""
        self._reusable = False
        response = self._response
        if response is not None and response.head_complete and _runs_until_close(response):
            self._finish()

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail what was under way and leave the pool."""
        self._reusable = False
        self._stop_timer()
        self._owner.forget(self)
        response = self._response
        if response is None:
            return
        self._response = None
        reason = "reset" if exc is not None else "closed"
        stage = "in mid-answer" if self.answered else "before any answer"
        response.finish(
            ConnectionLost(
                f"the server {reason} the connection {stage}",
                response_started=self.answered,
                reused=self._exchanges > 1,
            )
        )

    # ---- httptools

    def on_message_begin(self) -> None:
        """Notice a second answer to one request."""
        if self._message_complete:
            self._reusable = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header field; trailers come here, too, and are dropped."""
        response = self._response
        if response is not None and not response.head_complete:
            response.headers.append((name.lower(), value.rstrip()))

    def on_headers_complete(self) -> None:
        """Start the response, unless this is an interim head."""
        response = self._response
        if response is None or response.head_complete:
            return
        status = self._parser.get_status_code()
        if status < _FIRST_FINAL_STATUS and status != _SWITCHING_PROTOCOLS:
            response.headers.clear()
            return
        if status == _SWITCHING_PROTOCOLS:
            self.abandon(BadResponse("the server switched protocols unasked"))
        elif self._head_bytes_over(response):
            self.abandon(self._head_too_large())
        else:
            response.start(status)
            if self._bodyless:
                self._message_complete = True
                self._reusable = False  # the parser now expects a body that never comes

    def on_body(self, piece: bytes) -> None:
        """Hand on a piece of body; stop reading the socket while the reader is behind."""
        response = self._response
        if response is None or self._message_complete:
            return
        self._overhead_bytes = 0
        if response.receive(piece):
            error = response.overflow()
            if error is not None:
                self.abandon(error)
            elif not self._paused:
                self._paused = True
                self._transport.pause_reading()

    def on_message_complete(self) -> None:
        """Note the end; the connection moves on once the parser has returned."""
        response = self._response
        if response is not None and response.head_complete and not self._message_complete:
            self._message_complete = True
            self._reusable = self._reusable and self._parser.should_keep_alive()

    # ---- inner parts

    def _finish(self) -> None:
        response = self._response
        if response is None:
            return
        self._response = None
        response.finish()
        now_s = self._loop.time()
        if self._transport.get_write_buffer_size():
            self.discard()  # answered before it read the request: the rest must not follow
        elif not self._reusable or now_s > self._retire_at_s:
            self._retire()
        else:
            if self._paused:
                self._paused = False
                self._transport.resume_reading()
            self._idle_since_s = now_s
            if self._exchanges == 1:  # servers say the same each time
                self._idle_age_s = min(self._idle_age_s, _kept_s(response.headers))
            self._watch(now_s + self._idle_age_s)
            self._owner.release(self)

    def _retire(self) -> None:
        self._reusable = False
        self._stop_timer()
        self._transport.close()
        self._owner.forget(self)

    def _watch(self, deadline_s: float) -> None:
        self._deadline_s = deadline_s
        if self._timer_at_s > deadline_s:
            if self._timer is not None:
                self._timer.cancel()
            self._timer_at_s = deadline_s
            self._timer = self._loop.call_at(deadline_s, self._check_deadline)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._timer_at_s = math.inf

    def _check_deadline(self) -> None:
        self._timer = None
        self._timer_at_s = math.inf
        if self._paused:
            self._deadline_s = self._loop.time() + self._timeouts.idle_s
        if self._loop.time() + _TIMER_SLACK_S < self._deadline_s:
            self._watch(self._deadline_s)
            return
        response = self._response
        if response is None:
            self._retire()
        elif response.head_complete:
            self.abandon(IdleTimeout(f"no data for {self._timeouts.idle_s} s in mid-answer"))
        else:
            self.abandon(FirstByteTimeout(f"no answer within {self._timeouts.first_byte_s} s"))

    def _head_bytes_over(self, response: Http1Response) -> bool:
        # The packet that ends a head often carries body: count exactly only when it matters.
        limit = self._limits.head_bytes_max
        return self._overhead_bytes > limit and (
            sum(len(name) + len(value) + 4 for name, value in response.headers) > limit
        )

    def _head_too_large(self) -> ResponseTooLarge:
        return ResponseTooLarge(f"response head over {self._limits.head_bytes_max} bytes")


def _kept_s(headers: list[tuple[bytes, bytes]]) -> float:
    """Return how long a server that says so keeps an idle connection, less a margin.

    The margin is for our side to be the one that closes: a request that meets the server's
    close on its way is lost, and a model call must not be sent twice.
    """
    for name, value in headers:
        if name == b"keep-alive" and (told := _KEPT_S.search(value)) is not None:
            kept_s = int(told[1])
            return max(kept_s - _CLOSE_EARLIER_S, kept_s / 2)
    return math.inf


def _runs_until_close(response: Http1Response) -> bool:
    framing = (b"content-length", b"transfer-encoding")
    return all(name not in framing for name, _ in response.headers)
