"""Strategies, retries, fallbacks, deadlines: what a caller and the ledger see of them."""

from __future__ import annotations

import json
import time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from running import Answer, RunningLegato

    from legato.providers.simulated.child import SimulatedChild

PRICE = 'price: {input_per_mtok: "1", output_per_mtok: "2"}'
CONFIG = f"""\
config_version: 1
storage: {{ledger_poll_s: 0.1}}
cache: {{enabled: false}}
retry: {{attempts_max: 2, backoff_base_s: 0.01, backoff_max_s: 0.02, retry_after_max_s: 2}}
breaker: {{failures: 62, failure_share: 1.0, window_calls: 62}}
timeouts: {{connect_s: 1, first_byte_s: 0.6, idle_s: 0.6, total_s: 5}}
providers:
  - {{name: open, kind: openai_compatible, base_url: "UPSTREAM/v1"}}
  - {{name: other, kind: anthropic, base_url: "UPSTREAM", api_key: {{env: CALLER_KEY}}}}
  - {{name: brisk, kind: openai_compatible, base_url: "UPSTREAM/v1", timeouts: {{total_s: 0.3}}}}
  - {{name: unhurried, kind: openai_compatible, base_url: "UPSTREAM/v1", timeouts: {{first_byte_s: 2}}}}
  - {{name: nowhere, kind: openai_compatible, base_url: "http://127.0.0.1:9/v1"}}
deployments:
  - {{name: a, provider: open, model: a, weight: 3, {PRICE}}}
  - {{name: b, provider: open, model: b, weight: 1, price: {{input_per_mtok: "9", output_per_mtok: "9"}}}}
  - {{name: c, provider: other, model: c, {PRICE}}}
  - {{name: quick, provider: brisk, model: q, {PRICE}}}
  - {{name: calm, provider: unhurried, model: l, {PRICE}}}
  - {{name: blind, provider: open, model: a, capabilities: {{vision: false}}, {PRICE}}}
  - {{name: gone, provider: nowhere, model: x, {PRICE}}}
routes:
  - {{alias: ordered, baseline: b, deployments: [a, b]}}
  - {{alias: weighted, deployments: [a, b], strategy: weighted}}
  - {{alias: cheapest, deployments: [b, a], strategy: cheapest}}
  - {{alias: least, deployments: [a, b], strategy: least_latency}}
  - {{alias: mixed, deployments: [a, c]}}
  - {{alias: seeing, deployments: [blind, b]}}
  - {{alias: unreachable, deployments: [gone, a]}}
  - {{alias: once, deployments: [a, b], retry: {{attempts_max: 1}}}}
  - {{alias: brief, deployments: [calm], retry: {{attempts_max: 1}}, timeouts: {{first_byte_s: 0.2}}}}
  - {{alias: restless, deployments: [a], retry: {{attempts_max: 1}}, timeouts: {{idle_s: 0.2}}}}
  - {{alias: onwards, deployments: [quick, a], retry: {{attempts_max: 1}}}}
  - {{alias: hasty, deployments: [a], timeouts: {{total_s: 0.4}}}}
keys:
  - {{name: ci, team: platform, feature: tests, secret: {{env: CALLER_KEY}}}}
"""  # noqa: E501 - one deployment a line
DOWN = {"error_rate": 1.0, "error_status": 503}
BUSY = {"rate429": 1.0, "retry_after_s": 7}


def served_by(legato: RunningLegato, answer: Answer) -> list[str]:
    """The deployments of a request's attempts, in order."""
    assert answer.status == 200, answer.body
    attempts = legato.trace(answer.request_id)["attempts"]
    return [entry["deployment"] for entry in legato.entries(answer.request_id, attempts)]


def test_ordered_takes_the_first(legato: RunningLegato, upstream: SimulatedChild) -> None:
    assert [served_by(legato, legato.chat("ordered")) for _ in range(3)] == [["a"]] * 3


def test_weighted_takes_each_by_its_weight(legato: RunningLegato, upstream: SimulatedChild) -> None:
    for number in range(100):
        assert legato.chat("weighted", str(number)).status == 200
    by_model = upstream.counts()["by_model"]
    assert 55 <= by_model["a"] <= 92  # 75 expected; six standard deviations about it
    assert by_model["a"] + by_model["b"] == 100


def test_cheapest_takes_the_cheaper(legato: RunningLegato, upstream: SimulatedChild) -> None:
    assert served_by(legato, legato.chat("cheapest")) == ["a"]


def test_least_latency_takes_the_faster(legato: RunningLegato, upstream: SimulatedChild) -> None:
    upstream.change(models={"a": {"latency_ms": 150}})
    for number in range(12):
        assert legato.chat("least", str(number)).status == 200
    assert served_by(legato, legato.chat("least")) == ["b"]


def test_a_retry_is_entered_apart_from_the_answer(
    legato: RunningLegato, upstream: SimulatedChild
) -> None:
    upstream.change(**DOWN, fault_calls_max=1)
    answer = legato.chat("ordered")
    failed, served = legato.entries(answer.request_id, 2)
    assert (failed["kind"], failed["cost"], failed["http_status"]) == ("retry", 0, 503)
    assert (served["kind"], served["attempt"], served["deployment"]) == ("usage", 2, "a")
    cost = Decimal(answer.headers["x-legato-cost-usd"]) * 10**9
    assert cost == failed["cost"] + served["cost"]
    assert failed["baseline_cost"] == 0
    assert legato.trace(answer.request_id)["attempts"] == 2
    assert [call.attempt_id for call in upstream.calls(2)] == [
        f"{answer.request_id}-1",
        f"{answer.request_id}-2",
    ]


@pytest.mark.parametrize("stream", [False, True])
def test_waiting_for_a_provider_is_not_the_gateways_own_time(
    legato: RunningLegato, upstream: SimulatedChild, *, stream: bool
) -> None:
    upstream.change(itl_ms=50, output_tokens=20)
    answer = legato.chat("calm", stream=stream)
    assert answer.status == 200
    (entry,) = legato.entries(answer.request_id)
    assert entry["total_us"] > 900_000
    assert entry["gateway_us"] < entry["total_us"] / 2
    assert legato.trace(answer.request_id)["upstream_us"] > 900_000


def test_the_first_byte_is_that_of_the_attempt_that_answered(
    legato: RunningLegato, upstream: SimulatedChild
) -> None:
    upstream.change(**DOWN, fault_calls_max=1, latency_ms=300)
    answer = legato.chat("ordered")
    _, served = legato.entries(answer.request_id, 2)
    trace = legato.trace(answer.request_id)
    assert trace["first_byte_us"] >= served["first_token_us"] >= 300_000
    assert trace["upstream_us"] >= 300_000


def test_a_retry_waits_as_long_as_the_provider_asks(
    legato: RunningLegato, upstream: SimulatedChild
) -> None:
    upstream.change(rate429=1.0, retry_after_s=None, retry_after_ms=400, fault_calls_max=1)
    began_s = time.monotonic()
    assert served_by(legato, legato.chat("a")) == ["a", "a"]
    assert time.monotonic() - began_s > 0.4
    upstream.change(rate429=1.0, retry_after_s=60, retry_after_ms=None, fault_calls_max=1)
    began_s = time.monotonic()
    refused = legato.chat("a")  # longer than we would wait: the caller may
    assert (refused.status, refused.headers["retry-after"]) == (429, "60")
    assert time.monotonic() - began_s < 2


@pytest.mark.parametrize(
    ("fault", "tries"),
    [
        (DOWN, 2),
        (BUSY, 1),  # it has said that it has no room: the next one is asked at once
        ({"garbage_rate": 1.0}, 2),
        ({"garbage_rate": 1.0, "garbage_shape": "invalid_json"}, 2),
        ({"error_rate": 1.0, "error_status": 401}, 1),
        ({"stall_rate": 1.0}, 2),
        ({"cut_rate": 1.0}, 2),
    ],
    ids=["503", "429", "html", "half-json", "401", "stall", "cut"],
)
def test_the_next_deployment_answers(
    legato: RunningLegato, upstream: SimulatedChild, fault: dict[str, Any], tries: int
) -> None:
    upstream.change(models={"a": fault})
    assert served_by(legato, legato.chat("ordered")) == ["a"] * tries + ["b"]


@pytest.mark.parametrize(
    "fault",
    [
        DOWN,
        {"cut_rate": 1.0, "cut_after_events": 0},
        {"cut_rate": 1.0, "cut_after_events": 1},
        {"cut_rate": 1.0, "cut_after_events": 1, "cut_style": "error_event"},
        {"cut_rate": 1.0, "cut_after_events": 1, "cut_style": "eof"},
        {"stall_rate": 1.0, "stall_where": "mid_stream", "stall_after_events": 1},
        {"garbage_rate": 1.0, "garbage_shape": "invalid_json"},
    ],
    ids=["503", "no-byte", "reset", "error-event", "eof", "stall", "half-json"],
)
@pytest.mark.parametrize("alias", ["once", "mixed"])
def test_a_stream_that_fails_before_its_first_content_falls_back_unseen(
    legato: RunningLegato, upstream: SimulatedChild, fault: dict[str, Any], alias: str
) -> None:
    upstream.change(models={"a": fault})
    answer = legato.chat(alias, stream=True)
    assert served_by(legato, answer)[-1] == ("b" if alias == "once" else "c")
    assert b"error" not in answer.body
    assert answer.body.count(b"data: [DONE]\n\n") == 1
    assert answer.body.count(b'"role":"assistant"') == 1


@pytest.mark.parametrize("style", ["reset", "close", "eof", "error_event"])
def test_a_stream_cut_after_content_ends_with_an_error_and_no_done(
    legato: RunningLegato, upstream: SimulatedChild, style: str
) -> None:
    upstream.change(cut_rate=1.0, cut_after_events=6, cut_style=style, itl_ms=20)
    answer = legato.chat("ordered", stream=True)
    assert answer.status == 200
    *_, last = [event for event in answer.body.split(b"\n\n") if event]
    assert b'"error":{' in last
    assert b"[DONE]" not in answer.body
    (entry,) = legato.entries(answer.request_id)
    assert (entry["kind"], entry["usage_source"]) == ("retry", "partial")
    assert entry["out_text"] > 0
    trace = legato.trace(answer.request_id)
    assert trace["error_code"] == "provider_unavailable"
    (call,) = upstream.calls(1)  # nothing was tried again: part of the answer was out
    assert call.outcome == "cut"


def test_a_stream_that_falls_silent_is_ended(
    legato: RunningLegato, upstream: SimulatedChild
) -> None:
    upstream.change(stall_rate=1.0, stall_where="mid_stream", stall_after_events=5)
    began_s = time.monotonic()
    answer = legato.chat("ordered", stream=True)
    assert time.monotonic() - began_s < 3
    assert b'"error":{' in answer.body
    assert legato.trace(answer.request_id)["error_code"] == "provider_timeout"
    (call,) = upstream.calls(1)
    assert call.outcome == "client_gone"


def test_a_refusal_names_each_attempts_deployment_once(legato: RunningLegato) -> None:
    refused = legato.chat("gone")
    assert refused.status == 503
    assert "1. gone: cannot connect to 127.0.0.1:9" in refused.error["message"]
    assert "; 2. gone: cannot connect" in refused.error["message"]


def test_a_deployment_that_was_never_reached_costs_no_entry(
    legato: RunningLegato, upstream: SimulatedChild
) -> None:
    answer = legato.chat("unreachable")
    assert answer.status == 200
    (entry,) = legato.entries(answer.request_id)
    assert (entry["deployment"], entry["attempt"]) == ("a", 3)
    voided = legato.query(
        "SELECT attempt FROM voided_attempt WHERE request_id = ?", answer.request_id
    )
    assert [row["attempt"] for row in voided] == [1, 2]


@pytest.mark.parametrize("stream", [False, True])
def test_one_deadline_stands_over_everything(
    legato: RunningLegato, upstream: SimulatedChild, *, stream: bool
) -> None:
    upstream.change(latency_ms=20_000)
    began_s = time.monotonic()
    answer = legato.chat("hasty", stream=stream)
    assert 0.4 <= time.monotonic() - began_s < 5
    assert answer.status == 504
    assert "0.4 s" in answer.error["message"]
    (call,) = upstream.calls(1)
    assert call.outcome == "client_gone"
    (entry,) = legato.entries(answer.request_id)
    assert entry["usage_source"] == "unknown"


def test_a_providers_limit_counts_before_the_general_one(
    legato: RunningLegato, upstream: SimulatedChild
) -> None:
    upstream.change(latency_ms=900)
    assert legato.chat("calm").status == 200
    refused = legato.chat("once")
    assert refused.status == 504
    assert "0.6 s" in refused.error["message"]


def test_a_routes_limits_count_before_its_providers(
    legato: RunningLegato, upstream: SimulatedChild
) -> None:
    upstream.change(latency_ms=400)
    refused = legato.chat("brief")
    assert refused.status == 504
    assert "no answer within 0.2 s" in refused.error["message"]
    upstream.change(latency_ms=0, stall_rate=1.0, stall_where="mid_stream", stall_after_events=5)
    began_s = time.monotonic()
    assert b"no data for 0.2 s" in legato.chat("restless", stream=True).body
    assert time.monotonic() - began_s < 3


def test_a_providers_shorter_deadline_ends_its_attempt_alone(
    legato: RunningLegato, upstream: SimulatedChild
) -> None:
    upstream.change(models={"q": {"latency_ms": 20_000}})
    assert served_by(legato, legato.chat("onwards")) == ["quick", "a"]
    refused = legato.chat("quick")
    assert refused.status == 504
    assert "0.3 s" in refused.error["message"]


def test_the_deadline_ends_a_running_stream(
    legato: RunningLegato, upstream: SimulatedChild
) -> None:
    upstream.change(itl_ms=100, output_tokens=64)
    answer = legato.chat("hasty", stream=True)
    assert answer.status == 200
    assert b"[DONE]" not in answer.body
    assert b"provider_timeout" in answer.body
    (entry,) = legato.entries(answer.request_id)
    assert entry["usage_source"] == "partial"


def test_when_all_fail_each_attempt_is_listed(
    legato: RunningLegato, upstream: SimulatedChild
) -> None:
    upstream.change(models={"a": DOWN, "b": {"garbage_rate": 1.0}})
    answer = legato.chat("ordered")
    assert answer.status == 502
    assert answer.error["code"] == "all_attempts_failed"
    said = answer.error["message"]
    positions = [said.index(f"{n}. {name}: ") for n, name in enumerate("aabb", 1)]
    assert positions == sorted(positions)
    assert "503" in said
    assert len(legato.entries(answer.request_id, 4)) == 4
    assert upstream.counts()["arrived"] == 4


def test_when_all_fail_alike_the_status_says_so(
    legato: RunningLegato, upstream: SimulatedChild
) -> None:
    upstream.change(models={"a": BUSY, "b": BUSY})
    busy = legato.chat("ordered")
    assert (busy.status, busy.headers["retry-after"]) == (429, "7")
    upstream.change(models={"a": DOWN, "b": DOWN})
    assert legato.chat("ordered").status == 503
    upstream.change(models={"a": {"stall_rate": 1.0}, "b": {"stall_rate": 1.0}})
    assert legato.chat("once").status == 504


def test_the_callers_own_mistake_is_not_tried_elsewhere(
    legato: RunningLegato, upstream: SimulatedChild
) -> None:
    upstream.change(error_rate=1.0, error_status=400)
    assert legato.chat("ordered").status == 400
    assert upstream.counts()["arrived"] == 1


def test_our_own_credentials_are_no_matter_of_the_callers(
    legato: RunningLegato, upstream: SimulatedChild
) -> None:
    upstream.change(error_rate=1.0, error_status=401)
    answer = legato.chat("a")
    assert answer.status == 502
    assert "credentials" in answer.error["message"]


@pytest.mark.parametrize("alias", ["a", "c"])
@pytest.mark.parametrize("framing", ["crlf", "comments", "multiline", "split", "no_final_newline"])
def test_legal_but_unusual_streams_mean_the_same(
    legato: RunningLegato, upstream: SimulatedChild, alias: str, framing: str
) -> None:
    asked = {"question": framing, "stream": True, "stream_options": {"include_usage": True}}
    plain = legato.chat(alias, **asked)
    upstream.change(framing=framing)
    odd = legato.chat(alias, **asked)
    assert texts(odd) == texts(plain)
    assert odd.body.count(b"[DONE]") == 1
    entries = [legato.entries(answer.request_id)[0] for answer in (plain, odd)]
    assert entries[0]["out_text"] == entries[1]["out_text"] > 0
    assert entries[1]["usage_source"] == "provider"


@pytest.mark.parametrize(
    "shape", ["final_chunk", "on_finish_chunk", "cumulative", "null_each", "missing"]
)
@pytest.mark.parametrize("asks", [False, True])
def test_usage_is_exact_in_whatever_shape_it_comes(
    legato: RunningLegato, upstream: SimulatedChild, shape: str, *, asks: bool
) -> None:
    upstream.change(usage_shape=shape, cached_share=0.5, reasoning_share=0.25, output_tokens=40)
    answer = legato.chat(
        "a", "a question of many words " * 8, stream=True, stream_options={"include_usage": asks}
    )
    (entry,) = legato.entries(answer.request_id)
    (call,) = upstream.calls(1)
    if shape == "missing":
        assert entry["usage_source"] == "estimated"
        assert entry["out_text"] > 0
    else:
        assert entry["usage_source"] == "provider"
        assert entry["cache_read"] == call.usage.cached > 0
        assert entry["in_uncached"] == call.usage.prompt - call.usage.cached
        assert entry["reasoning"] == call.usage.reasoning == 10
        assert entry["out_text"] == call.usage.completion - call.usage.reasoning
    if not asks:
        assert b'"choices":[]' not in answer.body


def texts(answer: Answer) -> str:
    """What a stream says, read as an event stream is to be read."""
    events = answer.body.decode().replace("\r\n", "\n").split("\n\n")
    said = []
    for event in events:
        lines = [line[5:].lstrip(" ") for line in event.split("\n") if line.startswith("data:")]
        data = "\n".join(lines)
        if data and data != "[DONE]":
            said += [c["delta"].get("content") or "" for c in json.loads(data)["choices"]]
    return "".join(said)


def test_who_cannot_serve_a_call_is_passed_over(legato: RunningLegato) -> None:
    image = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}
    messages = [{"role": "user", "content": [image]}]
    assert served_by(legato, legato.chat("seeing", messages=messages)) == ["b"]
    assert served_by(legato, legato.chat("seeing")) == ["blind"]
    refused = legato.chat("blind", messages=messages)
    assert refused.status == 400
    assert refused.error["message"] == (
        "no deployment of 'blind' can take images: blind: no vision"
    )
    assert legato.trace(refused.request_id)["attempts"] == 0
