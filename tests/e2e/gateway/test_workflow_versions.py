"""Versions of workflows at a running program: canary, experiment, rollback; runs keep theirs."""

from __future__ import annotations

import json
from collections import Counter
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from running import ADMIN, RunningLegato, within

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.timeout(300)
CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
providers: [{name: up, kind: simulated}]
deployments:
  - {name: small, provider: up, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
"""
REGISTRY = "/api/v1/registry"
RUNS = "/api/v1/workflow-runs"
RUN_S, WATCHED_S = 30.0, 60.0


@pytest.fixture(scope="module")
def legato(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    running = RunningLegato(tmp_path_factory.mktemp("versions"), CONFIG)
    yield running
    assert running.stop() == 0


class Flow:
    """A workflow of the registry whose first version is live."""

    def __init__(self, legato: RunningLegato, name: str, *nodes: list[dict[str, Any]]) -> None:
        self.legato, self.name = legato, name
        for number, one in enumerate(nodes, start=1):
            labels = {"labels": ["production"]} if number == 1 else {}
            body = {"spec": {"nodes": one}, **labels}
            path = f"{REGISTRY}/objects/workflow/{name}/versions"
            saved = legato.post(path, body, ADMIN)
            assert saved.status == 201, saved.body

    def start(self, user: str = "", ref: str = "") -> str:
        answer = self.legato.post(RUNS, {"workflow": ref or self.name, "user": user}, ADMIN)
        assert answer.status == 201, answer.body
        run_id: str = answer.json["id"]
        return run_id

    def called(self, user: str) -> str:
        """Begin a run as an application does."""
        answer = self.legato.post(f"/v1/workflows/{self.name}/runs", {"user": user}, ADMIN)
        assert answer.status in {200, 201, 202}, answer.body
        run_id: str = answer.json["id"]
        return run_id

    def ended(self, run_id: str) -> dict[str, Any]:
        def over() -> dict[str, Any] | None:
            run: dict[str, Any] = self.legato.get(f"{RUNS}/{run_id}", ADMIN).json["run"]
            return run if run["status"] in {"done", "failed"} else None

        run = within(RUN_S, over)
        assert run, "the run doesn't end"
        found: dict[str, Any] = run
        return found

    def says(self, user: str = "", ref: str = "") -> Any:
        return self.ended(self.start(user, ref))["output"]

    def point(self, version: int) -> None:
        body = {"label": "production", "version": str(version)}
        path = f"{REGISTRY}/objects/workflow/{self.name}/labels"
        assert self.legato.post(path, body, ADMIN).status < 300

    def roll_out(self, candidates: dict[str, Any], **plan: Any) -> str:
        wish = {"kind": "workflow", "name": self.name, **candidates, "plan": plan}
        begun = self.legato.post(f"{REGISTRY}/rollouts", wish, ADMIN)
        assert begun.status == 201, begun.body
        rollout_id: str = begun.json["id"]
        return rollout_id

    def steer(self, rollout_id: str, command: str) -> None:
        path = f"{REGISTRY}/rollouts/{rollout_id}/steer"
        assert self.legato.post(path, {"command": command}, ADMIN).status == 200

    def rollout(self, rollout_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.legato.get(f"{REGISTRY}/rollouts/{rollout_id}", ADMIN).json
        return found


def saying(what: str) -> list[dict[str, Any]]:
    return [{"kind": "set", "id": "says", "value": what}]


def hearing(what: str) -> list[dict[str, Any]]:
    return [
        {"kind": "listen", "id": "go", "event": "go"},
        {"kind": "set", "id": "says", "value": what, "after": ["go"]},
    ]


FAILING = [{"kind": "raise", "id": "no", "code": "no", "message": "no"}]


def test_a_run_ends_on_the_version_it_began_with(legato: RunningLegato) -> None:
    flow = Flow(legato, "kept", hearing("one"), hearing("two"))
    old = flow.start()
    assert within(RUN_S, lambda: legato.get(f"{RUNS}/{old}", ADMIN).json["waits"])
    flow.point(2)
    assert legato.stop() == 0
    legato.start()
    new = flow.start()
    for run_id in (old, new):
        assert legato.post(f"{RUNS}/{run_id}/signals", {"topic": "go"}, ADMIN).status == 200
    assert [flow.ended(one)["output"] for one in (old, new)] == ["one", "two"]


def test_a_label_is_taken_back_by_a_command(legato: RunningLegato) -> None:
    flow = Flow(legato, "back", saying("one"), saying("two"))
    flow.point(2)
    assert flow.says() == "two"
    legato.command("rollback", "workflow:back", "--reason", "too brisk")
    assert flow.says() == "one"
    assert flow.says(ref="back@2") == "two"


def test_users_keep_their_arm_of_a_canary(legato: RunningLegato) -> None:
    flow = Flow(legato, "canary", saying("old"), saying("new"))
    rollout_id = flow.roll_out({"candidate": "2"}, steps=[{"share_bp": 5000, "for_s": 3600}])
    users = [f"u{number}" for number in range(16)]
    assert within(10, lambda: {flow.says(user) for user in users[:8]} == {"old", "new"})
    first = {user: flow.says(user) for user in users}
    assert {user: flow.says(user) for user in users} == first
    flow.steer(rollout_id, "abort")
    assert within(10, lambda: {flow.says(user) for user in users[:8]} == {"old"})


def test_an_experiment_has_several_candidates(legato: RunningLegato) -> None:
    flow = Flow(legato, "several", saying("old"), saying("a"), saying("b"))
    candidates = {"candidates": ["2", "3"]}
    plan = {"mode": "experiment", "goal": "errors", "steps": [{"share_bp": 7000, "for_s": 3600}]}
    rollout_id = flow.roll_out(candidates, **plan)
    said: Counter[str] = Counter()
    users = count()

    def all_said() -> bool:
        said[flow.says(f"u{next(users)}")] += 1
        return set(said) == {"old", "a", "b"}

    assert within(RUN_S, all_said)
    flow.steer(rollout_id, "abort")


@pytest.mark.parametrize("way", ["start", "called"])
def test_a_candidate_whose_runs_fail_is_taken_back(legato: RunningLegato, way: str) -> None:
    flow = Flow(legato, f"harmful-{way}", saying("fine"), FAILING)
    begin = getattr(flow, way)
    gates = [{"metric": "errors"}]
    rollout_id = flow.roll_out(
        {"candidate": "2"}, steps=[{"share_bp": 5000, "for_s": 3600}], gates=gates
    )
    users = count()

    def taken_back() -> bool:
        started = [begin(f"user {next(users)}") for _ in range(20)]
        for one in started:
            flow.ended(one)
        return bool(flow.rollout(rollout_id)["rollout"]["phase"] == "rolled_back")

    assert within(WATCHED_S, taken_back)
    last = flow.rollout(rollout_id)["events"][-1]
    assert last["action"] == "roll_back"
    assert json.dumps(last["evidence"]).count('"errors"') == 1
    assert within(10, lambda: {flow.says(f"u{number}") for number in range(8)} == {"fine"})
