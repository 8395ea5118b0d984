"""Adversarial cases by their numbers: what comes over the wire must not hurt, whatever it is."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import pytest
from running import ADMIN, CALLER, CHAT

if TYPE_CHECKING:
    from running import RunningLegato

BODY_BYTES_MAX = 65_536
CONFIG = f"""\
config_version: 1
storage: {{ledger_poll_s: 0.1}}
server: {{body_bytes_max: {BODY_BYTES_MAX}}}
providers:
  - {{name: open, kind: openai_compatible, base_url: "UPSTREAM/v1"}}
deployments:
  - {{name: small, provider: open, model: m, price: {{input_per_mtok: "1", output_per_mtok: "2"}}}}
guardrails:
  policies:
    - name: watched
      rules: [{{name: r, detect: {{labels: [personal]}}, action: flag}}]
keys:
  - {{name: ci, team: platform, feature: tests, secret: {{env: CALLER_KEY}}}}
"""
GOOD: dict[str, Any] = {"model": "small", "messages": [{"role": "user", "content": "hi"}]}
TEXT = json.dumps(GOOD)
PATHS = [CHAT, "/v1/messages", "/v1/responses", "/v1/embeddings", "/v1/rerank"]


def with_field(raw: str) -> bytes:
    return (TEXT[:-1] + "," + raw + "}").encode()


def resident_kib(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


@pytest.mark.parametrize("path", PATHS)
def test_case_16_a_chunked_body_without_end_is_refused(legato: RunningLegato, path: str) -> None:
    worker = legato.children()[1]
    before = resident_kib(worker)
    parts = urlsplit(legato.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=30) as connection:
        head = f"POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {CALLER}\r\n"
        connection.sendall(f"{head}transfer-encoding: chunked\r\n\r\n".encode())
        chunk = b"4000\r\n" + b"x" * 0x4000 + b"\r\n"
        with contextlib.suppress(ConnectionError):
            for _ in range(2_000):  # 32 MB, five hundred times the limit
                connection.sendall(chunk)
        answer = b""
        with contextlib.suppress(ConnectionError):
            answer = connection.recv(65_536)
    assert answer.startswith(b"HTTP/1.1 413") or not answer
    assert legato.chat("small").status == 200
    assert resident_kib(worker) - before < 16 * 1024


@pytest.mark.parametrize("path", PATHS)
def test_case_17_json_of_endless_depth_is_refused(legato: RunningLegato, path: str) -> None:
    deep = with_field('"metadata":' + "[" * 25_000 + "]" * 25_000)
    assert legato.post(path, deep).status == 400


def test_case_17_a_hundred_thousand_levels_are_refused(legato: RunningLegato) -> None:
    assert legato.post(CHAT, b"[" * 100_000).status in {400, 413}


@pytest.mark.parametrize("path", PATHS)
def test_case_18_a_second_model_is_refused(legato: RunningLegato, path: str) -> None:
    assert legato.post(path, with_field('"model":"other"')).status == 400
    assert legato.post(path, with_field('"mod\\u0065l":"other"')).status == 400


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "field",
    [
        '"temperature":NaN',
        '"temperature":Infinity',
        '"seed":' + "9" * 5_000,
        '"user":"\\ud800"',
        '"metadata":{"\\udc00":"a"}',
    ],
    ids=["nan", "infinity", "integer", "surrogate", "surrogate_name"],
)
def test_case_19_what_is_no_json_of_everybody_is_refused(
    legato: RunningLegato, path: str, field: str
) -> None:
    assert legato.post(path, with_field(field)).status == 400


@pytest.mark.parametrize("path", PATHS)
def test_case_20_a_bomb_of_gzip_is_refused(legato: RunningLegato, path: str) -> None:
    bomb = gzip.compress(with_field('"user":"' + "a" * 50_000_000 + '"'))
    assert len(bomb) < BODY_BYTES_MAX
    worker = legato.children()[1]
    before = resident_kib(worker)
    answer = legato.post(path, bomb, headers={"content-encoding": "gzip"})
    assert answer.status in {413, 415}, answer.body
    assert resident_kib(worker) - before < 16 * 1024


@pytest.mark.parametrize("name", ["a#b", "a@b", "a\\b", "..", "a/../b", "a%2fb", "a?b"])
def test_case_22_names_that_would_change_an_address_are_refused(
    legato: RunningLegato, name: str
) -> None:
    spec = {"rules": [{"name": "r", "detect": {"words": {"w": ["a"]}}, "action": "flag"}]}
    path = f"/api/v1/registry/objects/guardrail/{quote(name, safe='')}/versions"
    made = legato.post(path, {"spec": spec}, ADMIN)
    assert made.status in {400, 404}, made.body
    listed = legato.get("/api/v1/registry/objects", ADMIN)
    assert listed.status == 200
    assert json.loads(listed.body)["data"] == []


@pytest.mark.parametrize(
    "text", ["{{''.__class__.__mro__}}", "${7*7}", "#{7*7}", "<%= 7*7 %>", "{%print(1)%}", "{0}"]
)
def test_case_23_expressions_in_texts_stay_texts(
    legato: RunningLegato, upstream: Any, text: str
) -> None:
    answer = legato.chat("small", text)
    assert answer.status == 200
    assert "49" not in answer.headers.get("x-legato-guardrails", "")


def test_case_23_conditions_know_no_code(legato: RunningLegato) -> None:
    for when in (
        "''.__class__ == 1",
        "__import__('os') == 1",
        "${7*7} == 49",
        "messages.map(x, x)",
    ):
        spec = {"input": {"conditions": [{"name": "c", "when": when, "message": "no"}]}}
        made = legato.post(
            "/api/v1/registry/objects/guardrail/inert/versions", {"spec": spec}, ADMIN
        )
        assert made.status == 400, (when, made.body)


@pytest.mark.parametrize("secret", ["' OR 1=1--", "lg-\x00", "lg-" + "a" * 5_000, "*", "%00"])
def test_case_24_strange_keys_are_unknown_keys(legato: RunningLegato, secret: str) -> None:
    parts = urlsplit(legato.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=30) as connection:
        head = f"GET /v1/models HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {secret}\r\n\r\n"
        connection.sendall(head.encode("latin-1"))
        status = connection.recv(64).split(b" ")[1]
    assert status in {b"401", b"400"}
