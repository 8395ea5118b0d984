"""Serves an ASGI application on our own HTTP/1.1 protocol: whole requests, whole answers."""

import re
from typing import TYPE_CHECKING, Any

import msgspec

from legato.api.control.errors import JSON, REQUEST_ID, error_body
from legato.core.errors import InvalidRequest, LegatoError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from legato.api.http1.exchange import Exchange

    Application = Callable[[Any, Any, Any], Awaitable[None]]


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
        status, headers, parts = 500, [], []

        async def receive() -> dict[str, Any]:
            return messages.pop() if messages else {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            nonlocal status, headers
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [h for h in message["headers"] if h[0].lower() != b"content-length"]
            elif message["type"] == "http.response.body":
                parts.append(message.get("body", b""))

        await self._application(_scope(exchange), receive, send)
        await exchange.reply(status, headers, b"".join(parts))


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
