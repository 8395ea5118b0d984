"""Commands at a server that is busy for a moment: looking is tried again, changing isn't."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from legato.cli import control_client
from legato.cli.control_client import ControlClient
from legato.core.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Iterator

BUSY = json.dumps({"error": {"code": "storage_unavailable", "message": "it is busy"}}).encode()


class Server:
    """Answers 503 so many times, then 200."""

    def __init__(self) -> None:
        self.busy = 0
        self.asked: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.command)
                status, body = (503, BUSY) if len(outer.asked) <= outer.busy else (200, b'{"a": 1}')
                self.rfile.read(int(self.headers.get("content-length") or 0))
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET  # noqa: N815 - as the library names them

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        self.client = ControlClient(f"http://127.0.0.1:{self.http.server_port}", "key")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(control_client, "_BUSY_S", (0.01, 0.01, 0.01))
    found = Server()
    yield found
    found.http.shutdown()
    found.http.server_close()


def test_what_looks_asks_a_busy_server_again(server: Server) -> None:
    server.busy = 2
    assert server.client.get("/triggers") == {"a": 1}
    assert server.asked == ["GET"] * 3


def test_it_gives_up_with_the_servers_words(server: Server) -> None:
    server.busy = 99
    with pytest.raises(OperatorError, match="it is busy"):
        server.client.get("/triggers")
    assert server.asked == ["GET"] * 4


def test_what_changes_isnt_asked_twice(server: Server) -> None:
    server.busy = 1
    with pytest.raises(OperatorError, match="it is busy"):
        server.client.post("/workflow-runs", {})
    assert server.asked == ["POST"]
