"""Hands a gateway worker's control requests to the process of the control API, and back.

One connection to a Unix socket for each: people and their tools ask here, not applications.
"""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Final

import httptools
import msgspec

from legato.api.control.errors import JSON, REQUEST_ID, ControlUnavailable, error_body
from legato.core.errors import LegatoError

if TYPE_CHECKING:
    from legato.api.http1.exchange import Exchange

BODY_BYTES_MAX = 1024 * 1024
_ANSWER_S = 60.0
_CHUNK_BYTES = 256 * 1024
_PASSED_ON = (
    b"authorization",
    b"x-api-key",
    b"accept",
    b"accept-encoding",
    b"content-type",
    b"if-match",
    b"if-none-match",
    b"idempotency-key",
    b"last-event-id",
    b"cookie",
    b"origin",
    b"sec-fetch-site",
    b"user-agent",
    b"x-legato-csrf",
)
"""Nothing else reaches the control API: no `Host`, no forwarding header, no forged address."""
_ADDRESS = b"x-legato-address: "
_PASSED_BACK = frozenset(
    {
        b"content-type",
        b"content-disposition",
        b"content-encoding",
        b"content-security-policy",
        b"cross-origin-opener-policy",
        b"cross-origin-resource-policy",
        b"permissions-policy",
        b"vary",
        b"etag",
        b"location",
        b"allow",
        b"idempotency-replayed",
        b"set-cookie",
        b"cache-control",
        b"retry-after",
        b"x-accel-buffering",
        b"referrer-policy",
        b"x-legato-digest",
        b"x-legato-audit-event",
    }
)


_ASSURED: Final = {
    b"cache-control": b"no-store",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
    b"referrer-policy": b"no-referrer",
}
"""What each answer says unless it says otherwise: it is no page, and nobody's to keep."""


class ControlProxy:
    """Serves what is below `/api/`, and the console's files."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    async def __call__(self, exchange: "Exchange", request_id: str) -> None:
        """Serve one request; a failure has the control API's shape, too."""
        named = (REQUEST_ID, request_id.encode())
        try:
            body = await exchange.body(BODY_BYTES_MAX)  # whoever sends it isn't known yet
            answer = await self._asked(exchange, _request(exchange, body, request_id), named)
        except LegatoError as error:
            failed = msgspec.json.encode(error_body(error, request_id))
            await exchange.reply(error.http_status, _assured([JSON, named]), failed)
            return
        if not exchange.began:
            headers = _assured([*answer.headers, named])
            await exchange.reply(answer.status, headers, b"".join(answer.parts))
        elif answer.complete:
            await exchange.end()
        else:
            exchange.cut()

    async def _asked(
        self, exchange: "Exchange", request: bytes, named: tuple[bytes, bytes]
    ) -> "_Answer":
        answer, now = _Answer(), asyncio.get_running_loop().time
        try:
            async with asyncio.timeout(_ANSWER_S) as limit:
                reader, writer = await asyncio.open_unix_connection(self._socket)
                try:
                    writer.write(request)
                    await writer.drain()
                    while not answer.complete and (chunk := await reader.read(_CHUNK_BYTES)):
                        answer.feed(chunk)
                        if answer.streams and exchange.method != b"HEAD":
                            await _pass_on(exchange, answer, named)
                            limit.reschedule(now() + _ANSWER_S)
                finally:
                    writer.close()
        except (OSError, TimeoutError, httptools.HttpParserError):
            answer.complete = False
        if not answer.complete and not exchange.began:
            msg = "The control API doesn't answer; calls to models aren't affected."
            raise ControlUnavailable(msg, retry_after_s=1)
        return answer


async def _pass_on(exchange: "Exchange", answer: "_Answer", named: tuple[bytes, bytes]) -> None:
    """Give what came of a stream to the caller, no faster than they take it."""
    if not exchange.began:
        await exchange.start(_assured([*answer.headers, named]))
    parts, answer.parts = b"".join(answer.parts), []
    if parts and not exchange.send(parts):
        await exchange.drained()


class _Answer:
    """Collects one HTTP answer."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.parts: list[bytes] = []
        self.complete = False
        self.streams = False
        """Whether the head says so, and is complete."""
        self._chunked = False
        self._parser = httptools.HttpResponseParser(self)

    def feed(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() in _PASSED_BACK:
            self.headers.append((name.lower(), value))
        self._chunked = self._chunked or name.lower() == b"transfer-encoding"

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()
        self.streams = self._chunked

    def on_body(self, body: bytes) -> None:
        self.parts.append(body)

    def on_message_complete(self) -> None:
        self.complete = True


def _request(exchange: "Exchange", body: bytes, request_id: str) -> bytes:
    method = b"GET" if exchange.method == b"HEAD" else exchange.method  # answered without a body
    target = exchange.path.encode("ascii", "replace")
    if exchange.query:
        target += b"?" + exchange.query
    lines = [b"%b %b HTTP/1.1" % (method, target), b"host: control", b"connection: close"]
    lines += [REQUEST_ID + b": " + request_id.encode(), b"content-length: %d" % len(body)]
    lines.append(_ADDRESS + exchange.address.encode("ascii", "replace"))
    for name in _PASSED_ON:
        value = exchange.headers.get(name)
        if value is not None:
            lines.append(name + b": " + value)
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def _assured(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    said = {name for name, _ in headers}
    return [*headers, *(one for one in _ASSURED.items() if one[0] not in said)]
