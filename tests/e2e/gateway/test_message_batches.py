"""Anthropic's message batches with the official client, run by our own queue."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import anthropic
import pytest
from anthropic import Anthropic
from openai import OpenAI
from running import CALLER, RunningLegato, within

if TYPE_CHECKING:
    from collections.abc import Iterator

    from legato.providers.simulated.child import SimulatedChild

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
cache: {enabled: false}
retry: {attempts_max: 1}
server: {body_bytes_max: 100000}
providers:
  - {name: open, kind: openai_compatible, base_url: "UPSTREAM/v1"}
  - {name: messages, kind: anthropic, base_url: "UPSTREAM", api_key: {env: CALLER_KEY}}
deployments:
  - {name: small, provider: open, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
  - {name: claude, provider: messages, model: c, price: {input_per_mtok: "1", output_per_mtok: "2"}}
routes:
  - {alias: chat, deployments: [small]}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
  - {name: slow, team: x, feature: y, secret: {env: SLOW_KEY}, requests_per_minute: 3}
  - {name: poor, team: y, feature: y, secret: {env: POOR_KEY}, budget: {usd: "0.000001"}}
  - {name: strange, org: elsewhere, team: x, feature: y, secret: {env: STRANGE_KEY}}
"""
STRANGE = "lg-a-key-of-another-organisation"
SLOW = "lg-a-key-for-three-requests-a-minute"
POOR = "lg-a-key-with-next-to-no-budget"
VARIABLES = {"STRANGE_KEY": STRANGE, "SLOW_KEY": SLOW, "POOR_KEY": POOR}
WAIT_S = 60.0
BATCHES = "/v1/messages/batches"


def client_of(legato: RunningLegato, key: str = CALLER) -> Anthropic:
    return Anthropic(base_url=legato.url, api_key=key, max_retries=0)


@pytest.fixture
def client(legato: RunningLegato, upstream: SimulatedChild) -> Iterator[Anthropic]:
    with client_of(legato) as client:
        yield client


def request(name: str, model: str = "chat", **fields: Any) -> Any:
    messages = [{"role": "user", "content": "hello"}]
    params = {"model": model, "max_tokens": 9, "messages": messages, **fields}
    return {"custom_id": name, "params": params}


def ended(client: Anthropic, batch_id: str) -> Any:
    retrieve = client.messages.batches.retrieve
    found: Any = within(
        WAIT_S, lambda: (b := retrieve(batch_id)).processing_status == "ended" and b
    )
    assert found, retrieve(batch_id)
    return found


def results_of(client: Anthropic, batch_id: str) -> dict[str, Any]:
    return {one.custom_id: one.result for one in client.messages.batches.results(batch_id)}


def test_every_request_is_a_call_in_front_of_any_provider(
    client: Anthropic, legato: RunningLegato
) -> None:
    count = "SELECT count(*) AS n FROM ledger_entry"
    before = legato.query(count)[0]["n"]
    requests = [request("a"), request("b", "claude"), request("c", "nobody")]
    made = client.messages.batches.create(requests=[*requests, request("d", max_tokens="many")])
    assert (made.type, made.processing_status) == ("message_batch", "in_progress")
    assert (made.request_counts.processing, made.results_url) == (4, None)
    batch = ended(client, made.id)
    counts = batch.request_counts
    assert (counts.processing, counts.succeeded, counts.errored) == (0, 2, 2)
    assert batch.ended_at > batch.created_at
    assert (batch.expires_at - batch.created_at).total_seconds() == pytest.approx(24 * 3600)
    results = results_of(client, made.id)
    assert results.keys() == {"a", "b", "c", "d"}
    for name in ("a", "b"):
        message = results[name].message
        assert (results[name].type, message.type) == ("succeeded", "message")
        assert message.content[0].text
        assert message.usage.output_tokens > 0
    assert results["c"].error.error.type == "not_found_error"
    assert results["d"].error.error.type == "invalid_request_error"
    assert "max_tokens" in results["d"].error.error.message
    assert within(10, lambda: legato.query(count)[0]["n"] == before + 2)


def test_batches_are_listed_in_pages_both_ways(client: Anthropic) -> None:
    batches = client.messages.batches
    made = [batches.create(requests=[request("a")]).id for _ in range(3)][::-1]
    assert [one.id for one in batches.list(limit=2)][:3] == made  # the client asks for every page
    first = batches.list(limit=1)
    assert ([one.id for one in first.data], first.has_more) == (made[:1], True)
    newer = batches.list(limit=1, before_id=made[2])
    assert ([one.id for one in newer.data], newer.has_more) == (made[1:2], True)
    assert not batches.list(limit=1, before_id=made[0]).data
    for batch_id in made:
        ended(client, batch_id)


def test_a_batch_is_cancelled_then_deleted_with_its_files(
    client: Anthropic, legato: RunningLegato
) -> None:
    batches = client.messages.batches
    with client_of(legato, SLOW) as slow:  # runs into its limit: the calls wait
        made = slow.messages.batches.create(requests=[request(f"r{n}") for n in range(20)])
    with pytest.raises(anthropic.BadRequestError, match="hasn't ended"):
        batches.delete(made.id)
    assert legato.get(f"{BATCHES}/{made.id}/results").status == 400
    assert batches.cancel(made.id).processing_status == "canceling"
    batch = ended(client, made.id)
    assert batch.cancel_initiated_at is not None
    counts = batch.request_counts
    assert counts.canceled > 0
    assert counts.succeeded + counts.canceled == 20
    kinds = [one.type for one in results_of(client, made.id).values()]
    assert (kinds.count("succeeded"), kinds.count("canceled")) == (
        counts.succeeded,
        20 - counts.succeeded,
    )
    with OpenAI(base_url=f"{legato.url}/v1", api_key=CALLER, max_retries=0) as theirs:
        own_id = made.id.replace("msgbatch_", "batch_")
        assert own_id not in [one.id for one in theirs.batches.list()]
        before = len(list(theirs.files.list()))
        assert batches.delete(made.id).type == "message_batch_deleted"
        assert len(list(theirs.files.list())) < before
    for look in (batches.retrieve, batches.results, batches.cancel, batches.delete):
        with pytest.raises(anthropic.NotFoundError):
            look(made.id)
    assert made.id not in [one.id for one in batches.list()]


def test_a_budget_that_is_spent_ends_requests_as_errors(legato: RunningLegato) -> None:
    with client_of(legato, POOR) as poor:
        made = poor.messages.batches.create(requests=[request("a")])
        ended(poor, made.id)
        (result,) = results_of(poor, made.id).values()
    assert (result.type, result.error.error.type) == ("errored", "rate_limit_error")
    assert "Budget" in result.error.error.message


def test_another_organisation_sees_nothing(client: Anthropic, legato: RunningLegato) -> None:
    made = client.messages.batches.create(requests=[request("a")])
    ended(client, made.id)
    with client_of(legato, STRANGE) as stranger:
        theirs = stranger.messages.batches
        for look in (theirs.retrieve, theirs.results, theirs.cancel, theirs.delete):
            with pytest.raises(anthropic.NotFoundError):
                look(made.id)
        assert not theirs.list().data


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "requests"),
        ({"requests": []}, "requests"),
        ({"requests": [request("a")], "metadata": {}}, "metadata"),
        ({"requests": [request("not good")]}, "requests.0.custom_id"),
        ({"requests": [request("a"), request("a")]}, "requests.1.custom_id"),
        ({"requests": [request("a", stream=True)]}, "requests.0.params.stream"),
        ({"requests": [{"custom_id": "a"}]}, "requests.0"),
    ],
)
def test_what_is_no_batch_is_refused_by_name(
    legato: RunningLegato, body: dict[str, Any], param: str
) -> None:
    answer = legato.post(BATCHES, body)
    assert (answer.status, answer.error["type"]) == (400, "invalid_request_error")
    assert answer.error["message"].startswith(f"{param}:")


def test_a_body_over_the_limit_is_too_large(legato: RunningLegato) -> None:
    answer = legato.post(BATCHES, {"requests": [request("a", system="x" * 100_000)]})
    assert (answer.status, answer.error["type"]) == (413, "request_too_large")


def test_results_are_lines_of_json(client: Anthropic, legato: RunningLegato) -> None:
    made = client.messages.batches.create(requests=[request(f"r{n}") for n in range(3)])
    batch = ended(client, made.id)
    answer = legato.get(batch.results_url)
    assert answer.headers["content-type"] == "application/x-jsonl"
    lines = [json.loads(line) for line in answer.body.splitlines()]
    assert {one["custom_id"] for one in lines} == {"r0", "r1", "r2"}
