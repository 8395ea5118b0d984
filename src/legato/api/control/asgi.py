"""Serves an ASGI application on our own HTTP/1.1 protocol; answers go whole, or as they come."""

import asyncio
import re
from typing import TYPE_CHECKING, Any

import msgspec

from legato.api.control.errors import JSON, REQUEST_ID, error_body
from legato.core.errors import InvalidRequest, LegatoError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from legato.api.http1.exchange import Exchange

    Application = Callable[[Any, Any, Any], Awaitable[None]]


_OK = 200
_ZERO_IN_JSON = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
"""A backslash before it that is itself escaped leaves a plain text."""


class AsgiBridge:
    """Gives each exchange of a listener to the application."""

    def __init__(self, application: "Application") -> None:
        self._application = application

    async def __call__(self, exchange: "Exchange") -> None:
        """Serve one request."""
        try:
            body = await exchange.body()
            _refuse_zeros(exchange, body)
        except LegatoError as error:
            request_id = exchange.headers.get(REQUEST_ID, b"").decode("ascii", "replace")
            failed = msgspec.json.encode(error_body(error, request_id))
            await exchange.reply(error.http_status, [JSON], failed)
            return
        messages = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> dict[str, Any]:
            if messages:
                return messages.pop()
            await answer.ended.wait()  # a caller who leaves before cancels our task
            return {"type": "http.disconnect"}

        answer = _Answer(exchange)
        try:
            await self._application(_scope(exchange), receive, answer.send)
        except BaseException:
            answer.fail()
            raise
        await answer.finish()


class _Answer:
    """What the application sends: in one piece, or as it comes where there is more of it."""

    def __init__(self, exchange: "Exchange") -> None:
        self._exchange = exchange
        self._status = 500
        self._headers: list[tuple[bytes, bytes]] = []
        self._parts: list[bytes] = []
        self._streams = False
        self.ended = asyncio.Event()

    async def send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._headers = [h for h in message["headers"] if h[0].lower() != b"content-length"]
        elif message["type"] == "http.response.body":
            more = message.get("more_body", False)
            await self._take(message.get("body", b""), more=more)
            if not more:
                self.ended.set()

    async def _take(self, part: bytes, *, more: bool) -> None:
        if more and not self._streams and self._status == _OK:
            self._streams = True
            await self._exchange.start(self._headers)
        if not self._streams:
            self._parts.append(part)
        elif part and not self._exchange.send(part):
            await self._exchange.drained()

    async def finish(self) -> None:
        if self._streams:
            await self._exchange.end()
        else:
            await self._exchange.reply(self._status, self._headers, b"".join(self._parts))

    def fail(self) -> None:
        """Let nobody take the beginning of a stream for all of it."""
        if self._streams:
            self._exchange.cut()


def _refuse_zeros(exchange: "Exchange", body: bytes) -> None:
    """Refuse what holds a zero character: Postgres can neither keep nor compare one."""
    if b"%00" in exchange.query or "%00" in exchange.path or _ZERO_IN_JSON.search(body):
        msg = "A text of the request holds a zero character (U+0000): leave it out."
        raise InvalidRequest(msg)


def _scope(exchange: "Exchange") -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": exchange.method.decode("ascii"),
        "scheme": "http",
        "path": exchange.path,
        "raw_path": exchange.path.encode("ascii", "replace"),
        "root_path": "",
        "query_string": exchange.query,
        "headers": list(exchange.headers.items()),
        "client": None,
        "server": None,
        "extensions": {},
    }
