"""Budgets of their own, in a running server: whom they cover, what they do before the wall."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any

from running import ADMIN, within

if TYPE_CHECKING:
    from running import Answer, RunningLegato

WORKERS = 2
CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
cache: {enabled: false}
providers:
  - {name: open, kind: openai_compatible, base_url: "UPSTREAM/v1"}
deployments:
  - name: big
    provider: open
    model: m
    max_output_tokens: 50
    price: {input_per_mtok: "10", output_per_mtok: "20"}
  - name: small
    provider: open
    model: m
    max_output_tokens: 50
    price: {input_per_mtok: "1", output_per_mtok: "2"}
routes:
  - {alias: chat, deployments: [big]}
  - {alias: cheap, deployments: [small]}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
budgets:
  - {name: declared, where: {feature: declared}, requests: 1, window: total}
"""
EFFECTIVE_S = 2.0


def api(legato: RunningLegato, method: str, path: str, body: Any = None, **more: str) -> Answer:
    headers = {"authorization": f"Bearer {ADMIN}", "content-type": "application/json", **more}
    given = b"" if body is None else json.dumps(body).encode()
    return legato.send(method, f"/api/v1{path}", given, headers)


def budget(legato: RunningLegato, **said: Any) -> dict[str, Any]:
    answer = api(legato, "POST", "/budgets", said)
    assert answer.status == 201, answer.body
    time.sleep(EFFECTIVE_S)
    made: dict[str, Any] = answer.json
    return made


def ask(legato: RunningLegato, secret: str, user: str = "", model: str = "chat") -> Answer:
    said = {"model": model, "max_tokens": 10, "messages": [{"role": "user", "content": "Hello"}]}
    return legato.post("/v1/chat/completions", said | ({"user": user} if user else {}), key=secret)


def test_each_user_has_a_counter_and_the_refusal_names_it(legato: RunningLegato) -> None:
    secret = legato.create_key("--feature", "each")["secret"]
    budget(legato, name="each", where={"feature": "each"}, each=["user"], requests=2, window="day")
    assert [ask(legato, secret, "ann").status for _ in range(3)] == [200, 200, 429]
    assert ask(legato, secret, "bob").status == 200
    refused = ask(legato, secret, "ann")
    assert refused.error["code"] == "rate_limit_exceeded"
    assert "Budget each (user=" in refused.error["message"]
    assert 0 < int(refused.headers["retry-after"]) <= 86_400


def test_a_step_degrades_before_the_wall_and_a_lowered_budget_holds_everywhere(
    legato: RunningLegato,
) -> None:
    secret = legato.create_key("--feature", "steps")["secret"]
    steps = [{"at_percent": 1, "do": "warn"}, {"at_percent": 1, "do": "degrade", "to": "cheap"}]
    made = budget(
        legato, name="steps", where={"feature": "steps"}, usd="0.01", window="month", steps=steps
    )
    ask(legato, secret)
    deadline_s = time.monotonic() + 10
    while (answer := ask(legato, secret)).headers.get("x-legato-degraded") is None:
        assert time.monotonic() < deadline_s
    assert answer.headers["x-legato-degraded"] == "budget; steps; cheap"
    assert answer.headers["x-legato-budget"].startswith("steps; remaining=")
    (entry,) = legato.entries(answer.request_id)
    assert (entry["deployment"], entry["budget_id"][:4]) == ("small", "budg")
    lowered = api(
        legato, "PATCH", f"/budgets/{made['id']}", {"usd": "0.000001"}, **{"if-match": '"1"'}
    )
    assert lowered.status == 200, lowered.body
    began_s = time.monotonic()
    for index in range(WORKERS):
        with legato.only_worker(index):
            while ask(legato, secret).status == 200:
                assert time.monotonic() - began_s < EFFECTIVE_S
    status = api(legato, "GET", f"/budgets/{made['id']}/status").json
    assert status["counters"][0]["limit"] == "0.000001000"

    def told() -> bool:  # workers write theirs each second
        events = api(legato, "GET", f"/budget-events?budget_id={made['id']}").json["data"]
        return {"degrade", "warn"} <= {event["what"] for event in events}

    assert within(10, told)


def test_a_declared_budget_counts_and_changes_in_the_file_alone(legato: RunningLegato) -> None:
    secret = legato.create_key("--feature", "declared")["secret"]
    assert [ask(legato, secret).status for _ in range(2)] == [200, 429]
    (one,) = [b for b in api(legato, "GET", "/budgets").json["data"] if b["name"] == "declared"]
    refused = api(legato, "PATCH", f"/budgets/{one['id']}", {"usd": "1"}, **{"if-match": '"1"'})
    assert refused.status == 400
    assert "legato.yaml" in refused.body.decode()


def test_a_flood_of_one_team_takes_nothing_from_the_other(legato: RunningLegato) -> None:
    loud, quiet = (
        legato.create_key("--team", team, "--feature", "fair")["secret"]
        for team in ("loud", "quiet")
    )
    budget(
        legato, name="fair", where={"feature": "fair"}, requests=80, window="total",
        share_by="team", weights={"loud": 3, "quiet": 1},
    )  # fmt: skip
    statuses: list[int] = []
    over = threading.Event()

    def flood() -> None:
        while not over.is_set():
            statuses.append(ask(legato, loud, model="cheap").status)

    crowd = [threading.Thread(target=flood) for _ in range(8)]
    for one in crowd:
        one.start()
    deadline_s = time.monotonic() + 20
    while statuses.count(429) < 50 and time.monotonic() < deadline_s:
        time.sleep(0.05)
    calm = [ask(legato, quiet, model="cheap").status for _ in range(20)]
    over.set()
    for one in crowd:
        one.join()
    assert statuses.count(200) == 60
    assert calm == [200] * 20, "its own part, in the middle of the flood"
    assert ask(legato, quiet, model="cheap").status == 429
