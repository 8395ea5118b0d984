"""Gemini's batch mode behind either vendor's batches: one batch there, one entry a line here.

Its display name is our mark: what is killed between the intent and the recorded name is found
again in the list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from anthropic import Anthropic
from google import genai
from google.genai import types
from google.genai.errors import ClientError
from native_batches import WAIT_S, NativeLegato, begin, chats, databases, ended, lines_of
from openai import OpenAI
from running import CALLER, within

from wire_servers.gemini_batches import KEY, GeminiBatchServer

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
cache: {enabled: false}
retry: {attempts_max: 1}
providers:
  - {name: google, kind: gemini, base_url: "UPSTREAM", api_key: {env: VENDOR_KEY}}
deployments:
  - name: flash
    provider: google
    model: g-1
    price: {input_per_mtok: "1", output_per_mtok: "2"}
    batch: {lane: native, price_factor: "0.5"}
routes:
  - {alias: chat, deployments: [flash], model_name: alias}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}, budget: {usd: "1", window: total}}
"""  # noqa: E501
LINE_COST = 9_000
"""10 tokens at $1 and 4 at $2 a million, halved, in nano-USD."""
KILLED_AT = ["arrive", "create", "show", "delete"]


@pytest.fixture(scope="module")
def vendor_of_module() -> Iterator[GeminiBatchServer]:
    with GeminiBatchServer() as server:
        yield server


@pytest.fixture
def vendor(vendor_of_module: GeminiBatchServer) -> GeminiBatchServer:
    vendor_of_module.empty()
    return vendor_of_module


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.chaos)]
)
def native(
    request: pytest.FixtureRequest,
    vendor_of_module: GeminiBatchServer,
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
def client(native: NativeLegato, vendor: GeminiBatchServer) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{native.url}/v1", api_key=CALLER, max_retries=0) as client:
        yield client


def test_the_vendors_client_takes_the_test_server_for_the_vendor(
    vendor: GeminiBatchServer,
) -> None:
    def request(said: str) -> types.InlinedRequest:
        content = types.Content(role="user", parts=[types.Part(text=said)])
        return types.InlinedRequest(contents=[content], metadata={"key": said})

    theirs = genai.Client(api_key=KEY, http_options=types.HttpOptions(base_url=vendor.url))
    batches = theirs.batches
    made = batches.create(
        model="g-1", src=[request("one"), request("FAIL")], config={"display_name": "mine"}
    )
    assert made.name is not None
    found = batches.get(name=made.name)
    assert (found.state, found.display_name) == (types.JobState.JOB_STATE_SUCCEEDED, "mine")
    assert found.dest is not None
    good, bad = found.dest.inlined_responses or []
    assert (good.metadata, bad.metadata) == ({"key": "one"}, {"key": "FAIL"})
    assert good.response is not None
    assert good.response.text == "re: one"
    assert good.response.usage_metadata is not None
    assert good.response.usage_metadata.candidates_token_count == 4
    assert bad.error is not None
    assert bad.error.code == 3
    vendor.at_once = False
    running = batches.create(model="g-1", src=[request("two")], config={"display_name": "other"})
    assert running.name is not None
    assert running.state == types.JobState.JOB_STATE_PENDING
    assert [one.name for one in batches.list(config={"page_size": 1})] == [running.name, made.name]
    batches.cancel(name=running.name)
    vendor.run(running.name, state="CANCELLED", told=0)
    assert batches.get(name=running.name).state == types.JobState.JOB_STATE_CANCELLED
    batches.delete(name=made.name)
    with pytest.raises(ClientError):
        batches.get(name=made.name)


def test_lines_are_translated_and_paid_at_the_batch_price(
    client: OpenAI, native: NativeLegato, vendor: GeminiBatchServer
) -> None:
    batch = ended(client, begin(client, chats(["one", "two", "FAIL"])).id)
    assert batch.status == "completed"
    counts = batch.request_counts
    assert (counts.total, counts.completed, counts.failed) == (3, 2, 1)
    body = lines_of(client, batch.output_file_id)["mine-1"]["response"]["body"]
    assert body["choices"][0]["message"]["content"] == "re: two"
    assert (body["model"], body["usage"]["total_tokens"]) == ("chat", 14)
    failed = lines_of(client, batch.error_file_id)["mine-2"]["response"]
    assert failed["status_code"] == 400
    assert failed["body"]["error"]["message"] == "The request can't be served."
    assert [(row["cost"], row["kind"]) for row in native.entries_of(batch.id)] == [
        (LINE_COST, "usage"),
        (LINE_COST, "usage"),
        (0, "retry"),
    ]
    (made,) = vendor.created
    assert vendor.models == ["g-1"]
    assert [one["metadata"]["key"] for one in vendor.requests[made]] == ["0", "1", "2"]
    assert not vendor.batches, "it was to be deleted"
    assert not native.leased()
    assert native.verified()


def test_a_message_batch_is_translated_too(native: NativeLegato, vendor: GeminiBatchServer) -> None:
    messages: Any = [{"role": "user", "content": "one"}]
    params: Any = {"model": "chat", "max_tokens": 9, "messages": messages}
    with Anthropic(base_url=native.url, api_key=CALLER, max_retries=0) as client:
        batches = client.messages.batches
        made = batches.create(requests=[{"custom_id": "a", "params": params}])
        assert within(WAIT_S, lambda: batches.retrieve(made.id).processing_status == "ended")
        (line,) = batches.results(made.id)
    assert line.result.type == "succeeded"
    assert line.result.message.content[0].type == "text"
    assert line.result.message.content[0].text == "re: one"
    config = vendor.requests[vendor.created[0]][0]["request"]["generationConfig"]
    assert config["maxOutputTokens"] == 9


def test_embeddings_are_left_to_our_own_queue(client: OpenAI, vendor: GeminiBatchServer) -> None:
    line = (
        b'{"custom_id":"e","method":"POST","url":"/v1/embeddings",'
        b'"body":{"model":"chat","input":"x"}}'
    )
    file = client.files.create(file=("calls.jsonl", line), purpose="batch")
    made = client.batches.create(
        input_file_id=file.id, endpoint="/v1/embeddings", completion_window="24h"
    )
    batch = ended(client, made.id)
    # this server embeds nothing, so the call failed: but it was a call
    assert (batch.status, batch.request_counts.failed) == ("completed", 1)
    assert not vendor.created


def test_a_cancelled_batch_whose_answers_are_withheld_counts_as_unknown(
    client: OpenAI, native: NativeLegato, vendor: GeminiBatchServer
) -> None:
    """Two were executed, and nobody says which: all of them may have been paid for."""
    vendor.at_once = False
    made = begin(client, chats(["one", "two", "three"]))
    assert within(WAIT_S, lambda: vendor.batches)
    client.batches.cancel(made.id)
    (name,) = vendor.batches
    assert within(WAIT_S, lambda: vendor.batches[name].get("cancelled"))
    vendor.run(name, state="CANCELLED", told=2)
    assert ended(client, made.id).status == "cancelled"
    rows = native.entries_of(made.id)
    assert [row["usage_source"] for row in rows] == ["unknown"] * 3


def test_a_batch_cancelled_before_it_ran_costs_nothing(
    client: OpenAI, native: NativeLegato, vendor: GeminiBatchServer
) -> None:
    vendor.at_once = False
    made = begin(client, chats(["one", "two"]))
    assert within(WAIT_S, lambda: vendor.batches)
    assert native.leased() > 2 * LINE_COST
    client.batches.cancel(made.id)
    (name,) = vendor.batches
    assert within(WAIT_S, lambda: vendor.batches[name].get("cancelled"))
    vendor.run(name, state="CANCELLED", told=0)
    batch = ended(client, made.id)
    errors = lines_of(client, batch.error_file_id)
    assert {one["error"]["code"] for one in errors.values()} == {"batch_cancelled"}
    assert not native.entries_of(made.id)
    assert not native.leased()


def test_a_failed_batch_tells_its_reason(
    client: OpenAI, native: NativeLegato, vendor: GeminiBatchServer
) -> None:
    vendor.at_once = False
    made = begin(client, chats(["one"]))
    assert within(WAIT_S, lambda: vendor.batches)
    vendor.run(next(iter(vendor.batches)), state="FAILED", told=0, error="No such model.")
    batch = ended(client, made.id)
    assert (batch.status, batch.errors.data[0].message) == ("failed", "No such model.")
    assert not native.entries_of(made.id)
    assert not native.leased()


def test_a_batch_the_provider_refuses_fails_with_its_reason(
    client: OpenAI, native: NativeLegato, vendor: GeminiBatchServer
) -> None:
    vendor.refusal = "Too many of them."
    batch = ended(client, begin(client, chats(["one"])).id)
    assert (batch.status, batch.errors.data[0].message) == ("failed", vendor.refusal)
    assert not native.leased()


@pytest.mark.chaos
@pytest.mark.parametrize("step", KILLED_AT)
def test_a_kill_at_any_step_doubles_nothing(
    client: OpenAI, native: NativeLegato, vendor: GeminiBatchServer, step: str
) -> None:
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
    assert len(vendor.created) == 1
    costs = [row["cost"] for row in native.entries_of(made.id)]
    assert costs == [LINE_COST, LINE_COST, 0, LINE_COST]
    assert not native.leased()
    assert not vendor.batches
    assert native.verified()


@pytest.mark.chaos
def test_a_batch_that_got_lost_on_its_way_is_submitted_again(
    client: OpenAI, native: NativeLegato, vendor: GeminiBatchServer
) -> None:
    vendor.drops = True
    with vendor.hold("arrive"):
        made = begin(client, chats(["one", "two"]))
        assert vendor.reached.wait(WAIT_S)
        native.kill_batches()
    assert ended(client, made.id).status == "completed"
    assert len(vendor.created) == 1
    assert [row["cost"] for row in native.entries_of(made.id)] == [LINE_COST] * 2
