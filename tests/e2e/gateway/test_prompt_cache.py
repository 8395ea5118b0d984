"""A vendor that keeps marked beginnings, and what Legato's marks save there."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from running import RunningLegato

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
cache: {enabled: false}
providers:
  - {name: vendor, kind: anthropic, base_url: "VENDOR", api_key: {env: PROVIDER_KEY}}
deployments:
  - name: claude
    provider: vendor
    model: claude-sonnet-4-5
    price:
      input_per_mtok: "3"
      output_per_mtok: "15"
      cache_read_per_mtok: "0.3"
      cache_write_5m_per_mtok: "3.75"
routes:
  - {alias: chat, deployments: [claude], prompt_cache: auto}
  - {alias: plain, deployments: [claude]}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
"""
TOKENS_MIN, CHARS_PER_TOKEN = 1_024, 4
LONG = "All that is to be known of the product. " * 200


class Vendor(ThreadingHTTPServer):
    """Bills as Anthropic's page on prompt caching says; a token is four characters here."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.kept: set[str] = set()
        self.bodies: list[dict[str, Any]] = []

    def usage(self, body: dict[str, Any]) -> dict[str, int]:
        text, ends = "", []
        for block in _blocks(body):
            marked = block.pop("cache_control", None)
            text += json.dumps(block)
            if marked:
                ends.append(len(text))
        read = max((end for end in ends if text[:end] in self.kept), default=0)
        kept = [end for end in ends if end // CHARS_PER_TOKEN >= TOKENS_MIN]
        self.kept.update(text[:end] for end in kept)
        wrote = max([read, *kept])
        tokens = [read, wrote - read, len(text) - wrote]
        names = ("cache_read_input_tokens", "cache_creation_input_tokens", "input_tokens")
        figures = {name: n // CHARS_PER_TOKEN for name, n in zip(names, tokens, strict=True)}
        return {**figures, "output_tokens": 5}


def _blocks(body: dict[str, Any]) -> list[dict[str, Any]]:
    parts = [*body.get("tools", [])]
    contents = [body.get("system", []), *(one["content"] for one in body["messages"])]
    for content in contents:
        if isinstance(content, str):
            parts.append({"type": "text", "text": content})
        else:
            parts += [dict(block) for block in content]
    return parts


class _Handler(BaseHTTPRequestHandler):
    server: Vendor
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.bodies.append(asked)
        answer = {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": asked["model"],
            "content": [{"type": "text", "text": "Press the button."}],
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": self.server.usage(asked),
        }
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with Vendor() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def legato(vendor: Vendor, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    config = CONFIG.replace("VENDOR", f"http://127.0.0.1:{vendor.server_port}")
    running = RunningLegato(
        tmp_path_factory.mktemp("legato"), config, variables={"PROVIDER_KEY": "k"}
    )
    yield running
    assert running.stop() == 0


def entry(legato: RunningLegato, request_id: str) -> dict[str, Any]:
    (found,) = legato.entries(request_id)
    return found


def saved(row: dict[str, Any]) -> int:
    """Recompute from the tokens alone, in nano-USD: 3 $ is 3,000 a token, a tenth when read."""
    difference: int = row["cache_read"] * 2_700 - row["cache_write_5m"] * 750
    return difference


@pytest.mark.parametrize("dialect", ["openai", "anthropic"])
def test_a_repeated_prompt_is_marked_and_its_saving_entered(
    legato: RunningLegato, vendor: Vendor, dialect: str
) -> None:
    rows = []
    for question in ("How?", "Why?", "When?"):
        turns = [{"role": "user", "content": question}]
        if dialect == "openai":
            messages = [{"role": "system", "content": LONG}, *turns]
            answer = legato.post("/v1/chat/completions", {"model": "chat", "messages": messages})
        else:
            body = {"model": "chat", "system": LONG, "messages": turns, "max_tokens": 9}
            answer = legato.post("/v1/messages", body)
        assert answer.status == 200, answer.body
        rows.append(entry(legato, answer.request_id))
    assert [row["measures"] for row in rows] == ["", "prompt_cache", "prompt_cache"]
    assert [bool(row["cache_write_5m"]) for row in rows] == [False, True, False]
    assert [bool(row["cache_read"]) for row in rows] == [False, False, True]
    assert [row["baseline_cost"] - row["cost"] for row in rows] == [saved(row) for row in rows]
    assert [row["step_prompt_cache"] for row in rows] == [saved(row) for row in rows]
    assert sum(row["baseline_cost"] - row["cost"] for row in rows) > 0
    assert "Every rule holds" in legato.command("ledger", "verify")
    replayed = legato.command("replay", "--config", str(legato.config))
    assert "different: 0\n" in replayed, replayed


def test_a_conversation_is_kept_up_to_its_last_turn(legato: RunningLegato, vendor: Vendor) -> None:
    messages: list[dict[str, Any]] = [{"role": "user", "content": LONG}]
    rows = []
    for question in ("Which?", "Where?"):
        body = {"model": "chat", "messages": messages, "max_tokens": 9}
        rows.append(entry(legato, legato.post("/v1/messages", body).request_id))
        messages += [
            {"role": "assistant", "content": "Press the button."},
            {"role": "user", "content": question},
        ]
    body = {"model": "chat", "messages": messages, "max_tokens": 9}
    rows.append(entry(legato, legato.post("/v1/messages", body).request_id))
    assert [bool(row["cache_write_5m"]) for row in rows] == [False, True, True]
    last = vendor.bodies[-1]["messages"]
    assert [isinstance(one["content"], list) for one in last] == [False] * 4 + [True]


def test_nothing_is_marked_where_a_route_does_not_say_so_or_the_caller_does(
    legato: RunningLegato, vendor: Vendor
) -> None:
    turns = [{"role": "user", "content": "How?"}]
    own = [{"type": "text", "text": LONG, "cache_control": {"type": "ephemeral"}}]
    for model, system in (("plain", LONG), ("plain", LONG), ("chat", own), ("chat", own)):
        body = {"model": model, "system": system, "messages": turns, "max_tokens": 9}
        answer = legato.post("/v1/messages", body)
        row = entry(legato, answer.request_id)
        assert row["measures"] == ""
        assert row["baseline_cost"] == row["cost"]
        assert vendor.bodies[-1]["system"] == system
