"""Calls that wait for a place in their route's queue: who goes first, who is shed, what is told."""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from prometheus_client.parser import text_string_to_metric_families
from running import CHAT, within

if TYPE_CHECKING:
    from running import RunningLegato

    from legato.providers.simulated.child import SimulatedChild

PRICE = 'price: {input_per_mtok: "1", output_per_mtok: "2"}'
CONFIG = f"""\
config_version: 1
storage: {{ledger_poll_s: 0.1}}
cache: {{enabled: false}}
retry: {{attempts_max: 1}}
load: {{heed_rate_limits: true}}
providers:
  - {{name: open, kind: openai_compatible, base_url: "UPSTREAM/v1"}}
deployments:
  - {{name: narrow, provider: open, model: narrow, limits: {{concurrency_max: 2}}, {PRICE}}}
  - {{name: asks, provider: open, model: asks, {PRICE}}}
routes:
  - {{alias: fair, deployments: [narrow], queue: {{wait_max_s: 30, weights: {{small: 2}}}}}}
  - {{alias: short, deployments: [narrow], queue: {{wait_max_s: 0.2, length_max: 2}}}}
  - {{alias: patient, deployments: [asks], queue: {{wait_max_s: 10}}}}
keys:
  - {{name: ci, org: flood, team: platform, feature: tests, secret: {{env: CALLER_KEY}}}}
  - {{name: other, org: small, team: platform, feature: tests, secret: {{env: SMALL_KEY}}}}
"""
SMALL = "lg-a-key-of-the-small-tenant"
VARIABLES = {"SMALL_KEY": SMALL}
HIGH = {"x-legato-priority": "high"}


def gauge(legato: RunningLegato, name: str, **labels: str) -> float:
    page = legato.send("GET", "/metrics", None, {}).body.decode()
    return sum(
        sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


def waiting(legato: RunningLegato) -> float:
    return gauge(legato, "legato_queue_depth")


def test_who_floods_leaves_the_other_tenant_its_share(
    legato: RunningLegato, upstream: SimulatedChild
) -> None:
    order: list[str] = []

    def ask(org: str) -> Any:
        key = {"key": SMALL} if org == "small" else {}
        answer = legato.chat("fair", org, headers=HIGH, **key)
        order.append(org)
        return answer

    upstream.change(latency_ms=3_000)
    with ThreadPoolExecutor(40) as pool:
        running = [pool.submit(ask, "flood") for _ in range(22)]
        assert within(10, lambda: waiting(legato) == 20)
        upstream.change(latency_ms=20)
        running += [pool.submit(ask, "small") for _ in range(8)]
        answers = [one.result() for one in running]
    assert {one.status for one in answers} == {200}
    assert upstream.counts()["in_flight_max"] == 2
    # two were under way; then two of `small` to one of `flood`; answers may overtake by one
    assert order.count("flood") == 22
    assert Counter(order[: 2 + 12 + 2])["small"] == 8, order
    waited = answers[-1]
    assert int(waited.headers["x-legato-queue-ms"]) > 0
    (facts,) = legato.trace(waited.request_id)["decision"].queued
    assert facts.outcome == "placed"
    assert facts.ahead >= 18
    assert gauge(legato, "legato_queue_wait_seconds_count", model="fair") == 28
    assert waiting(legato) == 0


def test_who_gets_no_place_is_told_when_to_come_back(
    legato: RunningLegato, upstream: SimulatedChild
) -> None:
    upstream.change(latency_ms=1_500)
    with ThreadPoolExecutor(8) as pool:
        running = [pool.submit(legato.chat, "fair", headers=HIGH) for _ in range(2)]
        assert within(5, lambda: upstream.counts()["in_flight"] == 2)
        late = legato.chat("short", headers=HIGH)
        hurried = legato.chat("fair", headers=HIGH | {"x-legato-queue-max-ms": "0"})
        assert [one.result().status for one in running] == [200, 200]
    for shed in (late, hurried):
        assert shed.status == 429
        assert shed.error["code"] == "overloaded"
        assert int(shed.headers["retry-after"]) >= 1
        assert "x-legato-queue-ms" in shed.headers
    assert gauge(legato, "legato_queue_shed_total", model="short", reason="late") == 1
    assert legato.chat("fair", headers={"x-legato-queue-max-ms": "soon"}).status == 200
    assert upstream.counts()["arrived"] == 3


def test_a_caller_who_leaves_gives_its_place_in_the_queue_up(
    legato: RunningLegato, upstream: SimulatedChild
) -> None:
    upstream.change(latency_ms=1_500)
    body = {"model": "fair", "messages": [{"role": "user", "content": "left"}]}
    headers = {"authorization": f"Bearer {SMALL}", "content-type": "application/json"}
    with ThreadPoolExecutor(8) as pool:
        running = [pool.submit(legato.chat, "fair", headers=HIGH) for _ in range(2)]
        assert within(5, lambda: upstream.counts()["in_flight"] == 2)
        with contextlib.closing(legato.connection()) as connection:
            connection.request("POST", CHAT, json.dumps(body), headers)
            assert within(5, lambda: waiting(legato) == 1)
        assert within(1, lambda: waiting(legato) == 0)
        assert [one.result().status for one in running] == [200, 200]
    assert upstream.counts()["arrived"] == 2


def test_who_was_refused_for_a_limit_of_rate_waits_until_it_is_open(
    legato: RunningLegato, upstream: SimulatedChild
) -> None:
    upstream.change(models={"asks": {"rate429": 1.0, "retry_after_s": 1, "fault_calls_max": 1}})
    answer = legato.chat("patient")
    assert answer.status == 200
    assert int(answer.headers["x-legato-queue-ms"]) > 0
    steps = legato.trace(answer.request_id)["decision"].steps
    assert [step.code for step in steps] == ["provider_rate_limited", "queued", "ok"]


def test_every_stay_is_replayed(legato: RunningLegato, upstream: SimulatedChild) -> None:
    whole = within(20, lambda: len(legato.traces()) >= 30 and legato.traces())
    assert whole
    told = [json.loads(line) for line in legato.command("replay", "--json").splitlines()]
    assert {one["verdict"] for one in told} == {"reproduced"}, told
    stays = [stay.outcome for one in legato.traces() for stay in one["decision"].queued]
    assert {"placed", "late"} <= set(stays)
