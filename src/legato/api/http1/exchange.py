"""One request and its answer, as the pipeline sees them: source and sink in one."""

import asyncio
import zlib
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol

from legato.api.http1.limits import ConnectionLimits
from legato.core.errors import InvalidRequest, TooLarge
from legato.core.networks import is_within

if TYPE_CHECKING:
    from legato.gateway.context import Headers

_BEARER = b"bearer "
_STATUS_LINES = {
    status.value: b"HTTP/1.1 %d %s\r\n" % (status.value, status.phrase.encode())
    for status in HTTPStatus
}
_NO_BODY = frozenset({204, 304})


class Line(Protocol):
    """What an exchange needs of its connection."""

    limits: ConnectionLimits
    paused: asyncio.Future[None] | None
    """Pending while the caller reads too slowly."""

    address: str
    """Where the caller connects from; "" where that is no network address."""

    def write(self, data: bytes) -> None:
        """Write to the caller, if there still is one."""
        ...

    def want_body(self) -> None:
        """Read on: somebody waits for the rest of a body."""
        ...

    def abort(self) -> None:
        """Break the connection off."""
        ...

    def exchange_done(self, exchange: "Exchange") -> None:
        """Go on with the next request, or close."""
        ...


class Exchange:
    """Made by a connection for each request; lives until its answer is complete."""

    __slots__ = (
        "_body",
        "_body_bytes_max",
        "_chunked",
        "_connection",
        "_held_head",
        "_waiter",
        "began",
        "body_bytes",
        "complete",
        "done",
        "gone",
        "headers",
        "identity",
        "keep_alive",
        "method",
        "path",
        "query",
        "task",
        "too_large",
        "wanted",
    )

    def __init__(self, connection: Line) -> None:
        self._connection = connection
        self._body: bytes | bytearray = b""
        self._body_bytes_max = connection.limits.body_bytes_max
        self._waiter: asyncio.Future[None] | None = None
        self._chunked = True
        self._held_head = b""  # of a stream, until its first frames: one packet, one system call
        self.headers: dict[bytes, bytes] = {}
        self.method = b""
        self.path = ""
        self.query = b""
        self.body_bytes = 0
        self.complete = False
        self.too_large = False
        self.wanted = False
        self.keep_alive = True
        self.began = False
        self.gone = False
        self.done = False
        self.identity: Headers = []
        """Headers of the answer besides those that are given with it."""
        self.task: asyncio.Task[None] | None = None

    # ------------------------------------------------------------------ source

    def header(self, name: bytes) -> bytes | None:
        """Return a request header by its lower-case name."""
        return self.headers.get(name)

    @property
    def credential(self) -> bytes | None:
        """The secret from `authorization: Bearer …` or `x-api-key`."""
        value = self.headers.get(b"authorization")
        if value is not None and value[:7].lower() == _BEARER:
            return value[7:].strip()
        return self.headers.get(b"x-api-key")

    @property
    def address(self) -> str:
        """Where the caller connects from, as the network says, or a load balancer of ours."""
        address, trusted = self._connection.address, self._connection.limits.trusted_proxies
        if not trusted or not is_within(address, trusted):
            return address
        stated = self.headers.get(b"x-forwarded-for", b"").decode("ascii", "replace").split(",")
        theirs = (_without_port(one.strip()) for one in reversed(stated))
        return next((one for one in theirs if one and not is_within(one, trusted)), "")

    async def body(self, bytes_max: int | None = None) -> bytes:
        """Return the whole body, unpacked; `bytes_max` is a limit below that of the connection.

        Raises:
            TooLarge: the body, or what it unpacks to, is over the limit.
            InvalidRequest: an encoding we don't know, or a body that doesn't unpack.
        """
        if bytes_max is not None:
            self._body_bytes_max = min(self._body_bytes_max, bytes_max)
        limit = self._body_bytes_max
        declared = self.headers.get(b"content-length")
        too_large = self.too_large or self.body_bytes > limit
        if too_large or (declared is not None and int(declared) > limit):
            raise self._too_large(limit)
        if not self.complete:
            await self._rest()
            if self.too_large:
                raise self._too_large(limit)
        body, self._body = bytes(self._body), b""
        encoding = self.headers.get(b"content-encoding", b"identity").lower()
        if encoding == b"identity":
            return body
        if encoding not in (b"gzip", b"deflate"):
            msg = "Send the body plain, or with content-encoding gzip or deflate."
            raise InvalidRequest(msg, param="content-encoding")
        return self._unpacked(body, limit)

    def add_body(self, part: bytes) -> None:
        """Take in part of the body; past the limit nothing more is kept."""
        self.body_bytes += len(part)
        if self.body_bytes > self._body_bytes_max:
            self.too_large = True
            self._body = b""
            self.wake()
        elif not self._body:
            self._body = part
        else:  # joined at once: kept apart, tiny chunks would take up twenty times their size
            if isinstance(self._body, bytes):
                self._body = bytearray(self._body)
            self._body += part

    def wake(self) -> None:
        """Let `body` look again: the request is complete or too large."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _rest(self) -> None:
        if self._chunked and self.headers.get(b"expect", b"").lower() == b"100-continue":
            self._connection.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self.wanted = True
        self._connection.want_body()
        while not (self.complete or self.too_large):  # a caller who leaves cancels our task
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter

    def _unpacked(self, body: bytes, limit: int) -> bytes:
        # 32: zlib tells gzip and zlib headers apart by itself
        unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
        try:
            plain = unpacker.decompress(body, limit + 1)
        except zlib.error:
            msg = "The body does not unpack as its content-encoding says."
            raise InvalidRequest(msg, param="content-encoding") from None
        if len(plain) > limit:
            raise self._too_large(limit)
        if not unpacker.eof:
            msg = "The packed body is cut off."
            raise InvalidRequest(msg, param="content-encoding")
        if unpacker.unused_data:
            msg = "Something follows the packed body: pack it in one piece."
            raise InvalidRequest(msg, param="content-encoding")
        return plain

    def _too_large(self, limit: int) -> TooLarge:
        self.keep_alive = False  # the rest of the body won't be read
        return TooLarge(f"The body is over the limit of {limit} bytes.")

    # -------------------------------------------------------------------- sink

    async def reply(self, status: int, headers: "Headers", body: bytes) -> None:
        """Send a whole answer, in one write."""
        if self.done:
            return
        self.began = True
        parts = self._head(status, headers)
        if status not in _NO_BODY:
            parts.append(b"content-length: %d\r\n\r\n" % len(body))
            if self.method != b"HEAD":
                parts.append(body)
        else:
            parts.append(b"\r\n")
        self._connection.write(b"".join(parts))
        self._finish()

    async def start(self, headers: "Headers") -> None:
        """Begin a stream; the head goes out together with what is sent next."""
        self.began = True
        parts = self._head(200, headers)
        if self._chunked:
            parts.append(b"transfer-encoding: chunked\r\n\r\n")
        else:
            parts.append(b"\r\n")
        self._held_head = b"".join(parts)

    def send(self, frames: bytes) -> bool:
        """Send part of a stream; false where the caller is slow: then wait for `drained`."""
        if self.done:  # the connection may be answering the next request by now
            return True
        connection = self._connection
        if self._chunked:
            frames = b"%x\r\n%b\r\n" % (len(frames), frames)
        if self._held_head:
            frames, self._held_head = self._held_head + frames, b""
        connection.write(frames)
        return connection.paused is None

    async def drained(self) -> None:
        """Return once the caller has taken enough of what was sent."""
        paused = self._connection.paused
        if paused is not None and not self.done:
            # shielded: cancelling who waits must not cancel what the next one waits for
            await asyncio.shield(paused)

    async def end(self, frames: bytes = b"") -> None:
        """End a stream with its last frames; waits for nobody."""
        if not self.done:
            if frames and self._chunked:
                frames = b"%x\r\n%b\r\n" % (len(frames), frames)
            last = b"0\r\n\r\n" if self._chunked else b""
            self._connection.write(self._held_head + frames + last)
        self._finish()

    def cut(self) -> None:
        """Break a stream off: its last chunk never comes."""
        self.keep_alive = False
        if not self.done and not self._chunked:
            self._connection.abort()  # where the end of the body is the end of the connection
        self._finish()

    def speak_http10(self) -> None:
        """Answer a caller that knows no chunks and no keep-alive."""
        self._chunked = False
        self.keep_alive = False

    def _head(self, status: int, headers: "Headers") -> list[bytes]:
        parts = [_STATUS_LINES[status], self._connection.limits.assured]
        if self.identity:
            headers = [*self.identity, *headers]
        for name, value in headers:
            parts += (name, b": ", value, b"\r\n")
        if not self.keep_alive or not self.complete:
            self.keep_alive = False
            parts.append(b"connection: close\r\n")
        return parts

    def _finish(self) -> None:
        if not self.done:
            self.done = True
            self._connection.exchange_done(self)


def _without_port(text: str) -> str:
    """Return the address of `192.0.2.1:443` or `[2001:db8::1]:443`, which some proxies write."""
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text


def peer_address(transport: asyncio.BaseTransport) -> str:
    """Return the address at the other end; "" of a socket that has none."""
    peer = transport.get_extra_info("peername")
    return str(peer[0]) if isinstance(peer, tuple) else ""
