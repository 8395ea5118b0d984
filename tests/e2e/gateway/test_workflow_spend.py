"""What runs of a workflow cost: told from the ledger, against a target, before and after."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from running import ADMIN, RunningLegato, within

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
providers: [{name: up, kind: simulated}]
deployments:
  - {name: small, provider: up, model: m, max_output_tokens: 50, price: {input_per_mtok: "1000", output_per_mtok: "2000"}}
"""  # noqa: E501 - lines of a configuration
MODEL = {"kind": "prompt", "model": "small", "user": "Say ${ input.n }.", "max_tokens": 20}
TWICE = {
    "input": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]},
    "nodes": [{**MODEL, "id": "first"}, {**MODEL, "id": "second"}],
}


@pytest.fixture(scope="module")
def legato(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    running = RunningLegato(tmp_path_factory.mktemp("spend"), CONFIG)
    made = running.post(
        "/api/v1/registry/objects/workflow/twice/versions",
        {"spec": TWICE, "labels": ["production"]},
        ADMIN,
    )
    assert made.status == 201, made.body
    yield running
    assert running.stop() == 0


def test_a_run_costs_what_its_calls_cost(legato: RunningLegato) -> None:
    key = legato.create_key("--name", "shop", "--permission", "workflow:run:create")["secret"]
    for number in range(2):
        answer = legato.post("/v1/workflows/twice/runs?wait=60", {"input": {"n": number}}, key)
        assert answer.json["status"] == "done", answer.body

    def entries() -> list[Any]:
        found = legato.get("/api/v1/ledger/entries", ADMIN).json["data"]
        return [one for one in found if one["tags"].get("workflow") == "twice"]

    assert within(30, lambda: len(entries()) == 4)
    spent = sum(Decimal(one["cost_usd"]) for one in entries())
    assert spent > 0

    told = legato.get("/api/v1/insights/cost-per-run?period=1d&by=workflow", ADMIN).json
    [row] = told["rows"]
    assert row["group"] == {"workflow": "twice"}
    assert row["denominator"] == 2
    assert Decimal(row["usd"]) == spent / 2
    assert any("spend_run_day" in query for query in told["queries"])
    shown = legato.command("insight", "show", "cost-per-run", "--workflow", "twice", "--json")
    assert json.loads(shown)["rows"][0]["numerator"] == row["numerator"]

    target = {"workflow": "twice", "target": "0.000001", "baseline": "1", "since": today(told)}
    made = legato.post("/api/v1/kpi-targets/cost-per-run", target, ADMIN)
    assert made.status == 201, made.body
    [compared] = legato.get("/api/v1/kpi-targets/cost-per-run/workflows", ADMIN).json["data"]
    assert (compared["workflow"], compared["is_reached"]) == ("twice", False)
    assert Decimal(compared["after"]["usd"]) == spent / 2
    assert compared["before"]["needs"]
    each = legato.command("kpis", "compare", "cost-per-run", "--each-workflow")
    assert [line for line in each.splitlines() if "twice" in line and "no" in line]
    wrong = legato.post("/api/v1/kpi-targets/ai-cogs", target, ADMIN)
    assert (wrong.status, wrong.error["field"]) == (400, "workflow")


def today(told: Any) -> str:
    return str(told["period"].partition("..")[2])
