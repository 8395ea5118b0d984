from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Legato

CONFIG = """
config_version: 1
providers: [{name: sim, kind: simulated}]
deployments:
  - {name: small, provider: sim, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
routes: [{alias: chat, deployments: [small]}]
"""
GREETING = """
kind: prompt
name: greeting
labels: LABELS
spec: {messages: [{role: user, content: TEXT}], route: chat}
"""
PLAN = """
steps: [{share_bp: 500, for_s: 60}]
gates: [{metric: cost, tolerated: 0.1}]
"""


class Runner:
    def __init__(self, legato: Legato, place: Path) -> None:
        self.legato, self.place = legato, place
        self.write("legato.yaml", CONFIG)

    def write(self, name: str, text: str) -> Path:
        (self.place / name).write_text(text)
        return self.place / name

    def __call__(self, *words: object, status: int = 0) -> str:
        where = ("--config", self.place / "legato.yaml", "--data", self.place / "data")
        done = self.legato(*map(str, (*words, *where)))
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr


@pytest.fixture
def run(legato: Legato, tmp_path: Path) -> Runner:
    runner = Runner(legato, tmp_path)
    for labels, text in (("[production]", "Hello."), ("[]", "Welcome.")):
        document = GREETING.replace("LABELS", labels).replace("TEXT", text)
        runner("registry", "save", runner.write("greeting.yaml", document))
    return runner


EXPERIMENT = """
mode: experiment
goal: cost
steps: [{share_bp: 1000, for_s: 60}]
"""


def test_an_experiment_is_begun_and_one_of_its_arms_promoted(run: Runner) -> None:
    document = GREETING.replace("LABELS", "[]").replace("TEXT", "Hi.")
    run("registry", "save", run.write("greeting.yaml", document))
    plan = run.write("plan.yaml", EXPERIMENT)
    both = ("prompt:greeting@2", "prompt:greeting@3")
    assert "10 % of callers" in run("rollouts", "start", *both, "--plan", plan)
    (listed,) = json.loads(run("rollouts", "list", "--json"))
    assert [(one["name"], one["share_bp"]) for one in listed["arms"]] == [
        ("champion", 9000),
        ("v2", 500),
        ("v3", 500),
    ]
    assert "name one of v2, v3" in run("rollouts", "promote", listed["id"], status=1)
    assert "promoted" in run("rollouts", "promote", listed["id"], "--arm", "v3")
    assert "Hi." in run("registry", "show", "prompt:greeting")


def test_a_rollout_of_a_guarded_label_waits_for_another_to_approve(run: Runner) -> None:
    run.write("legato.yaml", CONFIG + "registry: {approvals: [{labels: [production]}]}\n")
    plan = run.write("plan.yaml", PLAN)
    begun = ("rollouts", "start", "prompt:greeting@2", "--plan", plan, "--author", "ada")
    assert "waiting, 0 % of callers" in (said := run(*begun))
    (listed,) = json.loads(run("rollouts", "list", "--json"))
    approve = ("registry", "approve", listed["id"])
    assert f"`legato {' '.join(approve)}`" in said
    assert "canary of " in run("registry", "moves", "--pending")
    assert "can't approve it" in run(*approve, "--author", "ada", status=1)
    assert "waits for others to approve" in run("rollouts", "pause", listed["id"], status=1)
    assert f"by rollout {listed['id']}  approved" in run(*approve, "--author", "ben")
    shown = json.loads(run("rollouts", "show", listed["id"], "--json"))
    assert (shown["phase"], shown["share_bp"], shown["approvals"]) == ("running", 500, 1)
    assert [(one["action"], one["actor"]) for one in shown["events"]] == [
        ("ask", "operator:ada"),
        ("approve", "operator:ben"),
        ("start", "operator:ben"),
    ]
    assert "isn't at its end" in run("rollouts", "promote", listed["id"], status=1)
    assert "aborted" in run("rollouts", "abort", listed["id"])


def test_a_rollout_is_shown_as_it_was_planned_and_where(run: Runner) -> None:
    plan = run.write("plan.yaml", PLAN)
    run("registry", "label", "prompt:greeting@1", "production", "--environment", "trial")
    run("rollouts", "start", "prompt:greeting@2", "--plan", plan, "--environment", "trial")
    assert "prompt/greeting@production (trial)" in run("rollouts", "list")
    (listed,) = json.loads(run("rollouts", "list", "--json"))
    lines = dict(
        line.split(maxsplit=1)
        for line in run("rollouts", "show", listed["id"]).splitlines()
        if line.startswith(("plan ", "phase ", "ended ")) and len(line.split(maxsplit=1)) > 1
    )
    assert json.loads(lines["plan"])["gates"] == listed["plan"]["gates"]
    assert (lines["phase"], "ended" in lines) == ("running", False)
    assert "aborted" in run("rollouts", "abort", listed["id"], "--author", "ben")
    assert "has ended (aborted)" in run("rollouts", "pause", listed["id"], status=1)
