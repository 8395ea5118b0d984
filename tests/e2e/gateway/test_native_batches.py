"""Batches that the provider runs: one batch there, one entry a line here, whatever is killed.

On SQLite and on Postgres.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import openai
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
from running import ADMIN, CALLER, RunningLegato, within

from wire_servers.openai_batches import KEY, OpenAIBatchServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
cache: {enabled: false}
retry: {attempts_max: 1}
providers:
  - {name: vendor, kind: openai_compatible, base_url: "VENDOR/v1", api_key: {env: VENDOR_KEY}}
deployments:
  - name: small
    provider: vendor
    model: m-1
    price: {input_per_mtok: "1", output_per_mtok: "2"}
    batch: {lane: native, price_factor: "0.5"}
  - {name: other, provider: vendor, model: m-2, price: {input_per_mtok: "1"}, data_use: {training: false}}
routes:
  - {alias: chat, deployments: [small], model_name: alias}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}, budget: {usd: "1", window: total}}
  - {name: poor, team: x, feature: y, secret: {env: POOR_KEY}, budget: {usd: "0.000001", window: total}}
  - {name: free, team: x, feature: y, secret: {env: FREE_KEY}}
  - {name: strict, team: x, feature: y, secret: {env: STRICT_KEY}, require: {no_training: true}}
"""  # noqa: E501
STRICT = "lg-a-key-with-terms"
FREE = "lg-a-key-without-a-budget"
POOR = "lg-a-key-with-little-money"
VARIABLES = {"VENDOR_KEY": KEY, "POOR_KEY": POOR, "STRICT_KEY": STRICT, "FREE_KEY": FREE}
SECRET_WORD = "peregrination"
LINE_COST = 9_000
"""10 tokens at $1 and 4 at $2 a million, halved, in nano-USD."""
KILLED_AT = ["upload", "create", "show", "content", "delete"]


@pytest.fixture(scope="module")
def vendor_of_module() -> Iterator[OpenAIBatchServer]:
    with OpenAIBatchServer() as server:
        yield server


@pytest.fixture
def vendor(vendor_of_module: OpenAIBatchServer) -> OpenAIBatchServer:
    server = vendor_of_module
    server.files.clear()
    server.batches.clear()
    server.uploaded.clear()
    server.at_once, server.refusal, server.limit_reached = True, None, False
    server.away = False
    return server


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.chaos)]
)
def native(
    request: pytest.FixtureRequest,
    vendor_of_module: OpenAIBatchServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[NativeLegato]:
    for url in databases(request.param):
        config = CONFIG.replace("VENDOR/", f"{vendor_of_module.url}/")
        folder = tmp_path_factory.mktemp("legato")
        running = NativeLegato(folder, config, url=url, variables=VARIABLES)
        yield running
        assert running.stop() == 0
        assert "Traceback" not in running.log.read_text()


@pytest.fixture
def client(native: NativeLegato, vendor: OpenAIBatchServer) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{native.url}/v1", api_key=CALLER, max_retries=0) as client:
        yield client


def test_the_vendors_client_takes_the_test_server_for_the_vendor(
    vendor: OpenAIBatchServer,
) -> None:
    with OpenAI(base_url=f"{vendor.url}/v1", api_key=KEY, max_retries=0) as client:
        batch = begin(client, chats(["one", "FAIL", "three"], "m-1"))
        assert client.batches.retrieve(batch.id).status == "completed"
        assert [one.id for one in client.batches.list()] == [batch.id]
        batch = client.batches.retrieve(batch.id)
        assert lines_of(client, batch.output_file_id).keys() == {"mine-0", "mine-2"}
        assert lines_of(client, batch.error_file_id).keys() == {"mine-1"}
        assert client.files.delete(batch.input_file_id).deleted
        broken = begin(client, chats(["one"], "m-1") + b"\n" + chats(["one"], "m-2"))
        codes = [error.code for error in broken.errors.data]
        assert codes == ["duplicate_custom_id", "mismatched_model"]


def test_the_provider_runs_it_at_the_batch_price(
    client: OpenAI, native: NativeLegato, vendor: OpenAIBatchServer
) -> None:
    batch = ended(client, begin(client, chats(["one", SECRET_WORD, "FAIL"])).id)
    assert batch.status == "completed"
    counts = batch.request_counts
    assert (counts.total, counts.completed, counts.failed) == (3, 2, 1)
    answers = lines_of(client, batch.output_file_id)
    assert answers.keys() == {"mine-0", "mine-1"}
    body = answers["mine-1"]["response"]["body"]
    assert body["choices"][0]["message"]["content"] == f"re: {SECRET_WORD}"
    assert body["model"] == "chat"
    failed = lines_of(client, batch.error_file_id)["mine-2"]["response"]
    assert (failed["status_code"], failed["body"]["error"]["code"]) == (400, "bad_line")
    rows = native.entries_of(batch.id)
    assert [(row["cost"], row["baseline_cost"], row["kind"]) for row in rows] == [
        (LINE_COST, 2 * LINE_COST, "usage"),
        (LINE_COST, 2 * LINE_COST, "usage"),
        (0, 0, "retry"),
    ]
    assert [row["step_tier"] for row in rows] == [LINE_COST, LINE_COST, 0]
    assert {row["budget_id"] for row in rows} != {""}
    (theirs,) = vendor.batches.values()
    assert theirs["metadata"] == {"legato_batch": batch.id}
    sent = vendor.contents[theirs["input_file_id"]]
    assert b"mine-" not in sent
    assert json.loads(sent.splitlines()[0])["body"]["model"] == "m-1"
    assert within(WAIT_S, lambda: not vendor.files), "its files were to be deleted"
    assert within(WAIT_S, lambda: not native.leased())
    assert native.verified()


def test_a_deployment_of_the_registry_has_the_lane_too(
    client: OpenAI, native: NativeLegato, vendor: OpenAIBatchServer
) -> None:
    spec = {
        "provider": "vendor",
        "model": "m-9",
        "price": {"input_per_mtok": "1", "output_per_mtok": "2"},
        "batch": {"lane": "native", "price_factor": "0.5"},
    }
    path = "/api/v1/registry/objects/deployment/late/versions"
    saved = native.post(path, {"spec": spec, "labels": ["production"]}, ADMIN)
    assert saved.status == 201, saved.body
    assert within(3, lambda: b'"late"' in native.get("/v1/models").body)
    batch = ended(client, begin(client, chats(["one"], "late")).id)
    assert batch.status == "completed"
    (row,) = native.entries_of(batch.id)
    version = saved.json["version"]["digest"][:12]
    assert (row["cost"], row["versions"]) == (LINE_COST, f"deployment/late@{version}")
    (theirs,) = vendor.batches.values()
    sent = vendor.contents[theirs["input_file_id"]]
    assert json.loads(sent)["body"]["model"] == "m-9"


def test_a_message_batch_is_translated_into_the_vendors_chats(
    native: NativeLegato, vendor: OpenAIBatchServer
) -> None:
    def request(name: str, said: str) -> Any:
        messages = [{"role": "user", "content": said}]
        params = {"model": "chat", "max_tokens": 9, "messages": messages}
        return {"custom_id": name, "params": params}

    with Anthropic(base_url=native.url, api_key=CALLER, max_retries=0) as client:
        batches = client.messages.batches
        made = batches.create(requests=[request("a", "one"), request("b", "FAIL")])
        assert within(WAIT_S, lambda: batches.retrieve(made.id).processing_status == "ended")
        results = {one.custom_id: one.result for one in batches.results(made.id)}
    assert results["a"].type == "succeeded"
    assert results["a"].message.content[0].type == "text"
    assert results["a"].message.content[0].text == "re: one"
    assert results["a"].message.usage.output_tokens == 4
    assert results["b"].type == "errored"
    (theirs,) = vendor.batches.values()
    assert theirs["endpoint"] == "/v1/chat/completions"
    rows = native.entries_of(made.id.replace("msgbatch_", "batch_"))
    assert [row["cost"] for row in rows] == [LINE_COST, 0]


@pytest.mark.chaos
@pytest.mark.parametrize("step", KILLED_AT)
def test_a_kill_between_any_two_steps_doubles_nothing(
    client: OpenAI, native: NativeLegato, vendor: OpenAIBatchServer, step: str
) -> None:
    with vendor.hold(step):
        made = begin(client, chats(["one", "two", "FAIL", "four"]))
        assert vendor.reached.wait(WAIT_S), step
        native.kill_batches()
    batch = ended(client, made.id)
    assert batch.status == "completed"
    assert lines_of(client, batch.output_file_id).keys() == {"mine-0", "mine-1", "mine-3"}
    assert len(vendor.batches) == 1
    assert len(vendor.uploaded) == 1
    rows = native.entries_of(made.id)
    assert [row["cost"] for row in rows] == [LINE_COST, LINE_COST, 0, LINE_COST]
    assert within(WAIT_S, lambda: not native.leased())
    assert within(WAIT_S, lambda: not vendor.files)
    assert native.verified()


def test_the_budget_is_held_while_the_provider_works(
    client: OpenAI, native: NativeLegato, vendor: OpenAIBatchServer
) -> None:
    vendor.at_once = False
    made = begin(client, chats(["one", "two"]))
    assert within(WAIT_S, lambda: vendor.batches)
    assert native.leased() > 2 * LINE_COST
    with pytest.raises(openai.ConflictError):
        client.files.delete(made.input_file_id)
    (theirs,) = vendor.batches
    vendor.run(theirs)
    assert ended(client, made.id).status == "completed"
    assert within(WAIT_S, lambda: not native.leased())


def test_a_batch_beyond_the_budget_is_refused_unsent(
    native: NativeLegato, vendor: OpenAIBatchServer
) -> None:
    with OpenAI(base_url=f"{native.url}/v1", api_key=POOR, max_retries=0) as poor:
        batch = ended(poor, begin(poor, chats(["one"])).id)
    assert (batch.status, batch.errors.data[0].code) == ("failed", "budget_exceeded")
    assert not vendor.batches
    assert not native.entries_of(batch.id)


def test_a_cancelled_batch_keeps_what_was_executed(
    client: OpenAI, native: NativeLegato, vendor: OpenAIBatchServer
) -> None:
    vendor.at_once = False
    made = begin(client, chats(["one", "two", "three"]))
    assert within(WAIT_S, lambda: vendor.batches)
    assert client.batches.cancel(made.id).status == "cancelling"
    (theirs,) = vendor.batches
    assert within(WAIT_S, lambda: vendor.batches[theirs]["status"] == "cancelling")
    vendor.run(theirs, status="cancelled", upto=1)
    batch = ended(client, made.id)
    assert batch.status == "cancelled"
    assert lines_of(client, batch.output_file_id).keys() == {"mine-0"}
    errors = lines_of(client, batch.error_file_id)
    assert {name: one["error"]["code"] for name, one in errors.items()} == {
        "mine-1": "batch_cancelled",
        "mine-2": "batch_cancelled",
    }
    assert [row["cost"] for row in native.entries_of(made.id)] == [LINE_COST]


def test_what_expires_at_the_provider_stands_in_the_error_file(
    client: OpenAI, native: NativeLegato, vendor: OpenAIBatchServer
) -> None:
    vendor.at_once = False
    made = begin(client, chats(["one", "two", "three"]))
    assert within(WAIT_S, lambda: vendor.batches)
    (theirs,) = vendor.batches
    vendor.run(theirs, status="expired", upto=2)
    batch = ended(client, made.id)
    assert batch.status == "expired"
    assert lines_of(client, batch.output_file_id).keys() == {"mine-0", "mine-1"}
    errors = lines_of(client, batch.error_file_id)
    assert errors["mine-2"]["error"]["code"] == "batch_expired"
    assert [row["cost"] for row in native.entries_of(made.id)] == [LINE_COST] * 2


def test_the_providers_own_validation_is_told_with_the_callers_line(
    client: OpenAI, native: NativeLegato, vendor: OpenAIBatchServer
) -> None:
    problem = {"code": "model_not_found", "message": "No.", "line": 2, "param": "model"}
    vendor.refusal = {"object": "list", "data": [problem]}
    second = chats(["x", "two"]).splitlines()[1]
    content = chats(["one"]) + b"\n\n" + second
    batch = ended(client, begin(client, content).id)
    assert batch.status == "failed"
    assert [(e.code, e.line, e.param) for e in batch.errors.data] == [
        ("model_not_found", 3, "model")
    ]
    assert not native.entries_of(batch.id)
    assert within(WAIT_S, lambda: not native.leased())


def test_lines_of_several_models_run_by_our_own_queue(
    client: OpenAI, vendor: OpenAIBatchServer
) -> None:
    second = chats(["x", "two"], "other").splitlines()[1]
    ended(client, begin(client, chats(["one"]) + b"\n" + second).id)
    assert not vendor.batches


def test_a_provider_that_does_not_fulfil_a_keys_terms_gets_no_batch_of_it(
    native: NativeLegato, vendor: OpenAIBatchServer
) -> None:
    with OpenAI(base_url=f"{native.url}/v1", api_key=STRICT, max_retries=0) as strict:
        batch = ended(strict, begin(strict, chats(["one"])).id)
        errors = lines_of(strict, batch.error_file_id)
    assert errors["mine-0"]["response"]["status_code"] == 403
    assert not vendor.uploaded


def test_lines_that_policies_look_into_run_by_our_own_queue(
    vendor: OpenAIBatchServer, tmp_path: Path
) -> None:
    policy = """\
guardrails:
  policies:
    - name: p
      rules: [{name: r, detect: {words: {w: [Kestrel]}}, action: redact}]
"""
    config = CONFIG.replace("VENDOR/", f"{vendor.url}/") + policy
    running = NativeLegato(tmp_path, config, url="", variables=VARIABLES)
    with OpenAI(base_url=f"{running.url}/v1", api_key=CALLER, max_retries=0) as client:
        ended(client, begin(client, chats(["of Kestrel"])).id)
    assert running.stop() == 0
    assert not vendor.uploaded
    assert not vendor.batches


@pytest.mark.chaos
def test_a_kill_of_everything_leaves_one_batch_and_its_hold(
    client: OpenAI, native: NativeLegato, vendor: OpenAIBatchServer
) -> None:
    vendor.at_once = False
    made = begin(client, chats(["one", "two"]))
    assert within(WAIT_S, lambda: vendor.batches)
    native.kill()
    held = native.leased()
    assert held > 0
    (theirs,) = vendor.batches
    vendor.run(theirs)
    native.start()
    with OpenAI(base_url=f"{native.url}/v1", api_key=CALLER, max_retries=0) as again:
        assert ended(again, made.id).status == "completed"
    assert len(vendor.batches) == len(vendor.uploaded) == 1
    assert [row["cost"] for row in native.entries_of(made.id)] == [LINE_COST] * 2
    assert not native.leased()
    assert native.verified()


def test_a_line_that_is_no_call_is_refused_and_the_others_go(
    client: OpenAI, native: NativeLegato, vendor: OpenAIBatchServer
) -> None:
    bad = json.loads(chats(["x", "two"]).splitlines()[1])
    bad["body"]["messages"] = "none"
    content = chats(["one"]) + b"\n" + json.dumps(bad).encode()
    batch = ended(client, begin(client, content).id)
    assert batch.status == "completed"
    assert lines_of(client, batch.output_file_id).keys() == {"mine-0"}
    refused = lines_of(client, batch.error_file_id)["mine-1"]["response"]
    assert refused["status_code"] == 400
    assert len(native.entries_of(batch.id)) == 1


def test_a_provider_without_batches_is_refused_the_lane_at_start(tmp_path: Path) -> None:
    config = CONFIG.replace("kind: openai_compatible", "kind: openai_compatible, preset: mistral")
    with pytest.raises(AssertionError, match=r"deployments\[small\]\.batch\.lane"):
        RunningLegato(
            tmp_path,
            config.replace("VENDOR/", "http://127.0.0.1:9/"),
            variables=VARIABLES,
        )


def test_a_line_of_which_nothing_is_said_counts_as_unknown(
    native: NativeLegato, vendor: OpenAIBatchServer
) -> None:
    vendor.at_once = False
    with OpenAI(base_url=f"{native.url}/v1", api_key=FREE, max_retries=0) as free:
        made = begin(free, chats(["one", "two"]))
        assert within(WAIT_S, lambda: vendor.batches)
        (theirs,) = vendor.batches
        vendor.run(theirs, upto=1)
        batch = ended(free, made.id)
        errors = lines_of(free, batch.error_file_id)
    assert batch.status == "completed"
    assert errors["mine-1"]["response"]["status_code"] == 502
    answered, unknown = native.entries_of(made.id)
    assert (answered["cost"], answered["budget_id"]) == (LINE_COST, "")
    assert unknown["usage_source"] == "unknown"
    assert unknown["cost"] > LINE_COST
    left = "SELECT count(*) AS n FROM journal_offset WHERE segment LIKE 'batch_%'"
    assert native.query(left)[0]["n"] == 0


def test_a_batch_refused_at_its_creation_leaves_nothing_behind(
    client: OpenAI, native: NativeLegato, vendor: OpenAIBatchServer
) -> None:
    vendor.limit_reached = True
    batch = ended(client, begin(client, chats(["one"])).id)
    assert (batch.status, batch.errors.data[0].message) == ("failed", "Too many batches.")
    assert not vendor.files
    assert not native.leased()


def test_our_own_24_hours_end_a_batch_that_the_provider_still_runs(
    client: OpenAI, native: NativeLegato, vendor: OpenAIBatchServer
) -> None:
    vendor.at_once = False
    made = begin(client, chats(["one", "two"]))
    assert within(WAIT_S, lambda: vendor.batches)
    (theirs,) = vendor.batches
    native.let_expire(made.id)
    assert within(WAIT_S, lambda: vendor.batches[theirs]["status"] == "cancelling")
    vendor.run(theirs, status="cancelled", upto=1)
    batch = ended(client, made.id)
    assert batch.status == "expired"
    assert lines_of(client, batch.output_file_id).keys() == {"mine-0"}
    errors = lines_of(client, batch.error_file_id)
    assert {name: one["error"]["code"] for name, one in errors.items()} == {
        "mine-1": "batch_expired"
    }
    assert [row["cost"] for row in native.entries_of(made.id)] == [LINE_COST]
    assert not native.leased()
    assert not vendor.files


def test_a_batch_that_expires_before_it_is_submitted_reaches_nobody(
    client: OpenAI, native: NativeLegato, vendor: OpenAIBatchServer
) -> None:
    with vendor.hold("upload"):
        made = begin(client, chats(["one"]))
        assert vendor.reached.wait(WAIT_S)
        native.kill_batches()
        native.let_expire(made.id)
    batch = ended(client, made.id)
    assert batch.status == "expired"
    assert not vendor.batches
    assert not vendor.files, "the input was to be deleted"
    assert not native.entries_of(made.id)
    assert not native.leased()


@pytest.mark.parametrize("how", ["away", pytest.param("gone", marks=pytest.mark.chaos)])
def test_a_batch_the_provider_has_lost_counts_as_unknown(
    client: OpenAI, native: NativeLegato, vendor: OpenAIBatchServer, how: str
) -> None:
    vendor.at_once = False
    made = begin(client, chats(["one", "two"]))
    assert within(WAIT_S, lambda: vendor.batches)
    if how == "gone":
        vendor.batches.clear()
    else:
        vendor.away = True
        native.let_expire(made.id, TWO_HOURS_S)
    batch = ended(client, made.id, wait_s=3 * WAIT_S)
    assert batch.status == "expired"
    assert lines_of(client, batch.error_file_id).keys() == {"mine-0", "mine-1"}
    rows = native.entries_of(made.id)
    assert [row["usage_source"] for row in rows] == ["unknown", "unknown"]
    assert min(row["cost"] for row in rows) > LINE_COST
    assert not native.leased()
    assert native.verified()
