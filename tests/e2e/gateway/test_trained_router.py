"""A router learns in the running program from what was evaluated, compared and said there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from oracle import Oracle
from running import ADMIN, LEDGER_S, RunningLegato, within

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
cache: {enabled: false}
capture: {rules: [{}]}
providers: [{name: up, kind: openai_compatible, base_url: "UPSTREAM/v1"}]
deployments:
  - {name: large, provider: up, model: big, price: {input_per_mtok: "10", output_per_mtok: "40"}}
  - {name: small, provider: up, model: little, price: {input_per_mtok: "1", output_per_mtok: "4"}}
routes:
  - alias: chat
    deployments: [large, small]
    baseline: large
    strategy: cheapest_good_enough
    quality:
      expected: {small: {mean: 1.0, deviation: 0.0}}
      guarantee: {margin: 0.04, alpha: 0.2, shadow_share: 1.0, shadow_usd_per_day: "5"}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
"""
V1 = "/api/v1"
TOWNS = [f"Which river runs through town {number}?" for number in range(60)]
SUMS = [f"What is the sum of {number} + {number * 7} - 12?" for number in range(60)]


@pytest.fixture(scope="module")
def legato(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    oracle = Oracle()
    oracle.said_by["big"] = "42"
    oracle.answers["sum of"] = "7"
    folder = tmp_path_factory.mktemp("trained")
    running = RunningLegato(folder, CONFIG.replace("UPSTREAM", oracle.url))
    lines = [{"input": text, "expected": "42"} for text in (*TOWNS, *SUMS)]
    (folder / "cases.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))
    running.command("datasets", "import", "asked", str(folder / "cases.jsonl"))
    evaluated(running)
    yield running
    assert running.stop() == 0
    oracle.stop()
    assert "Traceback" not in running.log.read_text()


def evaluated(legato: RunningLegato) -> None:
    suite = {
        "dataset": "asked",
        "models": ["large", "small"],
        "concurrency": 16,
        "scorers": [{"use": "exact"}],
    }
    started = legato.post(f"{V1}/evaluations", {"suite": suite}, ADMIN)
    assert started.status == 201, started.body
    path = f"{V1}/evaluations/{started.json['id']}"
    assert within(60, lambda: legato.get(path, ADMIN).json["status"] == "done")


def trained(legato: RunningLegato, *options: str) -> dict[str, Any]:
    file = str(legato.data / "chat.router")
    said = legato.command("route", "train", "--route", "chat", "--output", file, "--json", *options)
    found: dict[str, Any] = json.loads(said)
    return found


def test_it_learns_from_evaluations_comparisons_and_feedback_together(
    legato: RunningLegato,
) -> None:
    for text in (TOWNS[0], SUMS[0]):
        answer = legato.chat("chat", text, user="ann")
        said = {"request_id": answer.request_id, "user": "ann", "thumbs": "up"}
        assert legato.post("/v1/feedback", said).status == 200
    compared = "SELECT choice, baseline, loss FROM route_comparison ORDER BY loss"
    assert within(LEDGER_S, lambda: len(legato.query(compared)) == 2)
    assert legato.query(compared) == [
        {"choice": "small", "baseline": "large", "loss": 0},
        {"choice": "small", "baseline": "large", "loss": 1},
    ]
    captured = "SELECT count(*) AS n FROM capture WHERE end_user != ''"
    assert within(LEDGER_S, lambda: legato.query(captured)[0]["n"] >= 2)

    report = trained(legato)
    learned = report["learned_from"]["deployments"]
    assert learned["large"]["answers"] == {"comparisons": 2, "evaluations": 120, "feedback": 2}
    assert learned["small"]["answers"] == {"comparisons": 2, "evaluations": 120}
    assert learned["small"]["worth"] == 120  # the same questions: no more than a judged answer
    by_name = {one["deployment"]: one for one in report["deployments"]}
    assert by_name["large"]["mean"] == 1.0
    assert by_name["small"]["mean"] == pytest.approx(0.5, abs=0.02)
    assert report["held_out"]["low"] > 0.5  # sums are told from towns
    assert by_name["large"]["cost_usd"] > by_name["small"]["cost_usd"]
    shown = legato.command(
        "route", "train", "--route", "chat", "--output", str(legato.data / "again.router")
    )
    assert "small: 2 of comparisons, 120 of evaluations, worth 120 judged answers" in shown


def test_it_refuses_where_too_little_is_known(legato: RunningLegato) -> None:
    with pytest.raises(AssertionError, match=r"too little is known: large has 0\.6") as refused:
        trained(legato, "--from", "feedback", "--since", "2d")
    assert "widen --since" in str(refused.value)
    with pytest.raises(AssertionError, match="too little is known"):
        trained(legato, "--until", "2020-01-01")
    with pytest.raises(AssertionError, match="too little is known"):
        trained(legato, "--org", "elsewhere")
