"""Anthropic's message batches behind OpenAI's: one batch there, one entry a line here.

The vendor has no mark and no idempotency for a batch. What is killed between the intent and the
recorded id finds its own batch again by its requests' ids, among others' of the same size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anthropic
import pytest
from anthropic import Anthropic
from native_batches import (
    TWO_HOURS_S,
    WAIT_S,
    NativeLegato,
    begin,
    chats,
    databases,
    ended,
    lines_of,
)
from openai import OpenAI
from running import CALLER, within

from wire_servers.anthropic_batches import KEY, AnthropicBatchServer

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
cache: {enabled: false}
retry: {attempts_max: 1}
providers:
  - {name: vendor, kind: anthropic, base_url: "UPSTREAM", api_key: {env: VENDOR_KEY}}
deployments:
  - name: claude
    provider: vendor
    model: c-1
    price: {input_per_mtok: "1", output_per_mtok: "2"}
    batch: {lane: native, price_factor: "0.5"}
routes:
  - {alias: chat, deployments: [claude], model_name: alias}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}, budget: {usd: "1", window: total}}
"""  # noqa: E501
LINE_COST = 9_000
"""10 tokens at $1 and 4 at $2 a million, halved, in nano-USD."""
KILLED_AT = ["arrive", "create", "show", "results", "delete"]
ARRIVES_S = 15.0
"""So long an absent batch is waited for, after a crash."""


@pytest.fixture(scope="module")
def vendor_of_module() -> Iterator[AnthropicBatchServer]:
    with AnthropicBatchServer() as server:
        yield server


@pytest.fixture
def vendor(vendor_of_module: AnthropicBatchServer) -> AnthropicBatchServer:
    vendor_of_module.empty()
    return vendor_of_module


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.chaos)]
)
def native(
    request: pytest.FixtureRequest,
    vendor_of_module: AnthropicBatchServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[NativeLegato]:
    for url in databases(request.param):
        config = CONFIG.replace("UPSTREAM", vendor_of_module.url)
        folder = tmp_path_factory.mktemp("legato")
        running = NativeLegato(folder, config, url=url, variables={"VENDOR_KEY": KEY})
        yield running
        assert running.stop() == 0
        assert "Traceback" not in running.log.read_text()


@pytest.fixture
def client(native: NativeLegato, vendor: AnthropicBatchServer) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{native.url}/v1", api_key=CALLER, max_retries=0) as client:
        yield client


def strangers(vendor: AnthropicBatchServer, count: int) -> str:
    """Make a batch as another user of the vendor's account would."""
    params: Any = {"model": "c-1", "max_tokens": 9, "messages": [{"role": "user", "content": "x"}]}
    with Anthropic(base_url=vendor.url, api_key=KEY, max_retries=0) as theirs:
        made = theirs.messages.batches.create(
            requests=[{"custom_id": f"theirs-{n}", "params": params} for n in range(count)]
        )
    return made.id


def ours(vendor: AnthropicBatchServer) -> list[str]:
    """The ids of all batches that were ever made by us."""
    return [
        batch_id
        for batch_id in vendor.created
        if vendor.requests[batch_id][0]["custom_id"].startswith("batch_")
    ]


def test_the_vendors_client_takes_the_test_server_for_the_vendor(
    vendor: AnthropicBatchServer,
) -> None:
    def request(name: str, said: str) -> Any:
        messages = [{"role": "user", "content": said}]
        params = {"model": "c-1", "max_tokens": 9, "messages": messages}
        return {"custom_id": name, "params": params}

    with Anthropic(base_url=vendor.url, api_key=KEY, max_retries=0) as theirs:
        batches = theirs.messages.batches
        made = batches.create(requests=[request("a", "one"), request("b", "FAIL")])
        found = batches.retrieve(made.id)
        assert (found.processing_status, found.request_counts.succeeded) == ("ended", 1)
        results = {one.custom_id: one.result for one in batches.results(made.id)}
        assert results["a"].type == "succeeded"
        assert results["a"].message.usage.output_tokens == 4
        assert results["b"].type == "errored"
        assert results["b"].error.error.type == "invalid_request_error"
        vendor.at_once = False
        running = batches.create(requests=[request("c", "one")])
        assert [one.id for one in batches.list(limit=1)] == [running.id, made.id]
        with pytest.raises(anthropic.BadRequestError):
            batches.delete(running.id)
        assert batches.cancel(running.id).processing_status == "canceling"
        vendor.run(running.id, rest="canceled", upto=0)
        assert [one.result.type for one in batches.results(running.id)] == ["canceled"]
        assert batches.delete(made.id).type == "message_batch_deleted"
        with pytest.raises(anthropic.NotFoundError):
            batches.retrieve(made.id)
        for names in (["x", "x"], ["not good"], ["x" * 65]):
            with pytest.raises(anthropic.BadRequestError):
                batches.create(requests=[request(name, "one") for name in names])


def test_lines_are_translated_and_paid_at_the_batch_price(
    client: OpenAI, native: NativeLegato, vendor: AnthropicBatchServer
) -> None:
    batch = ended(client, begin(client, chats(["one", "two", "FAIL"])).id)
    assert batch.status == "completed"
    counts = batch.request_counts
    assert (counts.total, counts.completed, counts.failed) == (3, 2, 1)
    answers = lines_of(client, batch.output_file_id)
    body = answers["mine-1"]["response"]["body"]
    assert body["object"] == "chat.completion"
    assert body["choices"][0]["message"]["content"] == "re: two"
    assert (body["model"], body["usage"]["total_tokens"]) == ("chat", 14)
    failed = lines_of(client, batch.error_file_id)["mine-2"]["response"]
    assert (failed["status_code"], failed["body"]["error"]["type"]) == (
        400,
        "invalid_request_error",
    )
    assert [(row["cost"], row["kind"]) for row in native.entries_of(batch.id)] == [
        (LINE_COST, "usage"),
        (LINE_COST, "usage"),
        (0, "retry"),
    ]
    (theirs,) = vendor.created
    sent = vendor.requests[theirs]
    assert [one["custom_id"] for one in sent] == [f"{batch.id}-{n}" for n in range(3)]
    assert sent[0]["params"]["model"] == "c-1"
    assert not vendor.batches, "it was to be deleted"
    assert not native.leased()
    assert native.verified()


@pytest.mark.chaos
@pytest.mark.parametrize("step", KILLED_AT)
def test_a_kill_at_any_step_doubles_nothing(
    client: OpenAI, native: NativeLegato, vendor: AnthropicBatchServer, step: str
) -> None:
    strangers(vendor, 4)
    with vendor.hold(step):
        made = begin(client, chats(["one", "two", "FAIL", "four"]))
        assert vendor.reached.wait(WAIT_S), step
        native.kill_batches()
        looked = vendor.listings
        # what is still on its way is made only when the next life has looked for it already
        assert step != "arrive" or within(WAIT_S, lambda: vendor.listings > looked)
    batch = ended(client, made.id)
    assert batch.status == "completed"
    assert lines_of(client, batch.output_file_id).keys() == {"mine-0", "mine-1", "mine-3"}
    assert len(ours(vendor)) == 1
    costs = [row["cost"] for row in native.entries_of(made.id)]
    assert costs == [LINE_COST, LINE_COST, 0, LINE_COST]
    assert not native.leased()
    assert len(vendor.batches) == 1, "the stranger's stays, ours was to be deleted"
    assert native.verified()


@pytest.mark.chaos
def test_a_batch_that_got_lost_on_its_way_is_submitted_again(
    client: OpenAI, native: NativeLegato, vendor: AnthropicBatchServer
) -> None:
    vendor.drops = True
    with vendor.hold("arrive"):
        made = begin(client, chats(["one", "two"]))
        assert vendor.reached.wait(WAIT_S)
        native.kill_batches()
    assert ended(client, made.id).status == "completed"
    assert len(ours(vendor)) == 1
    assert [row["cost"] for row in native.entries_of(made.id)] == [LINE_COST] * 2


@pytest.mark.chaos
def test_a_strangers_batch_of_the_same_size_is_waited_for(
    client: OpenAI, native: NativeLegato, vendor: AnthropicBatchServer
) -> None:
    """It might be ours: only its results tell. Once it isn't, ours is made."""
    vendor.at_once = False
    theirs = strangers(vendor, 2)
    strangers(vendor, 3)  # of another size: that can't be ours
    vendor.drops = True
    with vendor.hold("arrive"):
        made = begin(client, chats(["one", "two"]))
        assert vendor.reached.wait(WAIT_S)
        native.kill_batches()
    within(ARRIVES_S + 5.0, lambda: False)
    assert not ours(vendor)
    vendor.run(theirs)
    assert within(WAIT_S, lambda: ours(vendor))
    vendor.run(ours(vendor)[0])
    assert ended(client, made.id).status == "completed"
    assert len(ours(vendor)) == 1
    assert theirs in vendor.batches
    assert [row["cost"] for row in native.entries_of(made.id)] == [LINE_COST] * 2


def test_a_cancelled_batch_keeps_what_was_executed(
    client: OpenAI, native: NativeLegato, vendor: AnthropicBatchServer
) -> None:
    vendor.at_once = False
    made = begin(client, chats(["one", "two", "three"]))
    assert within(WAIT_S, lambda: vendor.batches)
    assert native.leased() > 3 * LINE_COST
    assert client.batches.cancel(made.id).status == "cancelling"
    (theirs,) = vendor.batches
    assert within(WAIT_S, lambda: vendor.batches[theirs]["processing_status"] == "canceling")
    vendor.run(theirs, rest="canceled", upto=1)
    batch = ended(client, made.id)
    assert batch.status == "cancelled"
    assert lines_of(client, batch.output_file_id).keys() == {"mine-0"}
    errors = lines_of(client, batch.error_file_id)
    assert {one["error"]["code"] for one in errors.values()} == {"batch_cancelled"}
    assert [row["cost"] for row in native.entries_of(made.id)] == [LINE_COST]


def test_a_message_batch_passes_as_it_came_and_its_results_come_back(
    native: NativeLegato, vendor: AnthropicBatchServer
) -> None:
    """The vendor's own client in front, its own form behind: by its batches, at their price."""

    def request(name: str, said: str) -> Any:
        messages = [{"role": "user", "content": said}]
        params = {"model": "chat", "max_tokens": 9, "messages": messages, "top_k": 3}
        return {"custom_id": name, "params": params}

    with Anthropic(base_url=native.url, api_key=CALLER, max_retries=0) as client:
        batches = client.messages.batches
        first = made = batches.create(requests=[request("a", "one"), request("b", "FAIL")])
        assert within(WAIT_S, lambda: batches.retrieve(made.id).processing_status == "ended")
        counts = batches.retrieve(made.id).request_counts
        assert (counts.succeeded, counts.errored) == (1, 1)
        results = {one.custom_id: one.result for one in batches.results(made.id)}
        assert results["a"].type == "succeeded"
        assert (results["a"].message.model, results["a"].message.content[0].text) == (
            "chat",
            "re: one",
        )
        assert results["b"].type == "errored"
        assert results["b"].error.error.type == "invalid_request_error"
        vendor.refusal = "requests: Too many of them."
        made = batches.create(requests=[request("a", "one"), request("b", "two")])
        assert within(WAIT_S, lambda: batches.retrieve(made.id).processing_status == "ended")
        assert batches.retrieve(made.id).request_counts.errored == 2
        refused = {one.custom_id: one.result for one in batches.results(made.id)}
        assert {one.error.error.message for one in refused.values()} == {vendor.refusal}
        assert refused.keys() == {"a", "b"}
    (theirs,) = vendor.created
    assert vendor.requests[theirs][0]["params"]["top_k"] == 3
    rows = native.entries_of(first.id.replace("msgbatch_", "batch_"))
    assert [row["cost"] for row in rows] == [LINE_COST, 0]
    assert native.verified()


def test_what_expires_at_the_provider_stands_in_the_error_file(
    client: OpenAI, native: NativeLegato, vendor: AnthropicBatchServer
) -> None:
    vendor.at_once = False
    made = begin(client, chats(["one", "two", "three"]))
    assert within(WAIT_S, lambda: vendor.batches)
    vendor.run(next(iter(vendor.batches)), rest="expired", upto=2)
    batch = ended(client, made.id)
    assert batch.status == "expired"
    assert lines_of(client, batch.output_file_id).keys() == {"mine-0", "mine-1"}
    assert lines_of(client, batch.error_file_id)["mine-2"]["error"]["code"] == "batch_expired"
    assert [row["cost"] for row in native.entries_of(made.id)] == [LINE_COST] * 2


def test_what_the_provider_can_not_carry_is_refused_by_line(
    client: OpenAI, native: NativeLegato, vendor: AnthropicBatchServer
) -> None:
    seeded = chats(["x", "two"]).splitlines()[1].replace(b'"model"', b'"seed": 3, "model"')
    batch = ended(client, begin(client, chats(["one"]) + b"\n" + seeded).id)
    assert batch.status == "completed"
    refused = lines_of(client, batch.error_file_id)["mine-1"]["response"]
    assert (refused["status_code"], refused["body"]["error"]["param"]) == (400, "seed")
    assert len(vendor.requests[vendor.created[0]]) == 1
    assert len(native.entries_of(batch.id)) == 1


def test_a_batch_the_provider_refuses_fails_with_its_reason(
    client: OpenAI, native: NativeLegato, vendor: AnthropicBatchServer
) -> None:
    vendor.refusal = "requests: Too many of them."
    batch = ended(client, begin(client, chats(["one"])).id)
    assert (batch.status, batch.errors.data[0].message) == ("failed", vendor.refusal)
    assert not native.entries_of(batch.id)
    assert not native.leased()


def test_a_batch_that_may_be_there_when_time_is_up_counts_as_unknown(
    client: OpenAI, native: NativeLegato, vendor: AnthropicBatchServer
) -> None:
    vendor.at_once = False
    strangers(vendor, 2)
    vendor.drops = True
    with vendor.hold("arrive"):
        made = begin(client, chats(["one", "two"]))
        assert vendor.reached.wait(WAIT_S)
        native.kill_batches()
        native.let_expire(made.id, TWO_HOURS_S)
    batch = ended(client, made.id)
    assert batch.status == "expired"
    rows = native.entries_of(made.id)
    assert [row["usage_source"] for row in rows] == ["unknown", "unknown"]
    assert not native.leased()
    assert native.verified()
