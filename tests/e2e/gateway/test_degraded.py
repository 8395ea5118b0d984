"""Lesser answers by policy: an expired one from the cache, one of a smaller model."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from running import RunningLegato

    from legato.providers.simulated.child import SimulatedChild

PRICE = 'price: {input_per_mtok: "1", output_per_mtok: "2"}'
DEARER = 'price: {input_per_mtok: "10", output_per_mtok: "20"}'
CONFIG = f"""\
config_version: 1
storage: {{ledger_poll_s: 0.1}}
retry: {{attempts_max: 1}}
breaker: {{failures: 62, failure_share: 1.0, window_calls: 62}}
providers:
  - {{name: open, kind: openai_compatible, base_url: "UPSTREAM/v1"}}
deployments:
  - {{name: large, provider: open, model: large, {DEARER}}}
  - {{name: small, provider: open, model: small, {PRICE}}}
  - {{name: blind, provider: open, model: small, capabilities: {{tools: false}}, {PRICE}}}
routes:
  - alias: kept
    deployments: [large]
    cache: {{ttl_s: 0.5, stale_s: 600}}
    degrade: [stale_cache, small]
  - {{alias: lesser, deployments: [large], cache: {{enabled: false}}, degrade: [blind, small]}}
  - {{alias: strict, deployments: [large], cache: {{ttl_s: 0.5}}}}
keys:
  - {{name: ci, team: platform, feature: tests, secret: {{env: CALLER_KEY}}}}
"""
DOWN = {"error_rate": 1.0, "error_status": 503}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}


def test_an_expired_answer_is_given_only_where_there_is_no_other(
    legato: RunningLegato, upstream: SimulatedChild
) -> None:
    first = legato.chat("kept", "what is kept")
    time.sleep(0.6)
    again = legato.chat("kept", "what is kept")
    assert again.headers["x-legato-cache"] == "miss"  # expired is expired while all is well
    time.sleep(0.6)
    upstream.change(models={"large": DOWN})
    stale = legato.chat("kept", "what is kept")
    assert stale.status == 200
    assert stale.headers["x-legato-degraded"] == "stale_cache"
    assert stale.headers["x-legato-cache"] == "hit"
    assert stale.json["choices"] == first.json["choices"]
    failed, given = sorted(legato.entries(stale.request_id, 2), key=lambda entry: -entry["attempt"])
    assert (failed["kind"], failed["http_status"]) == ("retry", 503)
    assert (given["kind"], given["cost"]) == ("cache", 0)
    assert given["baseline_cost"] == 0  # what nobody could buy wasn't saved
    assert '"degraded"' in given["tags"]
    assert legato.trace(stale.request_id)["decision"].degraded == "stale_cache"


def test_it_is_found_on_disk_after_a_restart(
    legato: RunningLegato, upstream: SimulatedChild
) -> None:
    assert legato.chat("kept", "after a restart", stream=True).status == 200
    legato.stop()
    legato.start()
    time.sleep(0.6)
    upstream.change(models={"large": DOWN})
    stale = legato.chat("kept", "after a restart", stream=True)
    assert stale.headers["x-legato-degraded"] == "stale_cache"
    assert b"[DONE]" in stale.body
    fresh = {"cache-control": "no-cache"}
    other = legato.chat("kept", "after a restart", stream=True, headers=fresh)
    assert other.headers["x-legato-degraded"] == "deployment; small"


@pytest.mark.parametrize("stream", [False, True])
def test_a_smaller_model_answers_last(
    legato: RunningLegato, upstream: SimulatedChild, *, stream: bool
) -> None:
    upstream.change(models={"large": DOWN})
    answer = legato.chat("lesser", "something", tools=[TOOL], stream=stream)
    assert answer.status == 200
    assert answer.headers["x-legato-degraded"] == "deployment; small"  # the other has no tools
    failed, served = legato.entries(answer.request_id, 2)
    assert (failed["kind"], failed["deployment"]) == ("retry", "large")
    assert (served["kind"], served["deployment"]) == ("usage", "small")
    assert served["baseline_cost"] == served["cost"] > 0
    assert '"degraded"' in served["tags"]
    assert '"degraded"' not in failed["tags"]
    legato.command("ledger", "verify")


def test_what_has_no_policy_and_what_is_refused_stays_an_error(
    legato: RunningLegato, upstream: SimulatedChild
) -> None:
    upstream.change(**DOWN)
    failed = legato.chat("lesser")
    assert failed.status == 503
    assert "x-legato-degraded" not in failed.headers
    assert {"large", "blind", "small"} == set(legato_attempts(legato, failed.request_id))
    assert legato.chat("strict").status == 503
    upstream.change(models={"large": {"error_rate": 1.0, "error_status": 400}})
    assert legato.chat("lesser").status == 400


def legato_attempts(legato: RunningLegato, request_id: str) -> list[str]:
    return [entry["deployment"] for entry in legato.entries(request_id, 3)]
