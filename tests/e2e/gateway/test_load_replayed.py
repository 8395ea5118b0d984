"""Queues, hedges and lesser answers at once: every decision is made again, also after a kill."""

from __future__ import annotations

import contextlib
import json
import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from running import CALLER, CHAT, within

if TYPE_CHECKING:
    from running import RunningLegato

    from legato.providers.simulated.child import SimulatedChild

WORKERS = 2
PRICE = 'price: {input_per_mtok: "1", output_per_mtok: "2"}'
DEARER = 'price: {input_per_mtok: "10", output_per_mtok: "20"}'
CONFIG = f"""\
config_version: 1
storage: {{ledger_poll_s: 0.1}}
retry: {{attempts_max: 2, backoff_base_s: 0.01, backoff_max_s: 0.02, retry_after_max_s: 0.2}}
load: {{heed_rate_limits: true}}
breaker: {{open_s: 0.5}}
providers:
  - {{name: open, kind: openai_compatible, base_url: "UPSTREAM/v1"}}
deployments:
  - {{name: a, provider: open, model: a, limits: {{concurrency_max: 3}}, {DEARER}}}
  - {{name: b, provider: open, model: b, limits: {{concurrency_max: 3}}, {DEARER}}}
  - {{name: small, provider: open, model: small, {PRICE}}}
routes:
  - alias: all
    deployments: [a, b]
    cache: {{ttl_s: 0.2, stale_s: 600}}
    hedge: {{after_s: 0.1, max_share: 1}}
    queue: {{wait_max_s: 0.4, length_max: 4}}
    degrade: [stale_cache, small]
    timeouts: {{total_s: 1.5}}
  - alias: plain
    deployments: [a, b]
    cache: {{enabled: false}}
    hedge: {{after_s: 0.05, max_share: 1}}
    queue: {{wait_max_s: 3, length_max: 4}}
    timeouts: {{total_s: 1.2}}
  - {{alias: lesser, deployments: [a], cache: {{enabled: false}}, degrade: [b, small]}}
keys:
  - {{name: ci, team: platform, feature: tests, secret: {{env: CALLER_KEY}}}}
  - {{name: other, org: other, team: platform, feature: tests, secret: {{env: OTHER_KEY}}}}
"""
OTHER = "lg-a-key-of-the-other-tenant"
VARIABLES = {"OTHER_KEY": OTHER}
SLOW, DOWN = {"latency_ms": 400}, {"error_rate": 1.0, "error_status": 503}
BUSY = {"rate429": 0.5, "retry_after_s": 1}
WEATHER: list[dict[str, Any]] = [
    {},
    {"a": SLOW},
    {"a": SLOW, "b": SLOW},
    {"a": SLOW | DOWN, "b": SLOW},
    {"a": DOWN, "b": DOWN},
    {"a": BUSY, "b": BUSY | SLOW},
    {"a": {"latency_ms": 1_800}, "b": {"latency_ms": 1_800}},
    {"a": DOWN, "b": DOWN, "small": DOWN},
    {"a": {"cut_rate": 0.5}, "b": {"latency_ms": 200}},
]
LEFT_EARLY = "it ended before its deployments were ordered: cancelled"
LOST = (LEFT_EARLY, "no trace is kept", "the outcome of an attempt was lost")


def leave(legato: RunningLegato, alias: str, question: str, after_s: float) -> None:
    """Ask and hang up."""
    body = {"model": alias, "messages": [{"role": "user", "content": question}]}
    headers = {"authorization": f"Bearer {CALLER}", "content-type": "application/json"}
    with contextlib.closing(legato.connection()) as connection:
        connection.request("POST", CHAT, json.dumps(body), headers)
        time.sleep(after_s)


def call(legato: RunningLegato, number: int) -> None:
    dice = random.Random(number)
    alias = dice.choice(["all", "all", "plain", "lesser"])
    question = str(dice.randrange(4))
    if dice.random() < 0.1:
        leave(legato, alias, question, dice.choice([0.02, 0.15, 0.3]))
        return
    headers = {"x-legato-priority": dice.choice(["low", "normal", "high"])}
    if dice.random() < 0.1:
        headers["x-legato-queue-max-ms"] = "50"
    key = dice.choice([CALLER, OTHER])
    legato.chat(alias, question, key=key, stream=dice.random() < 0.4, headers=headers)


def traffic(legato: RunningLegato, upstream: SimulatedChild, calls: int) -> None:
    with ThreadPoolExecutor(16) as pool:
        for number, weather in enumerate(WEATHER):
            upstream.reset()
            upstream.change(models=weather)
            numbers = range(number * calls, (number + 1) * calls)
            list(pool.map(lambda one: call(legato, one), numbers))


def verdicts(legato: RunningLegato) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for line in legato.command("replay", "--json").splitlines():
        one = json.loads(line)
        found.setdefault(one["verdict"], []).append(one)
    return found


def settled(legato: RunningLegato, calls: int) -> list[Any]:
    assert within(30, lambda: len(legato.traces()) >= calls)
    return legato.traces()


def each_once(legato: RunningLegato, upstream: SimulatedChild) -> None:
    """See that both attempts of a hedged call win once, and both lesser answers are given."""
    for a, b, first in ((1_000, 0, "second"), (300, 1_000, "first")):
        upstream.change(models={"a": {"latency_ms": a}, "b": {"latency_ms": b}})
        assert legato.chat("plain", "hedged").headers["x-legato-hedge"] == first
    upstream.reset()
    assert legato.chat("all", "kept").status == 200
    time.sleep(0.3)
    upstream.change(models={"a": DOWN, "b": DOWN})

    def is_stale() -> bool:  # once the worker that is asked knows what the other one kept
        return legato.chat("all", "kept").headers.get("x-legato-degraded") == "stale_cache"

    assert within(10, is_stale)
    assert legato.chat("lesser").headers["x-legato-degraded"] == "deployment; small"


def test_all_of_it_is_replayed(legato: RunningLegato, upstream: SimulatedChild) -> None:
    each_once(legato, upstream)
    traffic(legato, upstream, 24)
    traces = settled(legato, 24 * len(WEATHER))
    decided = [one["decision"] for one in traces]
    outcomes = Counter(stay.outcome for one in decided for stay in one.queued)
    assert outcomes["placed"] >= 5, outcomes
    found = verdicts(legato)
    assert "different" not in found, found["different"][:3]
    gone = found.get("unreplayable", [])
    assert {one["causes"][0] for one in gone} <= {LEFT_EARLY}
    assert len(found["reproduced"]) + len(gone) >= len(traces)


@pytest.mark.usefixtures("upstream")
def test_a_kill_in_the_middle_leaves_nothing_that_differs(
    legato: RunningLegato, upstream: SimulatedChild
) -> None:
    upstream.change(models=WEATHER[2])
    with ThreadPoolExecutor(12) as pool:
        running = [pool.submit(call, legato, number) for number in range(40)]
        assert within(10, lambda: sum(one.done() for one in running) >= 10)
        legato.kill()
        for one in running:
            one.exception(timeout=30)
    legato.start()
    traffic(legato, upstream, 2)
    assert within(20, lambda: not legato.query("SELECT 1 FROM ledger_entry WHERE provisional = 2"))
    found = verdicts(legato)
    assert "different" not in found, found["different"][:3]
    for one in found.get("unreplayable", []):
        assert any(why in one["causes"][0] for why in LOST), one
