"""A canary of a model behind an alias, on two workers: sticky, and taken back where it fails."""

from __future__ import annotations

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

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
retry: {attempts_max: 1}
cache: {enabled: false}
breaker: {failures: 1000, window_calls: 1000}
providers:
  - {name: up, kind: openai_compatible, base_url: "RECORDER/v1"}
  - {name: gone, kind: openai_compatible, base_url: "http://127.0.0.1:9/v1"}
deployments:
  - {name: small, provider: up, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
  - {name: large, provider: up, model: n, price: {input_per_mtok: "1", output_per_mtok: "2"}}
  - {name: missing, provider: gone, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
"""
V1 = "/api/v1/registry"
TAKEN_ON_S = 20
USERS = [f"u{number}" for number in range(40)]


@pytest.fixture(scope="module")
def legato(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    with Recorder() as recorder:
        config = CONFIG.replace("RECORDER", recorder.url)
        running = RunningLegato(tmp_path_factory.mktemp("routes"), config, workers=2)
        yield running
        assert running.stop() == 0


class Alias:
    """A route with a live version, and one that may take its place."""

    def __init__(self, legato: RunningLegato, name: str, deployment: str, candidate: str) -> None:
        self.legato, self.name = legato, name
        self.old = self.save("production", deployments=[deployment])
        self.new = self.save(deployments=[candidate])

    def save(self, *labels: str, **spec: Any) -> str:
        path = f"{V1}/objects/route/{self.name}/versions"
        answer = self.legato.post(path, {"spec": spec, "labels": labels}, ADMIN)
        assert answer.status == 201, answer.body
        return f"route/{self.name}@{answer.json['version']['digest'][:12]}"

    def roll_out(self, **plan: Any) -> str:
        wish = {"kind": "route", "name": self.name, "candidate": "2", "plan": plan}
        begun = self.legato.post(f"{V1}/rollouts?org=", wish, ADMIN)
        assert begun.status == 201, begun.body
        rollout_id: str = begun.json["id"]
        return rollout_id

    def call(self, user: str) -> tuple[int, str]:
        answer = self.legato.chat(self.name, key=CALLER, user=user)
        return answer.status, answer.headers.get("x-legato-versions", "")

    def chosen(self) -> dict[str, str]:
        return {user: self.call(user)[1] for user in USERS}


def settled(alias: Alias) -> bool:
    """Whether both workers divide callers, and alike."""
    return len(set((first := alias.chosen()).values())) == 2 and alias.chosen() == first


def test_users_keep_their_version_of_a_route(legato: RunningLegato) -> None:
    alias = Alias(legato, "sticky", "small", "large")
    assert within(3, lambda: set(alias.chosen().values()) == {alias.old})
    rollout_id = alias.roll_out(steps=[{"share_bp": 5000, "for_s": 3600}])
    assert within(5, lambda: settled(alias))
    assert set(alias.chosen().values()) == {alias.old, alias.new}

    def arms() -> set[tuple[str, str, str]]:
        rows = legato.query(
            "SELECT arm, versions, deployment FROM ledger_entry WHERE arm LIKE ?",
            f"{rollout_id}/%",
        )
        return {(row["arm"], row["versions"], row["deployment"]) for row in rows}

    assert within(5, lambda: len(arms()) == 2)
    assert arms() == {
        (f"{rollout_id}/champion", alias.old, "small"),
        (f"{rollout_id}/candidate", alias.new, "large"),
    }
    aborted = legato.command("rollouts", "abort", rollout_id)
    assert "aborted" in aborted
    assert within(3, lambda: set(alias.chosen().values()) == {alias.old})


def test_a_model_that_fails_is_taken_back(legato: RunningLegato) -> None:
    alias = Alias(legato, "harmful", "small", "missing")
    assert within(3, lambda: set(alias.chosen().values()) == {alias.old})
    rollout_id = alias.roll_out(
        steps=[{"share_bp": 3000, "for_s": 3600}], gates=[{"metric": "errors"}]
    )
    users = count()

    def taken_back() -> bool:
        for _ in range(60):
            alias.call(f"user {next(users)}")
        shown = legato.get(f"{V1}/rollouts/{rollout_id}?org=", ADMIN).json
        return bool(shown["rollout"]["phase"] == "rolled_back")

    assert within(TAKEN_ON_S, taken_back)
    assert within(3, lambda: all(alias.call(user)[0] == 200 for user in USERS))


def test_what_callers_are_not_divided_on_is_refused(legato: RunningLegato) -> None:
    path = f"{V1}/objects/deployment/lone/versions"
    for model in ("m", "n"):
        spec = {"provider": "up", "model": model}
        body = {"spec": spec, "labels": ["production"] if model == "m" else []}
        assert legato.post(path, body, ADMIN).status == 201
    plan = {"steps": [{"share_bp": 100, "for_s": 60}]}
    wish = {"kind": "deployment", "name": "lone", "candidate": "2", "plan": plan}
    refused = legato.post(f"{V1}/rollouts?org=", wish, ADMIN)
    assert refused.status == 400
    assert "callers are divided on routes" in refused.error["message"]
