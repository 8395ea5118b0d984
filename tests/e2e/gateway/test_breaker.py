"""A breaker is one for all workers: opened by one, seen by the other, closed by one probe."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from running import within

if TYPE_CHECKING:
    from running import RunningLegato

    from legato.providers.simulated.child import SimulatedChild

WORKERS = 2
OPEN_S = 1.5
CONFIG = f"""\
config_version: 1
storage: {{ledger_poll_s: 0.1}}
cache: {{enabled: false}}
retry: {{attempts_max: 1}}
breaker: {{failures: 3, failure_share: 0.9, window_calls: 20, open_s: {OPEN_S}}}
providers:
  - {{name: open, kind: openai_compatible, base_url: "UPSTREAM/v1"}}
  - {{name: brief, kind: openai_compatible, base_url: "UPSTREAM/v1", timeouts: {{total_s: 0.2}}}}
  - name: narrow
    kind: openai_compatible
    base_url: "UPSTREAM/v1"
    connections_max: 1
    timeouts: {{connect_s: 0.1}}
deployments:
  - {{name: tight, provider: narrow, model: i, price: {{input_per_mtok: 1, output_per_mtok: 2}}}}
  - {{name: alone, provider: open, model: a, price: {{input_per_mtok: "1", output_per_mtok: "2"}}}}
  - {{name: first, provider: open, model: b, price: {{input_per_mtok: "1", output_per_mtok: "2"}}}}
  - {{name: hung, provider: open, model: d, price: {{input_per_mtok: "1", output_per_mtok: "2"}}}}
  - {{name: spare, provider: open, model: c, price: {{input_per_mtok: "1", output_per_mtok: "2"}}}}
  - {{name: halts, provider: open, model: e, price: {{input_per_mtok: "1", output_per_mtok: "2"}}}}
  - {{name: slow, provider: open, model: f, price: {{input_per_mtok: "1", output_per_mtok: "2"}}}}
  - {{name: last, provider: open, model: g, price: {{input_per_mtok: "1", output_per_mtok: "2"}}}}
  - {{name: curt, provider: brief, model: h, price: {{input_per_mtok: "1", output_per_mtok: "2"}}}}
routes:
  - {{alias: both, deployments: [first, spare]}}
  - {{alias: patient, deployments: [hung], timeouts: {{total_s: 0.2}}}}
  - {{alias: halting, deployments: [halts], timeouts: {{total_s: 0.2}}}}
  - {{alias: brisk, deployments: [curt, spare]}}
  - {{alias: wide, deployments: [tight, spare]}}
  - {{alias: late, deployments: [slow, last], timeouts: {{total_s: 4}}}}
keys:
  - {{name: ci, team: platform, feature: tests, secret: {{env: CALLER_KEY}}}}
"""


def test_opens_for_all_workers_and_closes_by_one_probe(
    legato: RunningLegato, upstream: SimulatedChild
) -> None:
    upstream.change(error_rate=1.0)
    with legato.only_worker(0):
        assert [legato.chat("alone").status for _ in range(3)] == [503] * 3
        opened_s = time.monotonic()
        assert "breaker is open" in legato.chat("alone").error["message"]
    with legato.only_worker(1):
        refused = legato.chat("alone")
        assert refused.status == 503
        assert refused.error["code"] == "all_attempts_failed"
        assert "1. alone: not called: its breaker is open" in refused.error["message"]
        assert int(refused.headers["retry-after"]) in {
            1,
            2,
        }  # whole seconds of what is left of OPEN_S
    assert upstream.counts()["arrived"] == 3
    assert time.monotonic() - opened_s < OPEN_S

    time.sleep(OPEN_S)
    with legato.only_worker(1):  # the probe fails: open again
        assert "not called" not in legato.chat("alone").error["message"]
        reopened_s = time.monotonic()
        assert "not called" in legato.chat("alone").error["message"]
    assert upstream.counts()["arrived"] == 4

    upstream.change(error_rate=0.0, latency_ms=300)
    time.sleep(max(0.0, reopened_s + OPEN_S - time.monotonic()) + 0.05)
    with ThreadPoolExecutor(8) as pool:  # half-open: one asker goes through, the others do not
        statuses = list(pool.map(lambda _: legato.chat("alone").status, range(8)))
    assert sorted(statuses) == [200] + [503] * 7
    assert upstream.counts()["arrived"] == 5
    upstream.change(latency_ms=0)
    with legato.only_worker(0):
        assert [legato.chat("alone").status for _ in range(3)] == [200] * 3


def test_an_open_breaker_spares_the_caller_the_wait(
    legato: RunningLegato, upstream: SimulatedChild
) -> None:
    upstream.change(models={"b": {"error_rate": 1.0, "latency_ms": 200}})
    answers = [legato.chat("both") for _ in range(6)]
    assert [answer.status for answer in answers] == [200] * 6
    assert upstream.counts()["by_model"] == {"b": 3, "c": 6}
    assert legato.chat("both").status == 200
    assert upstream.counts()["by_model"] == {"b": 3, "c": 7}
    attempts = [legato.trace(answer.request_id)["attempts"] for answer in answers]
    assert attempts == [2, 2, 2, 1, 1, 1]


def test_the_callers_mistakes_open_nothing(legato: RunningLegato, upstream: SimulatedChild) -> None:
    upstream.change(error_rate=1.0, error_status=400)
    assert [legato.chat("spare").status for _ in range(6)] == [400] * 6
    assert upstream.counts()["arrived"] == 6


def test_the_deadline_counts_against_a_provider_that_says_nothing(
    legato: RunningLegato, upstream: SimulatedChild
) -> None:
    upstream.change(models={"d": {"latency_ms": 20_000}})
    assert [legato.chat("patient").status for _ in range(3)] == [504] * 3
    assert "its breaker is open" in legato.chat("patient").error["message"]


def test_the_deadline_counts_nothing_once_an_answer_runs(
    legato: RunningLegato, upstream: SimulatedChild
) -> None:
    time.sleep(OPEN_S)
    runs = {"itl_ms": 20, "output_tokens": 64}
    upstream.change(models={"d": runs, "h": runs})
    answers = [legato.chat(model, stream=True) for model in ("patient", "brisk") for _ in range(4)]
    assert all(b"provider_timeout" in answer.body for answer in answers)
    assert upstream.counts()["arrived"] == 8


@pytest.mark.parametrize(
    ("stream", "after_events"), [(True, 1), (True, 5), (False, 1)], ids=["head", "middle", "whole"]
)
def test_the_deadline_counts_against_a_provider_that_falls_silent(
    legato: RunningLegato, upstream: SimulatedChild, *, stream: bool, after_events: int
) -> None:
    halts = {"stall_rate": 1.0, "stall_where": "mid_stream", "stall_after_events": after_events}
    upstream.change(models={"e": halts})
    answers = [legato.chat("halting", stream=stream) for _ in range(3)]
    assert all(b"provider_timeout" in answer.body for answer in answers)
    assert "its breaker is open" in legato.chat("halting").error["message"]
    upstream.reset()
    time.sleep(OPEN_S)
    assert legato.chat("halting").status == 200


def test_the_deadline_counts_nothing_against_one_that_was_asked_last(
    legato: RunningLegato, upstream: SimulatedChild
) -> None:
    fails_late = {"latency_ms": 2_200, "error_rate": 1.0}
    upstream.change(models={"f": fails_late, "g": {"latency_ms": 20_000}})
    assert [legato.chat("late").status for _ in range(3)] == [504] * 3
    # it counts a call once it notices that who asked has gone
    assert within(2, lambda: upstream.counts()["by_model"] == {"f": 3, "g": 3})
    upstream.reset()
    assert legato.chat("last").status == 200


def test_a_full_pool_of_ours_opens_nothing(legato: RunningLegato, upstream: SimulatedChild) -> None:
    upstream.change(models={"i": {"latency_ms": 1_500}})
    with legato.only_worker(0), ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: legato.chat("tight"), range(6)))
        assert sorted(answer.status for answer in answers) == [200] + [503] * 5
        said = next(answer.error["message"] for answer in answers if answer.status == 503)
        assert "is busy: raise providers[narrow].connections_max" in said
        statuses = list(pool.map(lambda _: legato.chat("wide").status, range(6)))
        assert statuses == [200] * 6
        assert upstream.counts()["by_model"] == {"i": 2, "c": 5}
        assert legato.chat("tight").status == 200
