"""The semantic cache and recorded traffic: another bound tried on it, entries made of it."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from kept_prompts import PromptDesk
from oracle import Oracle
from running import ADMIN, Answer, RunningLegato, within

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
retry: {attempts_max: 1}
cache: {semantic: {}}
capture: {rules: [{routes: [chat]}]}
providers:
  - {name: open, kind: openai_compatible, base_url: "ORACLE/v1"}
deployments:
  - {name: small, provider: open, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
routes:
  - {alias: chat, deployments: [small], cache: {semantic: {bound: 0.001}}}
  - {alias: faq, deployments: [small], cache: {semantic: {bound: 0.2}}}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
"""
TOPICS = ("bake rye bread", "tune a guitar", "remove wine stains", "grow tomatoes indoors")


@pytest.fixture(scope="module")
def legato(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    oracle = Oracle()
    config = CONFIG.replace("ORACLE", oracle.url)
    running = RunningLegato(tmp_path_factory.mktemp("legato"), config)
    for number in range(40):
        running.chat(question=f"What is {number} to me?")
    for words in ("How do I {}?", "How can I {}?", "How could I {}?"):
        for topic in TOPICS:
            running.chat(question=words.format(topic))
    count = "SELECT count(*) AS n FROM capture"
    assert within(20, lambda: running.query(count)[0]["n"] >= 52)
    yield running
    assert running.stop() == 0
    assert "Traceback" not in running.log.read_text()
    oracle.stop()


def what_if(legato: RunningLegato, bound: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(
        legato.command("cache", "what-if", "--bound", bound, "--json")
    )
    return told


def test_a_looser_bound_would_have_saved_more(legato: RunningLegato) -> None:
    tight, loose = (what_if(legato, bound) for bound in ("0.001", "0.2"))
    for told in (tight, loose):
        assert told["differing_is_wrong"]["requests"] == 52
        assert told["differing_is_wrong"]["same_words"] == told["differing_is_wrong"]["hits"]
    assert tight["differing_is_wrong"]["hits"] == 0
    assert loose["differing_is_wrong"]["hits"] >= 4
    assert loose["differing_is_wrong"]["saved"] == 140_000 * loose["differing_is_wrong"]["hits"]
    assert "hits" in legato.command("cache", "what-if", "--bound", "0.2", "--route", "chat")


def test_the_control_api_tells_the_same(legato: RunningLegato) -> None:
    path = "/api/v1/cache/what-if"
    read = "SELECT count(*) AS n FROM audit_event WHERE action = 'capture.read'"
    before = legato.query(read)[0]["n"]
    told = legato.post(path, {"route": "chat", "bound": 0.2, "since": "1h"}, ADMIN)
    assert told.status == 200, told.body
    assert legato.query(read)[0]["n"] == before + 1
    by_command = what_if(legato, "0.2")
    for world in ("differing_is_wrong", "differing_is_right"):
        found = told.json[world]
        for name in ("requests", "exact", "hits", "same_words", "checked"):
            assert found[name] == by_command[world][name]
        assert Decimal(found["saved_usd"]) * 10**9 == by_command[world]["saved"]
    nothing = legato.post(path, {"route": "faq", "bound": 0.2}, ADMIN)
    assert "nothing captured" in nothing.error["message"]
    assert legato.post(path, {"route": "gone", "bound": 0.2}, ADMIN).status == 404
    assert legato.post(path, {"route": "chat", "bound": 0.5}, ADMIN).error["field"] == "bound"
    timed = {"route": "chat", "bound": 0.1, "since": "soon"}
    assert legato.post(path, timed, ADMIN).error["field"] == "since"
    assert legato.post(path, {"route": "chat", "bound": 0.2}).status == 403


def test_what_was_captured_answers_again(legato: RunningLegato) -> None:
    entries = "UPDATE semantic_entry SET forgotten = 1, sealed = ''"
    legato.stop()
    with contextlib.closing(sqlite3.connect(legato.data / "legato.db")) as database, database:
        database.execute(entries)  # as if the database were new
    told = legato.command("cache", "warm", "--from-captures")
    assert "52 entries warmed" in told
    legato.start()
    listed = legato.get("/api/v1/cache/entries?tag=warmed&limit=200", ADMIN).json["data"]
    assert len(listed) == 52
    legato.command("cache", "purge", "--tag", "warmed")
    assert "purged 52" in legato.command("cache", "warm", "--from-captures")


def test_a_file_of_answers_is_known_before_anybody_asks(
    legato: RunningLegato, tmp_path: Path
) -> None:
    lines = [
        {"question": "How do I fold a fitted sheet?", "answer": "Tuck in the corners."},
        {
            "request": {"messages": [{"role": "user", "content": "How do I mend a torn tent?"}]},
            "answer": "Sew it.",
        },
        {"question": "What is the number of Ann, +49 30 901820?", "answer": "A secret."},
    ]
    file = tmp_path / "faq.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)))
    told = legato.command("cache", "warm", str(file), "--route", "faq", "--key", "ci")
    assert "2 entries warmed" in told
    assert "personal_data 1" in told
    for number in range(20):  # the bound is a share of requests: let there be some
        legato.chat("faq", f"What is {number} to me?")
    answers = [
        legato.chat("faq", f"How can I {topic}?" + " " * blanks)
        for topic in ("fold a fitted sheet", "mend a torn tent")
        for blanks in range(3)
    ]
    listed = legato.get("/api/v1/cache/entries?tag=warmed", ADMIN).json["data"]
    known = {one["id"] for one in listed}
    hits = [one for one in answers if one.headers["x-legato-cache"].rpartition("=")[2] in known]
    assert hits
    for one in hits:
        said = one.json["choices"][0]["message"]["content"]
        assert said in {"Tuck in the corners.", "Sew it."}
        (entry,) = legato.entries(one.request_id)
        assert (entry["kind"], entry["cost"]) == ("cache", 0)
        assert entry["baseline_cost"] > 0
    assert len(known) == 2
    again = tmp_path / "wrong.jsonl"
    again.write_text('{"question": "x"}')
    with pytest.raises(AssertionError, match="line 1"):
        legato.command("cache", "warm", str(again), "--route", "faq", "--key", "ci")
    with pytest.raises(AssertionError, match="for whom"):
        legato.command("cache", "warm", str(file))


def test_requests_of_prompts_are_met_as_they_were_rendered(legato: RunningLegato) -> None:
    asked = {"role": "user", "content": "How do I {{ what }}?{{ user_name }}"}
    spec = {
        "route": "chat",
        "messages": [{"role": "system", "content": "Be brief."}, asked],
        "variables": {"what": {"type": "string"}, "user_name": {"type": "string", "default": ""}},
    }
    PromptDesk(legato).save("howto", spec, "production")

    def ask(**variables: str) -> Answer:
        body = {"model": "prompt:howto", "messages": [], "metadata": {"variables": variables}}
        return legato.post("/v1/chat/completions", body)

    assert within(5, lambda: ask(what="sharpen a knife").status == 200)
    assert ask(what="sharpen a saw", user_name="Ann").status == 200
    captured = "SELECT count(*) AS n FROM capture WHERE model_requested LIKE 'prompt:%'"
    assert within(20, lambda: legato.query(captured)[0]["n"] >= 2)
    told = legato.command("cache", "warm", "--from-captures", "--since", "1h")
    assert "user_context 1" in told, told
    listed = legato.get("/api/v1/cache/entries?tag=warmed&limit=200", ADMIN).json["data"]
    versions = [one["versions"] for one in listed if one["versions"].startswith("prompt/howto@")]
    kept = legato.get("/api/v1/cache/entries?prompt=howto", ADMIN).json["data"]
    assert versions or kept, (told, listed)
    told = legato.command("cache", "what-if", "--bound", "0.2", "--since", "1h", "--json")
    assert json.loads(told)["left_out"]["user_context"] == 1
    assert "prompt" not in json.loads(told)["left_out"]
