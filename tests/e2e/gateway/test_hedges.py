"""Hedged requests: who answers, what it costs, what the books say."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families
from running import within

if TYPE_CHECKING:
    from running import RunningLegato

    from legato.providers.simulated.child import SimulatedChild

PRICE = 'price: {input_per_mtok: "1", output_per_mtok: "2"}'
CONFIG = f"""\
config_version: 1
storage: {{ledger_poll_s: 0.1}}
cache: {{enabled: false}}
retry: {{attempts_max: 1}}
providers:
  - {{name: open, kind: openai_compatible, base_url: "UPSTREAM/v1"}}
deployments:
  - {{name: a, provider: open, model: a, {PRICE}}}
  - {{name: b, provider: open, model: b, {PRICE}}}
routes:
  - {{alias: hedged, deployments: [a, b], hedge: {{after_s: 0.2, max_share: 1}}}}
  - {{alias: seldom, deployments: [a, b], hedge: {{after_s: 0.05, max_share: 0.1}}}}
  - {{alias: quantile, deployments: [a, b], hedge: {{max_share: 1}}}}
keys:
  - {{name: ci, team: platform, feature: tests, secret: {{env: CALLER_KEY}}}}
  - name: bounded
    team: platform
    feature: bounded
    secret: {{env: BOUNDED_KEY}}
    budget: {{usd: "1"}}
"""
BOUNDED = "lg-a-bounded-key-of-these-tests"
VARIABLES = {"BOUNDED_KEY": BOUNDED}
FUNCTION = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}


@pytest.mark.parametrize("stream", [False, True])
def test_the_second_answers_where_the_first_is_slow(
    legato: RunningLegato, upstream: SimulatedChild, *, stream: bool
) -> None:
    upstream.change(models={"a": {"latency_ms": 5000}})
    answer = legato.chat("hedged", stream=stream, key=BOUNDED)
    assert answer.status == 200
    assert answer.headers["x-legato-hedge"] == "second"
    lost, won = legato.entries(answer.request_id, 2)
    assert (lost["deployment"], lost["kind"], lost["status"]) == ("a", "hedge", "cancelled")
    assert (won["deployment"], won["kind"], won["attempt"]) == ("b", "usage", 2)
    assert lost["baseline_cost"] == 0 < won["baseline_cost"]
    assert lost["budget_id"] == won["budget_id"] != ""
    trace = legato.trace(answer.request_id)
    assert (trace["deployment"], trace["attempts"]) == ("b", 2)
    assert trace["cost"] == lost["cost"] + won["cost"]
    assert [step.deployment for step in trace["decision"].steps] == ["a", "b"]


@pytest.mark.parametrize("slow", ["a", "b"])
def test_metrics_say_where_each_attempt_was_paid(
    legato: RunningLegato, upstream: SimulatedChild, slow: str
) -> None:
    cost, tokens = "legato_cost_usd_total", "legato_tokens_total"
    before = {name: counted(legato, name) for name in (cost, tokens)}
    faster = {"latency_ms": 600 if slow == "b" else 0}
    upstream.change(models={slow: {"latency_ms": 5000}, "ab".replace(slow, ""): faster})
    rows = legato.entries(legato.chat("hedged").request_id, 2)

    def grown(name: str, column: str) -> bool:
        now = counted(legato, name)
        return all(
            now[row["deployment"]] - before[name][row["deployment"]] == row[column] for row in rows
        )

    assert within(3, lambda: grown(cost, "cost"))
    assert within(3, lambda: grown(tokens, "out_text"))


def test_a_cut_stream_is_counted_once(legato: RunningLegato, upstream: SimulatedChild) -> None:
    before = sum(counted(legato, "legato_tokens_total").values())
    upstream.change(cut_rate=1)
    (row,) = legato.entries(legato.chat("seldom", stream=True).request_id)
    assert row["usage_source"] == "partial"

    def grown() -> bool:
        return sum(counted(legato, "legato_tokens_total").values()) - before == row["out_text"]

    assert within(3, grown)


@pytest.mark.parametrize("stream", [False, True])
def test_the_first_may_still_win(
    legato: RunningLegato, upstream: SimulatedChild, *, stream: bool
) -> None:
    upstream.change(models={"a": {"latency_ms": 600}, "b": {"latency_ms": 5000}})
    answer = legato.chat("hedged", stream=stream)
    assert answer.headers["x-legato-hedge"] == "first"
    won, lost = legato.entries(answer.request_id, 2)
    assert (won["deployment"], won["kind"]) == ("a", "usage")
    assert (lost["deployment"], lost["kind"], lost["usage_source"]) == ("b", "hedge", "unknown")
    assert legato.trace(answer.request_id)["cost"] == lost["cost"] + won["cost"]
    (ended,) = [call for call in upstream.calls(2) if call.model == "b"]
    assert ended.outcome == "client_gone"


def test_who_is_quick_is_asked_alone(legato: RunningLegato, upstream: SimulatedChild) -> None:
    answer = legato.chat("hedged")
    assert "x-legato-hedge" not in answer.headers
    assert upstream.counts()["arrived"] == 1


def test_the_second_goes_on_when_the_first_fails(
    legato: RunningLegato, upstream: SimulatedChild
) -> None:
    slowly = {"latency_ms": 500, "error_rate": 1.0}
    upstream.change(models={"a": slowly, "b": {"latency_ms": 800}})
    answer = legato.chat("hedged")
    assert answer.status == 200
    failed, served = legato.entries(answer.request_id, 2)
    assert (failed["kind"], failed["http_status"]) == ("retry", 503)
    assert (served["kind"], served["deployment"]) == ("usage", "b")
    upstream.change(models={"a": slowly, "b": slowly})
    answer = legato.chat("hedged")
    assert answer.status == 503
    assert "x-legato-hedge" not in answer.headers  # nobody answered
    assert {entry["kind"] for entry in legato.entries(answer.request_id, 2)} == {"retry"}


@pytest.mark.parametrize(
    ("fields", "asked"),
    [({"tools": [FUNCTION]}, 2), ({"tools": [{"type": "mcp"}]}, 1), ({"store": True}, 1)],
)
def test_what_may_do_something_at_the_provider_is_not_sent_twice(
    legato: RunningLegato, upstream: SimulatedChild, fields: dict[str, object], asked: int
) -> None:
    upstream.change(latency_ms=500)
    legato.chat("hedged", **fields)
    assert upstream.counts()["arrived"] == asked


def test_no_more_than_the_share_is_hedged(legato: RunningLegato, upstream: SimulatedChild) -> None:
    upstream.change(latency_ms=200)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: legato.chat("seldom", str(n)), range(40)))
    assert upstream.counts()["arrived"] in {43, 44}


def test_the_quantile_is_learned(legato: RunningLegato, upstream: SimulatedChild) -> None:
    upstream.change(models={"a": {"latency_ms": 50}})
    for number in range(22):
        legato.chat("quantile", str(number))
    upstream.change(models={"a": {"latency_ms": 5000}})
    assert legato.chat("quantile", "slow").headers["x-legato-hedge"] == "second"


def test_a_kill_in_the_middle_leaves_the_ledger_right(
    legato: RunningLegato, upstream: SimulatedChild
) -> None:
    upstream.change(latency_ms=20_000)
    with ThreadPoolExecutor(4) as pool:
        broken = [pool.submit(legato.chat, "hedged", str(n), key=BOUNDED) for n in range(4)]
        assert within(10, lambda: upstream.counts()["arrived"] == 8)
        legato.kill()
        assert all(one.exception(timeout=30) is not None for one in broken)
    legato.start()
    upstream.reset()
    lost = within(20, lambda: unknown(legato) if len(unknown(legato)) == 8 else None)
    assert lost
    assert sorted(row["kind"] for row in lost) == ["hedge"] * 4 + ["usage"] * 4
    assert all(row["baseline_cost"] == 0 for row in lost if row["kind"] == "hedge")
    assert legato.chat("hedged", key=BOUNDED).status == 200
    legato.command("ledger", "verify")


def unknown(legato: RunningLegato) -> list[dict[str, object]]:
    return legato.query("SELECT * FROM ledger_entry WHERE provisional")


def counted(legato: RunningLegato, name: str) -> dict[str, int]:
    page = legato.send("GET", "/metrics", None, {}).body.decode()
    found = {"a": 0, "b": 0}
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            if sample.name == name and sample.labels.get("direction", "output") == "output":
                scale = 1 if "direction" in sample.labels else 1e9
                found[sample.labels["deployment"]] += round(sample.value * scale)
    return found
