"""A model that judges by the book: what it says follows from the texts, so tests know it."""

from __future__ import annotations

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_USAGE = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}


class _Grader(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if body["model"] == "plain" and "response_format" in body:
            refused = {"error": {"message": "no response_format here", "type": "invalid_request"}}
            self._send(400, refused)
            return
        message = {"role": "assistant", "content": said(body)}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        answer = {"id": "c", "object": "chat.completion", "created": 1, "model": body["model"]}
        self._send(200, {**answer, "choices": [choice], "usage": _USAGE})

    def _send(self, status: int, body: Any) -> None:
        encoded = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(encoded)))
        self.end_headers()
        self.wfile.write(encoded)

    def log_message(self, *_arguments: Any) -> None:
        """Say nothing."""


def said(body: dict[str, Any]) -> str:
    """Return what the model says, by its name and the texts it is shown."""
    ticket = re.search(r'"ticket": "(\w+)"', body["messages"][0]["content"])
    if ticket is None:
        return str(body["messages"][-1]["content"]) if body["model"] == "echo" else "An answer."
    shown = body["messages"][1]["content"]
    if body["model"] == "parrot":
        return _between("answer", ticket[1], shown)
    verdict: dict[str, Any] = {"ticket": ticket[1]}
    if f"<first {ticket[1]}>" in shown:
        lengths = [len(_between(name, ticket[1], shown)) for name in ("first", "second")]
        longer = "first" if lengths[0] > lengths[1] else "second"
        verdict |= {"reason": "r", "better": "first" if body["model"] == "biased" else longer}
    else:
        level = re.match(r"\d+", _between("answer", ticket[1], shown))
        given = int(level[0]) if level else 1
        verdict["criteria"] = {"right": {"reason": "as it says", "level": given}}
    text = json.dumps(verdict)
    return f"Gladly! Here it is:\n```json\n{text}\n```" if body["model"] == "plain" else text


def _between(name: str, ticket: str, shown: str) -> str:
    return shown.partition(f"<{name} {ticket}>\n")[2].partition(f"\n</{name} {ticket}>")[0]


class Grader:
    """Listens on loopback until stopped."""

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Grader)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
