"""A provider that says what it is told to, one answer after the other, in small pieces."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PIECE = 3
PAUSE_S = 0.3
USAGE = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}


class _Speaker(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        said: Saying = self.server.saying  # type: ignore[attr-defined]
        said.heard.append(body)
        text = said.answers.pop(0) if len(said.answers) > 1 else said.answers[0]
        if body.get("stream"):
            events = list(_stream(self.path, text))
            first = "".join(events[: said.first]).encode()
            self._send("text/event-stream", first, "".join(events[said.first :]).encode())
        else:
            self._send("application/json", json.dumps(_whole(self.path, text)).encode())

    def _send(self, content_type: str, body: bytes, rest: bytes = b"") -> None:
        self.send_response(200)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(len(body) + len(rest)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()
        if body and rest:
            time.sleep(PAUSE_S)  # a model thinks: what came before it is on its way
        self.wfile.write(rest)

    def log_message(self, *_arguments: Any) -> None:
        """Say nothing."""


def _whole(path: str, text: str) -> dict[str, Any]:
    if path.endswith("/messages"):
        return {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "m",
            "content": [{"type": "text", "text": text}],
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": {"input_tokens": 5, "output_tokens": 7},
        }
    said: dict[str, Any] = {"index": 0, "finish_reason": "stop"}
    if path.endswith("/chat/completions"):
        said["message"] = {"role": "assistant", "content": text}
    else:
        said["text"] = text
    return {"id": "c", "object": "x", "created": 1, "model": "m", "choices": [said], "usage": USAGE}


def _stream(path: str, text: str) -> Iterator[str]:
    pieces = [text[at : at + PIECE] for at in range(0, len(text), PIECE)]
    if path.endswith("/messages"):
        yield from _messages(pieces)
        return
    chat = path.endswith("/chat/completions")
    head = {"id": "c", "object": "x", "created": 1, "model": "m"}
    for piece in pieces:
        said = {"delta": {"content": piece}} if chat else {"text": piece}
        choice = {"index": 0, **said, "finish_reason": None}
        yield f"data: {json.dumps({**head, 'choices': [choice]})}\n\n"
    last = {"index": 0, **({"delta": {}} if chat else {"text": ""}), "finish_reason": "stop"}
    yield f"data: {json.dumps({**head, 'choices': [last]})}\n\n"
    yield f"data: {json.dumps({**head, 'choices': [], 'usage': USAGE})}\n\n"
    yield "data: [DONE]\n\n"


def _messages(pieces: Sequence[str]) -> Iterator[str]:
    started = {**_whole("/messages", ""), "content": [], "stop_reason": None}
    yield _event("message_start", message=started)
    block = {"type": "text", "text": ""}
    yield _event("content_block_start", index=0, content_block=block)
    for piece in pieces:
        delta = {"type": "text_delta", "text": piece}
        yield _event("content_block_delta", index=0, delta=delta)
    yield _event("content_block_stop", index=0)
    delta = {"stop_reason": "end_turn", "stop_sequence": None}
    yield _event("message_delta", delta=delta, usage={"output_tokens": 7})
    yield _event("message_stop")


def _event(kind: str, **fields: Any) -> str:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n"


class Saying:
    """Listens on loopback until stopped. The last of `answers` is said again and again."""

    def __init__(self) -> None:
        self.answers = ["Hello."]
        self.first = 0
        """So many events of a stream come before the others."""
        self.heard: list[dict[str, Any]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Speaker)
        self._server.daemon_threads = True
        self._server.saying = self  # type: ignore[attr-defined]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def says(self, *answers: str, first: int = 0) -> None:
        """Say these next; of a stream `first` events before the others."""
        self.answers, self.first = list(answers), first
        self.heard.clear()

    def stop(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
