"""Rules of routes in the running program: who is sent where, what is told, and decided again."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from running import within

if TYPE_CHECKING:
    from running import RunningLegato

    from legato.providers.simulated.child import SimulatedChild

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
cache: {enabled: false}
providers:
  - {name: up, kind: openai_compatible, base_url: "UPSTREAM/v1"}
deployments:
  - {name: small, provider: up, model: small-model}
  - {name: large, provider: up, model: large-model}
  - {name: fast, provider: up, model: fast-model, capabilities: {tools: false}}
routes:
  - alias: chat
    deployments: [small, large, fast]
    strategy: weighted
    rules:
      - {name: urgent, when: 'urgency == "high"', use: [fast]}
      - {name: code, when: 'content == "code" || metadata.kind == "code"', use: [large, small]}
      - {name: by-the-hour, when: 'messages / hour >= 0 && hour > 99', use: [fast]}
      - {name: tests, when: 'team == "platform" && tags.tier == "gold"', prefer: [small]}
      - {name: german, when: 'language == "de"', exclude: [small, fast]}
  - alias: kept
    deployments: [small, large, fast]
    cache: {enabled: true}
    rules:
      - {name: tier, when: 'metadata.tier == "gold"', use: [large]}
      - {name: urgent, when: 'urgency == "high"', use: [fast]}
      - {name: tag, when: 'tags.tier == "gold"', use: [large]}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
  - {name: gold, team: platform, feature: tests, secret: {env: GOLD_KEY}, tags: {tier: gold}}
"""
GOLD = "lg-a-key-with-a-tag-of-these-tests"
VARIABLES = {"GOLD_KEY": GOLD}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {}}}


@pytest.mark.parametrize(
    ("question", "fields", "served"),
    [
        ("hi", {"headers": {"x-legato-urgency": "High"}}, "fast"),
        ("write a python function", {}, "large"),
        ("hi", {"metadata": {"kind": "code"}}, "large"),
        ("hi", {"key": GOLD}, "small"),
        ("Wie komme ich bitte mit dem Zug nach Bonn?", {}, "large"),
        ("Wie komme ich bitte mit dem Zug nach Bonn?", {"stream": True}, "large"),
    ],
)
def test_the_first_rule_that_fits_decides(
    legato: RunningLegato, question: str, fields: Any, served: str
) -> None:
    answer = legato.chat("chat", question, **fields)
    assert answer.status == 200, answer.body
    assert legato.entries(answer.request_id)[-1]["deployment"] == served


@pytest.mark.parametrize(
    ("fields", "served"),
    [
        ({"metadata": {"tier": "gold"}}, "large"),
        ({"headers": {"x-legato-urgency": "high"}}, "fast"),
        ({"key": GOLD}, "large"),
    ],
)
def test_who_is_sent_elsewhere_gets_no_cached_answer_of_the_others(
    legato: RunningLegato, fields: Any, served: str
) -> None:
    legato.chat("kept", "which is the same?")
    assert legato.chat("kept", "which is the same?").headers["x-legato-cache"] == "hit"
    others = {**fields, "metadata": {"trace": "1", **fields.get("metadata", {})}}
    answer = legato.chat("kept", "which is the same?", **others)
    again = legato.chat("kept", "which is the same?", **others)
    assert legato.entries(answer.request_id)[-1]["deployment"] == served
    assert again.headers["x-legato-cache"] == "hit"


def test_a_rule_whose_deployments_cannot_serve_is_passed_over(
    legato: RunningLegato, upstream: SimulatedChild
) -> None:
    urgent = {"x-legato-urgency": "high"}
    answer = legato.chat("chat", "python code, please", tools=[TOOL], headers=urgent)
    assert answer.status == 200, answer.body
    assert upstream.calls(1)[0].model == "large-model"
    said = 'legato_route_rules_total{model="chat",result="emptied",rule="urgent"}'
    assert within(5, lambda: said in legato.get("/metrics").body.decode())
    assert '"a rule was passed over"' in legato.log.read_text()


def test_replay_decides_the_same_by_what_was_recorded(legato: RunningLegato) -> None:
    last = legato.chat("chat", "write another python function", headers={"x-legato-task": "x"})
    decision = legato.trace(last.request_id)["decision"]
    assert decision.routed.rule == "code"
    assert decision.routed.features["metadata"] == {}
    assert "task" not in decision.routed.features
    done = subprocess.run(
        [sys.executable, "-m", "legato", "replay", "--json", "--data", str(legato.data)],
        env=legato.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert {one["verdict"] for one in told} == {"reproduced"}
    assert last.request_id in {one["request_id"] for one in told}


def test_config_check_names_field_position_and_remedy(legato: RunningLegato) -> None:
    broken = legato.config.parent / "broken.yaml"
    text = legato.config.read_text().replace('content == "code"', 'contents == "code"')
    broken.write_text(text.replace("use: [fast]}", "use: [slow]}", 1))
    done = subprocess.run(
        [sys.executable, "-m", "legato", "config", "check", "--config", str(broken)],
        env=legato.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    said = done.stderr + done.stdout
    assert f"{broken}:16:" in said
    assert "routes[0].rules[0].use: `slow` is not among the route's deployments." in said
    assert "Name some of small, large, fast." in said
    assert "routes[0].rules[1].when: a request has no 'contents'. Known: surface" in said


def test_the_registry_holds_a_route_to_the_same(legato: RunningLegato) -> None:
    file = legato.data.parent / "live.yaml"
    file.write_text(
        "kind: route\nname: live\nowner: platform\nspec:\n  deployments: [small, large]\n"
        "  rules: [{name: r, when: hours > 3, use: [large]}]\n"
    )
    applied = ["registry", "save", str(file), "--reason", "test", "--data", str(legato.data)]
    done = subprocess.run(
        [sys.executable, "-m", "legato", *applied],
        env=legato.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    assert "a request has no 'hours'" in done.stderr + done.stdout
