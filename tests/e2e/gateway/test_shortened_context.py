"""Long conversations, of which a route's policy leaves parts out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from running import RunningLegato
from test_passed_on import Recorder, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
cache: {enabled: false}
providers:
  - {name: recorder, kind: openai_compatible, base_url: "RECORDER/v1"}
deployments:
  - {name: small, provider: recorder, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
routes:
  - {alias: short, deployments: [small], context: {deduplicate: true, max_tokens: 300}}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
"""
PASSAGE = "The pump must be primed before it is started, as described in chapter four. " * 4


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    yield from serving()


@pytest.fixture(scope="module")
def legato(recorder: Recorder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    config = CONFIG.replace("RECORDER", f"http://127.0.0.1:{recorder.server_port}")
    running = RunningLegato(tmp_path_factory.mktemp("legato"), config)
    yield running
    assert running.stop() == 0


def test_what_was_left_out_is_told_entered_and_replayed(
    legato: RunningLegato, recorder: Recorder
) -> None:
    system = {"role": "system", "content": "Be brief."}
    old = [{"role": "user", "content": "x" * 2_000}, {"role": "assistant", "content": "Yes."}]
    new = [
        {"role": "user", "content": PASSAGE},
        {"role": "assistant", "content": "Noted."},
        {"role": "user", "content": f"{PASSAGE}\n\nWhich chapter?"},
    ]
    body: dict[str, Any] = {"model": "short", "messages": [system, *old, *new]}
    answer = legato.post("/v1/chat/completions", body)
    sent = recorder.bodies[-1]["messages"]
    assert sent[:-1] == [system, *new[:-1]]
    assert sent[-1]["content"].endswith("Which chapter?")
    assert PASSAGE not in sent[-1]["content"]
    removed = int(answer.headers["x-legato-removed-tokens"])
    assert removed > 500
    (entry,) = legato.entries(answer.request_id)
    assert entry["measures"] == f"removed:{removed}"
    assert entry["baseline_cost"] - entry["cost"] == removed * 1_000  # $1 for a million tokens
    assert entry["step_shortening"] == removed * 1_000
    assert "Every rule holds" in legato.command("ledger", "verify")
    assert "different: 0\n" in legato.command("replay", "--config", str(legato.config))


def test_a_short_conversation_is_sent_as_it_is(legato: RunningLegato, recorder: Recorder) -> None:
    answer = legato.chat("short", "Which chapter?")
    assert recorder.bodies[-1]["messages"] == [{"role": "user", "content": "Which chapter?"}]
    assert "x-legato-removed-tokens" not in answer.headers
    (entry,) = legato.entries(answer.request_id)
    assert entry["measures"] == ""


def test_an_answer_to_less_is_not_served_once_all_is_sent(
    recorder: Recorder, tmp_path: Path
) -> None:
    url = f"http://127.0.0.1:{recorder.server_port}"
    config = CONFIG.replace("RECORDER", url).replace("cache: {enabled: false}\n", "")
    running = RunningLegato(tmp_path, config)
    old = [{"role": "user", "content": "x" * 2_000}, {"role": "assistant", "content": "Yes."}]
    body = {"model": "short", "messages": [*old, {"role": "user", "content": "Why?"}]}
    caches = []
    try:
        for _ in range(2):
            answer = running.post("/v1/chat/completions", body)
            caches.append(answer.headers["x-legato-cache"])
        assert running.stop() == 0
        policy = ", context: {deduplicate: true, max_tokens: 300}"
        running.config.write_text(config.replace(policy, ""))
        running.start()
        answer = running.post("/v1/chat/completions", body)
        caches.append(answer.headers["x-legato-cache"])
    finally:
        assert running.stop() == 0
    assert caches == ["miss", "hit", "miss"]
    assert recorder.bodies[-1]["messages"] == body["messages"]
