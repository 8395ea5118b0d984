"""The semantic cache by surface: an answer told whole or as a stream, as who asks wants it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from oracle import Oracle
from running import CALLER, Answer, RunningLegato, within

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
retry: {attempts_max: 1}
cache: {semantic: {judge: judge, check_share: 0.05}}
providers:
  - {name: open, kind: openai_compatible, base_url: "ORACLE/v1"}
deployments:
  - {name: small, provider: open, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
  - {name: judge, provider: open, model: judge, price: {input_per_mtok: "1", output_per_mtok: "2"}}
routes:
  - {alias: chat, deployments: [small], cache: {semantic: {bound: 0.2}}}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
"""
PATHS = {
    "chat": "/v1/chat/completions",
    "messages": "/v1/messages",
    "completions": "/v1/completions",
    "responses": "/v1/responses",
}
TOPICS = {
    "chat": ("bake rye bread", "tune a guitar"),
    "messages": ("remove wine stains", "train a young puppy"),
    "completions": ("grow tomatoes indoors", "fold a fitted sheet"),
    "responses": ("mend a torn tent", "sail a small boat"),
}


@pytest.fixture(scope="module")
def oracle() -> Iterator[Oracle]:
    made = Oracle()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def legato(oracle: Oracle, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    config = CONFIG.replace("ORACLE", oracle.url)
    running = RunningLegato(tmp_path_factory.mktemp("legato"), config)
    for number in range(40):  # the bound is a share of requests: let there be some
        running.chat(question=f"What is {number} to me?")
    yield running
    assert running.stop() == 0
    assert "Traceback" not in running.log.read_text()


def ask(legato: RunningLegato, surface: str, question: str, *, stream: bool) -> Answer:
    turn = [{"role": "user", "content": question}]
    body: dict[str, Any] = {
        "chat": {"messages": turn},
        "messages": {"messages": turn, "max_tokens": 100},
        "completions": {"prompt": question},
        "responses": {"input": question},
    }[surface]
    body |= {"model": "chat", "stream": stream}
    answer = legato.post(PATHS[surface], body, CALLER)
    assert answer.status == 200, answer.body
    return answer


def said(answer: Answer, surface: str, *, stream: bool) -> str:
    """Return the text of an answer, which must be of the form that was asked for."""
    if not stream:
        told = answer.json
        if surface == "chat":
            return str(told["choices"][0]["message"]["content"])
        if surface == "messages":
            return str(told["content"][0]["text"])
        if surface == "completions":
            return str(told["choices"][0]["text"])
        return str(told["output"][0]["content"][0]["text"])
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = [
        json.loads(line.removeprefix("data: "))
        for line in answer.body.decode().splitlines()
        if line.startswith("data: {")
    ]
    if surface == "chat":
        choices = [one for event in events for one in event["choices"]]
        return "".join(one["delta"].get("content") or "" for one in choices)
    if surface == "messages":
        assert events[-1]["type"] == "message_stop"
        return "".join(one["delta"].get("text", "") for one in events if "delta" in one)
    if surface == "completions":
        return "".join(one["text"] for event in events for one in event["choices"])
    assert events[-1]["type"] == "response.completed"
    return "".join(one["delta"] for one in events if one["type"] == "response.output_text.delta")


def hits_of(legato: RunningLegato, surface: str, topic: str, *, stream: bool) -> list[Answer]:
    """Ask in other words, a few times: hits that are to be checked may not be served."""
    question = f"How can I {topic}?"
    again = [ask(legato, surface, question + " " * n, stream=stream) for n in range(4)]
    return [one for one in again if one.headers["x-legato-cache"].startswith("semantic")]


@pytest.mark.parametrize("surface", PATHS)
@pytest.mark.parametrize("first_streams", [False, True])
def test_a_stream_is_answered_by_a_whole_answer_and_the_other_way_round(
    legato: RunningLegato, surface: str, *, first_streams: bool
) -> None:
    topic = TOPICS[surface][first_streams]
    first = ask(legato, surface, f"How do I {topic}?", stream=first_streams)
    assert first.headers["x-legato-cache"] == "miss"
    answers = [first]
    for stream in (not first_streams, first_streams):
        hits = hits_of(legato, surface, topic, stream=stream)
        assert hits
        for one in hits:
            assert said(one, surface, stream=stream) == "42"
            (entry,) = legato.entries(one.request_id)
            assert (entry["kind"], entry["cost"]) == ("cache", 0)
        answers += hits
    if surface == "responses":
        ids = {one.body.partition(b'"id":"resp_')[2][:32] for one in answers}
        assert len(ids) == len(answers)


def test_a_response_from_the_cache_can_be_continued(legato: RunningLegato) -> None:
    ask(legato, "responses", "How do I paint a wooden fence?", stream=False)
    hit, *_ = hits_of(legato, "responses", "paint a wooden fence", stream=False)
    body = {"model": "chat", "input": "And a gate?", "previous_response_id": hit.json["id"]}
    follows = legato.post(PATHS["responses"], body, CALLER)
    assert follows.status == 200, follows.body
    assert follows.headers["x-legato-cache"] == "miss"


def test_what_the_judge_finds_is_learnt(legato: RunningLegato, oracle: Oracle) -> None:
    legato.chat(question="How do I sharpen a hand saw?")
    oracle.varies = True

    def counted(result: str) -> bool:
        return f'result="{result}"' in legato.get("/metrics").body.decode()

    for number in range(400):  # blanks at the end: another request, of the same meaning
        legato.chat(question="How can I sharpen a hand saw?" + " " * number, stream=number % 2 > 0)
        if oracle.judged:
            break
    assert within(10, lambda: counted("check_right"))
    judged = "SELECT * FROM ledger_entry WHERE kind = 'judge'"
    rows = within(10, lambda: legato.query(judged))
    assert rows[0]["deployment"] == "judge"
    assert rows[0]["cost"] > rows[0]["baseline_cost"] == 0
    oracle.same = False
    for number in range(400, 1200):
        legato.chat(question="How can I sharpen a hand saw?" + " " * number)
        if counted("check_wrong"):
            break
    assert within(10, lambda: counted("check_wrong"))
    assert not counted("check_undecided")
    legato.command("ledger", "verify")
