"""What a vendor announces becomes a proposal with figures; accepting it moves the registry."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from running import ADMIN, RunningLegato, within

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
cache: {enabled: false}
providers: [{name: up, kind: simulated}]
deployments:
  - {name: small, provider: up, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
routes:
  - {alias: chat, deployments: [small]}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
"""
OBJECTS = "/api/v1/registry/objects"
PRICE = {"input_per_mtok": "1", "output_per_mtok": "2"}
FACTS = """\
facts:
  - {kind: price, deployment: fast, price: {input_per_mtok: "2", output_per_mtok: "4"},
     source: "https://vendor.example/prices"}
  - {kind: price, deployment: fast, factor: 3, day: "2999-01-01",
     source: "https://vendor.example/prices"}
  - {kind: deprecation, deployment: fast, day: "2026-12-31", replacement: small,
     source: "https://vendor.example/ends"}
  - {kind: deprecation, deployment: small, day: "2026-12-31", replacement: fast,
     source: "https://vendor.example/ends"}
"""


@pytest.fixture(scope="module")
def legato(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    """A server whose registry has a deployment and a route, with ten calls of it."""
    running = RunningLegato(tmp_path_factory.mktemp("proposals"), CONFIG, workers=1)
    save(running, "deployment", "fast", provider="up", model="m1", price=PRICE)
    save(running, "route", "support", deployments=["fast"])
    assert within(2.0, lambda: running.chat("support").status == 200)
    for _ in range(8):
        assert running.chat("support").status == 200
    running.entries(running.chat("chat").request_id)
    yield running
    assert running.stop() == 0


def save(legato: RunningLegato, kind: str, name: str, **spec: Any) -> None:
    body = {"spec": spec, "labels": ["production"], "reason": "test"}
    answer = legato.post(f"{OBJECTS}/{kind}/{name}/versions", body, ADMIN)
    assert answer.status == 201, answer.body


def live(legato: RunningLegato, name: str) -> Any:
    text = legato.command("registry", "show", f"{name}@production", "--json")
    return json.loads(text)["spec"]


@pytest.fixture(scope="module")
def scanned(
    legato: RunningLegato, tmp_path_factory: pytest.TempPathFactory
) -> list[dict[str, Any]]:
    facts: Path = tmp_path_factory.mktemp("facts") / "facts.yaml"
    facts.write_text(FACTS)
    first = legato.command("proposals", "scan", "--facts", str(facts), "--json")
    again = legato.command("proposals", "scan", "--facts", str(facts), "--json")
    made: list[dict[str, Any]] = json.loads(again)
    assert [one["id"] for one in made] == [one["id"] for one in json.loads(first)]
    assert {one["revision"] for one in made} == {2}
    return made


def total(proposal: dict[str, Any], world: str) -> int:
    figures = proposal["figures"]
    told = figures["as_is"] if world == "as it is" else figures["candidates"][0]
    return int(told["groups"]["total"]["cost"])


def test_a_price_is_proposed_with_what_it_would_cost_and_can_be_accepted_and_taken_back(
    legato: RunningLegato, scanned: list[dict[str, Any]]
) -> None:
    price = scanned[0]
    before, after = total(price, "as it is"), total(price, "proposed")
    share = sum(e["cost"] for e in legato.query("SELECT cost FROM ledger_entry"))
    assert before == share
    assert before < after < 2 * before  # one call went to another deployment
    accepted = legato.command("proposals", "accept", price["id"], "--reason", "agreed")
    assert "deployment:fast has moved in the registry" in accepted
    assert live(legato, "deployment:fast")["price"]["output_per_mtok"] == "4"
    shown = json.loads(legato.command("proposals", "show", price["id"], "--json"))
    assert [one["action"] for one in shown["events"]] == ["proposed", "refreshed", "accepted"]
    assert shown["events"][-1]["reason"] == "agreed"
    assert "is open" in legato.command("proposals", "revert", price["id"])
    assert live(legato, "deployment:fast")["price"]["output_per_mtok"] == "2"


def test_a_price_of_later_waits_for_its_day(
    legato: RunningLegato, scanned: list[dict[str, Any]]
) -> None:
    with pytest.raises(AssertionError, match="in force from 2999-01-01 on"):
        legato.command("proposals", "accept", scanned[1]["id"])


def test_a_deprecation_changes_the_routes(
    legato: RunningLegato, scanned: list[dict[str, Any]]
) -> None:
    of_registry, of_file = scanned[2:4]
    legato.command("proposals", "accept", of_registry["id"])
    assert live(legato, "route:support")["deployments"] == ["small"]
    told = legato.command("proposals", "accept", of_file["id"])
    assert "The configuration file keeps these" in told
    assert "alias: chat" in told
    legato.command("proposals", "revert", of_file["id"])  # before anybody has changed the file
    listed = json.loads(legato.command("proposals", "list", "--state", "open", "--json"))
    assert of_file["id"] in [one["id"] for one in listed]
    legato.command("proposals", "accept", of_file["id"])
    back = legato.command("proposals", "revert", of_registry["id"])
    assert "route:support has moved in the registry" in back
    assert live(legato, "route:support")["deployments"] == ["fast"]


def test_a_rejection_keeps_its_reason(legato: RunningLegato, scanned: list[dict[str, Any]]) -> None:
    dear = scanned[1]["id"]
    with pytest.raises(AssertionError, match="needs its reason"):
        legato.command("proposals", "reject", dear)
    legato.command("proposals", "reject", dear, "--reason", "we leave before")
    listed = json.loads(legato.command("proposals", "list", "--state", "rejected", "--json"))
    assert [one["id"] for one in listed] == [dear]


def test_the_control_api_lists_shows_and_decides(
    legato: RunningLegato, scanned: list[dict[str, Any]]
) -> None:
    listed = legato.get("/api/v1/proposals?limit=3", ADMIN).json
    assert len(listed["data"]) == 3
    following = legato.get(f"/api/v1/proposals?cursor={listed['next_cursor']}", ADMIN).json
    ids = [one["id"] for one in (*listed["data"], *following["data"])]
    assert ids == sorted((one["id"] for one in scanned), reverse=True)
    place = f"/api/v1/proposals/{scanned[0]['id']}"
    accepted = legato.post(f"{place}/accept", {"reason": "by HTTP"}, ADMIN)
    assert accepted.status == 200, accepted.body
    assert accepted.json["proposal"]["state"] == "accepted"
    assert accepted.json["applied"] == ["deployment:fast has moved in the registry"]
    assert legato.post(f"{place}/reject", {"reason": "no"}, ADMIN).status == 409
    assert legato.post(f"{place}/revert", {"reason": ""}, ADMIN).json["proposal"]["state"] == "open"
    shown = legato.get(place, ADMIN).json
    assert shown["events"][-2]["reason"] == "by HTTP"
    assert shown["figures"]["closing"]["difference"] == 0
    reader = legato.create_key("--permission", "proposals:proposal:read")["secret"]
    assert legato.get(place, reader).status == 200
    assert legato.post(f"{place}/accept", {"reason": ""}, reader).status == 403
    stranger = legato.create_key("--org", "elsewhere", "--permission", "proposals:proposal:read")
    assert legato.get(place, stranger["secret"]).status == 404
    assert legato.get("/api/v1/proposals", stranger["secret"]).json["data"] == []
