"""Another policy of a route, simulated on what the ledger recorded, over HTTP."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from running import ADMIN, CALLER, Answer, RunningLegato, within

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
providers:
  - {name: up, kind: simulated}
deployments:
  - {name: small, provider: up, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
  - {name: large, provider: up, model: n, price: {input_per_mtok: "10", output_per_mtok: "20"}}
routes:
  - {alias: chat, deployments: [large, small]}
  - {alias: unused, deployments: [small]}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
"""
CALLS = 30
SMALL = {"deployments": ["small"], "like": {"small": "large"}}


@pytest.fixture(scope="module")
def legato(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    running = RunningLegato(tmp_path_factory.mktemp("what-ifs"), CONFIG)
    for number in range(CALLS):
        assert running.chat(question=f"number {number}", user=f"user {number}").status == 200
    counted = "SELECT count(*) AS n FROM trace_block"
    assert within(20, lambda: running.query(counted)[0]["n"] > 0)
    assert within(20, lambda: len(running.query("SELECT id FROM ledger_entry")) == CALLS)
    yield running
    assert running.stop() == 0


def tried(legato: RunningLegato, route: str = "chat", key: str = ADMIN, **body: Any) -> Answer:
    return legato.post(f"/api/v1/routes/{route}/what-if", body, key)


def test_the_cheaper_model_first_would_have_cost_a_tenth(legato: RunningLegato) -> None:
    before = legato.query("SELECT id, cost FROM ledger_entry")
    answer = tried(legato, since="1h", **SMALL)
    assert answer.status == 200, answer.body
    told = answer.json
    spent = Decimal(sum(row["cost"] for row in before)) / 10**9
    assert (told["requests"], Decimal(told["ledger_usd"])) == (CALLS, spent)
    assert Decimal(told["difference_usd"]) == 0
    assert Decimal(told["as_is"]["cost_usd"]) == spent
    assert Decimal(told["changed"]["cost_usd"]) == spent / 10
    (cost,) = [one for one in told["differences"] if one["figure"] == "cost_usd"]
    assert cost["unit"] == "USD"
    assert cost["value"] == pytest.approx(float(spent) * -0.9)
    assert cost["low"] < cost["value"] < cost["high"] < 0
    assert told["quality"].startswith("unknown")
    assert all(told[kind] for kind in ("measured", "modelled", "assumed"))
    assert legato.query("SELECT id, cost FROM ledger_entry") == before  # nobody was called


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "deployments"),
        ({"deployments": ["gone"]}, "deployments"),
        ({"deployments": []}, None),
        ({"deployments": ["small"], "like": {"small": "gone"}}, "like"),
        ({"weights": {"gone": 1}}, "weights"),
        ({"strategy": "cascade"}, "strategy"),
        ({"strategy": "cheapest", "since": "soon"}, "since"),
        ({"strategy": "cheapest", "until": "soon"}, "until"),
        ({"deployments": ["small"]}, None),  # how fast it would be isn't known
    ],
)
def test_what_cannot_be_simulated_is_refused_by_name(
    legato: RunningLegato, body: dict[str, Any], field: str | None
) -> None:
    refused = tried(legato, **body)
    assert refused.status == 400, refused.body
    if field is not None:
        assert refused.error["field"] == field


def test_a_route_without_traffic_and_none_are_told_apart(legato: RunningLegato) -> None:
    unused = tried(legato, "unused", strategy="cheapest")
    assert (unused.status, "no requests" in unused.error["message"]) == (400, True)
    assert tried(legato, "gone", strategy="cheapest").status == 404
    assert tried(legato, key=CALLER, **SMALL).status == 403
    assert tried(legato, org="elsewhere", **SMALL).status in {400, 404}
