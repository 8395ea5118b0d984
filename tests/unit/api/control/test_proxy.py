"""What a worker hands on to the control API, and what it refuses by itself."""

from pathlib import Path

import msgspec

from legato.api.control.proxy import BODY_BYTES_MAX, ControlProxy
from legato.api.http1.exchange import Exchange
from legato.api.http1.limits import ConnectionLimits


class Line:
    """A connection that keeps what it is given."""

    limits = ConnectionLimits()
    address = ""
    paused = None

    def __init__(self) -> None:
        self.written = b""

    def write(self, data: bytes) -> None:
        self.written += data

    def want_body(self) -> None:
        return

    def abort(self) -> None:
        return

    def exchange_done(self, exchange: Exchange) -> None:
        del exchange


async def answered(body: bytes) -> tuple[int, str]:
    line = Line()
    exchange = Exchange(line)
    exchange.method, exchange.path = b"POST", "/api/v1/login"
    exchange.add_body(body)
    exchange.complete = True
    await ControlProxy(Path("/nowhere/control.sock"))(exchange, "id")
    head, _, told = line.written.partition(b"\r\n\r\n")
    return int(head.split()[1]), msgspec.json.decode(told)["error"]["code"]


async def test_a_worker_refuses_a_long_body_before_it_asks_anybody() -> None:
    assert await answered(b"x" * (BODY_BYTES_MAX + 1)) == (413, "request_too_large")
    status, _ = await answered(b"x" * BODY_BYTES_MAX)
    assert status == 503, "handed on, to nobody"
