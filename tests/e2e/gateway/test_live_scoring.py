"""Live answers scored in the background: sampled, paid for, watched for drift."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from grader import Grader
from running import ADMIN, RunningLegato, within

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
providers:
  - {name: up, kind: openai_compatible, base_url: "GRADER/v1"}
deployments:
  - {name: grader, provider: up, model: fair, price: {input_per_mtok: "1", output_per_mtok: "2"}}
  - {name: gratis, provider: up, model: fair}
  - {name: echo, provider: up, model: echo, price: {input_per_mtok: "1", output_per_mtok: "2"}}
routes:
  - {alias: chat, deployments: [echo], cache: {enabled: false}}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
capture: {rules: [{}], bytes_max: 8192}
live_scoring:
  - name: answers
    key: ci
    route: chat
    share: 1
    scorers: [{use: judge, judge: watcher}, {use: regex, pattern: "right"}]
    usd_per_day: "1"
    feedback: watcher
    drift: {alpha: 0.05, reference_scores: 50, epoch_scores: 50}
  - name: poor
    key: ci
    route: chat
    share: 1
    scorers: [{use: judge, judge: watcher}]
    usd_per_day: "0.0002"
  - name: unpriced
    key: ci
    route: chat
    share: 1
    scorers: [{use: judge, judge: unpriced}]
    usd_per_day: "1"
"""
LEVELS = [{"value": level, "meaning": f"is a {level}"} for level in (1, 2, 3, 4, 5)]
RUBRIC = {"criteria": [{"name": "right", "question": "Is it right?", "levels": LEVELS}]}
V1 = "/api/v1"


@pytest.fixture(scope="module")
def legato(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    grader = Grader()
    config = CONFIG.replace("GRADER", grader.url)
    running = RunningLegato(tmp_path_factory.mktemp("live"), config)
    for name, model in (("watcher", "grader"), ("unpriced", "gratis")):
        path = f"{V1}/registry/objects/judge/{name}/versions"
        body = {"spec": {"model": model, "rubric": RUBRIC}, "labels": ["production"]}
        assert running.post(path, body, ADMIN).status == 201
    policies = "SELECT count(*) AS n FROM live_policy"
    assert within(15, lambda: running.query(policies)[0]["n"] == 3)  # what is asked now counts
    yield running
    assert running.stop() == 0
    grader.stop()


def sums(legato: RunningLegato, policy: str, scorer: str) -> Any:
    data = legato.get(f"{V1}/scores", ADMIN).json["data"]
    return next((one for one in data if (one["policy"], one["scorer"]) == (policy, scorer)), None)


def scored(legato: RunningLegato, count: int) -> bool:
    found = [sums(legato, "answers", scorer) for scorer in ("watcher", "regex")]
    return all(one is not None and one["scored"] == count for one in found)


def gauge(legato: RunningLegato, name: str) -> float | None:
    lines = legato.get("/metrics").body.decode().splitlines()
    return next((float(one.rpartition(" ")[2]) for one in lines if one.startswith(name)), None)


def test_answers_are_scored_told_as_feedback_and_watched_for_drift(legato: RunningLegato) -> None:
    asked = [legato.chat(question=f"{4 + index % 2} {index}") for index in range(50)]
    assert all(answer.status == 200 for answer in asked)
    assert within(40, lambda: scored(legato, 50))
    assert sums(legato, "answers", "watcher")["mean"] == pytest.approx(0.875)
    said = legato.get(f"{V1}/feedback?request_id={asked[0].request_id}", ADMIN).json["data"]
    assert [one["score"] for one in said] == [0.75]
    assert legato.get(f"{V1}/scores/alarms", ADMIN).json["data"] == []
    for index in range(40):
        legato.chat(question=f"1 {index}")
    alarms = f"{V1}/scores/alarms?open=true"
    (alarm,) = within(40, lambda: legato.get(alarms, ADMIN).json["data"])
    assert (alarm["policy"], alarm["scorer"]) == ("answers", "watcher")
    evidence = alarm["evidence"]
    assert evidence["direction"] == "lower"
    assert evidence["mean"] < evidence["reference_mean"] == pytest.approx(0.875)
    assert within(5, lambda: "scores have drifted" in legato.log.read_text())
    shown = 'legato_drift_alarm{policy="answers",scorer="watcher"'
    assert within(5, lambda: gauge(legato, shown) == 1)
    assert gauge(legato, 'legato_drift_alarm{policy="answers",scorer="regex"') == 0
    assert alarm["id"] in legato.command("scores", "alarms", "--open")
    done = legato.post(f"{V1}/scores/alarms/{alarm['id']}/acknowledge", {}, ADMIN)
    assert (done.status, done.json["acknowledged_by"]) == (200, "key:admin")
    assert legato.get(alarms, ADMIN).json["data"] == []
    assert within(5, lambda: not gauge(legato, shown))  # it is watched anew
    assert "watcher" in legato.command("scores", "summary")


def test_a_judges_calls_are_its_own_and_what_a_day_may_cost_is_kept(legato: RunningLegato) -> None:
    assert within(40, lambda: sums(legato, "poor", "watcher"))
    by_kind = (
        "SELECT kind, tags, count(*) AS n FROM ledger_entry WHERE deployment = 'grader' "
        "GROUP BY kind, tags"
    )
    poor = '{"live_scoring":"poor"}'
    assert within(5, lambda: poor in {row["tags"] for row in legato.query(by_kind)})
    kinds = legato.query(by_kind)
    assert {row["kind"] for row in kinds} == {"judge"}
    spent = {row["tags"]: row["n"] for row in kinds}
    assert 1 <= spent[poor] <= 3
    assert legato.query("SELECT count(*) AS n FROM live_score WHERE policy = 'poor'")[0]["n"] <= 3
    judged = legato.query("SELECT count(*) AS n FROM live_score WHERE deployment = 'grader'")
    assert judged[0]["n"] == 0


def test_a_request_too_large_to_be_captured_holds_up_nothing(legato: RunningLegato) -> None:
    before = (sums(legato, "answers", "regex") or {"scored": 0, "unscored": 0}).copy()
    said = ("x" * 10_000, "4 large")
    large = [{"role": "user", "content": text} for text in said]
    assert legato.chat(messages=large).status == 200
    assert legato.chat(question="right").status == 200

    def both() -> bool:
        after = sums(legato, "answers", "regex") or before
        counts = [after[name] - before[name] for name in ("scored", "unscored")]
        return counts == [1, 1]

    assert within(20, both)


def test_a_judge_without_a_price_is_not_asked_again_and_again(legato: RunningLegato) -> None:
    assert legato.chat(question="4").status == legato.chat(question="5").status == 200
    asked = "SELECT count(*) AS n FROM live_score WHERE policy = 'unpriced'"
    assert within(20, lambda: legato.query(asked)[0]["n"])
    assert within(20, lambda: "a judge's calls have no price" in legato.log.read_text())
    assert legato.query(asked)[0]["n"] == 1
