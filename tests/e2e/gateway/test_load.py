"""Choosing by load and heeding limits of rate, as callers and providers see it; by two workers."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from running import ADMIN, within

if TYPE_CHECKING:
    from running import RunningLegato

    from legato.providers.simulated.child import SimulatedChild

WORKERS = 2
PRICE = 'price: {input_per_mtok: "1", output_per_mtok: "2"}'
CONFIG = f"""\
config_version: 1
storage: {{ledger_poll_s: 0.1}}
cache: {{enabled: false}}
retry: {{attempts_max: 2, backoff_base_s: 0.01, backoff_max_s: 0.02, retry_after_max_s: 2}}
load: {{heed_rate_limits: true}}
providers:
  - {{name: open, kind: openai_compatible, base_url: "UPSTREAM/v1"}}
  - {{name: other, kind: anthropic, base_url: "UPSTREAM", api_key: {{env: CALLER_KEY}}}}
deployments:
  - {{name: a, provider: open, model: a, {PRICE}}}
  - {{name: b, provider: open, model: b, {PRICE}}}
  - {{name: near, provider: open, model: near, {PRICE}}}
  - {{name: near-too, provider: other, model: near-too, {PRICE}}}
  - {{name: asks, provider: open, model: asks, {PRICE}}}
  - {{name: narrow, provider: open, model: narrow, limits: {{concurrency_max: 4}}, {PRICE}}}
  - {{name: capped, provider: open, model: capped, limits: {{requests_per_minute: 3}}, {PRICE}}}
  - {{name: tight, provider: open, model: tight, limits: {{tokens_per_minute: 1000}}, {PRICE}}}
routes:
  - {{alias: outstanding, deployments: [a, b], strategy: least_outstanding}}
  - {{alias: peak, deployments: [a, b], strategy: peak_ewma}}
  - {{alias: by-headers, deployments: [near, near-too, b]}}
  - {{alias: by-word, deployments: [asks, b]}}
  - {{alias: briefly, deployments: [asks]}}
  - {{alias: declared, deployments: [capped, b]}}
keys:
  - {{name: ci, team: platform, feature: tests, secret: {{env: CALLER_KEY}}}}
  - name: modest
    team: platform
    feature: modest
    secret: {{env: MODEST_KEY}}
    tags: {{priority_max: low}}
"""
MODEST = "lg-a-modest-key-of-these-tests"
VARIABLES = {"MODEST_KEY": MODEST}


def call_at_once(legato: RunningLegato, alias: str, count: int) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: legato.chat(alias, str(n)), range(count)))
    assert [one.status for one in answers] == [200] * count


@pytest.mark.parametrize("alias", ["outstanding", "peak"])
def test_the_busy_one_gets_less(
    legato: RunningLegato, upstream: SimulatedChild, alias: str
) -> None:
    upstream.change(models={"a": {"latency_ms": 400}, "b": {"latency_ms": 20}})
    call_at_once(legato, alias, 60)
    by_model = upstream.counts()["by_model"]
    assert by_model["b"] > 2 * by_model.get("a", 0)


def test_who_is_near_his_limit_is_passed_over_before_he_refuses(
    legato: RunningLegato, upstream: SimulatedChild
) -> None:
    limited = {"requests_per_minute": 8}
    upstream.change(models={"near": limited, "near-too": limited})
    served = []
    for number in range(24):
        answer = legato.chat("by-headers", str(number))
        served.append(legato.trace(answer.request_id)["deployment"])
    assert upstream.counts()["by_status"] == {"200": 24}
    assert {"near", "near-too", "b"} == set(served)
    assert served[0] == "near"
    assert served[-1] == "b"
    metrics = legato.get("/metrics").body.decode()
    assert 'legato_deployment_rate_left{deployment="near",of="requests"}' in metrics
    shown = legato.get("/api/v1/deployments", ADMIN).json["data"]
    load = next(one["load"] for one in shown if one["name"] == "near")
    assert load["requests_left"] < 8
    assert load["outstanding"] == 0


def test_what_a_provider_refuses_takes_no_room_from_others(
    legato: RunningLegato, upstream: SimulatedChild
) -> None:
    refusing = {"error_rate": 1.0, "error_status": 400, "fault_calls_max": 1}
    upstream.change(models={"tight": refusing})
    claimed = legato.chat("tight", "refused", max_tokens=10**9)
    assert claimed.status == 400, claimed.body
    assert legato.chat("tight", "served", max_tokens=500).status == 200


def test_who_asked_to_wait_is_not_asked_until_then(
    legato: RunningLegato, upstream: SimulatedChild
) -> None:
    upstream.change(models={"asks": {"rate429": 1.0, "retry_after_s": 3, "fault_calls_max": 1}})
    call_at_once(legato, "by-word", 1)
    call_at_once(legato, "by-word", 10)  # whichever worker
    assert upstream.counts()["by_model"] == {"asks": 1, "b": 11}
    refused = legato.chat("briefly")
    assert refused.status == 429
    assert 0 < int(refused.headers["retry-after"]) <= 3
    assert "leave no room" in refused.error["message"]
    assert upstream.counts()["by_model"]["asks"] == 1

    def waited() -> bool:
        return legato.chat("briefly").status == 200

    assert within(10, waited)


def test_a_declared_limit_is_kept_without_headers(
    legato: RunningLegato, upstream: SimulatedChild
) -> None:
    call_at_once(legato, "declared", 12)
    by_model = upstream.counts()["by_model"]
    assert 3 <= by_model["capped"] <= 4  # counted when it is sent: two may go at the same moment
    refused = legato.chat("capped")
    assert refused.status == 429
    assert 1 <= int(refused.headers["retry-after"]) <= 120


def test_low_priority_is_shed_before_the_rest(
    legato: RunningLegato, upstream: SimulatedChild
) -> None:
    upstream.change(latency_ms=1_500)
    high = {"x-legato-priority": "high"}
    with ThreadPoolExecutor(8) as pool:
        running = [pool.submit(legato.chat, "narrow", str(n), headers=high) for n in range(2)]
        assert within(5, lambda: upstream.counts()["in_flight"] == 2)
        shed = legato.chat("narrow", headers={"x-legato-priority": "low"})
        assert shed.status == 429
        assert int(shed.headers["retry-after"]) >= 1
        assert legato.chat("narrow", key=MODEST, headers=high).status == 429
        running += [pool.submit(legato.chat, "narrow", str(n), headers=high) for n in (2, 3)]
        assert [one.result().status for one in running] == [200] * 4
    assert upstream.counts()["in_flight_max"] == 4
    assert legato.chat("narrow", headers={"x-legato-priority": "urgent"}).status == 400
    metrics = legato.get("/metrics").body.decode()
    assert 'legato_deployment_places{deployment="narrow"} 4.0' in metrics


def test_a_deployment_that_refuses_gets_fewer_calls_at_once(
    legato: RunningLegato, upstream: SimulatedChild
) -> None:
    upstream.change(error_rate=1.0, error_status=503)
    assert legato.chat("narrow").status == 503
    shown = legato.get("/api/v1/deployments", ADMIN).json["data"]
    assert next(one["load"]["places"] for one in shown if one["name"] == "narrow") < 4


def test_every_choice_is_replayed(legato: RunningLegato, upstream: SimulatedChild) -> None:
    call_at_once(legato, "peak", 5)
    whole = within(20, lambda: len(legato.traces()) > 150 and legato.traces())
    assert whole
    told = [json.loads(line) for line in legato.command("replay", "--json").splitlines()]
    verdicts: dict[str, list[Any]] = {}
    for one in told:
        verdicts.setdefault(one["verdict"], []).append(one)
    assert set(verdicts) == {"reproduced"}, verdicts.get("different", verdicts)
    decided = [one["decision"] for one in legato.traces()]
    assert any(one.loads for one in decided)
    assert any(one.near for one in decided)
    assert any(step.code == "rate_closed" for one in decided for step in one.steps)
