"""Savings and KPIs of a running `legato up`: figures that add up to what was called."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from running import ADMIN, CALLER, RunningLegato, within

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
providers:
  - {name: up, kind: simulated}
deployments:
  - {name: small, provider: up, model: m,
     price: {input_per_mtok: "1", output_per_mtok: "2"}}
  - {name: large, provider: up, model: n, price: {input_per_mtok: "10", output_per_mtok: "20"}}
routes:
  - {alias: chat, baseline: large, deployments: [small, large], cache: {enabled: true, ttl_s: 600}}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
  - {name: nightly, team: platform, feature: tests, secret: {env: NIGHTLY_KEY}}
"""
NIGHTLY = "caller-key-of-nightly-0123456789"
CALLS, REPEATED = 30, 10
ROLLED_S = 60
V1 = "/api/v1"


@pytest.fixture(scope="module")
def legato(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    running = RunningLegato(
        tmp_path_factory.mktemp("insights"), CONFIG, variables={"NIGHTLY_KEY": NIGHTLY}
    )
    for number in range(CALLS):
        answer = running.chat(
            question=f"q{number % (CALLS - REPEATED)}",
            user=f"u{number % 3}",
            key=NIGHTLY if number % 4 == 0 else CALLER,
        )
        assert answer.status == 200
    assert within(ROLLED_S, lambda: len(running.query("SELECT id FROM ledger_entry")) == CALLS)
    yield running
    assert running.stop() == 0


def shown(legato: RunningLegato, insight: str, **asked: str) -> list[dict[str, Any]]:
    more = "&".join(f"{name}={value}" for name, value in asked.items())
    answer = legato.get(f"{V1}/insights/{insight}?period=7d&{more}", ADMIN)
    assert answer.status == 200, answer.body
    rows: list[dict[str, Any]] = answer.json["rows"]
    return rows


def test_the_figures_are_those_of_the_ledger(legato: RunningLegato) -> None:
    (sums,) = legato.query(
        "SELECT sum(cost) cost, sum(baseline_cost) baseline, sum(step_cache) cached, "
        "sum(step_routing) routed FROM ledger_entry"
    )
    for _ in range(2):  # from the entries, then from the sums by day
        bars = {row["group"]["step"]: row["value"] for row in shown(legato, "waterfall")}
        assert bars["baseline"] == sums["baseline"]
        assert bars["cache"] == -sums["cached"] < 0
        assert bars["routing"] == -sums["routed"] < 0
        assert bars["cost"] == sums["cost"]
        assert shown(legato, "cache-hit-rate")[0]["value"] == REPEATED / CALLS
        (cost,) = shown(legato, "cost-per-request", by="feature")
        assert (cost["group"], cost["value"]) == ({"feature": "tests"}, sums["cost"] / CALLS)
        users = shown(legato, "spend", by="user")
        assert (len(users), sum(row["value"] for row in users)) == (3, sums["cost"])
        assert within(ROLLED_S, lambda: rolled(legato) == CALLS)
    assert "Every rule holds." in legato.command("ledger", "verify")
    assert "made anew" in legato.command("ledger", "rebuild-rollups")
    assert rolled(legato) == CALLS


def test_a_keys_figures_are_its_own(legato: RunningLegato) -> None:
    keys = legato.query(
        "SELECT key_id, sum(cost) cost, count(*) requests FROM ledger_entry GROUP BY key_id"
    )
    assert sum(one["requests"] for one in keys) == CALLS
    assert len(keys) == 2
    for one in keys:
        spent = shown(legato, "spend", by="model", key=one["key_id"])
        assert sum(row["value"] for row in spent) == one["cost"]
        (requests,) = shown(legato, "requests", key=one["key_id"])
        assert requests["value"] == one["requests"]
    assert shown(legato, "spend", by="model", key="none") == []
    told = legato.command("insight", "show", "spend", "--key", keys[0]["key_id"], "--json")
    assert json.loads(told)["rows"][0]["value"] == keys[0]["cost"]


def rolled(legato: RunningLegato) -> int:
    (row,) = legato.query("SELECT sum(entries) entries FROM spend_day")
    return int(row["entries"] or 0)


def test_a_target_is_set_and_compared_and_a_caller_may_not(legato: RunningLegato) -> None:
    today = time.strftime("%Y-%m-%d", time.gmtime())
    path = f"{V1}/kpi-targets/cost-per-request"
    body = {"target": "0.5", "since": today, "note": "the small model"}
    assert legato.post(path, body, CALLER).status in {401, 403}
    assert legato.post(path, {"target": "much"}, ADMIN).status == 400
    made = legato.post(path, body, ADMIN)
    assert (made.status, made.json["version"]) == (201, 1)
    compared = legato.get(f"{path}/comparison", ADMIN).json
    assert (compared["is_reached"], bool(compared["before"]["needs"])) == (True, True)
    listed = json.loads(legato.command("kpis", "list", "--period", "7d", "--json"))
    (mine,) = [one for one in listed if one["goal"]]
    assert (mine["kpi"], mine["goal"]["target"]) == ("cost-per-request", "0.5")
    told = {one["kpi"]: one["needs"] for one in listed}
    assert "revenue" in told["contribution-margin"]


def test_a_baseline_is_frozen_signed_and_compared(legato: RunningLegato) -> None:
    made = legato.post(f"{V1}/savings/baselines", {"name": "contract", "period": "7d"}, ADMIN)
    assert made.status == 201, made.body
    assert "as signed" in legato.command("savings", "list")
    path = f"{V1}/savings/baselines/{made.json['id']}/comparison?period=7d"
    compared = legato.get(path, ADMIN).json["comparison"]
    (route,) = compared["routes"]
    assert (route["route"], route["requests"]) == ("chat", CALLS)
    statement = legato.get(f"{V1}/savings?period=7d", ADMIN).json
    assert compared["saved"] == statement["statement"]["saved"]
    assert statement["headline"].startswith("modelled, not measured")
    assert legato.get(f"{V1}/savings/baselines/nothing/comparison", ADMIN).status == 404
