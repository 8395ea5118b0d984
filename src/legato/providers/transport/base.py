"""The seam between provider adapters and the network: one call out, one answer back.

A transport belongs to one provider base URL and one event loop. It never retries and never follows
redirects: a model call costs money, so whoever holds the budget decides whether to send it again.

    TransportError                      .sent: may the peer have seen any byte of the request?
      NotSent                 no        nothing left this process: the hold can be voided
        ConnectFailed         no        refused, unresolvable, TLS refused
          ConnectTimeout      no        no connection within `connect_s`
        PoolExhausted         no        every connection busy for `connect_s`, or too many waiting
        TransportClosed       no        `close()` came first
      ConnectionLost          yes       the connection broke before the answer was complete
      FirstByteTimeout        yes       no complete response head within `first_byte_s`
      IdleTimeout             yes       the body stood still for `idle_s`
      BadResponse             yes       not HTTP, or a coding we did not ask for
      ResponseTooLarge        yes       head, body or decoded body over its limit
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

import msgspec


class Timeouts(msgspec.Struct, frozen=True):
    """Waits on the peer, in seconds. The total deadline is the caller's `asyncio.timeout`.

    `first_byte_s` runs from handing the request to the socket until the final response head is
    whole, so it covers uploading the body; `idle_s` is the longest silence inside a body.
    """

    connect_s: float = 5.0
    first_byte_s: float = 60.0
    idle_s: float = 60.0


class Limits(msgspec.Struct, frozen=True):
    """Bounds of one transport; streams are bounded in memory by `stream_buffer_bytes` each.

    `idle_age_s` is below the usual 60 s of servers and load balancers so that we are the side
    that closes; `connection_age_s` makes DNS changes reach long-lived connections.
    """

    connections_max: int = 8192
    idle_connections_max: int = 256
    waiting_max: int = 1024
    idle_age_s: float = 45.0
    connection_age_s: float = 900.0
    head_bytes_max: int = 64 * 1024
    stream_buffer_bytes: int = 256 * 1024


class TransportError(Exception):
    """A call that did not get its whole answer; `sent` decides how it is accounted for."""

    sent: bool = True


class NotSent(TransportError):
    """Nothing left this process: the call can be voided or sent elsewhere for free."""

    sent = False


class ConnectFailed(NotSent):
    """No connection: refused, unresolvable, unreachable, or TLS did not verify."""


class ConnectTimeout(ConnectFailed):
    """No connection, TLS included, within `connect_s`."""


class PoolExhausted(NotSent):
    """All `connections_max` stayed busy for `connect_s`, or `waiting_max` calls already wait."""


class TransportClosed(NotSent):
    """The transport was closed before the call could be sent."""


class ConnectionLost(TransportError):
    """The connection broke after the request went out: the peer may have done the work.

    `response_started` says whether any byte of the answer came; `reused` whether the connection
    had served a call before (a server closing an idle connection looks like this, too).
    """

    def __init__(self, message: str, *, response_started: bool, reused: bool) -> None:
        """Keep what is known about how far the exchange got."""
        super().__init__(message)
        self.response_started = response_started
        self.reused = reused


class FirstByteTimeout(TransportError):
    """The final response head was not complete within `first_byte_s`."""


class IdleTimeout(TransportError):
    """The peer was silent in mid-body for `idle_s`, while we were ready to read."""


class BadResponse(TransportError):
    """The peer did not speak HTTP, or used a content coding we cannot undo here."""


class ResponseTooLarge(TransportError):
    """Response head, body or decoded body over its limit."""


_NOT_SENT: Final = "not sent"
_IN_LINE: Final = "in line"


def cancelled_unsent() -> asyncio.CancelledError:
    """Return what a transport raises when it is cancelled before anything was sent.

    No class of its own: `asyncio.timeout` takes note of the plain one alone.
    """
    return asyncio.CancelledError(_NOT_SENT)


def cancelled_in_line() -> asyncio.CancelledError:
    """Return what a transport raises when it is cancelled before it had a connection to use."""
    return asyncio.CancelledError(_NOT_SENT, _IN_LINE)


def in_line(error: asyncio.CancelledError) -> bool:
    """Tell whether a cancelled call still waited for one of our own connections."""
    return _IN_LINE in error.args


def unsent(error: asyncio.CancelledError) -> bool:
    """Tell whether a cancelled call had sent nothing, so that it can be voided."""
    return _NOT_SENT in error.args


Take = Callable[[bytes], bool]
"""Takes body bytes as they come; says whether it wants more now."""


class Response(Protocol):
    """One answer. Its head is complete; its body is read whole or in chunks, never both.

    Whoever holds it must call `close()` in a `finally`, unless `read()` returned, `read_chunk()`
    gave `None` or `pump()` true. Cancelling any of them closes it, too.
    """

    @property
    def status(self) -> int:
        """Final status code; 1xx never shows."""
        ...

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """Header fields in wire order, names in lower case; trailers are dropped."""
        ...

    async def read(self, body_bytes_max: int) -> bytes:
        """Return the whole body, gzip and deflate undone.

        Raises `ResponseTooLarge` past `body_bytes_max` (before or after decoding), and
        `ConnectionLost`, `IdleTimeout` or `BadResponse`.
        """
        ...

    async def read_chunk(self) -> bytes | None:
        """Return all body bytes that have arrived, waiting for at least one; `None` at the end.

        Never returns `b""`. Raises `BadResponse` on a coded body (nothing is decoded here), and
        `ConnectionLost` or `IdleTimeout` once what came before the failure has been read.
        """
        ...

    async def pump(self, take: Take) -> bool:
        """Hand `take` what `read_chunk` would return, as it arrives, until it wants no more.

        `take` may run outside of the caller's task. Returns whether all of the body was taken.
        Raises what `read_chunk` raises, and what `take` raised.
        """
        ...

    def close(self) -> None:
        """Abandon the answer: an unfinished body closes the connection at once. Idempotent."""
        ...


class Transport(Protocol):
    """Sends requests to one base URL."""

    def send(
        self,
        path: bytes,
        headers: bytes,
        body: bytes,
        *,
        method: bytes = b"POST",
        timeouts: Timeouts | None = None,
    ) -> Awaitable[Response]:
        r"""Send one request and return its answer once the head is complete.

        `path` starts with a slash and is appended to the base URL's path. `headers` are lines
        `b"name: value\r\n"` with checked names and values; host, accept-encoding and
        content-length are added here. `timeouts` replaces the transport's own. Cancelling closes
        the connection; `unsent` tells of its exception how far it got. Raises
        `TransportError`, or `ValueError` for a path or headers that would break the framing.
        """
        ...

    async def close(self) -> None:
        """Close every connection; calls under way fail. Idempotent."""
        ...
