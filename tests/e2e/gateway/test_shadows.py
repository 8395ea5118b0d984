"""Shadows: copies of calls answered for nobody, paid for by themselves, harming nobody."""

from __future__ import annotations

import sys
import time
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from running import ADMIN, CALLER, Answer, RunningLegato, within

sys.path.append(str(Path(__file__).parents[2]))

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
retry: {attempts_max: 1}
server: {drain_s: 5}
providers:
  - {name: up, kind: simulated}
  - {name: slow, kind: simulated, settings: {latency_ms: 400}}
  - {name: gone, kind: openai_compatible, base_url: "http://127.0.0.1:9/v1"}
deployments:
  - {name: small, provider: up, model: m, max_output_tokens: 50,
     price: {input_per_mtok: "1", output_per_mtok: "2"}}
  - {name: sluggish, provider: slow, model: m, max_output_tokens: 50,
     price: {input_per_mtok: "3", output_per_mtok: "4"}}
  - {name: missing, provider: gone, model: m, max_output_tokens: 50,
     price: {input_per_mtok: "1", output_per_mtok: "2"}}
routes:
  - {alias: chat, deployments: [small], cache: {enabled: false}}
  - {alias: late, deployments: [sluggish], cache: {enabled: false}}
  - {alias: broken, deployments: [missing], cache: {enabled: false}}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY},
     budget: {usd: "100", window: day}}
"""
V1 = "/api/v1/registry"
SEEN_S = 10
LATE_S = 0.4


@pytest.fixture(scope="module")
def legato(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    running = RunningLegato(tmp_path_factory.mktemp("shadows"), CONFIG, workers=2)
    yield running
    assert running.stop() == 0


class Shadowed:
    """A prompt whose calls are copied to a version on another route."""

    def __init__(self, legato: RunningLegato, name: str, route: str, usd: str = "5") -> None:
        self.legato, self.name = legato, name
        path = f"{V1}/objects/prompt/{name}/versions"
        for text, to, labels in (("old", "chat", ["production"]), ("new", route, [])):
            spec = {"messages": [{"role": "user", "content": text}], "route": to}
            saved = legato.post(path, {"spec": spec, "labels": labels}, ADMIN)
            assert saved.status == 201, saved.body
        self.users = count()
        assert within(SEEN_S, lambda: all(self.ask().status == 200 for _ in range(12)))
        plan = {"mode": "shadow", "steps": [{"share_bp": 10_000, "for_s": 3600}],
                "budget_usd_per_day": usd}  # fmt: skip
        begun = legato.post(f"{V1}/rollouts", {"name": name, "candidate": "2", "plan": plan}, ADMIN)
        assert begun.status == 201, begun.body
        self.id = begun.json["id"]
        assert within(SEEN_S, lambda: [self.call() for _ in range(4)] and self.seen()["sent"])

    def call(self, **fields: Any) -> str:
        answer = self.ask(**fields)
        assert answer.status == 200, answer.body
        assert answer.headers["x-legato-versions"].startswith(f"prompt/{self.name}@")
        return answer.headers["x-legato-request-id"]

    def ask(self, **fields: Any) -> Answer:
        body = {"model": f"prompt:{self.name}", "user": f"u{next(self.users)}", **fields}
        return self.legato.post("/v1/chat/completions", body, CALLER)

    def seen(self) -> dict[str, Any]:
        found: dict[str, Any] = self.legato.get(f"{V1}/rollouts/{self.id}", ADMIN).json
        shadow: dict[str, Any] = found["shadow"]
        return shadow

    def copies(self) -> list[dict[str, Any]]:
        return self.legato.query("SELECT * FROM ledger_entry WHERE arm = ?", f"{self.id}/shadow")


def test_a_copy_is_answered_for_nobody_and_stands_in_the_books(legato: RunningLegato) -> None:
    shadowed = Shadowed(legato, "copied", "late")
    time.sleep(2 * LATE_S)  # until the copies of the first calls are answered: none is dropped
    live = [shadowed.call(stream=number % 2 == 0) for number in range(6)]

    def all_seen() -> bool:
        rows = legato.query(
            "SELECT live_request_id FROM shadow_outcome WHERE rollout_id = ?", shadowed.id
        )
        return {row["live_request_id"] for row in rows} >= set(live)

    assert within(SEEN_S, all_seen)

    def settled() -> bool:
        sent = shadowed.seen()["sent"]
        return bool(sent >= len(live) and len(shadowed.copies()) == sent)

    assert within(SEEN_S, settled)
    seen, copies = shadowed.seen(), shadowed.copies()
    assert {(one["kind"], one["baseline_cost"], one["deployment"]) for one in copies} == {
        ("shadow", 0, "sluggish")
    }
    assert {one["budget_id"] for one in copies} == {f"rollout:{shadowed.id}"}
    assert sum(one["cost"] for one in copies) == seen["cost"] > 0
    assert seen["failed"] == seen["live_failed"] == seen["unpriced"] == 0
    assert seen["mean_us"] > 400_000 > seen["live_mean_us"]
    assert 0 < seen["compared"] <= seen["sent"] - 3  # streams are not
    for request_id in live:
        (entry,) = legato.entries(request_id)
        assert (entry["kind"], entry["deployment"], entry["arm"]) == ("usage", "small", "")
    report = legato.command("ledger", "verify", "--config", str(legato.config))
    assert "Every rule holds." in report
    assert "different: 0\n" in legato.command("replay", "--config", str(legato.config))


def test_a_failing_shadow_fails_nobody(legato: RunningLegato) -> None:
    shadowed = Shadowed(legato, "failing", "broken")
    for _ in range(20):
        shadowed.call()
    assert within(SEEN_S, lambda: shadowed.seen()["failed"] >= 10)
    seen = shadowed.seen()
    assert (seen["live_failed"], seen["cost"], shadowed.copies()) == (0, 0, [])


def test_a_budget_ends_copies_and_no_call(legato: RunningLegato) -> None:
    shadowed = Shadowed(legato, "capped", "chat", usd="0.005")

    def refused() -> bool:
        for _ in range(10):
            shadowed.call()
        return bool(shadowed.seen()["over_budget"] >= 5)

    assert within(SEEN_S * 2, refused)
    assert sum(one["cost"] for one in shadowed.copies()) <= 5_000_000


def test_what_is_too_much_at_once_is_dropped_and_what_runs_is_drained_or_booked(
    tmp_path: Path,
) -> None:
    running = RunningLegato(tmp_path, CONFIG, workers=1)
    try:
        shadowed = Shadowed(running, "many", "late")
        for _ in range(40):
            shadowed.call()
        assert within(SEEN_S, lambda: shadowed.seen()["dropped"] >= 20)
        shadowed.call()
    finally:
        assert running.stop() == 0
    rows = running.query("SELECT status FROM shadow_outcome WHERE status <> 'dropped'")
    assert {row["status"] for row in rows} == {"ok"}
    assert len(rows) == len(shadowed.copies())


def test_a_shadow_without_a_budget_or_with_gates_is_refused(legato: RunningLegato) -> None:
    steps = [{"share_bp": 100, "for_s": 1}]
    for plan, told in (
        ({"mode": "shadow", "steps": steps}, "budget_usd_per_day"),
        ({"mode": "shadow", "steps": steps, "budget_usd_per_day": "x"}, "plan"),
        (
            {"mode": "shadow", "steps": steps, "budget_usd_per_day": 1,
             "gates": [{"metric": "errors"}]},
            "gates",
        ),
        ({"steps": steps, "budget_usd_per_day": 1}, "only a shadow"),
    ):  # fmt: skip
        wish = {"name": "copied", "candidate": "2", "plan": plan}
        answer = legato.post(f"{V1}/rollouts", wish, ADMIN)
        assert (answer.status, told in str(answer.error)) == (400, True), answer.body


def copied_to_route(legato: RunningLegato, name: str) -> str:
    """Save a route with a live version and one that gets copies; return the rollout's id."""
    path = f"{V1}/objects/route/{name}/versions"
    for deployment, labels in (("small", ["production"]), ("sluggish", [])):
        spec = {"deployments": [deployment], "cache": {"enabled": False}}
        saved = legato.post(path, {"spec": spec, "labels": labels}, ADMIN)
        assert saved.status == 201, saved.body
    plan = {"mode": "shadow", "steps": [{"share_bp": 10_000, "for_s": 3600}],
            "budget_usd_per_day": "5"}  # fmt: skip
    wish = {"kind": "route", "name": name, "candidate": "2", "plan": plan}
    begun = legato.post(f"{V1}/rollouts?org=", wish, ADMIN)
    assert begun.status == 201, begun.body
    rollout_id: str = begun.json["id"]
    return rollout_id


def copies_of(legato: RunningLegato, rollout_id: str) -> dict[str, dict[str, Any]]:
    """Return a rollout's copies by the call that each is of."""
    rows = legato.query("SELECT * FROM shadow_outcome WHERE rollout_id = ?", rollout_id)
    return {row["live_request_id"]: row for row in rows}


def test_a_version_of_a_route_gets_copies_and_keeps_no_response(legato: RunningLegato) -> None:
    rollout_id = copied_to_route(legato, "traced")

    def ask(path: str, **fields: Any) -> Answer:
        answer = legato.post(path, {"model": "traced", **fields}, CALLER)
        assert answer.status == 200, answer.body
        return answer

    chat = {"messages": [{"role": "user", "content": "hi"}]}

    def copying() -> bool:
        asked = [ask("/v1/chat/completions", **chat) for _ in range(4)]
        wanted = {one.headers["x-legato-request-id"] for one in asked}
        return within(2, lambda: wanted <= copies_of(legato, rollout_id).keys())

    def known() -> bool:
        return all(legato.chat("traced", key=CALLER).status == 200 for _ in range(12))

    assert within(SEEN_S, known)
    assert within(SEEN_S * 2, copying)
    time.sleep(2 * LATE_S)  # until the copies of the first calls are answered: none is dropped
    first = ask("/v1/responses", input="My name is Alice.")
    second = ask("/v1/responses", input="Who am I?", previous_response_id=first.json["id"])
    streamed = ask("/v1/responses", input="And now?", stream=True)
    wanted = {one.headers["x-legato-request-id"] for one in (first, second, streamed)}
    assert within(SEEN_S, lambda: wanted <= copies_of(legato, rollout_id).keys())
    told = [copies_of(legato, rollout_id)[one] for one in wanted]
    assert {one["status"] for one in told} == {"ok"}
    assert [one["agrees"] for one in told].count(None) == 1  # the stream

    def kept() -> set[str]:
        return {row["id"] for row in legato.query("SELECT id FROM stored_response")}

    assert within(SEEN_S, lambda: {first.json["id"], second.json["id"]} <= kept())
    assert within(SEEN_S, lambda: len(kept()) == 3)
    shown = legato.get(f"{V1}/rollouts/{rollout_id}?org=", ADMIN).json["shadow"]
    assert shown["sent"] + shown["dropped"] == len(copies_of(legato, rollout_id)) >= 7
    entries = legato.query("SELECT * FROM ledger_entry WHERE arm = ?", f"{rollout_id}/shadow")
    assert {(one["kind"], one["deployment"]) for one in entries} == {("shadow", "sluggish")}
    assert {one["budget_id"] for one in entries} == {f"rollout:{rollout_id}"}
    report = legato.command("ledger", "verify", "--config", str(legato.config))
    assert "Every rule holds." in report
    assert "different: 0\n" in legato.command("replay", "--config", str(legato.config))


def test_a_response_to_a_prompt_is_copied_with_what_it_follows(legato: RunningLegato) -> None:
    shadowed = Shadowed(legato, "followed", "chat")
    body = {"model": "prompt:followed", "input": "a"}
    asked: list[str] = []

    def copied() -> bool:  # each worker hears of the rollout by itself
        first = legato.post("/v1/responses", body, CALLER)
        follows = body | {"previous_response_id": first.json["id"]}
        second = legato.post("/v1/responses", follows, CALLER)
        assert second.status == 200, second.body
        asked[:] = [one.headers["x-legato-request-id"] for one in (first, second)]
        return within(2, lambda: set(asked) <= copies_of(legato, shadowed.id).keys())

    assert within(SEEN_S, copied)
    found = [copies_of(legato, shadowed.id)[one] for one in asked]
    assert {one["status"] for one in found} == {"ok"}
    (first,), (second,) = (legato.entries(one["request_id"]) for one in found)
    assert second["in_uncached"] > first["in_uncached"] > 0
