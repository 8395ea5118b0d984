"""Deciding on proposals beside approvals, other people and other changes."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from running import ADMIN, Answer, RunningLegato, within

from legato.core.clock import ManualClock, SystemClock
from legato.core.ids import IdSource
from legato.core.tenant import Tenant
from legato.storage.database.engine import open_engine
from legato.storage.registry.proposals import ACCEPTING, ProposalStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

V1 = "/api/v1"
CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
cache: {enabled: false}
registry: {approvals: [{kinds: [route]}]}
providers: [{name: up, kind: simulated}]
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
"""
PRICE = {"input_per_mtok": "1", "output_per_mtok": "2"}
DEAREST = {"input_per_mtok": "3", "output_per_mtok": "6"}
FACTS = """\
facts:
  - {kind: price, deployment: fast, price: {input_per_mtok: "2", output_per_mtok: "4"},
     source: "https://vendor.example/prices"}
  - {kind: price, deployment: fast, price: {input_per_mtok: "3", output_per_mtok: "6"},
     source: "https://vendor.example/prices"}
  - kind: model
    deployment: fast
    new: {name: newer, provider: up, model: m2, price: {input_per_mtok: "1", output_per_mtok: "1"}}
    latency: {deployment: newer, like: fast}
    source: "https://vendor.example/models"
"""


@pytest.fixture(scope="module")
def legato(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    """A server with a deployment and a guarded route in the registry, and calls of it."""
    running = RunningLegato(tmp_path_factory.mktemp("decided"), CONFIG)
    save(running, "deployment", "fast", provider="up", model="m1", price=PRICE)
    save(running, "route", "support", deployments=["fast"])
    approve(running)
    assert within(3.0, lambda: running.chat("support").status == 200)
    running.entries(running.chat("support").request_id)
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def scanned(legato: RunningLegato, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The ids of a price's proposal, of another's, and of a new model's."""
    facts: Path = tmp_path_factory.mktemp("facts") / "facts.yaml"
    facts.write_text(FACTS)
    made = json.loads(legato.command("proposals", "scan", "--facts", str(facts), "--json"))
    assert all(one["figures"] for one in made)
    return [one["id"] for one in made]


def save(legato: RunningLegato, kind: str, name: str, **spec: Any) -> None:
    body = {"spec": spec, "labels": ["production"], "reason": "test"}
    answer = legato.post(f"{V1}/registry/objects/{kind}/{name}/versions", body, ADMIN)
    assert answer.status == 201, answer.body


def approve(legato: RunningLegato) -> None:
    """Let somebody else approve the one move that waits."""
    listed = legato.command("registry", "moves", "--pending", "--org", "", "--json")
    (move,) = json.loads(listed)
    legato.command("registry", "approve", move["id"], "--org", "", "--author", "bob")


def decide(legato: RunningLegato, command: str, proposal_id: str) -> Answer:
    return legato.post(f"{V1}/proposals/{proposal_id}/{command}", {"reason": "test"}, ADMIN)


def live(legato: RunningLegato, name: str) -> Any:
    text = legato.command("registry", "show", f"{name}@production", "--json")
    return json.loads(text)["spec"]


def state(legato: RunningLegato, proposal_id: str) -> str:
    told: str = legato.get(f"{V1}/proposals/{proposal_id}", ADMIN).json["proposal"]["state"]
    return told


def test_a_new_model_goes_in_front_once_others_approve_and_can_be_taken_back(
    legato: RunningLegato, scanned: list[str]
) -> None:
    model = scanned[2]
    accepted = decide(legato, "accept", model)
    assert accepted.status == 200, accepted.body
    assert accepted.json["applied"] == [
        "deployment:newer has moved in the registry",
        "route:support waits for approval",
    ]
    assert live(legato, "route:support")["deployments"] == ["fast"]
    approve(legato)
    assert live(legato, "route:support")["deployments"] == ["newer", "fast"]
    told = within(3.0, lambda: "newer" in str(legato.chat("support").headers))
    assert told

    asked = decide(legato, "revert", model)
    assert asked.status == 409, asked.body
    assert state(legato, model) == "accepted"
    approve(legato)
    reverted = decide(legato, "revert", model)
    assert reverted.json["applied"] == [
        "route:support is so already",
        "deployment:newer has moved in the registry",
    ]
    assert state(legato, model) == "open"
    assert live(legato, "route:support")["deployments"] == ["fast"]


def test_of_people_who_accept_at_once_one_does(legato: RunningLegato, scanned: list[str]) -> None:
    with ThreadPoolExecutor(6) as people:
        answers = list(people.map(lambda _: decide(legato, "accept", scanned[0]), range(6)))
    assert sorted(one.status for one in answers) == [200, 409, 409, 409, 409, 409]
    assert live(legato, "deployment:fast")["price"]["input_per_mtok"] == "2"
    shown = legato.get(f"{V1}/proposals/{scanned[0]}", ADMIN).json
    assert [one["action"] for one in shown["events"]] == ["proposed", "accepted"]


def test_what_somebody_changed_since_is_not_overwritten(
    legato: RunningLegato, scanned: list[str]
) -> None:
    price = {"input_per_mtok": "7", "output_per_mtok": "7"}
    save(legato, "deployment", "fast", provider="up", model="m1", price=price)
    refused = decide(legato, "accept", scanned[1])
    assert refused.status == 409
    assert "deployment fast was changed since: scan again" in refused.error["message"]
    assert state(legato, scanned[1]) == "open"
    assert decide(legato, "revert", scanned[0]).status == 409
    assert state(legato, scanned[0]) == "accepted"
    assert live(legato, "deployment:fast")["price"]["input_per_mtok"] == "7"


def test_what_somebody_died_over_is_finished_by_the_next(
    legato: RunningLegato, scanned: list[str]
) -> None:
    first = {"provider": "up", "model": "m1", "price": PRICE}
    save(legato, "deployment", "fast", **first)
    engine = open_engine(f"sqlite:///{legato.data / 'legato.db'}")
    clock = ManualClock(SystemClock().now_ns() - 61 * 10**9)
    ProposalStore(engine, clock, IdSource(clock), Tenant("default")).begin(scanned[1], ACCEPTING)
    engine.dispose()
    save(legato, "deployment", "fast", **{**first, "price": DEAREST})
    assert state(legato, scanned[1]) == "accepting"
    finished = decide(legato, "accept", scanned[1])
    assert finished.json["applied"] == ["deployment:fast is so already"], finished.body
    assert state(legato, scanned[1]) == "accepted"
