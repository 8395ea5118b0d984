"""A route that tries a cheap deployment, checks its answer, and asks the next where it won't do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from oracle import Oracle
from running import RunningLegato, within

if TYPE_CHECKING:
    from collections.abc import Iterator

    from legato.providers.simulated.child import SimulatedChild

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
cache: {enabled: false}
providers:
  - {name: told, kind: openai_compatible, base_url: "ORACLE/v1"}
  - {name: up, kind: openai_compatible, base_url: "UPSTREAM/v1"}
deployments:
  - {name: small, provider: told, model: small, price: {input_per_mtok: "1", output_per_mtok: "4"}}
  - {name: large, provider: told, model: large, price: {input_per_mtok: "10", output_per_mtok: "40"}}
  - {name: judge, provider: told, model: judge, price: {input_per_mtok: "2", output_per_mtok: "8"}}
  - {name: brief, provider: up, model: brief, price: {input_per_mtok: "1", output_per_mtok: "4"}}
  - {name: long, provider: up, model: long, price: {input_per_mtok: "10", output_per_mtok: "40"}}
routes:
  - alias: json
    deployments: [large, small]
    strategy: cascade
    cascade:
      steps: [small, large]
      check: {schema: {type: object, required: [city], properties: {city: {type: string}}}, lacks: "(?i)unknown"}
  - {alias: judged, deployments: [small, large], strategy: cascade, cascade: {steps: [small, large], check: {judge: judge}}}
  - alias: sure
    deployments: [small, large]
    strategy: cascade
    cascade: {steps: [small, large], check: {confidence: 0.8}}
  - alias: streamed
    deployments: [brief, long]
    strategy: cascade
    cascade: {steps: [brief, long], check: {when: "characters > 60"}}
  - alias: proven
    deployments: [small, large]
    strategy: cascade
    cascade: {steps: [small, large], check: {matches: "^4"}}
    quality: {guarantee: {margin: 0.04, alpha: 0.2, shadow_share: 1.0, shadow_usd_per_day: "5"}}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
"""  # noqa: E501 - one deployment, one check a line
MARGIN = 0.04
AT_MOST = 100


@pytest.fixture(scope="module")
def oracle_of_module() -> Iterator[Oracle]:
    told = Oracle()
    yield told
    told.stop()


@pytest.fixture
def oracle(oracle_of_module: Oracle) -> Oracle:
    told = oracle_of_module
    told.said_by, told.enough, told.fails = {}, True, 0
    told.asked.clear()
    return told


@pytest.fixture(scope="module")
def legato(
    upstream_of_module: SimulatedChild,
    oracle_of_module: Oracle,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[RunningLegato]:
    config = CONFIG.replace("UPSTREAM", upstream_of_module.url)
    config = config.replace("ORACLE", oracle_of_module.url)
    running = RunningLegato(tmp_path_factory.mktemp("legato"), config)
    yield running
    assert running.stop() == 0
    assert "Traceback" not in running.log.read_text()


def text(answer: Any) -> str:
    said: str = answer.json["choices"][0]["message"]["content"]
    return said


def test_an_answer_that_passes_is_the_only_one_bought(
    legato: RunningLegato, oracle: Oracle
) -> None:
    oracle.said_by = {"small": '{"city": "Ghent"}'}
    answer = legato.chat("json", "Where?")
    assert text(answer) == '{"city": "Ghent"}'
    entry = legato.entries(answer.request_id)[0]
    assert (entry["deployment"], entry["kind"], entry["status"]) == ("small", "usage", "ok")
    assert entry["baseline_cost"] == 10 * entry["cost"]  # against the last step
    assert legato.trace(answer.request_id)["attempts"] == 1


@pytest.mark.parametrize(
    ("said", "check"),
    [("Ghent", "schema"), ('{"town": "Ghent"}', "schema"), ('{"city": "unknown"}', "lacks")],
)
def test_an_answer_that_fails_is_paid_for_and_the_next_is_asked(
    legato: RunningLegato, oracle: Oracle, said: str, check: str
) -> None:
    oracle.said_by = {"small": said, "large": "It is Ghent, I think."}
    answer = legato.chat("json", "Where?")
    assert text(answer) == "It is Ghent, I think."  # the last step's is not checked
    first, second = legato.entries(answer.request_id, 2)
    assert (first["deployment"], first["kind"], first["status"]) == (
        "small",
        "retry",
        "check_failed",
    )
    assert (second["deployment"], second["kind"]) == ("large", "usage")
    assert first["cost"] == 100 * 1_000 + 20 * 4_000
    trace = legato.trace(answer.request_id)
    assert (trace["attempts"], trace["cost"]) == (2, first["cost"] + second["cost"])
    told = json.loads(legato.command("route", "explain", answer.request_id, "--json"))
    considered = {one["deployment"]: one for one in told["explanation"]["considered"]}
    assert considered["small"]["reason"] == f"its answer failed the check `{check}`"
    assert considered["small"]["place"] == 1
    assert [one[1] for one in told["steps"]] == ["check_failed", "ok"]


def test_a_judge_is_asked_and_stands_in_the_ledger(legato: RunningLegato, oracle: Oracle) -> None:
    oracle.said_by = {"small": "first", "large": "second"}
    judges = "SELECT count(*) AS n FROM ledger_entry WHERE kind = 'judge'"
    before = legato.query(judges)[0]["n"]
    assert text(legato.chat("judged", "Well?")) == "first"
    oracle.enough = False
    assert text(legato.chat("judged", "Well?")) == "second"
    assert within(10, lambda: legato.query(judges)[0]["n"] == before + 2)


def test_what_a_model_says_of_itself_counts_where_it_says_so(
    legato: RunningLegato, oracle: Oracle
) -> None:
    for said, by in (
        ('{"confidence": 0.9}', "small"),
        ('{"confidence": 0.3}', "large"),
        ("no word of it", "small"),
    ):
        oracle.said_by = {"small": said}
        answer = legato.chat("sure", "Sure?")
        count = 2 if by == "large" else 1
        assert legato.entries(answer.request_id, count)[-1]["deployment"] == by


def test_a_stream_is_held_until_its_answer_has_passed(
    legato: RunningLegato, upstream: SimulatedChild
) -> None:
    upstream.change(models={"brief": {"output_tokens": 3}, "long": {"output_tokens": 40}})
    answer = legato.chat("streamed", "Tell me.", stream=True)
    assert answer.status == 200
    models = {
        json.loads(line[6:])["model"]
        for line in answer.body.decode().splitlines()
        if line.startswith("data: {")
    }
    assert models == {"long"}  # nothing of what failed has gone out
    first, second = legato.entries(answer.request_id, 2)
    assert (first["status"], first["usage_source"]) == ("check_failed", "provider")
    assert second["deployment"] == "long"
    upstream.change(models={"brief": {"output_tokens": 40}})
    answer = legato.chat("streamed", "Tell me.", stream=True)
    assert b"[DONE]" in answer.body
    assert legato.entries(answer.request_id)[0]["deployment"] == "brief"


def test_a_step_that_fails_is_passed_over(legato: RunningLegato, oracle: Oracle) -> None:
    oracle.said_by, oracle.fails = {"large": "second"}, 3
    answer = legato.chat("json", "Where?")
    assert (answer.status, text(answer)) == (200, "second")


@pytest.mark.parametrize("fields", [{"n": 2}])
def test_what_cannot_be_checked_goes_to_the_last_step(
    legato: RunningLegato, oracle: Oracle, fields: dict[str, Any]
) -> None:
    oracle.said_by = {"small": "first", "large": "second"}
    assert text(legato.chat("judged", "Well?", **fields)) == "second"


def test_a_cascade_leaves_the_last_step_as_far_as_is_proven(
    legato: RunningLegato, oracle: Oracle
) -> None:
    def share() -> float:
        told = json.loads(legato.command("route", "status", "proven", "--json"))
        found: float = told["share"]
        return found

    def observed() -> int:
        rows = legato.query("SELECT json_extract(floor, '$.observed') AS n FROM route_floor")
        return rows[0]["n"] if rows else 0

    assert legato.chat("proven", "first").json["model"] == "large"
    for count in range(AT_MOST):
        if share() > MARGIN:
            break
        before = observed()
        assert legato.chat("proven", f"question {count}").status == 200
        within(5, lambda: observed() > before)  # noqa: B023
    assert share() > MARGIN
    models = {legato.chat("proven", f"again {count}").json["model"] for count in range(40)}
    assert models == {"small", "large"}


def test_its_requests_are_replayed(legato: RunningLegato, oracle: Oracle) -> None:
    oracle.said_by = {"small": "no JSON"}
    answer = legato.chat("json", "Again?")
    legato.trace(answer.request_id)
    lines = legato.command("replay", "--json").splitlines()
    verdicts = {one["request_id"]: one for one in map(json.loads, lines)}
    assert verdicts[answer.request_id]["verdict"] == "reproduced"
    assert {one["verdict"] for one in verdicts.values()} == {"reproduced"}, verdicts
    assert "Every rule holds" in legato.command("ledger", "verify")
