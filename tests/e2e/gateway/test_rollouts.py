"""Rollouts under running traffic, on two workers: taken on to the end, and taken back."""

from __future__ import annotations

import json
import sqlite3
import sys
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from running import ADMIN, CALLER, RunningLegato, within

sys.path.append(str(Path(__file__).parents[2]))
from kept_prompts import Recorder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from running import Answer

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
retry: {attempts_max: 1}
breaker: {failures: 1000, window_calls: 1000}
providers:
  - {name: up, kind: openai_compatible, base_url: "RECORDER/v1"}
  - {name: gone, kind: openai_compatible, base_url: "http://127.0.0.1:9/v1"}
deployments:
  - {name: small, provider: up, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
  - {name: missing, provider: gone, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
routes:
  - {alias: chat, deployments: [small], cache: {enabled: false}}
  - {alias: broken, deployments: [missing], cache: {enabled: false}}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
registry: {approvals: [{labels: [guarded]}]}
guardrails:
  policies:
    - name: staff
      attach: {routes: [prompt/telling]}
      rules: [{name: numbers, detect: {patterns: {staff: "staff-[0-9]{4}"}}, action: redact}]
"""
V1 = "/api/v1/registry"
TAKEN_ON_S = 20


def spec(text: str, route: str = "chat") -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text}], "route": route}


@pytest.fixture(scope="module")
def legato(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    with Recorder() as recorder:
        config = CONFIG.replace("RECORDER", recorder.url)
        running = RunningLegato(tmp_path_factory.mktemp("rollouts"), config, workers=2)
        yield running
        assert running.stop() == 0


class Prompt:
    """A prompt with a live version, and one that may take its place."""

    def __init__(
        self,
        legato: RunningLegato,
        name: str,
        candidate_route: str = "chat",
        candidate: str = "new",
    ) -> None:
        self.legato, self.name = legato, name
        path = f"{V1}/objects/prompt/{name}/versions"
        self.old = self.save(path, {"spec": spec("old"), "labels": ["production"]})
        self.new = self.save(path, {"spec": spec(candidate, candidate_route)})

    def save(self, path: str, body: Any) -> str:
        answer = self.legato.post(path, body, ADMIN)
        assert answer.status == 201, answer.body
        digest: str = answer.json["version"]["digest"]
        return digest

    def roll_out(self, *steps: dict[str, int], **plan: Any) -> str:
        wish = {"name": self.name, "candidate": "2", "plan": {"steps": steps, **plan}}
        begun = self.legato.post(f"{V1}/rollouts", wish, ADMIN)
        assert begun.status == 201, begun.body
        rollout_id: str = begun.json["id"]
        return rollout_id

    def call(self, user: str) -> tuple[int, str]:
        body = {"model": f"prompt:{self.name}", "user": user}
        answer = self.legato.post("/v1/chat/completions", body, CALLER)
        return answer.status, answer.headers.get("x-legato-versions", "")

    def served(self) -> bool:
        """Whether every worker knows it, as far as can be told."""
        return all(self.call("u")[0] == 200 for _ in range(12))

    def rollout(self, rollout_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.legato.get(f"{V1}/rollouts/{rollout_id}", ADMIN).json
        return found

    @property
    def live(self) -> int:
        shown = self.legato.get(f"{V1}/objects/prompt/{self.name}", ADMIN).json
        version: int = shown["labels"]["production"]
        return version


def phase(prompt: Prompt, rollout_id: str) -> str:
    found: str = prompt.rollout(rollout_id)["rollout"]["phase"]
    return found


def test_users_keep_their_arm_and_the_ledger_knows_it(legato: RunningLegato) -> None:
    prompt = Prompt(legato, "sticky")
    assert within(3, prompt.served)
    rollout_id = prompt.roll_out({"share_bp": 5000, "for_s": 3600})

    def chosen() -> dict[str, str]:
        return {f"u{number}": prompt.call(f"u{number}")[1] for number in range(40)}

    def settled() -> bool:  # on both workers
        return len(set((first := chosen()).values())) == 2 and chosen() == first

    assert within(5, settled)
    first = chosen()
    assert set(first.values()) == {f"prompt/sticky@{d[:12]}" for d in (prompt.old, prompt.new)}
    assert chosen() == first

    def arms() -> set[tuple[str, str]]:
        with sqlite3.connect(legato.data / "legato.db") as connection:
            rows = connection.execute(
                "SELECT arm, versions FROM ledger_entry WHERE arm LIKE ?", [f"{rollout_id}/%"]
            )
            return set(rows)

    assert within(5, lambda: len(arms()) == 2)
    assert arms() == {
        (f"{rollout_id}/champion", f"prompt/sticky@{prompt.old[:12]}"),
        (f"{rollout_id}/candidate", f"prompt/sticky@{prompt.new[:12]}"),
    }
    steer = f"{V1}/rollouts/{rollout_id}/steer"
    assert legato.post(steer, {"command": "abort"}, ADMIN).json["phase"] == "aborted"
    assert within(3, lambda: set(chosen().values()) == {f"prompt/sticky@{prompt.old[:12]}"})
    assert legato.post(steer, {"command": "resume"}, ADMIN).status == 400


def test_a_candidate_that_fails_is_taken_back(legato: RunningLegato) -> None:
    prompt = Prompt(legato, "harmful", "broken")
    assert within(3, prompt.served)
    rollout_id = prompt.roll_out({"share_bp": 3000, "for_s": 3600}, gates=[{"metric": "errors"}])
    assert within(3, lambda: any(prompt.call(f"u{number}")[0] != 200 for number in range(30)))

    users = count()

    def taken_back() -> bool:
        for _ in range(60):
            prompt.call(f"user {next(users)}")
        return phase(prompt, rollout_id) == "rolled_back"

    assert within(TAKEN_ON_S, taken_back)
    assert prompt.live == 1
    last = prompt.rollout(rollout_id)["events"][-1]
    assert (last["action"], last["actor"]) == ("roll_back", f"rollout:{rollout_id}")
    (evidence,) = last["evidence"]
    assert evidence["gate"]["metric"] == "errors"
    assert within(3, lambda: all(prompt.call(f"u{number}")[0] == 200 for number in range(30)))


def test_a_candidate_that_triggers_guardrails_is_taken_back(legato: RunningLegato) -> None:
    prompt = Prompt(legato, "telling", candidate="Ask staff-4711.")
    assert within(3, prompt.served)
    gates = [{"metric": "guardrail"}]
    rollout_id = prompt.roll_out({"share_bp": 3000, "for_s": 3600}, gates=gates)
    users = count()

    def taken_back() -> bool:
        for _ in range(60):
            assert prompt.call(f"user {next(users)}")[0] == 200
        return phase(prompt, rollout_id) == "rolled_back"

    assert within(TAKEN_ON_S, taken_back)
    assert prompt.live == 1
    (evidence,) = prompt.rollout(rollout_id)["events"][-1]["evidence"]
    assert evidence["gate"]["metric"] == "guardrail"


def test_a_good_candidate_goes_step_by_step_to_the_end(legato: RunningLegato) -> None:
    prompt = Prompt(legato, "good")
    assert within(3, prompt.served)
    steps = ({"share_bp": 2000, "samples_min": 20}, {"share_bp": 6000, "samples_min": 20})
    rollout_id = prompt.roll_out(*steps, gates=[{"metric": "errors"}])
    refused = legato.post(
        f"{V1}/objects/prompt/good/labels", {"label": "production", "version": "2"}, ADMIN
    )
    assert refused.status == 409

    def promoted() -> bool:
        for number in range(40):
            assert prompt.call(f"user {number}")[0] == 200
        return phase(prompt, rollout_id) == "promoted"

    assert within(TAKEN_ON_S * 2, promoted)
    assert prompt.live == 2
    assert [one["action"] for one in prompt.rollout(rollout_id)["events"]] == [
        "start",
        "advance",
        "promote",
    ]
    moves = legato.get(f"{V1}/moves?limit=1", ADMIN).json["data"]
    assert moves[0]["author"] == f"rollout:{rollout_id}"


def approver(legato: RunningLegato) -> str:
    """A key that may approve, other than the one that asks."""
    org = legato.get("/api/v1/organisations", ADMIN).json["data"][0]["id"]
    team = legato.get(f"/api/v1/organisations/{org}/teams", ADMIN).json["data"][0]["id"]
    feature = legato.get(f"/api/v1/teams/{team}/features", ADMIN).json["data"][0]["id"]
    wanted = {"feature_id": feature, "permissions": ["registry:move:approve"]}
    secret: str = legato.post("/api/v1/keys", wanted, ADMIN).json["secret"]
    assert within(3, lambda: legato.get("/api/v1/me", secret).status == 200)
    return secret


def test_nobody_has_the_candidate_before_another_approves(legato: RunningLegato) -> None:
    prompt, other = Prompt(legato, "careful"), approver(legato)

    def approve(move_id: str, secret: str = other) -> Answer:
        return legato.post(f"{V1}/moves/{move_id}/approve", {"reason": "read it"}, secret)

    def versions() -> set[str]:
        body = {"model": "prompt:careful@guarded"}
        answers = [legato.post("/v1/chat/completions", body, CALLER) for _ in range(12)]
        return {one.headers.get("x-legato-versions", "") for one in answers}

    labelled = {"label": "guarded", "version": "1"}
    path = f"{V1}/objects/prompt/careful"
    move = legato.post(f"{path}/labels", labelled, ADMIN).json["move"]
    assert approve(move["id"]).status == 200
    old, new = ({f"prompt/careful@{digest[:12]}"} for digest in (prompt.old, prompt.new))
    assert within(3, lambda: versions() == old)

    wish = {"name": "careful", "candidate": "2", "label": "guarded"}
    plan = {"steps": [{"share_bp": 10_000, "for_s": 3, "samples_min": 1}]}
    begun = legato.post(f"{V1}/rollouts", {**wish, "plan": plan}, ADMIN)
    assert (begun.status, begun.json["phase"], begun.json["share_bp"]) == (201, "waiting", 0)
    rollout_id = begun.json["id"]
    (asked,) = legato.get(f"{V1}/moves?state=pending", ADMIN).json["data"]
    assert (asked["id"], asked["rollout_digest"] is None) == (rollout_id, False)
    assert approve(rollout_id, ADMIN).status == 403
    assert versions() == old
    assert approve(rollout_id).json["state"] == "approved"
    assert within(3, lambda: versions() == new)
    steer = legato.post(f"{V1}/rollouts/{rollout_id}/steer", {"command": "promote"}, ADMIN)
    assert steer.status == 409
    assert within(TAKEN_ON_S, lambda: phase(prompt, rollout_id) == "promoted")
    assert legato.get(path, ADMIN).json["labels"] == {"production": 1, "guarded": 2}
    events = prompt.rollout(rollout_id)["events"]
    assert [one["action"] for one in events] == ["ask", "approve", "start", "promote"]


def test_an_experiment_takes_a_harmful_arm_out_and_proposes_another(
    legato: RunningLegato,
) -> None:
    prompt = Prompt(legato, "several")
    assert within(3, prompt.served)
    path = f"{V1}/objects/prompt/several/versions"
    prompt.save(path, {"spec": spec("broken", "broken")})
    plan = {
        "mode": "experiment",
        "goal": "cost",
        "steps": [{"share_bp": 6000, "for_s": 1, "samples_min": 20}],
        "gates": [{"metric": "errors"}],
    }
    wish = {"name": "several", "candidates": ["2", "3"], "plan": plan}
    begun = legato.post(f"{V1}/rollouts", wish, ADMIN)
    assert begun.status == 201, begun.body
    rollout_id = begun.json["id"]
    assert [one["share_bp"] for one in begun.json["arms"]] == [4000, 3000, 3000]
    users = [f"user {number}" for number in range(120)]
    assert within(3, lambda: any(prompt.call(user)[0] != 200 for user in users[:40]))

    def proposed() -> bool:
        for user in users:
            prompt.call(user)
        return phase(prompt, rollout_id) == "proposed"

    assert within(TAKEN_ON_S * 2, proposed)
    shown = prompt.rollout(rollout_id)
    assert [one["action"] for one in shown["events"]] == ["start", "take_out", "propose"]
    arms = {one["name"]: (one["share_bp"], one["out"]) for one in shown["rollout"]["arms"]}
    assert arms == {"champion": (7000, False), "v2": (3000, False), "v3": (0, True)}
    told = shown["rollout"]["told"]
    assert "none is proven better; v2: cost: " in told
    with sqlite3.connect(legato.data / "legato.db") as connection:
        rows = connection.execute(
            "SELECT unit, arm FROM arm_outcome WHERE rollout_id = ?", [rollout_id]
        )
        arms_of: dict[str, set[str]] = {}
        for unit, arm in rows:
            arms_of.setdefault(unit, set()).add(arm)
    moved = {frozenset(arms) for arms in arms_of.values() if len(arms) > 1}
    assert moved <= {frozenset({"v3", "champion"})}  # everybody else kept theirs
    steer = f"{V1}/rollouts/{rollout_id}/steer"
    assert legato.post(steer, {"command": "promote", "arm": "v3"}, ADMIN).status == 409
    assert legato.post(steer, {"command": "promote", "arm": "v2"}, ADMIN).status == 200
    assert prompt.live == 2


def test_a_plan_that_can_not_be_followed_is_refused(legato: RunningLegato) -> None:
    prompt = Prompt(legato, "refused")
    for plan, told in (
        ({"steps": []}, "steps"),
        ({"steps": [{"share_bp": 0, "for_s": 1}]}, "share_bp"),
        ({"steps": [{"share_bp": 10, "for_s": 1}], "gates": [{"metric": "colour"}]}, "colour"),
        ({"steps": [{"share_bp": 10, "for_s": 1, "colour": 1}]}, "colour"),
    ):
        wish = {"name": prompt.name, "candidate": "2", "plan": plan}
        answer = legato.post(f"{V1}/rollouts", wish, ADMIN)
        assert (answer.status, told in json.dumps(answer.error)) == (400, True), answer.body
