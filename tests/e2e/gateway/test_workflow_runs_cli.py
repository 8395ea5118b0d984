"""Runs of workflows as their operator meets them: by commands and HTTP, at a running program."""

from __future__ import annotations

import contextlib
import json
import os
import signal
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from running import ADMIN, RunningLegato, within

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.timeout(300)
CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
cache: {enabled: false}
providers:
  - name: up
    kind: simulated
    settings: {models: {slow: {latency_ms: 2500}, dear: {output_tokens: 10}}}
deployments:
  - {name: quick, provider: up, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
  - {name: slow, provider: up, model: slow, price: {input_per_mtok: "1", output_per_mtok: "2"}}
  - {name: dear, provider: up, model: dear, price: {input_per_mtok: "1", output_per_mtok: "10000"}}
"""
RUNS = "/api/v1/workflow-runs"
RUN_S = 30.0
Node = dict[str, Any]


def node(kind: str, id_: str, *after: str, **fields: Any) -> Node:
    return {"kind": kind, "id": id_, "after": list(after), **fields}


def asks(id_: str, model: str, *after: str) -> Node:
    return node("prompt", id_, *after, model=model, user="Greet ${string(input)}")


HEARS = [
    node("set", "first", value=1),
    node("listen", "go", "first", event="go"),
    node("set", "then", "go", value="over"),
]
# fails unless it is given an amount that is small enough
CHECKS = [
    node("set", "doubled", value="${input.amount * 2}"),
    node(
        "raise", "too_much", "doubled", when="input.amount > 10", code="too_much",
        message="${input.amount} is too much",
        retry={"attempts_max": 3, "wait_s": 0.4, "backoff": 2, "on": ["too_much"]},
    ),
    node("set", "paid", "doubled", when="input.amount <= 10", value="paid ${input.amount}"),
]  # fmt: skip


def does(legato: RunningLegato, *arguments: str) -> str:
    """Give a command of `legato workflow`, and return what it printed."""
    return legato.command("workflow", *arguments, "--key", ADMIN)


def started(legato: RunningLegato, nodes: list[Node], given: Any = None, **more: Any) -> str:
    """Begin a run; return its id."""
    body = {"workflow": "w", "definition": {"nodes": nodes, **more}, "input": given}
    answer = legato.post(RUNS, body, ADMIN)
    assert answer.status == 201, answer.body
    run_id: str = answer.json["id"]
    return run_id


def seen(legato: RunningLegato, run_id: str) -> dict[str, Any]:
    detail: dict[str, Any] = legato.get(f"{RUNS}/{run_id}", ADMIN).json
    return detail


def status(legato: RunningLegato, run_id: str) -> str:
    found: str = seen(legato, run_id)["run"]["status"]
    return found


def until(legato: RunningLegato, run_id: str, wanted: str) -> dict[str, Any]:
    """Wait until a run is as wanted; return all there is of it."""
    within(RUN_S, lambda: status(legato, run_id) in {wanted, "failed"})
    found = seen(legato, run_id)
    assert found["run"]["status"] == wanted, found
    return found


def begun(legato: RunningLegato, run_id: str) -> set[str]:
    return {one["node"] for one in seen(legato, run_id)["steps"]}


def step(found: dict[str, Any], name: str) -> dict[str, Any]:
    one: dict[str, Any] = next(s for s in found["steps"] if (s["node"], s["name"]) == (name, ""))
    return one


def heard(legato: RunningLegato, run_id: str) -> dict[str, Any]:
    """Tell a run of `HEARS` to go on; return all there is of it once it is done."""
    assert legato.post(f"{RUNS}/{run_id}/signals", {"topic": "go"}, ADMIN).status == 200
    found = until(legato, run_id, "done")
    assert found["run"]["output"] == "over"
    return found


def events(
    legato: RunningLegato, run_id: str, *, after: str = "", last: str = ""
) -> list[tuple[str, str, Any]]:
    """Follow a run to an event of this name, or its end: number, name and data of each."""
    headers = {"authorization": f"Bearer {ADMIN}"} | ({"last-event-id": after} if after else {})
    found: list[tuple[str, str, Any]] = []
    said: dict[str, str] = {}
    with contextlib.closing(legato.connection()) as connection:
        connection.request("GET", f"{RUNS}/{run_id}/events", headers=headers)
        for line in connection.getresponse():
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if name:
                said[name] = value
            elif "event" in said:
                found.append((said.get("id", ""), said["event"], json.loads(said["data"])))
                said = {}
                if found[-1][1] == last:
                    break
    return found


def test_a_run_is_started_by_its_name_in_the_registry(
    legato: RunningLegato, tmp_path: Path
) -> None:
    file, hi = tmp_path / "greet.json", node("set", "hi", value="Hi ${input.name}")
    file.write_text(json.dumps({"nodes": [hi]}))
    legato.command("workflow", "import", str(file), "--save", "greet", "--label", "production")
    assert json.loads(does(legato, "run", "greet", "--input", '{"name": "Ann"}')) == "Hi Ann"
    assert "done" in does(legato, "list", "--workflow", "greet")


def test_a_cancelled_run_ends_and_can_go_on(legato: RunningLegato) -> None:
    run_id = started(legato, HEARS)
    until(legato, run_id, "waiting")
    assert "is cancelled" in does(legato, "cancel", run_id)
    cut = until(legato, run_id, "cancelled")
    assert legato.post(f"{RUNS}/{run_id}/signals", {"topic": "go"}, ADMIN).status == 409
    assert "is queued" in does(legato, "resume", run_id)
    done = heard(legato, run_id)
    assert step(done, "first") == step(cut, "first"), "what succeeded isn't done anew"


def task_of(legato: RunningLegato, run_id: str) -> dict[str, Any]:
    """Return the only task of a run, once it is there."""
    path = f"/api/v1/tasks?run={run_id}"
    (task,) = within(RUN_S, lambda: legato.get(path, ADMIN).json["data"])
    found: dict[str, Any] = task
    return found


def test_nobody_is_asked_for_a_run_that_has_ended(legato: RunningLegato) -> None:
    asked = node("human", "ok", subject="Pay?")
    run_id = started(legato, [asked])
    task = task_of(legato, run_id)
    assert "is cancelled" in does(legato, "cancel", run_id)
    assert task_of(legato, run_id)["state"] == "withdrawn"
    decide = f"/api/v1/tasks/{task['id']}/decide"
    assert legato.post(decide, {"verdict": "approve"}, ADMIN).status == 409
    assert "is queued" in does(legato, "resume", run_id)
    until(legato, run_id, "waiting")
    assert task_of(legato, run_id)["state"] == "open"
    assert legato.post(decide, {"verdict": "approve"}, ADMIN).status == 200
    assert step(until(legato, run_id, "done"), "ok")["port"] == "approved"


def test_nobody_is_asked_for_a_run_that_failed_beside(legato: RunningLegato) -> None:
    fails = node("raise", "no", "late", code="no", message="no")
    late = node("wait", "late", for_s=1)
    run_id = started(legato, [node("human", "ok", subject="Pay?"), late, fails])
    assert task_of(legato, run_id)["state"] == "open"
    assert within(RUN_S, lambda: status(legato, run_id) == "failed")
    assert task_of(legato, run_id)["state"] == "withdrawn"


def test_a_run_is_told_something_once_and_by_its_own_name(legato: RunningLegato) -> None:
    nodes = [
        node("human", "ok", subject="Pay?", deadline_s=3600),
        node("wait", "rest", for_s=0.5),
        node("listen", "paid", "rest", event="paid", match="event.sum > 1"),
        node("listen", "again", "paid", event="paid", deadline_s=1),
        node("set", "last", "again:expired", value=0),
        node("set", "both", "paid", value="${steps.paid.output.sum}"),
    ]
    run_id = started(legato, nodes)
    said = {"topic": "paid", "message": {"sum": 7}, "id": "bank-1"}
    assert legato.post(f"{RUNS}/{run_id}/signals", said, ADMIN).status == 200
    again = ("signal", run_id, "paid", "--message", '{"sum": 7}', "--id", "bank-1")
    assert f"told {run_id}" in does(legato, *again)
    assert within(RUN_S, lambda: "last" in begun(legato, run_id))
    found = seen(legato, run_id)
    assert step(found, "both")["output"] == 7
    assert step(found, "again")["port"] == "expired", "the same message came once"
    task = legato.post(f"{RUNS}/{run_id}/signals", {"topic": "task/ok"}, ADMIN)
    assert (task.status, "decide the task" in task.error["message"]) == (400, True)


def test_what_comes_before_a_node_is_kept_in_a_replay(legato: RunningLegato) -> None:
    run_id = started(legato, [asks("first", "quick"), asks("second", "quick", "first")])
    before = until(legato, run_id, "done")
    again = json.loads(does(legato, "replay", run_id, "--from", "second", "--json"))
    after = seen(legato, again["id"])
    assert (again["status"], again["origin"], again["origin_run"]) == ("done", "replay", run_id)
    assert step(after, "first")["lineage"] == step(before, "first")["lineage"]
    assert step(after, "second")["lineage"] != step(before, "second")["lineage"]
    assert within(RUN_S, lambda: seen(legato, again["id"])["cost"]["calls"] == 1)
    assert set(seen(legato, again["id"])["cost"]["by_node"]) == {"second"}


def test_a_run_is_shown_with_what_its_nodes_cost_and_what_made_them(
    legato: RunningLegato,
) -> None:
    body = {"nodes": [node("prompt", "inner", model="quick", user="Greet ${string(item)}")]}
    outer = node("prompt", "outer", model="quick", user="Greet")
    nodes = [outer, node("for", "each", "outer", each="input", do=body)]
    run_id = started(legato, nodes, [1, 2], outcome={"accepted": "size(steps.each.output) == 2"})
    until(legato, run_id, "done")
    assert within(RUN_S, lambda: seen(legato, run_id)["cost"]["calls"] == 3)
    cost = seen(legato, run_id)["cost"]
    by_node = {name: Decimal(usd) for name, usd in cost["by_node"].items()}
    assert set(by_node) == {"outer", "inner"}
    assert min(by_node.values()) > 0
    assert sum(by_node.values()) == Decimal(cost["total_usd"]) == Decimal(cost["accepted_usd"])
    told = does(legato, "show", run_id, "--lineage")
    lines = [line.split() for line in told.splitlines()]
    assert [one for one in lines if "outer" in one[:1] and cost["by_node"]["outer"] in one]
    assert [one for one in lines if one == ["inner", cost["by_node"]["inner"]]]
    made = step(seen(legato, run_id), "outer")["lineage"]
    (asked,) = made["asked"]
    assert asked in told
    assert made["model"] == "m"
    assert legato.trace(asked)["request_id"] == asked


def test_failed_runs_are_retried_shown_begun_again_and_dismissed(legato: RunningLegato) -> None:
    failed = [started(legato, CHECKS, {"amount": 50}) for _ in range(2)]
    for run_id in failed:
        assert within(RUN_S, lambda run_id=run_id: status(legato, run_id) == "failed")
    attempts = step(seen(legato, failed[0]), "too_much")["tried"]
    tried = [datetime.fromisoformat(one["at"]) for one in attempts]
    gaps = [(late - early).total_seconds() for early, late in pairwise(tried)]
    assert [gap >= wait_s / 2 for gap, wait_s in zip(gaps, (0.4, 0.8), strict=True)] == [True] * 2
    letters = does(legato, "dead-letters", "list")
    assert all(run_id in letters for run_id in failed)
    assert "50 is too much" in does(legato, "dead-letters", "show", failed[0])
    redrive = ("dead-letters", "redrive", failed[0], "--input", '{"amount": 5}')
    assert "1 begun again" in does(legato, *redrive)
    twice = legato.post("/api/v1/workflow-dead-letters/redrive", {"ids": [failed[0]]}, ADMIN)
    assert twice.json == {"settled": 0}
    runs = legato.get(f"{RUNS}?workflow=w", ADMIN).json["data"]
    (again,) = [one for one in runs if one["origin_run"] == failed[0]]
    assert until(legato, again["id"], "done")["run"]["output"] == "paid 5"
    assert "1 dismissed" in does(legato, "dead-letters", "dismiss", failed[1])
    left = legato.get("/api/v1/workflow-dead-letters", ADMIN).body.decode()
    assert not any(run_id in left for run_id in failed)


def test_a_run_is_followed_and_again_behind_an_event(legato: RunningLegato) -> None:
    run_id = started(legato, [asks("first", "slow"), asks("second", "quick", "first")])
    seen_live = events(legato, run_id, last="step.started")
    assert status(legato, run_id) == "running", "events come while it runs"
    rest = events(legato, run_id, after=seen_live[-1][0])
    assert rest[-1][1] == "run.done"
    assert not any(name == "step.started" and data["node"] == "first" for _, name, data in rest)
    assert [data["node"] for _, name, data in rest if name == "step.done"] == ["first", "second"]


def test_no_node_begins_above_the_cost_limit(legato: RunningLegato) -> None:
    limits, nodes = {"cost_usd_max": "0.01"}, [asks("a", "dear"), asks("b", "dear", "a")]
    run_id = started(legato, nodes, limits=limits)
    assert within(RUN_S, lambda: status(legato, run_id) in {"failed", "done"})
    run = seen(legato, run_id)["run"]
    assert (run["told"], run["failed_node"]) == ("cost_limit", "b")
    assert begun(legato, run_id) == {"a"}


def test_a_killed_process_leaves_its_runs_to_the_next(legato: RunningLegato) -> None:
    run_id = started(legato, [asks("first", "quick"), asks("second", "slow", "first")])
    assert within(RUN_S, lambda: "second" in begun(legato, run_id))
    before = seen(legato, run_id)
    assert step(before, "second")["state"] == "started"
    os.kill(legato.children()[-1], signal.SIGKILL)
    after = until(legato, run_id, "done")
    assert step(after, "first") == step(before, "first")


def test_runs_of_a_restored_backup_are_paused(legato: RunningLegato, tmp_path: Path) -> None:
    backup = tmp_path / "legato.tar"
    run_id = started(legato, HEARS)
    until(legato, run_id, "waiting")
    legato.command("backup", "create", str(backup))
    assert legato.stop() == 0
    legato.command("backup", "restore", str(backup), "--replace")
    legato.start()
    listed = json.loads(does(legato, "list", "--status", "paused", "--json"))
    assert run_id in {one["id"] for one in listed}
    assert f"{len(listed)} go on" in does(legato, "resume", "--all-paused")
    heard(legato, run_id)
