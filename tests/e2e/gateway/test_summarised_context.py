"""Long conversations whose oldest turns are summarised by a cheap deployment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from running import RunningLegato, within
from test_passed_on import Recorder, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
cache: {enabled: false}
retry: {attempts_max: 1}
providers:
  - {name: recorder, kind: openai_compatible, base_url: "RECORDER/v1"}
  - {name: nobody, kind: openai_compatible, base_url: "http://127.0.0.1:9/v1"}
deployments:
  - {name: large, provider: recorder, model: l, price: {input_per_mtok: "5", output_per_mtok: "9"}}
  - {name: cheap, provider: recorder, model: c, price: {input_per_mtok: "1", output_per_mtok: "2"}}
  - {name: away, provider: nobody, model: n}
routes:
  - alias: chat
    deployments: [large]
    context: {max_tokens: 500, summarise: {deployment: cheap, max_tokens: 100}}
  - alias: alone
    deployments: [large]
    context: {max_tokens: 500, summarise: {deployment: away}}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
"""
SYSTEM = {"role": "system", "content": "Be brief."}


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    yield from serving()


@pytest.fixture(scope="module")
def legato(recorder: Recorder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    config = CONFIG.replace("RECORDER", f"http://127.0.0.1:{recorder.server_port}")
    running = RunningLegato(tmp_path_factory.mktemp("legato"), config)
    yield running
    assert running.stop() == 0
    assert "Traceback" not in running.log.read_text()


def conversation(turns: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [SYSTEM]
    for number in range(turns):
        found.append({"role": "user", "content": f"Question {number}: " + "x" * 300})
        found.append({"role": "assistant", "content": f"Answer {number}."})
    return [*found, {"role": "user", "content": f"Question {turns}?"}]


def test_a_conversation_is_summarised_once_a_piece(
    legato: RunningLegato, recorder: Recorder
) -> None:
    said = recorder.answer["choices"][0]["message"]["content"]
    summaries = []
    for turns in range(5, 20):
        seen = len(recorder.bodies)
        body = {"model": "chat", "messages": conversation(turns)}
        answer = legato.post("/v1/chat/completions", body)
        assert answer.status == 200, answer.body
        *own, sent = recorder.bodies[seen:]
        assert sent["model"] == "l"
        assert len(own) <= 1
        summaries += own
        if "x-legato-removed-tokens" not in answer.headers:
            assert sent["messages"] == body["messages"]
            continue
        assert sent["messages"][0] == SYSTEM
        assert sent["messages"][1]["content"].endswith(said)
        assert sent["messages"][-1] == body["messages"][-1]
        assert sum(len(one["content"]) for one in sent["messages"]) < 2_200
        (entry,) = legato.entries(answer.request_id)
        removed = int(answer.headers["x-legato-removed-tokens"])
        assert entry["measures"] == f"removed:{removed}"
    assert 2 <= len(summaries) <= 6
    for one in summaries:
        assert (one["model"], one["max_tokens"]) == ("c", 100)
    assert "Question 0" in summaries[0]["messages"][1]["content"]
    assert summaries[1]["messages"][1]["content"].startswith(f"Summary so far: {said}")
    assert "Question 0" not in summaries[1]["messages"][1]["content"]
    statement = "SELECT * FROM ledger_entry WHERE kind = 'overhead'"
    rows = within(10, lambda: legato.query(statement))
    assert len(rows) == len(summaries)
    assert {(row["deployment"], row["feature"]) for row in rows} == {("cheap", "tests")}
    legato.command("ledger", "verify")


def test_an_erasure_reaches_what_workers_remember(
    legato: RunningLegato, recorder: Recorder
) -> None:
    body = {"model": "chat", "messages": conversation(7), "user": "ann"}

    def summaries() -> int:
        assert legato.post("/v1/chat/completions", body).status == 200
        return sum(one["model"] == "c" for one in recorder.bodies)

    before = summaries()
    assert summaries() == before
    legato.command("privacy", "erase", "--subject", "ann")
    assert within(10, lambda: summaries() == before + 1)
    assert summaries() == before + 1


def test_turns_go_where_nobody_summarises_them(legato: RunningLegato, recorder: Recorder) -> None:
    body = {"model": "alone", "messages": conversation(9)}
    answer = legato.post("/v1/chat/completions", body)
    assert answer.status == 200
    sent = recorder.bodies[-1]["messages"]
    assert sent[0] == SYSTEM
    assert sent[1]["content"].startswith("Question")
    assert len(sent) < len(body["messages"])
    assert int(answer.headers["x-legato-removed-tokens"]) > 0


def test_a_policy_that_summarises_nothing_is_refused(tmp_path: Path) -> None:
    config = CONFIG.replace("max_tokens: 500, ", "").replace("RECORDER", "http://127.0.0.1:9")
    with pytest.raises(AssertionError, match="nothing is summarised"):
        RunningLegato(tmp_path, config)
