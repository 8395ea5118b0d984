"""A holdout: some callers have the baseline for real, and the difference is measured."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from running import ADMIN, CALLER, Answer, RunningLegato, within

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
providers:
  - {name: up, kind: simulated}
deployments:
  - {name: small, provider: up, model: m, region: eu,
     price: {input_per_mtok: "1", output_per_mtok: "2"}}
  - {name: large, provider: up, model: n, price: {input_per_mtok: "10", output_per_mtok: "20"}}
routes:
  - {alias: chat, baseline: large, deployments: [small, large], cache: {enabled: true, ttl_s: 600}}
  - {alias: other, deployments: [small]}
  - {alias: bound, baseline: large, deployments: [small], require: {regions: [eu]}}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
"""
V1 = "/api/v1/holdouts"
SEEN_S = 10


@pytest.fixture(scope="module")
def legato(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    running = RunningLegato(tmp_path_factory.mktemp("holdouts"), CONFIG, workers=2)
    yield running
    assert running.stop() == 0


class Holdout:
    """A holdout of the route `chat`, whose cost was seen."""

    def __init__(self, legato: RunningLegato, share_bp: int) -> None:
        self.legato = legato
        begun = self.start(share_bp, "100000")
        assert begun.status == 201, begun.body
        self.id = begun.json["id"]

    def start(self, share_bp: int, accepted: str) -> Answer:
        body = {"route": "chat", "share_bp": share_bp, "accepted_usd_per_month": accepted}
        return self.legato.post(V1, body, ADMIN)

    def ask(self, user: str, question: str) -> str:
        """Ask as a user; return the request's id."""
        answer = self.legato.chat(question=question, user=user)
        assert answer.status == 200, answer.body
        return answer.headers["x-legato-request-id"]

    def is_known(self) -> bool:
        """Whether every worker puts calls into arms, as far as can be told."""
        ids = [self.ask("early", f"early {number}") for number in range(6)]
        return all(self.legato.entries(one)[0]["arm"].startswith(self.id) for one in ids)

    def rows(self) -> list[dict[str, Any]]:
        return self.legato.query(
            "SELECT request_id, end_user, arm, deployment, kind, cost, baseline_cost "
            "FROM ledger_entry WHERE arm LIKE ?",
            f"{self.id}/%",
        )

    def shown(self) -> dict[str, Any]:
        found: dict[str, Any] = self.legato.get(f"{V1}/{self.id}", ADMIN).json
        return found


def test_a_holdout_begins_when_its_cost_was_seen(legato: RunningLegato) -> None:
    estimate = f"{V1}/estimate?route=chat&share_bp=5000"
    assert legato.get(estimate, ADMIN).status == 409  # no traffic to tell from
    for number in range(5):
        assert legato.chat(question=f"before {number}").status == 200
    told = within(SEEN_S, lambda: (a := legato.get(estimate, ADMIN)).status == 200 and a.json)
    assert float(told["usd_per_month"]) > 0
    assert float(told["baseline_cost_usd"]) > 2 * float(told["cost_usd"])
    body = {"route": "chat", "share_bp": 5_000, "accepted_usd_per_month": "0.000000001"}
    refused = legato.post(V1, body, ADMIN)
    assert (refused.status, "a month" in str(refused.error)) == (409, True)


def test_callers_keep_their_arm_and_what_they_save_is_measured(legato: RunningLegato) -> None:
    holdout = Holdout(legato, 5_000)
    assert holdout.start(100, "100000").status == 409
    assert within(SEEN_S, holdout.is_known)
    users = [f"user {number}" for number in range(320)]
    asked = {holdout.ask(user, f"same for {user}") for _ in range(2) for user in users}
    assert within(SEEN_S, lambda: {row["request_id"] for row in holdout.rows()} >= asked)
    kinds: dict[str, set[str]] = {"holdout": set(), "treated": set()}
    arms: dict[str, set[str]] = {}
    for row in holdout.rows():
        name = row["arm"].partition("/")[2]
        kinds[name].add(row["kind"])
        arms.setdefault(row["end_user"], set()).add(name)
        held_out = name == "holdout"
        assert row["deployment"] == ("large" if held_out else "small")
        assert not held_out or row["cost"] == row["baseline_cost"]
    assert all(len(each) == 1 for each in arms.values())
    assert kinds == {"holdout": {"usage"}, "treated": {"usage", "cache"}}
    assert within(SEEN_S, lambda: holdout.shown()["statement"]["requests"] >= len(asked))
    _check_statement(holdout)


def _check_statement(holdout: Holdout) -> None:
    legato, shown = holdout.legato, holdout.shown()
    assert shown["headline"].startswith("measured: $"), shown
    relative = shown["statement"]["relative"]
    assert relative["low"] < relative["difference"] < relative["high"] < -0.5
    (cost,) = [one for one in shown["statement"]["metrics"] if one["metric"] == "cost"]
    for side in ("holdout", "treated"):
        entries = [one["cost"] for one in holdout.rows() if one["arm"].endswith(f"/{side}")]
        assert cost[side] == pytest.approx(sum(entries) / len(entries) * 1e-9)
    config = ("--config", str(legato.config))
    assert shown["headline"] in legato.command("holdout", "show", holdout.id, *config)
    stated = json.loads(legato.command("savings", "show", "--period", "7d", "--json", *config))
    assert stated["headline"].startswith("measured: $"), stated["headline"]
    (measured,) = stated["measured"]
    assert (measured["holdout_id"], measured["is_proven"]) == (holdout.id, True)
    assert {"errors", "latency"} <= {one["metric"] for one in measured["quality"]}
    assert sum(value for _, value in stated["bars"][:-1]) == stated["cost"] > 0
    assert "Every rule holds." in legato.command("ledger", "verify", *config)
    assert "different: 0\n" in legato.command("replay", *config)
    ended = legato.post(f"{V1}/{holdout.id}/end", b"", ADMIN)
    assert ended.status == 200, ended.body
    assert legato.post(f"{V1}/{holdout.id}/end", b"", ADMIN).status == 409
    (listed,) = json.loads(legato.command("holdout", "list", "--json", *config))
    assert (listed["id"], listed["ended"] is None) == (holdout.id, False)


def test_too_little_is_said_to_be_too_little(legato: RunningLegato) -> None:
    legato.chat(model="other")
    body = {"route": "other", "share_bp": 1_000, "accepted_usd_per_month": "1000"}
    begun = within(SEEN_S, lambda: (a := legato.post(V1, body, ADMIN)).status == 201 and a.json)
    shown = f"{V1}/{begun['id']}"
    assert legato.get(shown, ADMIN).json["headline"] == "not measured yet"

    def told() -> bool:
        legato.chat(model="other", user="somebody")
        return "more requests needed" in legato.get(shown, ADMIN).json["headline"]

    assert within(SEEN_S, told)
    assert legato.get(f"{V1}/{'0' * 32}", ADMIN).status == 404
    assert legato.get(V1, CALLER).status == 403


def test_nobody_is_held_out_to_where_their_data_may_not_go(legato: RunningLegato) -> None:
    for route in ("bound", "chat"):
        assert legato.chat(model=route).status == 200
        body = {"route": route, "share_bp": 5_000, "accepted_usd_per_month": "100000"}
        assert within(SEEN_S, lambda: legato.post(V1, body, ADMIN).status == 201)  # noqa: B023

    def is_known() -> bool:  # the one that began later
        row = legato.entries(legato.chat(user="marker").request_id)[0]
        return bool(row["arm"])

    assert all(within(SEEN_S, is_known) for _ in range(6))
    asked = [legato.chat(model="bound", user=f"user {number}").request_id for number in range(24)]
    rows = [legato.entries(one)[0] for one in asked]
    assert {(row["deployment"], row["arm"]) for row in rows} == {("small", "")}
