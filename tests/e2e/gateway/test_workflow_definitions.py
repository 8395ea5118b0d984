"""Definitions of workflows through the control API of the running program."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml
from running import ADMIN, RunningLegato

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = """\
config_version: 1
providers: [{name: up, kind: simulated}]
deployments:
  - {name: small, provider: up, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
  - {name: large, provider: up, model: m, price: {input_per_mtok: "10", output_per_mtok: "20"}}
routes:
  - {alias: chat, deployments: [small, large]}
"""
V1 = "/api/v1"
HELLO = f"{V1}/registry/objects/workflow/hello"
ASK = {"kind": "prompt", "id": "ask", "model": "chat", "user": "Greet ${input.name}"}
ACT = {
    "kind": "agent",
    "id": "act",
    "model": "chat",
    "task": "Go",
    "turns_max": 5,
    "after": ["ask"],
}


@pytest.fixture(scope="module")
def legato(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    running = RunningLegato(tmp_path_factory.mktemp("workflows"), CONFIG)
    yield running
    assert running.stop() == 0


def asked(legato: RunningLegato, what: str, body: dict[str, Any], status: int = 200) -> Any:
    answer = legato.post(f"{V1}/workflows/{what}", body, ADMIN)
    assert answer.status == status, answer.body
    return answer.json


def test_problems_are_told_by_node_and_field(legato: RunningLegato) -> None:
    wrong = {"nodes": [ASK | {"model": "gone"}, {**ACT, "task": "${steps.aks.output}"}]}
    found = asked(legato, "validate", {"definition": wrong})
    assert not found["valid"]
    told = {one["place"]: one["message"] for one in found["problems"]}
    assert "did you mean `ask`" in told["nodes.act.task"]
    assert "routes and deployments: chat, large, small" in told["nodes.ask.model"]
    right = asked(legato, "validate", {"definition": {"nodes": [ASK, ACT]}})
    assert right["valid"]
    assert {one["place"] for one in right["hints"]} == {"nodes.act.cost_usd_max", "nodes.ask"}


def test_what_cant_run_is_kept_as_a_draft_alone(legato: RunningLegato) -> None:
    wrong = {"nodes": [ASK | {"model": "gone"}]}
    refused = legato.post(f"{HELLO}/versions", {"spec": wrong, "labels": ["production"]}, ADMIN)
    assert refused.status == 400
    assert "nodes.ask.model" in str(refused.body)
    draft = legato.post(f"{HELLO}/versions", {"spec": wrong}, ADMIN)
    assert draft.status == 201
    number = draft.json["version"]["number"]
    moved = legato.post(f"{HELLO}/labels", {"label": "production", "version": str(number)}, ADMIN)
    assert moved.status == 400
    assert "nothing here is called" in str(moved.body)


def test_it_goes_out_and_comes_in_by_every_form(legato: RunningLegato) -> None:
    spec = {"nodes": [ASK, ACT]}
    made = legato.post(f"{HELLO}/versions", {"spec": spec, "labels": ["production"]}, ADMIN)
    assert made.status == 201, made.body
    for form in ("yaml", "json", "serverless-workflow"):
        text = asked(legato, "export", {"workflow": "hello", "format": form})["text"]
        again = asked(legato, "import", {"document": yaml.safe_load(text)})
        assert again["valid"]
        plain = [
            {k: v for k, v in node.items() if k != "at"} for node in again["definition"]["nodes"]
        ]
        assert plain == spec["nodes"]
    text = asked(legato, "export", {"workflow": "hello@production", "format": "mermaid"})["text"]
    assert "n_ask --> n_act" in text
    wait = {"nodes": [{"kind": "wait", "id": "w", "until": "input.at"}]}
    refused = asked(
        legato, "export", {"definition": wait, "format": "serverless-workflow"}, status=400
    )
    assert "nodes.w.until" in str(refused)


def test_its_cost_is_foreseen_by_all_deployments_it_may_go_to(legato: RunningLegato) -> None:
    found = asked(legato, "cost", {"definition": {"nodes": [ASK, ACT]}})
    assert found["calls"] == {"low": 2.0, "likely": 4.0, "high": 6.0}
    cost = found["cost_nano_usd"]
    assert 0 < cost["low"] < cost["likely"] < cost["high"]
    dearer = asked(
        legato,
        "cost",
        {"definition": {"nodes": [ASK]}, "beliefs": {"answer_tokens": [1000, 1000, 1000]}},
    )
    assert dearer["cost_nano_usd"]["high"] >= 1000 * 20_000
    asked(legato, "cost", {"workflow": "gone"}, status=404)
    asked(legato, "cost", {}, status=400)
