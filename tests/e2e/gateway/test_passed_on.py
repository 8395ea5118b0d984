"""What reaches a provider of a call's head and body, and what must not."""

from __future__ import annotations

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from running import CALLER, RunningLegato

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
cache: {enabled: false}
providers:
  - name: recorder
    kind: openai_compatible
    base_url: "RECORDER/deep/v1"
    api_key: {env: PROVIDER_KEY}
    headers: {x-of-the-operator: set}
deployments:
  - {name: small, provider: recorder, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
"""
PROVIDER_KEY = "sk-the-key-of-the-provider"
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
ANSWER = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "m-2026",
    "vendor_field": {"kept": True},
    "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}
    ],
    "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4},
}


class Recorder(ThreadingHTTPServer):
    """A provider on loopback that answers always the same and remembers what it was sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.heads: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.bodies: list[Any] = []
        self.status = 200
        self.answer: dict[str, Any] = ANSWER


class _Handler(BaseHTTPRequestHandler):
    server: Recorder
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.server.heads.append({name.lower(): value for name, value in self.headers.items()})
        self.server.paths.append(self.path)
        self.server.bodies.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        body = json.dumps(self.server.answer).encode()
        self.send_response(self.server.status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.send_header("set-cookie", "vendor=1")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


def serving() -> Iterator[Recorder]:
    with Recorder() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    yield from serving()


@pytest.fixture(scope="module")
def legato(recorder: Recorder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    config = CONFIG.replace("RECORDER", f"http://127.0.0.1:{recorder.server_port}")
    running = RunningLegato(
        tmp_path_factory.mktemp("legato"), config, variables={"PROVIDER_KEY": PROVIDER_KEY}
    )
    yield running
    assert running.stop() == 0


def test_a_trace_context_is_joined_and_passed_on(legato: RunningLegato, recorder: Recorder) -> None:
    answer = legato.chat("small", headers={"traceparent": f"00-{TRACE}-{SPAN}-01"})
    sent = recorder.heads[-1]["traceparent"]
    match = re.fullmatch(rf"00-{TRACE}-([0-9a-f]{{16}})-01", sent)
    assert match is not None
    assert match[1] != SPAN  # our own span, whose parent is the caller's
    trace = legato.trace(answer.request_id)
    assert (trace["trace_id"], trace["parent_span_id"]) == (TRACE, SPAN)
    legato.chat("small", headers={"traceparent": f"00-{TRACE}-{SPAN}-00"})
    assert recorder.heads[-1]["traceparent"].endswith("-00")


@pytest.mark.parametrize(
    "wrong", ["", "00-abc", f"00-{'0' * 32}-{SPAN}-01", f"00-{TRACE}-{'0' * 16}-01", "\x80"]
)
def test_a_malformed_trace_context_hurts_nobody(
    legato: RunningLegato, recorder: Recorder, wrong: str
) -> None:
    answer = legato.chat("small", headers={"traceparent": wrong})
    assert answer.status == 200
    assert TRACE not in recorder.heads[-1].get("traceparent", "")


def test_the_callers_key_and_headers_stay_here(legato: RunningLegato, recorder: Recorder) -> None:
    answer = legato.chat(
        "small",
        headers={"x-api-key": CALLER, "cookie": "mine=1", "te": "trailers", "x-mine": "1"},
    )
    head = recorder.heads[-1]
    assert head["authorization"] == f"Bearer {PROVIDER_KEY}"
    assert head["x-of-the-operator"] == "set"
    assert head["x-legato-attempt-id"] == f"{answer.request_id}-1"
    assert not {"x-api-key", "cookie", "te", "x-mine", "accept-encoding"} & {
        name for name in head if head[name] != "identity"
    }
    assert CALLER not in json.dumps(head)
    assert recorder.paths[-1] == "/deep/v1/chat/completions"
    assert "set-cookie" not in answer.headers


def test_the_body_is_the_callers_but_for_the_model(
    legato: RunningLegato, recorder: Recorder
) -> None:
    answer = legato.chat("small", temperature=0.25, metadata={"a": "b"}, odd={"deep": [1, None]})
    body = recorder.bodies[-1]
    assert body["model"] == "m"
    assert body["temperature"] == 0.25
    assert body["odd"] == {"deep": [1, None]}
    assert body["metadata"] == {"a": "b"}
    assert set(body) == {"model", "messages", "temperature", "metadata", "odd"}
    assert answer.json == ANSWER  # unknown fields of the answer, too


def test_a_stream_asks_for_usage_whether_the_caller_did_or_not(
    legato: RunningLegato, recorder: Recorder
) -> None:
    legato.chat("small", stream=True)
    assert recorder.bodies[-1]["stream_options"]["include_usage"] is True


def test_a_vendors_error_never_shows_our_key(legato: RunningLegato, recorder: Recorder) -> None:
    recorder.status = 400
    recorder.answer = {
        "error": {
            "message": f"the key {PROVIDER_KEY} may not",
            "type": "odd_type",
            "param": "n",
            "code": "odd_code",
        }
    }
    try:
        answer = legato.chat("small")
    finally:
        recorder.status, recorder.answer = 200, ANSWER
    assert answer.status == 400
    assert PROVIDER_KEY not in answer.body.decode()
    assert PROVIDER_KEY not in legato.log.read_text()
    error = answer.error
    assert (error["type"], error["param"], error["code"]) == ("odd_type", "n", "odd_code")


def test_no_prompt_stands_in_logs_or_traces(legato: RunningLegato) -> None:
    secret = "the-words-of-a-prompt-nobody-may-log"
    legato.chat("small", secret)
    legato.chat("small", secret, temperature="hot")
    legato.chat(secret)
    answer = legato.chat("small", secret, user=secret)
    legato.trace(answer.request_id)
    assert secret not in legato.log.read_text()
    for table in ("ledger_entry", "open_intent"):
        assert secret not in str(legato.query(f"SELECT * FROM {table}"))  # noqa: S608 - ours
