"""What the canvas asks the control API of the running program."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from running import ADMIN, RunningLegato, within

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = """\
config_version: 1
providers: [{name: up, kind: simulated}]
deployments:
  - {name: small, provider: up, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
routes:
  - {alias: chat, deployments: [small]}
"""
V1 = "/api/v1"
ASK = {"kind": "prompt", "id": "ask", "model": "chat", "user": "Greet ${input.name}"}


@pytest.fixture(scope="module")
def legato(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    running = RunningLegato(tmp_path_factory.mktemp("drawing"), CONFIG)
    yield running
    assert running.stop() == 0


def asked(legato: RunningLegato, path: str, body: dict[str, Any], status: int = 200) -> Any:
    answer = legato.post(f"{V1}{path}", body, ADMIN)
    assert answer.status == status, answer.body
    return answer.json


def seen(legato: RunningLegato, path: str) -> Any:
    answer = legato.get(f"{V1}{path}", ADMIN)
    assert answer.status == 200, answer.body
    return answer.json


def test_the_list_has_runs_by_status_and_what_one_costs(legato: RunningLegato) -> None:
    for name, node in (("priced", ASK), ("draft", {**ASK, "model": "none-such"})):
        path = f"/registry/objects/workflow/{name}/versions"
        asked(legato, path, {"spec": {"nodes": [node]}}, 201)
    started = {"workflow": "priced@1", "input": {"name": "Ada"}}
    run = asked(legato, "/workflow-runs", started, 201)
    path = f"/workflow-runs/{run['id']}"
    assert within(60, lambda: seen(legato, path)["run"]["status"] == "done")
    draft, priced = seen(legato, "/workflows")["data"]
    assert (draft["name"], priced["name"]) == ("draft", "priced")
    assert draft["runs"] == {}
    assert priced["runs"] == {"done": 1}
    assert priced["expected_nano_usd"]["likely"] > 0
    assert seen(legato, f"{path}/definition")["definition"]["nodes"] == [ASK]


def test_the_format_describes_every_kind_and_begins_with_patterns(legato: RunningLegato) -> None:
    found = seen(legato, "/workflows/format")
    assert {"prompt", "human", "for", "notify"} <= set(found["kinds"])
    prompt = found["parts"][found["kinds"]["prompt"]]["properties"]
    assert prompt["model"]["description"].startswith("A route")
    assert prompt["when"]["anyOf"][0]["format"] == "cel"
    assert "user" in found["templates"]["prompt"]
    for pattern in found["patterns"]:
        checked = asked(legato, "/workflows/validate", {"definition": pattern["definition"]})
        assert {one["place"].rsplit(".")[-1] for one in checked["problems"]} <= {
            "model",
            "tool",
        }  # what an organisation must have itself


def test_texts_are_read_with_their_places_and_problems(legato: RunningLegato) -> None:
    text = "nodes:\n- {id: a, kind: set, value: 1, at: {x: 12.5, y: -3}}\n"
    read = asked(legato, "/workflows/read", {"text": text})
    assert read["definition"]["nodes"][0]["at"] == {"x": 12.5, "y": -3.0}
    unread = asked(legato, "/workflows/read", {"text": "nodes: [\n"})
    assert unread["definition"] is None
    assert "line 2" in unread["problems"][0]["message"]
    wrong = asked(legato, "/workflows/read", {"text": "nodes: [{id: a, kind: set, valeu: 1}]"})
    assert wrong["problems"][0]["place"].startswith("nodes.a")
    bomb = "a: &a [1,1,1,1,1,1,1,1,1]\n" + "".join(
        f"{after}: &{after} [{','.join([f'*{before}'] * 9)}]\n"
        for before, after in zip("abcdefgh", "bcdefghi", strict=True)
    )
    refused = asked(legato, "/workflows/read", {"text": bomb})
    assert "more than" in refused["problems"][0]["message"]


def test_expressions_are_tried_on_values(legato: RunningLegato) -> None:
    values = {"input": {"total": 3}}
    trying = {"source": "${input.total} pieces", "values": values}
    assert asked(legato, "/workflows/evaluate", trying)["value"] == "3 pieces"
    trying = {"source": "input.total > 2", "form": "expression", "values": values}
    assert asked(legato, "/workflows/evaluate", trying)["value"] is True
    trying = {"source": "input.totl", "form": "expression", "values": values}
    assert "totl" in asked(legato, "/workflows/evaluate", trying)["problem"]
