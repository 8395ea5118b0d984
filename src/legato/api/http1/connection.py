"""One connection: parses requests, hands each to the data plane, one after the other."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from heapq import nsmallest
from operator import attrgetter
from typing import cast

import httptools

from legato.api.http1.exchange import Exchange, peer_address
from legato.api.http1.heads import Refused, framing_of, head_too_large, joined, path_of, refusal
from legato.api.http1.limits import ConnectionLimits
from legato.api.http1.slow_reader import SlowReader

log = logging.getLogger(__name__)

Serve = Callable[[Exchange], Awaitable[None]]
_PIPELINED_MAX = 8
_PARSED_BYTES = 16 * 1024
"""Parsed in one go; what is read may hold thousands of requests."""
_EVICTED_SHARE = 256
_LOOK_AGAIN_S = 0.1
"""Where all were busy: looking for each newcomer would take milliseconds each."""


class Listener:
    """What all connections of a worker share."""

    def __init__(self, serve: Serve, limits: ConnectionLimits) -> None:
        self.serve = serve
        self.limits = limits
        self.connections: set[Connection] = set()
        self.tasks: set[asyncio.Task[None]] = set()
        self.stopping = False
        self._full = False
        self._look_again_s = 0.0

    def has_room(self) -> bool:
        """Tell whether one more connection may stay; kept ones that wait for nothing make room.

        Says once that there is none.
        """
        full = len(self.connections) >= self.limits.connections_max
        if full:
            now_s = asyncio.get_running_loop().time()
            if now_s < self._look_again_s:
                return False
            idle = [connection for connection in self.connections if connection.is_idle]
            # a share of them at once: looking at all for each newcomer would cost too much
            share = max(1, self.limits.connections_max // _EVICTED_SHARE)
            for connection in nsmallest(share, idle, key=attrgetter("active_s")):
                connection.evict()
            full = not idle
            self._look_again_s = now_s + _LOOK_AGAIN_S if full else 0.0
        if full and not self._full:
            log.warning("too many connections, new ones are closed")
        self._full = full
        return not full

    def __call__(self) -> "Connection":
        """Make the protocol of a new connection."""
        return Connection(self)

    async def drain(self, within_s: float) -> None:
        """Let open requests end within a time, then end the rest."""
        self.stopping = True
        for connection in list(self.connections):
            connection.close_when_idle()
        if self.tasks:
            await asyncio.wait(list(self.tasks), timeout=within_s)
        for task in list(self.tasks):
            task.cancel()
        if self.tasks:
            await asyncio.wait(list(self.tasks), timeout=1.0)
        for connection in list(self.connections):
            connection.abort()


class Connection(asyncio.Protocol):
    """The protocol of one caller's connection."""

    __slots__ = (
        "_asked_s",
        "_current",
        "_deaf",
        "_head_bytes",
        "_listener",
        "_loop",
        "_overhead_bytes",
        "_parser",
        "_queue",
        "_reader",
        "_reading",
        "_receiving",
        "_sent_bytes",
        "_timer",
        "_transport",
        "_unparsed",
        "_url",
        "active_s",
        "address",
        "limits",
        "paused",
    )

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self.limits = listener.limits
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._receiving: Exchange | None = None
        self._current: Exchange | None = None
        self._queue: deque[Exchange] = deque()
        self._unparsed = b""  # until there is room in the queue
        self._url = b""
        self._head_bytes = 0
        # Bytes since the last sign of progress: the parser collects an endless field silently.
        self._overhead_bytes = 0
        self._deaf = False  # what still comes is dropped: the connection ends with this answer
        self._sent_bytes = 0
        self._reader = SlowReader(self.limits)
        self._reading = True
        self.active_s = 0.0
        self._asked_s = 0.0  # when the request that arrives began to, or its turn came
        self._timer: asyncio.TimerHandle | None = None
        self.paused: asyncio.Future[None] | None = None

    # ---------------------------------------------------------------- transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to watch for silence."""
        self._transport = cast("asyncio.Transport", transport)
        self.address = peer_address(transport)
        if not self._listener.has_room():
            self._deaf = True
            self._transport.abort()
            return
        self._listener.connections.add(self)
        self.active_s = self._loop.time()
        self._timer = self._loop.call_later(self.limits.head_s, self._look_at_clock)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """End what the caller no longer waits for."""
        self._listener.connections.discard(self)
        self._transport = None
        if self._timer is not None:
            self._timer.cancel()
        self._resume_writers()
        for exchange in (self._current, self._receiving, *self._queue):
            if exchange is not None and not exchange.done:
                exchange.gone = True
                if exchange.task is not None:
                    exchange.task.cancel()
        self._queue.clear()

    def pause_writing(self) -> None:
        """Hold `send` back: the caller reads slowly."""
        if self.paused is None:
            self.paused = self._loop.create_future()
        now_s, window_s = self._loop.time(), self.limits.reader_window_s
        if self._reader.begin(now_s, self._sent_bytes, self.unsent_bytes) and self._timer:
            self._timer.cancel()
            self._timer = self._loop.call_later(window_s, self._look_at_clock)

    def resume_writing(self) -> None:
        """Let `send` go on, and the next request begin."""
        self._resume_writers()
        if self._current is None and not self._deaf:
            self._go_on()

    def data_received(self, data: bytes) -> None:
        """Take in what came."""
        self.active_s = self._loop.time()
        if self._deaf:
            self._overhead_bytes += len(data)
            if self._overhead_bytes > self.limits.linger_bytes_max:
                self.abort()
        elif len(data) <= _PARSED_BYTES and not self._unparsed:
            self._parse(data)
        else:
            self._unparsed += data
            self._parse_on()

    def _parse_on(self) -> None:
        """Parse what waits, as long as there is room for the requests in it."""
        waiting = self._unparsed
        at = 0
        while at < len(waiting) and len(self._queue) < _PIPELINED_MAX and not self._deaf:
            self._parse(waiting[at : at + _PARSED_BYTES])
            at += _PARSED_BYTES
        self._unparsed = waiting[at:]

    def _parse(self, data: bytes) -> None:
        self._overhead_bytes += len(data)
        try:
            try:
                self._parser.feed_data(data)
            except httptools.HttpParserUpgrade as offer:
                self._decline_upgrade(data[offer.args[0] :])
        except httptools.HttpParserError as error:
            # our own refusals are raised inside of callbacks and arrive as the cause
            cause = error.__context__
            said = str(cause) if isinstance(cause, Refused) else "This is not valid HTTP/1.1."
            self._refuse(said)
        else:
            if self._overhead_bytes > 2 * self.limits.head_bytes_max:  # names and marks included
                self._refuse(str(head_too_large(self.limits)))

    def _decline_upgrade(self, rest: bytes) -> None:
        """Ignore an offer of another protocol (RFC 9110, 7.8): answer, then close.

        The parser takes what follows such a head for the other protocol. Where it is a body,
        another parser reads it, and nothing behind it.
        """
        exchange = self._receiving
        if exchange is None:
            raise _unbegun()
        exchange.keep_alive = False
        if not exchange.complete:
            head = (
                b"POST / HTTP/1.1\r\nconnection: close\r\n" + framing_of(exchange.headers) + b"\r\n"
            )
            self._parser = httptools.HttpRequestParser(_Body(self))
            self._parser.feed_data(head + rest)

    # ------------------------------------------------------------------- parser

    def on_message_begin(self) -> None:
        """Start a request."""
        self._receiving = Exchange(self)
        self._asked_s = self.active_s
        self._url = b""
        self._head_bytes = 0

    def on_url(self, url: bytes) -> None:
        """Take in the target."""
        self._url += url
        self._head_bytes += len(url)
        if self._head_bytes > self.limits.head_bytes_max:
            raise head_too_large(self.limits)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take in a header; of repeated ones the last counts, but hosts and lengths don't repeat.

        Trailers come here, too, and are dropped: a caller must not change behind the body what a
        proxy in front has set in the head.
        """
        exchange = self._receiving
        if exchange is None:
            raise _unbegun()
        if exchange.method:
            return
        headers = exchange.headers
        self._head_bytes += len(name) + len(value)
        if self._head_bytes > self.limits.head_bytes_max:
            raise head_too_large(self.limits)
        if len(headers) >= self.limits.headers_max:
            raise Refused("There are too many headers.")
        name = name.lower()
        if name in headers:
            value = joined(name, headers[name], value)
        headers[name] = value

    def on_headers_complete(self) -> None:
        """Hand the request on; its body may still be on the way."""
        exchange = self._receiving
        if exchange is None:
            raise _unbegun()
        self._overhead_bytes = 0
        parser, transport = self._parser, self._transport
        is_older = parser.get_http_version() == "1.0"
        if not is_older and b"host" not in exchange.headers:  # RFC 9112, 3.2
            raise Refused("There is no Host header: HTTP/1.1 asks for one.")
        exchange.method = parser.get_method()
        path, _, exchange.query = self._url.partition(b"?")
        if path[:1] != b"/":
            path = path_of(path)
        exchange.path = path.decode("ascii", "replace")
        exchange.keep_alive = parser.should_keep_alive() and not self._listener.stopping
        if is_older:
            exchange.speak_http10()
        if transport is None or transport.is_closing():
            return  # the last request said that it is the last
        if self._current is None and self.paused is None:
            self._begin(exchange)
        else:
            self._queue.append(exchange)
            if len(self._queue) >= _PIPELINED_MAX:
                self._pause_reading()

    def on_body(self, body: bytes) -> None:
        """Take in part of a body."""
        exchange = self._receiving
        if exchange is None:
            raise _unbegun()
        self._overhead_bytes = 0
        exchange.add_body(body)
        unread = exchange.too_large or not exchange.wanted
        if unread and exchange.body_bytes > self.limits.unread_bytes_max:
            self._pause_reading()

    def on_message_complete(self) -> None:
        """Note the request's end; with an offer to upgrade the body is still to come."""
        exchange = self._receiving
        if exchange is None:
            raise _unbegun()
        offers = b"upgrade" in exchange.headers and self._parser.should_upgrade()
        if not offers or exchange.method == b"CONNECT" or not framing_of(exchange.headers):
            self.on_body_complete()

    def on_body_complete(self) -> None:
        """Let the request be served whole."""
        exchange = self._receiving
        if exchange is None:
            raise _unbegun()
        self._overhead_bytes = 0
        exchange.complete = True
        exchange.wake()

    # ----------------------------------------------------------------- exchange

    def write(self, data: bytes) -> None:
        """Write to the caller, if there still is one."""
        if self._transport is not None:
            self._sent_bytes += len(data)
            self._transport.write(data)

    def want_body(self) -> None:
        """Read on: somebody waits for the rest of a body."""
        self._resume_reading()

    def exchange_done(self, exchange: Exchange) -> None:
        """Go on with the next request, or close."""
        self._current = None
        self.active_s = self._asked_s = self._loop.time()
        if self._transport is None:
            return
        if not exchange.keep_alive or self._listener.stopping:
            self._finish(linger=not exchange.complete)
        else:
            self._go_on()

    @property
    def is_idle(self) -> bool:
        """Whether nothing is asked here, nor in the middle of being asked or answered."""
        asking = self._receiving is not None and not self._receiving.complete
        return self._current is None and not asking and not self._queue and not self.unsent_bytes

    def evict(self) -> None:
        """Close to make room for another connection."""
        self._listener.connections.discard(self)
        self._finish(linger=False)

    def close_when_idle(self) -> None:
        """Close now, or once the running request is answered."""
        if self._current is None:
            self._finish(linger=False)
        else:
            self._current.keep_alive = False

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    @property
    def unsent_bytes(self) -> int:
        """What the caller has not taken yet, beyond what the system holds."""
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    def _go_on(self) -> None:
        """Take up the next request; while the caller does not read his answers, nothing."""
        if self.paused is not None:
            self._pause_reading()
            return
        if self._queue:
            self._begin(self._queue.popleft())
        if self._unparsed:
            self._parse_on()
        if len(self._queue) < _PIPELINED_MAX:
            self._resume_reading()

    def _finish(self, *, linger: bool) -> None:
        """Close once all is sent.

        With `linger` what the caller is still sending is read and dropped for a while: closing
        on unread bytes resets the connection, and the answer may be lost with it.
        """
        if self._transport is None:
            return
        self._deaf = True
        if linger and self._transport.can_write_eof():
            self._resume_reading()
            self._transport.write_eof()
            self._loop.call_later(self.limits.linger_s, self._transport.close)
        else:
            self._transport.close()

    def _begin(self, exchange: Exchange) -> None:
        self._current = exchange
        tasks = self._listener.tasks
        task = self._loop.create_task(self._serve(exchange))
        exchange.task = task
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    async def _serve(self, exchange: Exchange) -> None:
        try:
            await self._listener.serve(exchange)
        except asyncio.CancelledError:
            if not exchange.gone:
                raise  # the worker is stopping; a caller who left needs no answer
        finally:
            if not exchange.done:  # cut off in mid-answer: only closing tells the caller
                exchange.done = True
                exchange.keep_alive = False
                self.exchange_done(exchange)

    def _refuse(self, said: str) -> None:
        """Answer what is no request; behind running answers nothing is said, they stay whole."""
        if self._transport is None or self._deaf:
            return
        self._deaf = True
        broken, current = self._receiving, self._current
        if self._queue and self._queue[-1] is broken and not broken.complete:
            self._queue.pop()
        before = self._queue[-1] if self._queue else current
        if before is None or (before is broken and not before.complete and not before.began):
            self.write(refusal(said))
            if before is None:
                self._finish(linger=True)
            elif before.task is not None:  # it waits for the rest of its body: in vain
                before.gone = before.done = True  # here and now: it may not have started yet
                before.keep_alive = False
                before.task.cancel()
                self.exchange_done(before)
        else:
            before.keep_alive = False

    def _look_at_clock(self) -> None:
        """Close a connection that idles, or that dawdles over a request or an answer."""
        transport = self._transport
        if transport is None:
            return
        limits = self.limits
        window_s = limits.linger_s if transport.is_closing() else limits.reader_window_s
        now_s, held_bytes = self._loop.time(), self.unsent_bytes
        if self._reader.is_too_slow(now_s, self._sent_bytes, held_bytes, window_s):
            transport.abort()  # closing would wait for the caller to read
            return
        left_s = self._due_s(now_s) - now_s
        if left_s <= 0:
            transport.close()
        if held_bytes or left_s <= 0:
            left_s = min(limits.head_s, window_s)
        left_s = max(min(left_s, limits.head_s), 0.1)  # a request may begin at any time
        self._timer = self._loop.call_later(left_s, self._look_at_clock)

    def _due_s(self, now_s: float) -> float:
        """Return until when the caller may do what we wait for."""
        limits, exchange = self.limits, self._receiving
        if self._deaf or (self._current is not None and self._current.complete):
            return now_s + limits.head_s  # it is for us to act
        if exchange is None or exchange.complete:
            return self.active_s + limits.keep_alive_s
        if not exchange.method:
            return self._asked_s + limits.head_s
        enough_s = exchange.body_bytes / limits.body_bytes_per_s_min
        return min(self.active_s, self._asked_s + enough_s) + limits.head_s

    def _pause_reading(self) -> None:
        if self._reading and self._transport is not None:
            self._reading = False
            self._transport.pause_reading()

    def _resume_reading(self) -> None:
        if not self._reading and self._transport is not None:
            self._reading = True
            self._transport.resume_reading()

    def _resume_writers(self) -> None:
        paused, self.paused = self.paused, None
        if paused is not None and not paused.done():
            paused.set_result(None)


class _Body:
    """What a parser reports of nothing but a body."""

    def __init__(self, connection: Connection) -> None:
        self.on_body = connection.on_body
        self.on_message_complete = connection.on_body_complete


def _unbegun() -> AssertionError:
    return AssertionError("the parser reports a request that it never began")
