"""Nothing bypasses: every surface the app itself names, both dialects behind, streams and whole
answers, and what reaches a model without a caller's own connection. A new surface is under test the
day it is added."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from running import ADMIN, CALLER, RunningLegato, within
from test_passed_on import Recorder, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from running import Answer

BLOCKED = "lg-the-key-whose-words-are-blocked"
ANSWERS = "lg-the-key-whose-answers-are-checked"
CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
retry: {attempts_max: 1}
breaker: {failures: 100000, window_calls: 100000}
providers:
  - {name: o, kind: openai_compatible, base_url: "RECORDER/v1"}
  - {name: a, kind: anthropic, base_url: "RECORDER"}
deployments:
  - {name: small, provider: o, model: m, batch: {lane: native, price_factor: "0.5"}}
  - {name: claude, provider: a, model: c}
routes:
  - {alias: chat, deployments: [small, claude], drop_unsupported: true}
guardrails:
  policies:
    - name: masking
      attach: {features: [masked]}
      rules: [{name: r, detect: {words: {w: [Kestrel]}}, action: redact}]
    - name: blocking
      attach: {features: [blocked]}
      rules: [{name: r, detect: {words: {w: [Kestrel]}}, action: block}]
    - name: answers
      attach: {features: [answers]}
      output: {leaks: {canaries: [quokka-7741-zebra]}}
keys:
  - {name: ck, team: platform, feature: answers, secret: {env: ANSWERS_KEY}}
  - {name: ci, team: platform, feature: masked, secret: {env: CALLER_KEY}}
  - {name: cj, team: platform, feature: blocked, secret: {env: BLOCKED_KEY}}
"""
RELAYED = ("images", "audio")
WORDLESS = {"embeddings", "moderations", "rerank", "count_tokens", "input_tokens"}
"""Surfaces whose answers no model wrote in words: figures, and what repeats the request."""
# Valid at every surface: what one of them doesn't know passes through it.
BODY: dict[str, Any] = {
    "messages": [{"role": "user", "content": "Where is Kestrel?"}],
    "max_tokens": 9,
    "input": "Where is Kestrel?",
    "prompt": "Where is Kestrel?",
    "query": "Where is Kestrel?",
    "documents": ["Kestrel is here"],
    "voice": "alloy",
}
TRANSLATED = {"/v1/messages": ("messages", "max_tokens"), "/v1/responses": ("input",)}
"""Refuse fields they don't know where they are translated."""


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    yield from serving()


@pytest.fixture(scope="module")
def legato(recorder: Recorder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    config = CONFIG.replace("RECORDER", f"http://127.0.0.1:{recorder.server_port}")
    running = RunningLegato(
        tmp_path_factory.mktemp("legato"),
        config,
        variables={"BLOCKED_KEY": BLOCKED, "ANSWERS_KEY": ANSWERS},
    )
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def surfaces(legato: RunningLegato) -> list[dict[str, Any]]:
    listed = json.loads(legato.command("endpoints", "--json"))
    return [one for one in listed if one["surface"]]


def asked(legato: RunningLegato, path: str, key: str, **fields: Any) -> Answer:
    body = BODY | fields
    if path in TRANSLATED:
        body = {name: body[name] for name in (*TRANSLATED[path], *fields)}
    if path.endswith(("/edits", "/transcriptions", "/translations")):
        part = (
            "--x\r\ncontent-disposition: form-data; name={0}\r\n\r\n{1}\r\n"
            "--x\r\ncontent-disposition: form-data; name={2}; filename=f.{3}\r\n"
            "content-type: {4}\r\n\r\nabc\r\n--x--\r\n"
        )
        is_image = path.endswith("/edits")
        kind = ("image", "png", "image/png") if is_image else ("file", "wav", "audio/wav")
        prompt = "--x\r\ncontent-disposition: form-data; name=prompt\r\n\r\nKestrel\r\n"
        sent = (prompt + part.format("model", fields["model"], *kind)).encode()
        return legato.post(path, sent, key, {"content-type": "multipart/form-data; boundary=x"})
    return legato.post(path, body, key)


def test_every_surface_has_its_guards_before_what_they_guard(
    surfaces: list[dict[str, Any]],
) -> None:
    """A surface without a guard, or a stage put before one, fails here the day it is added."""
    unguarded = {"authenticate", "read", "admit", "resolve", "recall", "rule_tools", "capture"}
    assert len(surfaces) > 10
    for one in surfaces:
        stages = one["stages"]
        assert "guard_input" in stages, one
        assert set(stages[: stages.index("guard_input")]) <= unguarded, one
        is_relayed = any(f"/{kind}/" in one["path"] for kind in RELAYED)
        if is_relayed or one["surface"] in WORDLESS:
            continue
        assert stages[stages.index("guard_input") + 1] == "plan_output", one


def test_what_cannot_be_checked_is_refused_where_answers_must_be(
    legato: RunningLegato, recorder: Recorder, surfaces: list[dict[str, Any]]
) -> None:
    before, refused = len(recorder.paths), 0
    for one in surfaces:
        if any(f"/{kind}/" in one["path"] for kind in RELAYED):
            answer = asked(legato, one["path"], ANSWERS, model="small", stream=False)
            assert (answer.status, answer.error["code"]) == (400, "input_blocked"), one["path"]
            refused += 1
    assert refused >= 4
    assert recorder.paths[before:] == []


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", ["chat", "small", "claude"])
def test_what_is_blocked_reaches_no_model_by_any_surface(
    legato: RunningLegato,
    recorder: Recorder,
    surfaces: list[dict[str, Any]],
    model: str,
    *,
    stream: bool,
) -> None:
    before = len(recorder.paths)
    for one in surfaces:
        answer = asked(legato, one["path"], BLOCKED, model=model, stream=stream)
        assert answer.status == 400, (one["path"], answer.body)
        told = answer.json["error"].get("code") or answer.json["error"]["message"]
        assert "input_blocked" in told or "not allowed here" in told, (one["path"], answer.body)
        assert "Kestrel" not in answer.body.decode(), one["path"]
    assert recorder.paths[before:] == []


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", ["chat", "small", "claude"])
def test_what_is_redacted_is_in_nothing_that_is_sent(
    legato: RunningLegato,
    recorder: Recorder,
    surfaces: list[dict[str, Any]],
    model: str,
    *,
    stream: bool,
) -> None:
    before, sent = len(recorder.bodies), 0
    for one in surfaces:
        answer = asked(legato, one["path"], CALLER, model=model, stream=stream)
        if any(f"/{kind}/" in one["path"] for kind in RELAYED):
            assert (answer.status, answer.error["code"]) == (400, "input_blocked"), one["path"]
            assert "can't be looked into" in answer.error["message"]
        else:
            sent += 1
    assert sent >= 8
    assert len(recorder.bodies) > before
    assert "Kestrel" not in json.dumps(recorder.bodies[before:])


def test_batches_are_not_handed_over_unread(legato: RunningLegato, recorder: Recorder) -> None:
    before = len(recorder.paths)
    line = {
        "custom_id": "1",
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": {"model": "chat", "messages": BODY["messages"], "max_tokens": 5},
    }
    form = (
        "--x\r\ncontent-disposition: form-data; name=purpose\r\n\r\nbatch\r\n"
        "--x\r\ncontent-disposition: form-data; name=file; filename=b.jsonl\r\n\r\n"
        f"{json.dumps(line)}\n\r\n--x--\r\n"
    )
    multipart = {"content-type": "multipart/form-data; boundary=x"}
    for key, done in ((CALLER, True), (BLOCKED, False)):
        file = legato.post("/v1/files", form.encode(), key, multipart).json
        wanted = {
            "input_file_id": file["id"],
            "endpoint": "/v1/chat/completions",
            "completion_window": "24h",
        }
        batch = legato.post("/v1/batches", wanted, key).json

        def ended(path: str = f"/v1/batches/{batch['id']}", key: str = key) -> Any:
            found = legato.get(path, key).json
            return found if found["status"] in {"completed", "failed"} else None

        found = within(60, ended)
        assert found, legato.get(f"/v1/batches/{batch['id']}", key).body
        assert found["request_counts"]["completed"] == int(done)
        if not done:
            errors = legato.get(f"/v1/files/{found['error_file_id']}/content", key)
            assert "input_blocked" in errors.body.decode()
    assert set(recorder.paths[before:]) == {"/v1/chat/completions"}, "no batch of the provider's"
    assert "Kestrel" not in json.dumps(recorder.bodies)


def test_canaries_of_redaction_are_in_no_log_and_no_file(legato: RunningLegato) -> None:
    within(10, lambda: len(legato.traces()) > 10)
    legato.get("/metrics", ADMIN)
    assert [path for path, content in legato.stored() if b"Where is Kestrel" in content] == []
    assert "Kestrel" not in legato.log.read_text()
