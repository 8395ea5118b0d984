"""The queue that people review filled from evaluations and from captured traffic."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from running import ADMIN, CALLER, RunningLegato, within

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
providers: [{name: pretend, kind: simulated}]
deployments:
  - {name: small, provider: pretend, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
routes: [{alias: chat, deployments: [small], cache: {enabled: false}}]
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
capture: {rules: [{}]}
reviews: {double_share: 0}
"""
V1 = "/api/v1"
LEVELS = [{"value": 1, "meaning": "wrong"}, {"value": 5, "meaning": "right"}]
RUBRIC = {"criteria": [{"name": "right", "question": "Is it right?", "levels": LEVELS}]}
CASES = 12


@pytest.fixture(scope="module")
def legato(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    folder = tmp_path_factory.mktemp("collected")
    running = RunningLegato(folder, CONFIG)
    body = {"spec": {"model": "small", "rubric": RUBRIC}, "labels": ["production"]}
    for name in ("grader", "other"):
        path = f"{V1}/registry/objects/judge/{name}/versions"
        assert running.post(path, body, ADMIN).status == 201
    cases = folder / "cases.jsonl"
    lines = [{"input": f"question {n}", "expected": f"answer {n}"} for n in range(CASES)]
    cases.write_text("".join(json.dumps(line) + "\n" for line in lines))
    running.command("datasets", "import", "asked", str(cases))
    yield running
    assert running.stop() == 0


def evaluated(legato: RunningLegato, *scorers: dict[str, Any]) -> str:
    suite = {"dataset": "asked", "models": ["small"], "scorers": scorers}
    run = legato.post(f"{V1}/evaluations", {"suite": suite}, ADMIN).json
    path = f"{V1}/evaluations/{run['id']}"
    assert within(40, lambda: legato.get(path, ADMIN).json["status"] == "done")
    found: str = run["id"]
    return found


def collect(legato: RunningLegato, **wanted: Any) -> list[str]:
    answer = legato.post(f"{V1}/reviews/collect", {"judge": "grader", **wanted}, ADMIN)
    assert answer.status == 201, answer.body
    ids: list[str] = answer.json["ids"]
    return ids


def test_answers_of_an_evaluation_are_put_into_the_queue(legato: RunningLegato) -> None:
    run = evaluated(legato, {"use": "regex", "pattern": "."}, {"use": "exact"})
    (first,) = collect(legato, evaluation=run, sample=1)
    item = legato.get(f"{V1}/reviews/{first}", ADMIN).json
    assert item["head"]["source"].startswith(f"evaluation:{run}/")
    assert item["content"]["input"].startswith("question ")
    assert item["content"]["reference"].startswith("answer ")
    assert item["content"]["answer"]
    assert len(collect(legato, evaluation=run, disagreeing=True)) == CASES - 1
    assert collect(legato, evaluation=run) == []  # all are there
    told = legato.command("reviews", "add", "--judge", "other", "--evaluation", run, "--failed")
    assert f"{CASES} answers added to the queue of other" in told
    fine = evaluated(legato, {"use": "regex", "pattern": "."})
    assert collect(legato, evaluation=fine, failed=True) == []
    assert collect(legato, evaluation=fine, disagreeing=True) == []


def test_a_sample_of_captured_traffic_is_put_into_the_queue(legato: RunningLegato) -> None:
    for number in range(6):
        asked = legato.chat(question=f"captured {number}", key=CALLER, user="ann")
        assert asked.status == 200
    seen = "SELECT * FROM capture"
    assert within(10, lambda: len(legato.query(seen)) >= 6)
    ids = collect(legato, captures=True, route="chat", sample=4)
    assert len(ids) == 4
    captured = {row["request_id"]: row for row in legato.query(seen)}
    for row in legato.query("SELECT * FROM review_item WHERE source LIKE 'request:%'"):
        assert row["source"] == f"request:{row['origin_request']}"
        assert row["origin_user"] == captured[row["origin_request"]]["end_user"] != ""
    item = legato.get(f"{V1}/reviews/{ids[0]}", ADMIN).json
    assert item["content"]["input"].startswith("captured ")
    options = ("--judge", "grader", "--captures", "--sample", "10", "--since", "1h")
    added = json.loads(legato.command("reviews", "add", *options, "--json"))
    assert len(added["ids"]) == 2  # what is left
    legato.command("privacy", "erase", "--subject", "ann")
    left = legato.query("SELECT count(*) AS n FROM review_item WHERE source LIKE 'request:%'")
    assert left == [{"n": 0}]


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({}, "evaluation"),
        ({"captures": True}, "sample"),
        ({"captures": True, "sample": 1, "failed": True}, "failed"),
        ({"captures": True, "sample": 1, "since": "soon"}, "since"),
        ({"evaluation": "0" * 32, "captures": True}, "evaluation"),
        ({"evaluation": "0" * 32, "route": "chat"}, "route"),
    ],
)
def test_what_cannot_be_collected_is_refused(
    legato: RunningLegato, wanted: dict[str, Any], field: str
) -> None:
    refused = legato.post(f"{V1}/reviews/collect", {"judge": "grader", **wanted}, ADMIN)
    assert (refused.status, refused.error["field"]) == (400, field), refused.body
