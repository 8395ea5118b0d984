"""Keys and their limits, with two workers."""

from __future__ import annotations

import json
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from running import CALLER, within

if TYPE_CHECKING:
    from collections.abc import Callable

    from running import Answer, RunningLegato

    from legato.providers.simulated.child import SimulatedChild

WORKERS = 2
CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
cache: {enabled: false}
providers:
  - {name: open, kind: openai_compatible, base_url: "UPSTREAM/v1"}
deployments:
  - {name: small, provider: open, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
  - {name: large, provider: open, model: n, price: {input_per_mtok: "5", output_per_mtok: "15"}}
routes:
  - {alias: chat, deployments: [small]}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
  - {name: one, team: platform, feature: tests, secret: {env: ONE_KEY}, models: [chat]}
"""
ONE = "lg-a-declared-key-for-one-model"
VARIABLES = {"ONE_KEY": ONE}
LIMITS = {
    "alone": "requests_per_minute: 25",
    "rate-7": "requests_per_minute: 7",
    "rate-60": "requests_per_minute: 60",
    "slots-1": "concurrency_max: 1",
    "slots-3": "concurrency_max: 3",
    "turns": "concurrency_max: 1",
    "left": "concurrency_max: 1",
    "killed": "concurrency_max: 1",
}
for _name, _limit in LIMITS.items():  # a key for each test, since each uses its limit up
    CONFIG += (
        f"  - {{name: {_name}, team: limited, feature: tests, {_limit}, "
        f"secret: {{env: {_name.upper().replace('-', '_')}_KEY}}}}\n"
    )
    VARIABLES[f"{_name.upper().replace('-', '_')}_KEY"] = f"lg-the-limited-key-{_name}"
EFFECTIVE_S = 2.0
WINDOW_S = 60


def on_each_worker(legato: RunningLegato, ask: Callable[[], Any]) -> list[Any]:
    answers = []
    for index in range(WORKERS):
        with legato.only_worker(index):
            answers.append(ask())
    return answers


def all_at_once(count: int, ask: Callable[[int], Answer]) -> list[Answer]:
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(ask, range(count)))


def statuses(answers: list[Answer]) -> list[int]:
    return sorted(answer.status for answer in answers)


def early_in_a_window(needed_s: float = 12) -> None:
    """Wait until the current minute has so much left, since a rate starts anew with each."""
    left_s = WINDOW_S - time.time() % WINDOW_S
    if left_s < needed_s:
        time.sleep(left_s + 0.1)


def test_a_revoked_key_is_refused_by_every_worker(legato: RunningLegato) -> None:
    key = legato.create_key()
    assert on_each_worker(legato, lambda: legato.chat(key=key["secret"]).status) == [200, 200]
    legato.command("keys", "revoke", key["id"])
    revoked_s = time.monotonic()
    time.sleep(EFFECTIVE_S)
    answers = on_each_worker(legato, lambda: legato.chat(key=key["secret"]))
    assert [answer.status for answer in answers] == [401, 401]
    assert time.monotonic() - revoked_s < EFFECTIVE_S + 3
    assert "revoked" in answers[0].error["message"]


def test_a_key_expires_by_itself(legato: RunningLegato) -> None:
    key = legato.create_key("--expires", "6s")
    created_s = time.monotonic()
    assert legato.chat(key=key["secret"]).status == 200
    assert within(7, lambda: legato.chat(key=key["secret"]).status == 401)
    assert time.monotonic() - created_s < 7
    assert "expired" in legato.chat(key=key["secret"]).error["message"]


def test_rotation_overlaps(legato: RunningLegato) -> None:
    key = legato.create_key()
    printed = legato.command("keys", "rotate", key["id"], "--overlap", "4s", "--json")
    rotated_s = time.monotonic()
    new = json.loads(printed)["secret"]
    assert within(EFFECTIVE_S, lambda: legato.chat(key=new).status == 200)
    assert legato.chat(key=key["secret"]).status == 200
    answer = legato.chat(key=new)
    assert legato.entries(answer.request_id)[0]["key_id"] == key["id"]
    time.sleep(max(0.0, rotated_s + 4 + EFFECTIVE_S - time.monotonic()))
    assert on_each_worker(legato, lambda: legato.chat(key=key["secret"]).status) == [401, 401]
    assert on_each_worker(legato, lambda: legato.chat(key=new).status) == [200, 200]


def test_a_key_calls_only_its_models(legato: RunningLegato, upstream: SimulatedChild) -> None:
    assert legato.chat("chat", key=ONE).status == 200
    refused = legato.chat("small", key=ONE)  # behind the alias, but not by its own name
    assert refused.status == 403
    assert "'small'" in refused.error["message"]
    assert [model["id"] for model in legato.get("/v1/models", ONE).json["data"]] == ["chat"]
    unknown = legato.chat("nothing", key=ONE)
    assert unknown.status == 404
    assert "small" not in unknown.error["message"]  # names it may not call stay unsaid
    assert upstream.counts()["arrived"] == 1


def test_a_rate_is_exact_with_one_worker(legato: RunningLegato, upstream: SimulatedChild) -> None:
    key = "lg-the-limited-key-alone"
    early_in_a_window()
    with legato.only_worker(0):
        answers = [legato.chat(key=key) for _ in range(40)]
    assert [answer.status for answer in answers] == [200] * 25 + [429] * 15
    refused = answers[-1]
    assert "25 requests per minute" in refused.error["message"]
    assert "resets in" in refused.error["message"]
    assert refused.error["code"] == "rate_limit_exceeded"
    assert 0 < int(refused.headers["retry-after"]) <= WINDOW_S
    assert refused.headers["x-should-retry"] == "true"
    assert upstream.counts()["arrived"] == 25


@pytest.mark.parametrize("rpm", [7, 60])
def test_a_rate_is_exact_with_two_workers(
    legato: RunningLegato, upstream: SimulatedChild, rpm: int
) -> None:
    key = f"lg-the-limited-key-rate-{rpm}"
    early_in_a_window(20)
    with ThreadPoolExecutor(8) as pool:
        first = list(pool.map(lambda _: legato.chat(key=key).status, range(2 * rpm)))
    served = first.count(200)
    assert set(first) == {200, 429}
    assert rpm - rpm // 8 <= served <= rpm
    # what an idle worker had leased and not used comes back to the others
    until_s = time.monotonic() + 5
    while time.monotonic() < until_s and served < rpm:
        served += legato.chat(key=key).status == 200
        time.sleep(0.05)
    assert served == rpm
    assert statuses(all_at_once(8, lambda _: legato.chat(key=key))) == [429] * 8
    assert upstream.counts()["arrived"] == rpm


@pytest.mark.parametrize("limit", [1, 3])
def test_concurrency_is_exact_with_two_workers(
    legato: RunningLegato, upstream: SimulatedChild, limit: int
) -> None:
    key = f"lg-the-limited-key-slots-{limit}"
    upstream.change(latency_ms=700)
    answers = all_at_once(8, lambda _: legato.chat(key=key))
    assert statuses(answers) == [200] * limit + [429] * (8 - limit)
    refused = next(answer for answer in answers if answer.status == 429)
    assert f"has {limit} requests running" in refused.error["message"]
    assert refused.headers["retry-after"] == "1"
    assert upstream.counts()["in_flight_max"] == limit


def test_a_slot_is_free_as_soon_as_its_request_is_answered(
    legato: RunningLegato, upstream: SimulatedChild
) -> None:
    key = "lg-the-limited-key-turns"
    # each over a new connection, which either worker may take
    assert [legato.chat(key=key).status for _ in range(40)] == [200] * 40


def test_a_caller_who_left_holds_no_slot(legato: RunningLegato, upstream: SimulatedChild) -> None:
    key = "lg-the-limited-key-left"
    upstream.change(latency_ms=20_000)
    connection = legato.connection()
    body = {"model": "chat", "messages": [{"role": "user", "content": "hi"}]}
    connection.request(
        "POST", "/v1/chat/completions", json.dumps(body), {"authorization": f"Bearer {key}"}
    )
    assert within(5, lambda: upstream.counts()["in_flight"] == 1)
    assert legato.chat(key=key).status == 429
    connection.close()
    upstream.change(latency_ms=0)
    assert within(3, lambda: legato.chat(key=key).status == 200)


def test_a_killed_worker_gives_its_slots_back(
    legato: RunningLegato, upstream: SimulatedChild
) -> None:
    key = "lg-the-limited-key-killed"
    upstream.change(latency_ms=20_000)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: legato.chat(key=key))
        assert within(5, lambda: upstream.counts()["in_flight"] == 1)
        for pid in legato.children()[1:]:
            os.kill(pid, signal.SIGKILL)
    upstream.change(latency_ms=0)

    def served() -> bool:
        try:
            return legato.chat(key=key).status == 200
        except OSError:
            return False

    assert within(8, served)
    assert legato.chat(key=CALLER).status == 200
