"""A provider whose model calls tools, declared or not: a word, and each call behind it."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

WORD = "Looking."
USAGE = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}
HEAD = {"id": "c", "object": "x", "created": 1, "model": "m"}


class _Caller(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        names: list[str] = self.server.names  # type: ignore[attr-defined]
        anthropic = self.path.endswith("/messages")
        if body.get("stream"):
            told = "".join(_messages(names) if anthropic else _chunks(names))
            self._send("text/event-stream", told)
        else:
            self._send("application/json", json.dumps((_message if anthropic else _chat)(names)))

    def _send(self, content_type: str, text: str) -> None:
        self.send_response(200)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_arguments: Any) -> None:
        """Say nothing."""


def _call(number: int, name: str) -> dict[str, Any]:
    function = {"name": name, "arguments": '{"at":"here"}'}
    return {"id": f"call_{number}", "type": "function", "function": function}


def _chat(names: list[str]) -> dict[str, Any]:
    calls = [_call(number, name) for number, name in enumerate(names)]
    message = {"role": "assistant", "content": WORD, "tool_calls": calls}
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    return {**HEAD, "choices": [choice], "usage": USAGE}


def _chunks(names: list[str]) -> Iterator[str]:
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": WORD}]
    for number, name in enumerate(names):
        call = _call(number, name)
        first = {**call, "index": number, "function": {"name": name, "arguments": ""}}
        deltas.append({"tool_calls": [first]})
        deltas += [
            {"tool_calls": [{"index": number, "function": {"arguments": part}}]}
            for part in ('{"at"', ':"here"}')
        ]
    for delta in deltas:
        yield _data({"index": 0, "delta": delta, "finish_reason": None})
    yield _data({"index": 0, "delta": {}, "finish_reason": "tool_calls"})
    yield f"data: {json.dumps({**HEAD, 'choices': [], 'usage': USAGE})}\n\ndata: [DONE]\n\n"


def _data(choice: dict[str, Any]) -> str:
    return f"data: {json.dumps({**HEAD, 'choices': [choice]})}\n\n"


def _message(names: list[str]) -> dict[str, Any]:
    blocks: list[dict[str, Any]] = [{"type": "text", "text": WORD}]
    for number, name in enumerate(names):
        blocks.append(
            {"type": "tool_use", "id": f"toolu_{number}", "name": name, "input": {"at": "here"}}
        )
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": blocks,
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "usage": {"input_tokens": 5, "output_tokens": 7},
    }


def _messages(names: list[str]) -> Iterator[str]:
    whole = _message(names)
    yield _event("message_start", message={**whole, "content": [], "stop_reason": None})
    for index, block in enumerate(whole["content"]):
        is_text = block["type"] == "text"
        empty = {**block, **({"text": ""} if is_text else {"input": {}})}
        yield _event("content_block_start", index=index, content_block=empty)
        delta: dict[str, Any] = {"type": "input_json_delta", "partial_json": '{"at":"here"}'}
        if is_text:
            delta = {"type": "text_delta", "text": WORD}
        yield _event("content_block_delta", index=index, delta=delta)
        yield _event("content_block_stop", index=index)
    delta = {"stop_reason": "tool_use", "stop_sequence": None}
    yield _event("message_delta", delta=delta, usage={"output_tokens": 7})
    yield _event("message_stop")


def _event(kind: str, **fields: Any) -> str:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n"


class Calling:
    """Listens on loopback until stopped; its model calls `names`."""

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Caller)
        self._server.daemon_threads = True
        self._server.names = []  # type: ignore[attr-defined]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def calls(self, *names: str) -> None:
        """Call these from now on."""
        self._server.names = list(names)  # type: ignore[attr-defined]

    def stop(self) -> None:
        """Close it."""
        self._server.shutdown()
        self._server.server_close()
