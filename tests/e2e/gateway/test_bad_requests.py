"""What is refused and how it is said, the open pages, and what stays usable meanwhile."""

from __future__ import annotations

import contextlib
import gzip
import json
import time
import zlib
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from running import CALLER, CHAT, RunningLegato, within

if TYPE_CHECKING:
    from legato.providers.simulated.child import SimulatedChild

BODY_BYTES_MAX = 100_000
CONFIG = f"""\
config_version: 1
storage: {{ledger_poll_s: 0.1}}
server: {{body_bytes_max: {BODY_BYTES_MAX}}}
providers:
  - {{name: open, kind: openai_compatible, base_url: "UPSTREAM/v1"}}
deployments:
  - {{name: small, provider: open, model: m, price: {{input_per_mtok: "1", output_per_mtok: "2"}}}}
keys:
  - {{name: ci, team: platform, feature: tests, secret: {{env: CALLER_KEY}}}}
"""
GOOD: dict[str, Any] = {"model": "small", "messages": [{"role": "user", "content": "hi"}]}


def with_field(raw: bytes) -> bytes:
    return json.dumps(GOOD).encode()[:-1] + b"," + raw + b"}"


@pytest.mark.parametrize("path", [CHAT, "/v1/messages", "/v1/embeddings"])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b'"text"',
        b"{",
        json.dumps(GOOD).encode() + b"x",
        json.dumps(GOOD).encode("utf-16"),
        with_field(b'"model":"other"'),
        with_field(b'"a":{"b":[{"c":1,"c":2}]}'),
        with_field(b'"a":{"\\u0062":1,"b":2}'),
        with_field(b'"temperature":NaN'),
        with_field(b'"temperature":-Infinity'),
        with_field(b'"seed":' + b"9" * 5000),
        with_field(b'"a":"\\ud800"'),
        with_field(b'"a":"\xff"'),
        with_field(b'"a":' + b"[" * 40_000 + b"]" * 40_000),
        with_field(b'"a":' + b'{"a":' * 15_000 + b"1" + b"}" * 15_000),
    ],
    ids=[
        "empty", "list", "null", "string", "cut", "trailing", "utf-16", "duplicate",
        "deep-duplicate", "escaped-duplicate", "nan", "infinity", "huge-integer",
        "surrogate", "not-utf-8", "deep-lists", "deep-objects",
    ],
)  # fmt: skip
def test_a_body_that_is_not_strict_json_is_a_400(
    legato: RunningLegato, upstream: SimulatedChild, path: str, body: bytes
) -> None:
    answer = legato.post(path, body)
    assert answer.status == 400
    assert isinstance(answer.error["message"], str)
    assert answer.headers["x-request-id"] == answer.request_id
    assert upstream.counts()["arrived"] == 0


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"messages": "hi"}, "messages"),
        ({"messages": [{"role": "king", "content": "hi"}]}, "messages.0.role"),
        ({"messages": [{"role": "user"}]}, "messages.0.content"),
        ({"messages": ["hi"]}, "messages.0"),
        ({"temperature": "hot"}, "temperature"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"max_tokens": True}, "max_tokens"),
        ({"stream": "yes"}, "stream"),
        ({"n": 0}, "n"),
        ({"n": 10**9}, "n"),
        ({"tools": [{"type": "function"}]}, "tools.0.function.name"),
        ({"model": 5}, "model"),
        ({"stream": True, "stream_options": []}, "stream_options"),
    ],
)
def test_a_wrong_field_is_named(
    legato: RunningLegato, upstream: SimulatedChild, change: dict[str, Any], param: str
) -> None:
    answer = legato.post(CHAT, GOOD | change)
    assert answer.status == 400
    error = answer.error
    assert set(error) == {"message", "type", "param", "code"}
    assert error["param"] == param
    assert upstream.counts()["arrived"] == 0


def test_strangers_are_refused_before_their_body_is_read(legato: RunningLegato) -> None:
    assert legato.post(CHAT, b"{", "lg-nobody").status == 401
    assert legato.post(CHAT, b"x" * (2 * BODY_BYTES_MAX), "lg-nobody").status == 401
    without = legato.send("POST", CHAT, b"{}", {})
    assert without.status == 401
    assert "authorization" in without.error["message"]
    assert legato.send("POST", "/v1/messages", b"{}", {}).json["type"] == "error"


def test_either_header_carries_the_key(legato: RunningLegato) -> None:
    body = json.dumps(GOOD)
    for headers in ({"x-api-key": CALLER}, {"authorization": f"bearer {CALLER}"}):
        assert legato.send("POST", CHAT, body, headers).status == 200


def packed(body: Any, level: int = 9) -> bytes:
    return gzip.compress(json.dumps(body).encode(), level)


def test_packed_bodies_are_read(legato: RunningLegato, upstream: SimulatedChild) -> None:
    assert legato.post(CHAT, packed(GOOD), headers={"content-encoding": "gzip"}).status == 200
    deflated = zlib.compress(json.dumps(GOOD).encode())
    assert legato.post(CHAT, deflated, headers={"content-encoding": "deflate"}).status == 200
    broken = legato.post(CHAT, packed(GOOD)[:-9], headers={"content-encoding": "gzip"})
    assert broken.status == 400
    unknown = legato.post(CHAT, packed(GOOD), headers={"content-encoding": "br"})
    assert unknown.status == 400
    assert unknown.error["param"] == "content-encoding"


def test_bodies_over_the_limit_are_a_413(legato: RunningLegato, upstream: SimulatedChild) -> None:
    long = GOOD | {"messages": [{"role": "user", "content": "x" * BODY_BYTES_MAX}]}
    declared = legato.post(CHAT, long)
    bomb = legato.post(CHAT, gzip.compress(b" " * 50_000_000), headers={"content-encoding": "gzip"})
    pieces = (b"y" * 10_000 for _ in range(30))
    with contextlib.closing(legato.connection()) as connection:
        connection.putrequest("POST", CHAT)
        connection.putheader("authorization", f"Bearer {CALLER}")
        connection.putheader("transfer-encoding", "chunked")
        connection.endheaders()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for piece in pieces:
                connection.send(b"%x\r\n%b\r\n" % (len(piece), piece))
            connection.send(b"0\r\n\r\n")
        chunked = connection.getresponse().status
    assert (declared.status, bomb.status, chunked) == (413, 413, 413)
    assert declared.error["code"] == "request_too_large"
    assert str(BODY_BYTES_MAX) in declared.error["message"]
    just = GOOD | {"messages": [{"role": "user", "content": "x" * (BODY_BYTES_MAX - 200)}]}
    assert legato.post(CHAT, just).status == 200
    assert upstream.counts()["arrived"] == 1


def test_a_connection_lives_on_after_an_error(legato: RunningLegato) -> None:
    fixed = {"authorization": f"Bearer {CALLER}"}
    with contextlib.closing(legato.connection()) as connection:
        for body, status in ((b"{", 400), (json.dumps(GOOD), 200), (b"[]", 400)) * 2:
            connection.request("POST", CHAT, body, fixed)
            response = connection.getresponse()
            assert response.status == status
            response.read()
            assert response.getheader("connection") is None


def test_what_is_not_there_is_said(legato: RunningLegato) -> None:
    nothing = legato.get("/v1/nothing")
    assert nothing.status == 404
    assert set(nothing.error) == {"message", "type", "param", "code"}
    assert CHAT in nothing.error["message"]
    assert "POST" in legato.get(CHAT).error["message"]
    assert legato.post("/v1/models", {}).status == 404
    assert legato.send("GET", "/../etc/passwd", None, {}).status == 404


def test_health_pages_need_no_key(legato: RunningLegato) -> None:
    healthy = legato.send("GET", "/healthz", None, {})
    assert (healthy.status, healthy.json) == (200, {"status": "ok"})
    ready = legato.send("GET", "/readyz", None, {})
    assert (ready.status, ready.json) == (200, {"status": "ready", "problems": []})
    assert legato.send("HEAD", "/healthz", None, {}).body == b""


def test_metrics_count_what_was_served(legato: RunningLegato, upstream: SimulatedChild) -> None:
    def counted() -> dict[tuple[str, str], float]:
        page = legato.send("GET", "/metrics", None, {})
        assert page.headers["content-type"].startswith("text/plain")
        samples = [s for f in text_string_to_metric_families(page.body.decode()) for s in f.samples]
        return {
            (s.labels["status"], s.labels["cache"]): s.value
            for s in samples
            if s.name == "legato_requests_total" and s.labels.get("surface") == "chat_completions"
            and s.labels.get("model") == "small"
        }  # fmt: skip

    before = counted()
    question = f"counted {time.monotonic_ns()}"
    assert [legato.chat("small", question).status for _ in range(3)] == [200, 200, 200]

    def grown() -> bool:
        now = counted()
        grew = {key: now[key] - before.get(key, 0) for key in now if now[key] != before.get(key)}
        return grew == {("200", "miss"): 1, ("200", "hit"): 2}

    assert within(3, grown)
