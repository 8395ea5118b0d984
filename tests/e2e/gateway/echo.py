"""A provider of two dialects that says again what the user said last, and remembers what it got.

What it does is named by its model: `echo` says it, `tool` calls a tool with it, `cut` ends in the
middle of a placeholder, `invent` says placeholders of its own, `down` fails, `late` breaks off,
`slow` takes its time, `hang` stops in the middle of a stream, `mended` says no JSON before it is
asked again.
Streams come a character an event and a few bytes a packet.
"""

from __future__ import annotations

import contextlib
import json
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from legato.api.anthropic.encoder import AnthropicEncoder
from legato.api.anthropic.render import render_message
from legato.api.openai.encoder import OpenAIEncoder
from legato.api.openai.render import render_chat
from legato.core.chat import (
    ChatResponse,
    Choice,
    Ended,
    Started,
    Stopped,
    StopReason,
    Text,
    TextDelta,
    ToolUse,
    ToolUseDelta,
    ToolUseStarted,
    UsageReported,
)
from legato.core.usage import Usage

PLACEHOLDER = re.compile(r"[A-Z][A-Z_]*_([a-z0-9]{6})_\d{3}")
_USAGE = Usage(out_text=7)
_PACKET = 5
_SLOW_S = 0.7
_HANG_S = 20.0


class Echo(ThreadingHTTPServer):
    """Listens on loopback until stopped."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.bodies: list[Any] = []
        self.goes_on = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self._thread = threading.Thread(target=self.serve_forever, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self.goes_on.set()
        self.shutdown()
        self._thread.join()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: Echo
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.bodies.append(body)
        how, said = body["model"], _last(body)
        if how == "slow":
            time.sleep(_SLOW_S)
        if how == "mended":
            said = _mended(body, said)
        if how == "down":
            self._whole(503, json.dumps({"error": {"message": f"can't say {said}"}}).encode())
        elif self.path.endswith("/count_tokens"):
            self._whole(200, json.dumps({"input_tokens": 3}).encode())
        elif self.path.endswith("/embeddings"):
            data = [{"object": "embedding", "index": 0, "embedding": [1.0]}]
            usage = {"prompt_tokens": 1, "total_tokens": 1}
            answer = {"object": "list", "data": data, "model": "e", "usage": usage}
            self._whole(200, json.dumps(answer).encode())
        elif self.path.endswith("/completions") and "prompt" in body:
            self._complete(body)
        else:
            self._chat(body, how, _changed(how, said))

    def _chat(self, body: dict[str, Any], how: str, said: str) -> None:
        is_anthropic = self.path.endswith("/messages")
        reason = {"tool": StopReason.TOOL_USE, "cut": StopReason.LENGTH}.get(how, StopReason.END)
        if not body.get("stream"):
            part = ToolUse("t1", "send", json.dumps({said: {"to": said}}))
            parts = (part,) if how == "tool" else (Text(said),)
            response = ChatResponse("r1", how, (Choice(parts, reason),), _USAGE)
            render = render_message if is_anthropic else lambda one: render_chat(one, now_s=1)
            self._whole(200, render(response))
            return
        events: list[Any] = [Started("r1", how)]
        if how == "tool":
            events.append(ToolUseStarted(0, "t1", "send"))
            events += [ToolUseDelta(0, char) for char in json.dumps({said: {"to": said}})]
        else:
            events += [TextDelta(char) for char in said]
        if how != "late":
            events += [UsageReported(_USAGE), Stopped(reason), Ended()]
        encoder = AnthropicEncoder() if is_anthropic else OpenAIEncoder(wants_usage=True, now_s=1)
        self._stream(b"".join(map(encoder.encode, events)), hangs=how == "hang")

    def _complete(self, body: dict[str, Any]) -> None:
        said = body["prompt"]
        choice = {"index": 0, "text": said, "finish_reason": "stop", "logprobs": None}
        answer = {"id": "c", "object": "text_completion", "created": 1, "model": "echo"}
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        if not body.get("stream"):
            self._whole(200, json.dumps({**answer, "choices": [choice], "usage": usage}).encode())
            return
        parts = [{**choice, "text": char, "finish_reason": None} for char in said]
        chunks = [{**answer, "choices": [one]} for one in (*parts, {**choice, "text": ""})]
        frames = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks)
        self._stream(f"{frames}data: [DONE]\n\n".encode())

    def _whole(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, frames: bytes, *, hangs: bool = False) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("content-length", str(len(frames)))
        self.end_headers()
        for start in range(0, len(frames), _PACKET):
            if hangs and start > len(frames) // 2:
                self.wfile.flush()
                self.server.goes_on.wait(_HANG_S)
                hangs = False
            with contextlib.suppress(ConnectionError):  # who asked may have been killed
                self.wfile.write(frames[start : start + _PACKET])

    def log_message(self, *_: Any) -> None:
        pass


def _changed(how: str, said: str) -> str:
    found = PLACEHOLDER.search(said)
    if found is None:
        return said
    if how == "cut":
        return said[: found.end() - 1]
    if how == "invent":
        return f"{found[0]} PERSON_{found[1]}_777 EMAIL_ADDRESS_qqqqqq_001"
    return said


def _mended(body: dict[str, Any], said: str) -> str:
    turns = [one["content"] for one in body["messages"] if one["role"] == "user"]
    return json.dumps({"who": turns[0]}) if len(turns) > 1 else said


def _last(body: dict[str, Any]) -> str:
    turns = body.get("messages") or ()
    content = next((one["content"] for one in reversed(turns) if one["role"] == "user"), "")
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content)
