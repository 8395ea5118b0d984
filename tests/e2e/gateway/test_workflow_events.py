"""Runs that wait for events are told of those that they mean, once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from running import ADMIN, RunningLegato, within

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = """\
config_version: 1
batches: {idle_s: 1}
providers: [{name: up, kind: simulated}]
deployments:
  - {name: small, provider: up, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
"""
LISTENING = {
    "nodes": [
        {
            "kind": "listen",
            "id": "mended",
            "event": "alert.*",
            "match": "event.data.service == input.service",
            "deadline_s": 600,
        },
    ],
    "output": "${steps.mended.output.data.by}",
}


@pytest.fixture(scope="module")
def legato(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    running = RunningLegato(tmp_path_factory.mktemp("events"), CONFIG, workers=1)
    yield running
    assert running.stop() == 0


def run_of(legato: RunningLegato, run_id: str) -> dict[str, Any]:
    run: dict[str, Any] = legato.get(f"/api/v1/workflow-runs/{run_id}", ADMIN).json["run"]
    return run


def sent(legato: RunningLegato, event_id: str, **data: str) -> list[str]:
    event = {"id": event_id, "source": "ops", "type": "alert.resolved", "data": data}
    answer = legato.post("/api/v1/workflow-events", event, ADMIN)
    assert answer.status == 200, answer.json
    told: list[str] = answer.json["runs"]
    return told


def test_an_event_reaches_the_runs_that_mean_it(legato: RunningLegato) -> None:
    wish = {"definition": LISTENING, "input": {"service": "shop"}}
    run_id = legato.post("/api/v1/workflow-runs", wish, ADMIN).json["id"]
    assert within(60, lambda: run_of(legato, run_id)["status"] == "waiting")
    assert sent(legato, "1", service="mail", by="Anna") == [run_id]
    assert not within(1, lambda: run_of(legato, run_id)["status"] in {"done", "failed"})
    assert sent(legato, "2", service="shop", by="Bruno") == [run_id]
    assert within(30, lambda: run_of(legato, run_id)["status"] == "done")
    assert run_of(legato, run_id)["output"] == "Bruno"
    assert sent(legato, "3", service="shop", by="Carla") == []
    told = legato.get("/api/v1/audit/events?action=workflow.signal", ADMIN).json["data"]
    assert [one["details"]["topic"] for one in told] == ["alert.resolved"] * 2


def test_the_process_stays_awake_while_a_run_waits(legato: RunningLegato) -> None:
    wish = {"definition": LISTENING, "input": {"service": "shop"}}
    run_id = legato.post("/api/v1/workflow-runs", wish, ADMIN).json["id"]
    assert within(60, lambda: run_of(legato, run_id)["status"] == "waiting")
    process = legato.children()[-1]
    assert not within(4, lambda: legato.children()[-1] != process)
    assert sent(legato, "awake", service="shop", by="Dora") == [run_id]
    assert within(30, lambda: run_of(legato, run_id)["status"] == "done")
    assert within(30, lambda: legato.children()[-1] != process), "it ends when nothing waits"


def test_what_is_no_event_is_told_which_field(legato: RunningLegato) -> None:
    answer = legato.post("/api/v1/workflow-events", {"id": "1", "source": "ops"}, ADMIN)
    assert answer.status == 400
    assert "type" in answer.error["message"]
