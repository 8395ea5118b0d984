"""A provider that repeats all it was sent, headers and key included, in whatever it answers."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class _Parrot(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        heard = f"{self.headers} {body}"
        if self.headers["anthropic-version"]:
            text = "\n".join(_texts(json.loads(body)["messages"]))
        else:
            text = "\n".join(_texts(json.loads(body)))
        said = f"You said: {text} and all of: {heard}"
        how = json.loads(body)["model"].removeprefix("parrot-")
        if how.isdigit():
            self._answer(int(how), "application/json", json.dumps(_error(said)))
        elif how == "page":
            self._answer(500, "text/html", f"<h1>{said}</h1>")
        elif how == "garbage":
            self._answer(200, "application/json", said)
        elif how == "in-band":
            self._answer(
                200, "text/event-stream", f"{_chunk(text)}data: {json.dumps(_error(said))}\n\n"
            )
        elif how == "cut":
            self._answer(200, "text/event-stream", _chunk(text) * 3)

    def _answer(self, status: int, content_type: str, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(len(body)))
        self.send_header("x-heard", self.headers.get("authorization") or "nothing")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: Any) -> None:
        """Say nothing."""


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    return [value] if isinstance(value, str) else []


def _error(said: str) -> dict[str, Any]:
    return {
        "error": {"message": said, "type": "invalid_request_error", "param": None, "code": None}
    }


def _chunk(text: str) -> str:
    delta = {"index": 0, "delta": {"content": text}, "finish_reason": None}
    chunk = {"id": "c", "object": "chat.completion.chunk", "model": "parrot", "choices": [delta]}
    return f"data: {json.dumps(chunk)}\n\n"


class Parrot:
    """Listens on loopback until stopped."""

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Parrot)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
