"""Budgets are never overspent, with two workers and many callers at once."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from running import within

if TYPE_CHECKING:
    from running import Answer, RunningLegato

    from legato.providers.simulated.child import SimulatedChild

WORKERS = 2
CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
cache: {enabled: false}
retry: {attempts_max: 3, backoff_base_s: 0.01, backoff_max_s: 0.01}
breaker: {failures: 62, failure_share: 1.0, window_calls: 62}
providers:
  - {name: open, kind: openai_compatible, base_url: "UPSTREAM/v1"}
deployments:
  - name: small
    provider: open
    model: m
    max_output_tokens: 50
    price: {input_per_mtok: "10", output_per_mtok: "100"}
  - {name: unpriced, provider: open, model: nobody-knows-this-one}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
"""
BUDGETS = {
    "crowd": '{usd: "0.100", window: total}',
    "streams": '{usd: "0.100", window: day}',
    "small": '{usd: "0.0001", window: month}',
    "bound": '{usd: "0.012", window: total}',
    "tries": '{usd: "1", window: week}',
    "later": '{usd: "0.05", window: total}',
}
VARIABLES = {f"{name.upper()}_KEY": f"lg-the-budgeted-key-{name}" for name in BUDGETS}
for _name, _budget in BUDGETS.items():
    CONFIG += (
        f"  - {{name: {_name}, team: budgeted, feature: tests, budget: {_budget}, "
        f"secret: {{env: {_name.upper()}_KEY}}}}\n"
    )


def spent(legato: RunningLegato, name: str) -> int:
    """What the ledger has on a key's budget, in nano-dollars."""
    (row,) = legato.query(
        "SELECT coalesce(sum(cost), 0) AS cost FROM ledger_entry JOIN api_key ON key_id = "
        "api_key.id WHERE name = ? AND budget_id <> ''",
        name,
    )
    cost: int = row["cost"]
    return cost


def asked(legato: RunningLegato, name: str, **fields: Any) -> Answer:
    return legato.chat("small", key=f"lg-the-budgeted-key-{name}", **fields)


@pytest.mark.parametrize(("name", "stream"), [("crowd", False), ("streams", True)])
def test_many_callers_never_overspend(
    legato: RunningLegato, upstream: SimulatedChild, name: str, *, stream: bool
) -> None:
    upstream.change(latency_ms=20, output_tokens=40)
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: asked(legato, name, stream=stream), range(120)))
    good = [answer for answer in answers if answer.status == 200]
    refused = [answer for answer in answers if answer.status != 200]
    assert len(good) > 5
    assert refused
    assert {answer.status for answer in refused} == {429}
    assert {answer.error["code"] for answer in refused} == {"budget_exceeded"}
    assert len(upstream.calls(len(good))) == len(good)
    # when nothing is running the rest is spent, but for less than one more call could cost
    more = [asked(legato, name, stream=stream) for _ in range(40)]
    calls = upstream.calls(len(good) + sum(answer.status == 200 for answer in more))
    cost = sum(10_000 * c.usage.prompt + 100_000 * c.usage.completion for c in calls)
    assert cost <= 100_000_000
    assert within(5, lambda: spent(legato, name) == cost)


def test_a_refusal_names_the_figures(legato: RunningLegato, upstream: SimulatedChild) -> None:
    refused = asked(legato, "small", max_tokens=30)
    assert refused.status == 429
    error = refused.error
    assert error["code"] == "budget_exceeded"
    assert "Budget of small (month) of $0.000100 can't hold this call" in error["message"]
    assert "needs up to $0.0" in error["message"]
    assert "$0" in error["message"]
    assert "is spent" in error["message"]
    assert re.search(r"resets in \d+ (d|h|min|s)", error["message"])
    assert int(refused.headers["retry-after"]) > 0
    assert refused.headers["x-should-retry"] == "false"
    assert upstream.counts()["arrived"] == 0
    assert legato.trace(refused.request_id)["error_code"] == "budget_exceeded"


def test_a_hold_is_bounded_by_an_output_maximum_that_is_sent(
    legato: RunningLegato, upstream: SimulatedChild
) -> None:
    upstream.change(output_tokens=500)
    answer = asked(legato, "bound")  # $0.05 unbounded, a budget of $0.012
    assert answer.status == 200
    assert answer.json["choices"][0]["finish_reason"] == "length"
    assert answer.json["usage"]["completion_tokens"] == 50
    free = legato.chat("small")  # no budget, no bound
    assert free.json["usage"]["completion_tokens"] == 500
    assert asked(legato, "bound", max_tokens=400).status == 429


def test_every_attempt_takes_its_own_hold(legato: RunningLegato, upstream: SimulatedChild) -> None:
    upstream.change(error_rate=1.0, fault_calls_max=2)
    answer = asked(legato, "tries")
    assert answer.status == 200
    entries = legato.entries(answer.request_id, 3)
    assert [entry["cost"] > 0 for entry in entries] == [False, False, True]
    assert len({entry["budget_id"] for entry in entries}) == 1
    assert entries[0]["budget_id"] != ""


def test_what_a_hold_leaves_over_can_be_spent(
    legato: RunningLegato, upstream: SimulatedChild
) -> None:
    upstream.change(output_tokens=1)
    # each may cost $0.0065 and costs about $0.0003
    answers = [asked(legato, "later") for _ in range(20)]
    assert [answer.body for answer in answers if answer.status != 200] == []


def test_unpriced_calls_are_not_made_on_a_budget(
    legato: RunningLegato, upstream: SimulatedChild
) -> None:
    refused = legato.chat("unpriced", key="lg-the-budgeted-key-tries")
    assert refused.status == 503
    assert refused.error["code"] == "not_accountable"
    assert "price" in refused.error["message"]
    assert upstream.counts()["arrived"] == 0
    free = legato.chat("unpriced")
    assert free.status == 200
    assert "x-legato-cost-usd" not in free.headers
    assert legato.entries(free.request_id)[0]["cost"] is None
