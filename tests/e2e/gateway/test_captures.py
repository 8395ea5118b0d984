"""Captured requests through the running program: by policy, sealed, bounded, erasable."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING, Any

import pytest
from running import LEDGER_S, within

if TYPE_CHECKING:
    from running import Answer, RunningLegato

    from legato.providers.simulated.child import SimulatedChild

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
providers:
  - {name: open, kind: openai_compatible, base_url: "UPSTREAM/v1"}
  - {name: nowhere, kind: openai_compatible, base_url: "http://127.0.0.1:9/v1"}
deployments:
  - {name: small, provider: open, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
  - {name: dear, provider: open, model: m, price: {input_per_mtok: "10", output_per_mtok: "20"}}
  - {name: gone, provider: nowhere, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
routes:
  - {alias: chat, deployments: [small]}
  - {alias: plain, deployments: [small], cache: {enabled: false}}
  - {alias: down, deployments: [gone], retry: {attempts_max: 1}}
  - {alias: private, deployments: [small]}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}, tags: {consent: "yes"}}
  - {name: shy, team: platform, feature: tests, secret: {env: SHY_KEY}}
capture:
  bytes_max: 40000
  rules:
    - {routes: [private], payloads: none}
    - {tags: {consent: "yes"}, retention_days: 7}
"""
SHY = "lg-a-key-without-consent"
VARIABLES = {"SHY_KEY": SHY}
WORKERS = 2
WORD = "peregrination"


def captured(legato: RunningLegato, request_id: str) -> dict[str, Any]:
    statement = "SELECT count(*) AS n FROM capture WHERE request_id = ?"
    assert within(LEDGER_S, lambda: legato.query(statement, request_id)[0]["n"] == 1)
    shown: dict[str, Any] = json.loads(legato.command("captures", "show", request_id))
    return shown


def cached(legato: RunningLegato, question: str) -> Answer | None:
    answer = legato.chat("chat", question)
    return answer if answer.headers["x-legato-cache"] == "hit" else None


def count(legato: RunningLegato) -> int:
    return int(legato.query("SELECT count(*) AS n FROM capture")[0]["n"])


def test_what_the_policy_lets_is_kept_as_it_was(
    legato: RunningLegato, upstream: SimulatedChild
) -> None:
    whole = legato.chat("plain", f"tell me of {WORD}", user="ann")
    streamed = legato.chat("plain", "in pieces", stream=True)
    bought = legato.chat("chat", "the same")
    hit = within(LEDGER_S, lambda: cached(legato, "the same"))  # the other worker's, a moment later
    failed = legato.chat("down", "nobody is there")
    large = legato.chat("plain", "x" * 50_000)
    others = [legato.chat("private", "not this"), legato.chat("plain", "nor this", key=SHY)]
    assert [answer.status for answer in others] == [200, 200]
    shown = captured(legato, whole.request_id)
    assert shown["request"]["messages"][0]["content"] == f"tell me of {WORD}"
    assert shown["answer"] == whole.json
    assert shown["end_user"] not in ("", "ann")
    entry = legato.entries(whole.request_id)[0]
    assert (shown["cost"], shown["deployment"]) == (entry["cost"], "small")
    days = (shown["expires_at_ns"] - shown["at_ns"]) / 86_400e9
    assert (shown["route"], days, shown["complete"]) == ("plain", 7, True)
    assert captured(legato, streamed.request_id)["stream_events"].encode() == streamed.body
    assert captured(legato, bought.request_id)["cache"] == "miss"
    shown = captured(legato, hit.request_id)
    assert (shown["cache"], shown["answer"]) == ("hit", hit.json)
    shown = captured(legato, failed.request_id)
    assert (shown["http_status"], shown["answer"]) == (failed.status, None)
    shown = captured(legato, large.request_id)
    assert (shown["request"], shown["complete"]) == ({}, False)
    kept = {row["request_id"] for row in legato.query("SELECT request_id FROM capture")}
    assert not kept & {answer.request_id for answer in others}


def test_nothing_of_it_is_readable_on_disk(legato: RunningLegato, upstream: SimulatedChild) -> None:
    request_id = legato.chat("plain", f"of {WORD} again").request_id
    captured(legato, request_id)
    assert [path for path, content in legato.stored() if WORD.encode() in content] == []
    assert WORD not in legato.log.read_text()
    assert not list((legato.data / "captures").iterdir())


def test_a_user_can_be_forgotten(legato: RunningLegato, upstream: SimulatedChild) -> None:
    gone, stays = (legato.chat("plain", "q", user=user).request_id for user in ("bob", "eve"))
    for request_id in (gone, stays):
        captured(legato, request_id)
    assert "1 captures" in legato.command("privacy", "erase", "--subject", "bob")
    listed = legato.command("captures", "list", "--json", "-n", "500")
    ids = {json.loads(line)["request_id"] for line in listed.splitlines()}
    assert stays in ids
    assert gone not in ids


def test_what_is_on_disk_outlives_a_killed_ledger_process(
    legato: RunningLegato, upstream: SimulatedChild
) -> None:
    before = count(legato)
    asked = []
    for at in range(60):
        asked.append(legato.chat("plain", f"question {at}").request_id)
        if at % 20 == 10:  # the first child, and then the youngest, is the ledger process
            os.kill(legato.children()[0 if at == 10 else -1], signal.SIGKILL)
    assert within(20, lambda: count(legato) == before + 60), count(legato)
    kept = {row["request_id"] for row in legato.query("SELECT request_id FROM capture")}
    assert set(asked) <= kept


def test_a_candidate_is_asked_what_was_captured(
    legato: RunningLegato, upstream: SimulatedChild
) -> None:
    for at in range(4):
        answer = legato.chat("plain", f"side by side {at}", stream=bool(at % 2))
        last = answer.request_id
    captured(legato, last)
    options = ("--key", SHY, "--max-usd", "1", "--from", "10m", "--limit", "6", "--json")
    told = json.loads(legato.command("replay", "--candidate", "dear", *options))
    found = told["comparison"]
    assert found["pairs"] == 6
    assert found["cost"]["candidate"] > found["cost"]["original"] > 0
    assert found["cost"]["low"] <= found["cost"]["mean"] <= found["cost"]["high"]
    capped = json.loads(
        legato.command("replay", "--candidate", "dear", *options[:3], "0.0001", *options[4:])
    )
    assert capped["capped"]
    assert capped["comparison"]["pairs"] < 6
    with pytest.raises(AssertionError, match=r"is a key of default, .* are of elsewhere"):
        legato.command("replay", "--candidate", "dear", *options, "--org", "elsewhere")
    with pytest.raises(AssertionError, match="the first: There is no model 'nobody'"):
        legato.command("replay", "--candidate", "nobody", *options)
