"""A model whose answers follow from the question: tests say what, and may hold it back."""

from __future__ import annotations

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_USAGE = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}


def _streamed(told: dict[str, Any]) -> bytes:
    """Return an answer as a stream of one piece."""
    (choice,) = told["choices"]
    if "message" in choice:
        choice = {"index": 0, "delta": choice["message"], "finish_reason": choice["finish_reason"]}
        told = {**told, "object": "chat.completion.chunk"}
    chunks = [{**told, "choices": [choice], "usage": None}, {**told, "choices": []}]
    return b"".join(b"data: %s\n\n" % json.dumps(one).encode() for one in chunks) + (
        b"data: [DONE]\n\n"
    )


class Oracle:
    """Listens on loopback until stopped. `asked` are the questions it was asked, in order.

    It answers "42", or with the words of `answers` for a question that holds the key. As the model
    `judge` it says that two answers are the same where `same` is set, that one will do where
    `enough` is. What `said_by` has of a model it says whatever it is asked. The next `fails` calls
    fail. Where it `varies`, no two answers have the same words.
    """

    def __init__(self) -> None:
        oracle = self
        self.asked: list[str] = []
        self.answers: dict[str, str] = {}
        self.said_by: dict[str, str] = {}
        self.same = self.enough = True
        self.fails = 0
        self.judged = 0
        self.varies = False
        self.finish_reason = "stop"
        self.goes_on = threading.Event()
        self.goes_on.set()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                told = oracle.answer(body)
                streams = body.get("stream", False)
                encoded = _streamed(told) if streams else json.dumps(told).encode()
                failed = oracle.fails > 0
                oracle.fails -= failed
                self.send_response(500 if failed else 200)
                kind = "text/event-stream" if streams else "application/json"
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(encoded)))
                self.end_headers()
                self.wfile.write(encoded)

            def log_message(self, *_arguments: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def answer(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return a chat completion, or the text completion of a prompt."""
        question = str(body["prompt"] if "prompt" in body else body["messages"][-1]["content"])
        if body["model"] == "judge":
            self.judged += 1
            ticket = re.search(r'"ticket": "(\w+)"', body["messages"][0]["content"])
            assert ticket is not None
            verdict = {"same": self.same, "enough": self.enough}
            text = json.dumps({"ticket": ticket[1], **verdict})
        else:
            self.asked.append(question)
            self.goes_on.wait(20)
            text = next((said for key, said in self.answers.items() if key in question), "42")
            text += f" {len(self.asked)}" if self.varies else ""
            text = self.said_by.get(body["model"], text)
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": text},
            "finish_reason": self.finish_reason,
        }
        if "prompt" in body:
            choice = {"index": 0, "text": text, "finish_reason": self.finish_reason}
            head = {"id": "c", "object": "text_completion", "created": 1, "model": body["model"]}
            return {**head, "choices": [choice], "usage": _USAGE}
        head = {"id": "c", "object": "chat.completion", "created": 1, "model": body["model"]}
        return {**head, "choices": [choice], "usage": _USAGE}

    def stop(self) -> None:
        """Stop listening."""
        self.goes_on.set()
        self._server.shutdown()
        self._server.server_close()
