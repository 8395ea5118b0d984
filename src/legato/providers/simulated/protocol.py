"""HTTP/1.1 on one connection, lean: httptools parses, nothing is buffered but the request's body.

One request at a time; a second one sent before the first is answered closes the connection.
"""

import asyncio
import os
import socket
import struct
from typing import cast

import httptools

from legato.providers.simulated.book import Book
from legato.providers.simulated.exchange import Exchange
from legato.providers.simulated.plans import Plan, Request
from legato.providers.simulated.responses import CONTINUE, Response, rendered
from legato.providers.simulated.service import Service
from legato.providers.simulated.settings import CutStyle
from legato.providers.simulated.steering import PREFIX

BODY_BYTES_MAX = 32 * 1024 * 1024
DISCARDED_BYTES_MAX = 8 * BODY_BYTES_MAX  # a body over the limit is read so far, to answer politely
RESET_DELAY_S = 0.01  # a reset may overtake what was written just before it
_LINGER_NOT = struct.pack("ii", 1, 0)


class SimulatedProtocol(asyncio.Protocol):
    """One client's connection."""

    def __init__(
        self,
        service: Service,
        book: Book,
        connections: "set[SimulatedProtocol]",
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._service = service
        self._book = book
        self._connections = connections
        self._loop = loop
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._exchange: Exchange | None = None
        self._keep_alive = True
        self.writing_paused = False
        self.on_message_begin()

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the new connection."""
        # TCP always gives a two-way transport; uvloop's does not inherit the abstract class.
        self._transport = cast("asyncio.Transport", transport)
        self._connections.add(self)

    def connection_lost(self, _error: Exception | None) -> None:
        """Bill a running call for what it produced; its client is gone."""
        self._connections.discard(self)
        self._transport = None
        if self._exchange is not None:
            self._exchange.abandon("client_gone")
            self._exchange = None

    def data_received(self, data: bytes) -> None:
        """Parse; the calls to `on_…` come from here."""
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._close()

    def pause_writing(self) -> None:
        """The client reads too slowly."""
        self.writing_paused = True

    def resume_writing(self) -> None:
        """The client has caught up."""
        self.writing_paused = False
        if self._exchange is not None:
            self._exchange.resume()

    # What the parser calls.

    def on_message_begin(self) -> None:
        """Forget the request before."""
        self._url = b""
        self._body: list[bytes] = []
        self._body_bytes = 0
        self._attempt_id: str | None = None
        self._steering: tuple[tuple[str, str], ...] = ()
        self._speaks_anthropic = False
        self._expects_continue = False

    def on_url(self, url: bytes) -> None:
        """Collect the target, which may come in parts."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep the few headers that matter; credentials are not looked at."""
        name = name.lower()
        if name.startswith(PREFIX):
            pair = (name.removeprefix(PREFIX).decode("latin-1"), value.decode("latin-1"))
            self._steering += (pair,)
        elif name == b"x-legato-attempt-id":
            self._attempt_id = value.decode("latin-1")
        elif name == b"anthropic-version":
            self._speaks_anthropic = True
        elif name == b"expect":
            self._expects_continue = value.lower() == b"100-continue"

    def on_headers_complete(self) -> None:
        """Ask for the body if the client waits to be asked."""
        if self._expects_continue and self._exchange is None:
            self.write(CONTINUE)

    def on_body(self, data: bytes) -> None:
        """Keep the body up to the limit, discard more, and give up far beyond it."""
        self._body_bytes += len(data)
        if self._body_bytes <= BODY_BYTES_MAX:
            self._body.append(data)
        elif self._body_bytes <= DISCARDED_BYTES_MAX:
            self._body.clear()
        else:
            self._close()

    def on_message_complete(self) -> None:
        """Answer."""
        if self._exchange is not None or self._transport is None:
            self._close()
            return
        self._keep_alive = self._parser.should_keep_alive()
        request = self._request()
        is_too_large = self._body_bytes > BODY_BYTES_MAX
        answer = self._service.too_large if is_too_large else self._service.answer
        planned = answer(request)
        if isinstance(planned, Response):
            self.write(rendered(planned))
            self.release()
        elif isinstance(planned, Plan):
            self._exchange = Exchange(self, planned, self._book, self._loop)
            self._exchange.start()

    def _request(self) -> Request:
        path, _, query = self._url.partition(b"?")
        return Request(
            self._parser.get_method().decode(),
            path.decode("latin-1"),
            query.decode("latin-1"),
            self._body[0] if len(self._body) == 1 else b"".join(self._body),
            self._attempt_id,
            self._steering,
            self._speaks_anthropic,
        )

    # What an exchange and the server call.

    def write(self, data: bytes) -> None:
        """Queue bytes; nothing happens once the client is gone."""
        if self._transport is not None:
            self._transport.write(data)

    def release(self) -> None:
        """The response is complete: read the next request, or close if the client asked to."""
        self._exchange = None
        self._body = []
        if not self._keep_alive:
            self._close()

    def cut(self, style: CutStyle) -> None:
        """End the connection early: `reset` after a moment, anything else by closing it."""
        self._exchange = None
        if style == "reset":
            self._loop.call_later(RESET_DELAY_S, self._reset)
        else:
            self._close()

    def shut(self) -> None:
        """The server stops: what runs is cut."""
        if self._exchange is not None:
            self._exchange.abandon("cut")
            self._exchange = None
        if self._transport is not None:
            self._transport.abort()

    def _reset(self) -> None:
        if self._transport is None:
            return
        descriptor = self._transport.get_extra_info("socket").fileno()
        with socket.socket(fileno=os.dup(descriptor)) as twin:
            twin.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
        self._transport.abort()

    def _close(self) -> None:
        if self._transport is not None:
            self._transport.close()
