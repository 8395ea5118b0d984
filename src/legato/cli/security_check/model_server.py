"""Stands in for every vendor: a server of two dialects that says again what it was told.

It remembers each body, so that a case can tell what would have reached a vendor. What it does
beside that is set by the case that runs; cases run one after another.
"""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

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

PLACEHOLDER: Final = re.compile(r"[A-Z][A-Z_]*_([a-z0-9]{6})_\d{3}")
INVENTED: Final = "_777"
BROKEN_DETECTOR: Final = "/broken"
PRIVILEGED: Final = "shell"
PRIVILEGED_MARK: Final = "security-check-privileged"
TRUNCATED: Final = '{"total": 4, "items": [{"name": "a"'
_FINDINGS: Final = "/findings"
_USAGE: Final = Usage(out_text=7)
_PACKET_BYTES: Final = 5


class ModelServer(ThreadingHTTPServer):
    """Listens on loopback while it is entered."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.bodies: list[Any] = []
        self.strayed: list[str] = []
        """Paths that nothing should ask for: where a redirection leads."""
        self.how = ""
        """`tool`, `shell`, `cut`, `invent`, `truncate`, `error`, `redirect`, `say`; "": repeats."""
        self.says = ""
        """What the model answers where `how` is `say`."""
        self.failing: str | None = None
        """The model that fails."""
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.findings_url = f"{self.url}{_FINDINGS}"

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Serve within the block."""
        thread = threading.Thread(target=self.serve_forever, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self.shutdown()
            thread.join()
            self.server_close()

    @contextmanager
    def doing(self, how: str) -> Iterator[None]:
        """Answer in another way within the block."""
        self.how = how
        try:
            yield
        finally:
            self.how = ""

    def sent_since(self, count: int) -> str:
        """Return what was sent after so many bodies, as one text."""
        return json.dumps(self.bodies[count:], ensure_ascii=False)


class _Handler(BaseHTTPRequestHandler):
    server: ModelServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Note who follows a redirection."""
        self.server.strayed.append(self.path)
        self._whole(200, b"{}")

    def do_POST(self) -> None:
        """Answer as a model, or as a detector."""
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.path.startswith(BROKEN_DETECTOR):
            self._whole(500, b"{}")
        elif self.path.startswith(_FINDINGS):
            self._whole(200, json.dumps({"findings": [[] for _ in body["texts"]]}).encode())
        elif self.path.startswith("/inside"):
            self.server.strayed.append(self.path)
            self._whole(200, b"{}")
        else:
            self.server.bodies.append(body)
            self._answer(body)

    def _answer(self, body: dict[str, Any]) -> None:
        how, said = self.server.how, _last(body)
        if how == "error" or body.get("model") == self.server.failing:
            told = f"{self.headers.get('authorization')} {self.headers.get('x-api-key')} {said}"
            status = 401 if how == "error" else 503
            self._whole(status, json.dumps({"error": {"message": told}}).encode())
        elif how == "redirect":
            self._whole(302, b"{}", location=f"{self.server.url}/inside")
        elif self.path.endswith("/embeddings"):
            count = len(body["input"]) if isinstance(body.get("input"), list) else 1
            data = [{"object": "embedding", "index": i, "embedding": [1.0]} for i in range(count)]
            usage = {"prompt_tokens": 1, "total_tokens": 1}
            answer = {"object": "list", "data": data, "model": "e", "usage": usage}
            self._whole(200, json.dumps(answer).encode())
        elif self.path.endswith("/count_tokens"):
            self._whole(200, b'{"input_tokens": 3}')
        else:
            self._chat(body, how, self.server.says if how == "say" else _changed(how, said))

    def _chat(self, body: dict[str, Any], how: str, said: str) -> None:
        is_anthropic = self.path.endswith("/messages")
        tool = {"tool": "send", "shell": PRIVILEGED}.get(how, "")
        reason = StopReason.TOOL_USE if tool else StopReason.END
        if how == "cut":
            reason = StopReason.LENGTH
        arguments = json.dumps({said: {"to": said}})
        if how == "shell":
            arguments = json.dumps({"run": PRIVILEGED_MARK})
        if not body.get("stream"):
            part = ToolUse("t1", tool, arguments) if tool else Text(said)
            response = ChatResponse("r1", "m", (Choice((part,), reason),), _USAGE)
            render = render_message if is_anthropic else lambda one: render_chat(one, now_s=1)
            self._whole(200, render(response))
            return
        events: list[Any] = [Started("r1", "m")]
        if tool:
            events.append(ToolUseStarted(0, "t1", tool))
            events += [ToolUseDelta(0, char) for char in arguments]
        else:
            events += [TextDelta(char) for char in said]
        events += [UsageReported(_USAGE), Stopped(reason), Ended()]
        encoder = AnthropicEncoder() if is_anthropic else OpenAIEncoder(wants_usage=True, now_s=1)
        self._stream(b"".join(map(encoder.encode, events)))

    def _whole(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, frames: bytes) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("content-length", str(len(frames)))
        self.end_headers()
        for start in range(0, len(frames), _PACKET_BYTES):
            self.wfile.write(frames[start : start + _PACKET_BYTES])

    def log_message(self, *_: Any) -> None:
        """Stay silent: stderr is the operator's."""


def _changed(how: str, said: str) -> str:
    if how == "truncate":
        return TRUNCATED
    found = PLACEHOLDER.search(said)
    if found is None:
        return said
    if how == "cut":
        return said[: found.end() - 1]
    if how == "invent":
        label = found[0].rsplit("_", 2)[0]
        return f"{said} {label}_{found[1]}{INVENTED} EMAIL_ADDRESS_qqqqqq_001"
    return said


def _last(body: dict[str, Any]) -> str:
    turns = body.get("messages") or ()
    content = next((one["content"] for one in reversed(turns) if one["role"] == "user"), "")
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content)
