"""Suites over versions of a workflow: real runs, given answers, scored, compared, paid for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from running import ADMIN, RunningLegato, within

from legato.core.money import amount

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.timeout(300)
CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
providers:
  - name: pretend
    kind: simulated
    settings:
      latency_ms: 20
      script:
        - {system: how much, asked: "(?P<amount>[0-9]+) euros", json: {amount: "#amount"}}
        - {system: how much, json: {amount: 0}}
deployments:
  - {name: small, provider: pretend, model: simulated-small, price: {input_per_mtok: "0.15", output_per_mtok: "0.60"}}
routes: [{alias: chat, deployments: [small]}]
tools:
  - {name: pay, python: {function: "till:pay", run_in: thread}}
  - {name: look_up, python: {function: "till:look_up", run_in: thread}}
"""  # noqa: E501 - one deployment a line
TILL = """\
import os


def pay(amount: float) -> dict[str, bool]:
    with open(os.environ["TILL"], "a") as till:
        till.write(f"{amount}\\n")
    return {"paid": True}


def look_up(text: str) -> dict[str, bool]:
    return {"known": "stranger" not in text}
"""
READ = {
    "kind": "prompt",
    "id": "read",
    "model": "chat",
    "system": "Say how much money is asked for.",
    "user": "${input.text}",
    "output_schema": {
        "type": "object",
        "required": ["amount"],
        "properties": {"amount": {"type": "number"}},
    },
}


def definition(upto: int) -> dict[str, Any]:
    """Refunds: paid at once up to an amount, else after a person was asked."""
    small = f"steps.read.output.amount <= {upto}"
    return {
        "input": {
            "type": "object",
            "properties": {"text": {"type": "string"}},
            "required": ["text"],
        },
        "nodes": [
            READ,
            {
                "kind": "call",
                "id": "who",
                "tool": "look_up",
                "arguments": {"text": "${input.text}"},
            },
            {
                "kind": "switch",
                "id": "how",
                "cases": [{"port": "small", "when": small}],
                "otherwise": "large",
                "after": ["read", "who"],
            },
            {"kind": "human", "id": "ask", "subject": "Pay it?", "after": ["how:large"]},
            {
                "kind": "call",
                "id": "pay",
                "tool": "pay",
                "arguments": {"amount": "${steps.read.output.amount}"},
                "after": ["how:small", "ask:approved"],
                "join": "any",
            },
        ],
        "output": {
            "paid": "${has(steps.pay)}",
            "amount": "${steps.read.output.amount}",
            "asked": "${has(steps.ask)}",
        },
        "outcome": {"accepted": "output.paid"},
    }


def case(text: str, *, paid: bool, amount_: int, asked: bool, **given: Any) -> dict[str, Any]:
    said = {"tools": {"pay": {"paid": True}}, **given}
    expected = {"paid": paid, "amount": amount_, "asked": asked}
    return {"input": {"variables": {"text": text}}, "expected": expected, "given": said}


APPROVED = {"decisions": {"ask": "approve"}}
CASES = [
    *(
        case(f"{n} euros back, please", paid=True, amount_=n, asked=n > 60, **APPROVED)
        for n in range(10, 130, 10)
    ),
    case("900 euros", paid=False, amount_=900, asked=True, decisions={"ask": "reject"}),
]
SUITE: dict[str, Any] = {
    "dataset": "refunds",
    "workflows": ["refunds@candidate"],
    "tools": ["look_up"],
    "concurrency": 8,
    "scorers": [{"use": "json"}, {"use": "accepted"}, {"use": "latency", "max_ms": 60_000}],
}


@pytest.fixture(scope="module")
def legato(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    folder = tmp_path_factory.mktemp("workflow evaluations")
    (folder / "till.py").write_text(TILL)
    paths = os.pathsep.join([str(folder), *filter(None, sys.path)])
    variables = {"PYTHONPATH": paths, "TILL": str(folder / "till.txt")}
    running = RunningLegato(folder, CONFIG, variables=variables)
    for upto, label in ((50, "production"), (60, "candidate")):
        body = {"spec": definition(upto), "labels": [label]}
        path = "/api/v1/registry/objects/workflow/refunds/versions"
        saved = running.post(path, body, ADMIN)
        assert saved.status == 201, saved.body
    keep(running, "refunds", CASES)
    yield running
    assert running.stop() == 0


def keep(legato: RunningLegato, name: str, cases: list[dict[str, Any]]) -> None:
    file = legato.data.parent / f"{name}.jsonl"
    file.write_text("".join(json.dumps(one) + "\n" for one in cases))
    assert f"{len(cases)} cases" in legato.command("datasets", "import", name, str(file))


def start(legato: RunningLegato, **changed: Any) -> dict[str, Any]:
    body = {"suite": {**SUITE, **changed.pop("suite", {})}, **changed}
    answer = legato.post("/api/v1/evaluations", body, ADMIN)
    assert answer.status == 201, answer.body
    found: dict[str, Any] = answer.json
    return found


def shown(legato: RunningLegato, run: dict[str, Any], part: str = "") -> Any:
    return legato.get(f"/api/v1/evaluations/{run['id']}{part}", ADMIN).json


def ended(legato: RunningLegato, run: dict[str, Any]) -> dict[str, Any]:
    assert within(90, lambda: shown(legato, run)["status"] not in {"waiting", "running"})
    found: dict[str, Any] = shown(legato, run)
    return found


def answers(legato: RunningLegato, run: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = shown(legato, run, "/answers?limit=100")["data"]
    return found


def test_two_versions_are_compared_case_by_case(legato: RunningLegato) -> None:
    run = start(legato, against="production")
    assert ended(legato, run)["status"] == "done", shown(legato, run)
    grid = shown(legato, run, "/grid")
    candidate, production = grid["cells"]
    by_name = {one["scorer"]: one for one in candidate["ratings"]}
    assert by_name["json"]["mean"] == 1.0
    assert candidate["accepted"] == production["accepted"] == len(CASES) - 1
    difference = next(one for one in grid["differences"] if one["scorer"] == "json")
    # 60 euros alone are treated otherwise
    assert difference["difference"] == pytest.approx(1 / len(CASES), abs=1e-6)
    assert difference["low"] < difference["difference"] < difference["high"]
    accepted = amount(candidate["cost_usd"]) / candidate["accepted"]
    assert int(amount(candidate["cost_per_accepted_usd"])) == round(accepted)
    assert within(30, lambda: shown(legato, run, "/grid")["ledger"]["cost_usd"] == grid["cost_usd"])
    assert amount(grid["cost_usd"]) > 0
    assert not (legato.data.parent / "till.txt").exists(), "an evaluation paid somebody"


def test_a_case_is_a_run_that_nobody_was_asked_of(legato: RunningLegato) -> None:
    run = start(legato)
    ended(legato, run)
    found = next(one for one in answers(legato, run) if one["text"].find("900") > 0)
    shown_run = legato.get(f"/api/v1/workflow-runs/{found['request_id']}", ADMIN).json
    assert shown_run["run"]["test"]
    assert shown_run["run"]["origin"] == "evaluation"
    steps = {one["node"]: one for one in shown_run["steps"] if not one["name"]}
    assert steps["ask"]["lineage"]["deciders"] == [f"evaluation:{run['id']}"]
    assert steps["ask"]["port"] == "rejected"
    assert steps["who"]["output"] == {"known": True}, "an allowed tool is called"
    assert legato.get("/api/v1/tasks", ADMIN).json["data"] == []
    assert legato.get("/api/v1/workflow-dead-letters", ADMIN).json["data"] == []


def test_what_a_case_leaves_out_fails_it_and_says_so(legato: RunningLegato) -> None:
    silent = {"input": {"variables": {"text": "300 euros"}}, "given": {"tools": {"pay": None}}}
    unpaid = {"input": {"variables": {"text": "20 euros"}}}
    odd = {"input": {"variables": {"text": "301 euros"}}, "given": {"decisions": {"ask": "x"}}}
    wrong = {"input": {"variables": {"amount": 20}}}
    keep(legato, "gaps", [silent, unpaid, wrong])
    run = start(legato, suite={"dataset": "gaps"})
    assert ended(legato, run)["failed"] == 3
    found = {one["error"]: one["told"] for one in answers(legato, run) if one["error"]}
    told = "\n".join(one["told"] for one in answers(legato, run))
    assert "given.decisions.ask: say what people decide of 'Pay it?'" in told
    assert "given.tools.pay: say what it answers, or let the suite's `tools` name it" in told
    assert found["invalid_request"].startswith("input:")
    file = legato.data.parent / "odd.jsonl"
    file.write_text(json.dumps(odd))
    with pytest.raises(AssertionError, match=r"given\.decisions"):
        legato.command("datasets", "import", "odd", str(file))


def test_the_gate_decides_by_the_exit_status(legato: RunningLegato, tmp_path: Path) -> None:
    suite = tmp_path / "suite.yaml"
    scorers = [{"use": "json", "fail_under": 0.6}]
    suite.write_text(json.dumps({**SUITE, "scorers": scorers, "regress_max": 0.5}))
    command = [sys.executable, "-m", "legato", "eval", "run", str(suite), "--data"]
    command += [str(legato.data), "--against", "production", "--undecided", "pass"]

    def run(*more: str) -> subprocess.CompletedProcess[str]:
        environment = legato.environment | {"LEGATO_KEY": ADMIN}
        return subprocess.run(
            [*command, *more], env=environment, capture_output=True, text=True, check=False
        )

    good = run()
    assert good.returncode == 0, good.stderr
    assert "workflow/refunds@" in good.stdout
    assert "reckoned by what a run likely costs" in good.stderr
    bad = run("--fail-under", "json=1", "--undecided", "fail")
    assert bad.returncode == 1, bad.stdout + bad.stderr


def test_a_killed_evaluation_asks_no_finished_case_again(legato: RunningLegato) -> None:
    run = start(legato, suite={"repetitions": 4, "concurrency": 2})
    assert within(60, lambda: shown(legato, run)["done"] >= 3)
    legato.kill()
    legato.start()
    assert ended(legato, run)["status"] == "done"
    begun = "SELECT count(*) AS n FROM workflow_run WHERE author = ?"
    assert legato.query(begun, f"evaluation:{run['id']}") == [{"n": 4 * len(CASES)}]


def test_who_may_start_no_workflow_evaluates_none(legato: RunningLegato) -> None:
    key = legato.create_key(
        "--team", "a", "--feature", "b", "--permission", "evaluation:run:create"
    )
    body = {"suite": SUITE}
    answer = legato.post("/api/v1/evaluations", body, key["secret"])
    assert answer.status == 403, answer.body


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"models": ["chat"]}, "models"),
        ({"parameters": {"temperature": 0}}, "parameters"),
        ({"workflows": []}, "tools"),
        ({"workflows": ["nothing"]}, "nothing"),
    ],
)
def test_a_suite_that_means_nothing_is_refused(
    legato: RunningLegato, changed: dict[str, Any], field: str
) -> None:
    answer = legato.post("/api/v1/evaluations", {"suite": SUITE | changed}, ADMIN)
    assert answer.status in {400, 404}
    assert field in str(answer.json)
