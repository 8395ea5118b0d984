"""Applications begin runs over HTTP with their keys, wait for them, and begin none twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from running import ADMIN, RunningLegato, within

if TYPE_CHECKING:
    from collections.abc import Iterator

    from running import Answer

CONFIG = """\
config_version: 1
providers: [{name: up, kind: simulated}]
deployments:
  - {name: small, provider: up, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
"""
DOUBLE = {
    "input": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]},
    "nodes": [{"kind": "set", "id": "twice", "value": {"n": "${ input.n * 2 }"}}],
    "output": "${ steps.twice.output.n }",
}
SLOW = {"nodes": [{"kind": "wait", "id": "wait", "for_s": 3600}]}
FAILS = {"nodes": [{"kind": "raise", "id": "no", "code": "no", "message": "it won't"}]}
RUNS = "/v1/workflows/double/runs"


@pytest.fixture(scope="module")
def legato(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    running = RunningLegato(tmp_path_factory.mktemp("calls"), CONFIG, workers=2)
    for name, definition in (("double", DOUBLE), ("slow", SLOW), ("fails", FAILS)):
        made = running.post(
            f"/api/v1/registry/objects/workflow/{name}/versions",
            {"spec": definition, "labels": ["production"]},
            ADMIN,
        )
        assert made.status == 201, made.body
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def key(legato: RunningLegato) -> str:
    scopes = ("--permission", "workflow:run:create")
    return legato.create_key("--name", "shop", *scopes)["secret"]


def test_a_run_is_begun_and_waited_for(legato: RunningLegato, key: str) -> None:
    answer = legato.post(f"{RUNS}?wait=60", {"input": {"n": 21}}, key)
    assert answer.status == 200, answer.body
    assert (answer.json["status"], answer.json["output"]) == ("done", 42)
    shown = legato.get(f"/v1/workflows/runs/{answer.json['id']}", key)
    assert shown.json == answer.json
    run = legato.get(f"/api/v1/workflow-runs/{answer.json['id']}", ADMIN).json["run"]
    assert (run["origin"], run["author"]) == ("http", "shop")
    told = legato.get("/api/v1/audit/events?action=workflow.run", ADMIN).json["data"]
    assert told[0]["actor"]["kind"] == "key"


def test_without_waiting_it_is_accepted(legato: RunningLegato, key: str) -> None:
    answer = legato.post("/v1/workflows/slow/runs", {}, key)
    assert answer.status == 202
    place = answer.headers["location"]
    assert within(30, lambda: legato.get(place, key).json["status"] == "waiting")
    assert legato.get(f"{place}?wait=1", key).status == 202


def test_a_failed_run_says_where_and_why(legato: RunningLegato, key: str) -> None:
    answer = legato.post("/v1/workflows/fails/runs?wait=60", {}, key)
    assert answer.status == 200
    assert answer.json["status"] == "failed"
    assert answer.error == {"code": "no", "message": "it won't", "node": "no"}


def test_an_idempotency_key_begins_one_run(legato: RunningLegato, key: str) -> None:
    def ask(n: int) -> Answer:
        return legato.post(RUNS, {"input": {"n": n}}, key, {"idempotency-key": "order 7"})

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, [7] * 16))
    assert {one.status for one in answers} <= {200, 202}, [one.body for one in answers]
    assert len({one.json["id"] for one in answers}) == 1
    assert ask(8).status == 409
    other = legato.create_key("--name", "other", "--permission", "workflow:run:create")["secret"]
    again = legato.post(RUNS, {"input": {"n": 7}}, other, {"idempotency-key": "order 7"})
    assert again.json["id"] != answers[0].json["id"]
    foreign = legato.get(f"/v1/workflows/runs/{answers[0].json['id']}", other)
    assert foreign.status == 404


WRONG: list[tuple[str, Any, int, str]] = [
    (RUNS, {"input": {"n": "x"}}, 400, "input"),
    (RUNS, {"inputs": 1}, 400, "inputs"),
    (RUNS, {"input": {"n": 1}, "user": "u" * 201}, 400, "user"),
    (f"{RUNS}?wait=61", {"input": {"n": 1}}, 400, "wait"),
    (f"{RUNS}?wait=-1", {"input": {"n": 1}}, 400, "wait"),
    ("/v1/workflows/none/runs", {}, 404, "none"),
    (RUNS, b"x" * 1_100_000, 413, "limit"),
]


def test_what_is_wrong_is_named(legato: RunningLegato, key: str) -> None:
    for path, body, status, told in WRONG:
        answer = legato.post(path, body, key)
        assert answer.status == status, answer.body
        assert told in answer.error["message"]


def test_a_key_needs_the_permission_and_the_workflow(legato: RunningLegato) -> None:
    plain = legato.create_key("--name", "plain")["secret"]
    answer = legato.post(RUNS, {"input": {"n": 1}}, plain)
    assert answer.status == 403
    assert "workflow:run:create" in answer.error["message"]
    narrow = ("--permission", "workflow:run:create")
    elsewhere = legato.create_key("--name", "narrow", *narrow, "--models", "small")["secret"]
    answer = legato.post(RUNS, {"input": {"n": 1}}, elsewhere)
    assert answer.status == 403
    assert "`workflow:double`" in answer.error["message"]
