"""The cheapest deployment that is good enough, in the running program, and why it was taken."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from running import RunningLegato

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
cache: {enabled: false}
providers:
  - {name: up, kind: openai_compatible, base_url: "UPSTREAM/v1"}
deployments:
  - {name: large, provider: up, model: large-model, price: {input_per_mtok: "10", output_per_mtok: "40"}}
  - {name: small, provider: up, model: small-model, price: {input_per_mtok: "1", output_per_mtok: "4"}}
  - {name: tiny, provider: up, model: tiny-model, price: {input_per_mtok: "0.1", output_per_mtok: "0.4"}}
  - {name: unpriced, provider: up, model: unpriced-model}
  - name: blind
    provider: up
    model: blind-model
    price: {input_per_mtok: "0.01", output_per_mtok: "0.01"}
    capabilities: {tools: false}
routes:
  - alias: chat
    deployments: [large, small, tiny, unpriced]
    baseline: large
    strategy: cheapest_good_enough
    quality:
      floor: 0.7
      expected:
        small: {mean: 0.9, deviation: 0.02}
        tiny: {mean: 0.75, deviation: 0.02}
        unpriced: {mean: 0.99}
    rules:
      - {name: hard, when: 'content == "maths"', floor: 0.8}
      - {name: proof, when: 'content == "code"', floor: 0.95}
      - {name: no-tiny, when: 'task == "letters"', exclude: [tiny]}
  - {alias: first, deployments: [large, small]}
  - alias: tools
    deployments: [large, blind]
    baseline: large
    strategy: cheapest_good_enough
    quality: {expected: {blind: {mean: 1.0, deviation: 0.0}}}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
"""  # noqa: E501 - one deployment a line
TOOL = {"type": "function", "function": {"name": "f", "parameters": {}}}


def run(legato: RunningLegato, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "legato", *arguments, "--data", str(legato.data)],
        env=legato.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("question", "fields", "served"),
    [
        ("hi", {}, "tiny"),
        ("solve 3x = 9", {}, "small"),
        ("write python code", {}, "large"),
        ("hi", {"headers": {"x-legato-task": "letters"}}, "small"),
        ("hi", {"stream": True}, "tiny"),
        ("hi", {"model": "tools"}, "blind"),
        ("hi", {"model": "tools", "tools": [TOOL]}, "large"),
    ],
)
def test_the_cheapest_that_reaches_the_floor_answers(
    legato: RunningLegato, question: str, fields: dict[str, Any], served: str
) -> None:
    answer = legato.chat(question=question, **{"model": "chat", **fields})
    assert answer.status == 200, answer.body
    entry = legato.entries(answer.request_id)[-1]
    assert entry["deployment"] == served
    assert entry["baseline_model"] == "large"
    assert entry["cost"] < entry["baseline_cost"] or served == "large"


def test_a_request_is_explained_by_its_record(legato: RunningLegato) -> None:
    answer = legato.chat("chat", "solve 3x = 9")
    legato.trace(answer.request_id)
    told = json.loads(run(legato, "route", "explain", answer.request_id, "--json").stdout)
    assert told["deployment"] == "small"
    assert float(told["cost_usd"]) < float(told["baseline_cost_usd"])
    why = told["explanation"]
    assert (why["rule"], why["floor"]) == ("hard", 0.8)
    assert why["features"] == {"content": "maths", "task": ""}
    considered = {one["deployment"]: one for one in why["considered"]}
    assert considered["small"]["place"] == 1
    assert considered["small"]["interval"] == pytest.approx([0.8608, 0.9392])
    assert considered["large"]["place"] == 2
    assert considered["tiny"]["reason"] == "its quality, with caution, is below the floor"
    assert considered["unpriced"]["reason"] == "its price is unknown"
    in_words = run(legato, "route", "explain", answer.request_id)
    assert "1 small: chosen; quality 0.900 [0.861, 0.939]; about 0.0012" in in_words.stdout


def test_a_prompt_that_nobody_sends_is_explained(legato: RunningLegato) -> None:
    asked = ("route", "explain", "--route", "chat", "--prompt", "hi", "--json")
    told = json.loads(run(legato, *asked, "--header", "x-legato-task: letters").stdout)
    assert told["rule"] == "no-tiny"
    considered = {one["deployment"]: one for one in told["considered"]}
    assert considered["small"]["reason"] == "chosen"
    assert considered["tiny"]["place"] is None
    assert considered["tiny"]["reason"] == "left out by the rule no-tiny"
    told = json.loads(run(legato, *asked).stdout)
    assert told["considered"][0]["deployment"] == "tiny"


def test_what_cannot_be_explained_says_so(legato: RunningLegato) -> None:
    unknown = run(legato, "route", "explain", "0" * 32)
    assert (unknown.returncode, "No trace" in unknown.stderr) == (1, True)
    asked = run(legato, "route", "explain", "--route", "chta", "--prompt", "hi")
    assert "There is no route 'chta'; known: " in asked.stderr
    assert run(legato, "route", "explain").returncode == 2


def test_replay_decides_the_same(legato: RunningLegato) -> None:
    last = legato.chat("chat", "and now?")
    legato.trace(last.request_id)
    done = run(legato, "replay", "--json")
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert {one["verdict"] for one in told} == {"reproduced"}, told
    assert last.request_id in {one["request_id"] for one in told}


def test_config_check_wants_a_baseline_of_the_route(legato: RunningLegato) -> None:
    broken = legato.config.parent / "broken.yaml"
    text = legato.config.read_text().replace("    baseline: large\n", "    baseline: blind\n", 1)
    broken.write_text(text.replace("expected: {blind:", "expected: {blnd:"))
    done = subprocess.run(
        [sys.executable, "-m", "legato", "config", "check", "--config", str(broken)],
        env=legato.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 2
    assert "routes[0].baseline: the strategy `cheapest_good_enough` needs one of the route" in said
    assert "routes[2].quality.expected.blnd: no deployment of this route `blnd`" in said
