"""Calls that may wait: held, run by the provider's batches, found again after a kill."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from openai import OpenAI, RateLimitError
from running import CALLER, RunningLegato, within

from wire_servers.openai_batches import KEY, OpenAIBatchServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from running import Answer

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
cache: {enabled: false}
retry: {attempts_max: 1}
providers:
  - {name: vendor, kind: openai_compatible, base_url: "VENDOR/v1", api_key: {env: VENDOR_KEY}}
  - {name: machine, kind: simulated}
deployments:
  - name: small
    provider: vendor
    model: m-1
    price: {input_per_mtok: "1", output_per_mtok: "2"}
    batch: {lane: native, price_factor: "0.5"}
  - {name: other, provider: machine, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
routes:
  - {alias: chat, deployments: [small], deferred: {hold_s: 30}}
  - {alias: own, deployments: [other], deferred: {hold_s: 30}}
  - {alias: brief, deployments: [small], deferred: {hold_s: 0.5}}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
budgets:
  - name: patient
    where: {feature: patient}
    requests: 100
    window: day
    steps: [{at_percent: 2, do: queue}]
  - name: thin
    where: {feature: thin}
    usd: "0.0005"
    window: day
    steps: [{at_percent: 1, do: queue}]
"""


@pytest.fixture(scope="module")
def vendor() -> Iterator[OpenAIBatchServer]:
    with OpenAIBatchServer() as server:
        yield server


@pytest.fixture(scope="module")
def legato(
    vendor: OpenAIBatchServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningLegato]:
    config = CONFIG.replace("VENDOR/", f"{vendor.url}/")
    folder = tmp_path_factory.mktemp("legato")
    running = RunningLegato(folder, config, variables={"VENDOR_KEY": KEY})
    yield running
    assert running.stop() == 0
    assert "Traceback" not in running.log.read_text()


@pytest.fixture
def client(legato: RunningLegato) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{legato.url}/v1", api_key=CALLER, max_retries=0) as client:
        yield client


def asked(client: OpenAI, word: str, *, model: str = "chat", tier: Any = "flex") -> str:
    answer = client.chat.completions.create(
        model=model, messages=[{"role": "user", "content": word}], service_tier=tier
    )
    return answer.choices[0].message.content or ""


def lines_entered(legato: RunningLegato) -> list[dict[str, Any]]:
    return legato.query("SELECT * FROM ledger_entry ORDER BY id")


def test_a_call_that_may_wait_has_its_answer_at_the_price_of_batches(
    legato: RunningLegato, client: OpenAI, vendor: OpenAIBatchServer
) -> None:
    assert asked(client, "one")
    assert asked(client, "one", tier="batch")  # an answer of its own, not that of before
    assert len(vendor.batches) == 2
    entries = within(20, lambda: lines_entered(legato) if len(lines_entered(legato)) > 1 else [])
    for one in entries:
        assert (one["kind"], one["feature"]) == ("usage", "tests")
        assert one["cost"] * 2 == one["baseline_cost"] > 0
        assert one["step_tier"] == one["cost"]
    assert client.files.list().data == []
    assert legato.chat(question="two", service_tier="flex", stream=True).error["param"] == "stream"
    legato.command("ledger", "verify")


def test_who_asks_again_gets_what_was_under_way(
    legato: RunningLegato, client: OpenAI, vendor: OpenAIBatchServer
) -> None:
    before = len(vendor.batches)
    vendor.at_once = False
    with pytest.raises(RateLimitError) as refused:
        asked(client, "three", model="brief")
    assert refused.value.code == "resource_unavailable"
    assert within(20, lambda: len(vendor.batches) == before + 1)
    legato.kill()
    vendor.at_once = True
    vendor.run(list(vendor.batches)[-1])
    legato.start()
    with OpenAI(base_url=f"{legato.url}/v1", api_key=CALLER, max_retries=9) as again:
        assert asked(again, "three", model="brief")
    assert len(vendor.batches) == before + 1


def test_the_same_call_twice_at_once_has_two_answers(legato: RunningLegato) -> None:
    def ask(_number: int) -> str:
        with OpenAI(base_url=f"{legato.url}/v1", api_key=CALLER, max_retries=5) as client:
            return asked(client, "four")

    with ThreadPoolExecutor(2) as threads:
        assert all(threads.map(ask, range(2)))


def test_messages_may_wait_in_their_own_dialect(
    legato: RunningLegato, vendor: OpenAIBatchServer
) -> None:
    before = len(vendor.batches)
    messages = [{"role": "user", "content": "five"}]
    body = {"model": "chat", "max_tokens": 50, "messages": messages, "service_tier": "flex"}
    answer = legato.post("/v1/messages", body)
    assert answer.status == 200, answer.body
    assert answer.json["type"] == "message"
    assert len(vendor.batches) == before + 1
    vendor.at_once = False
    refused = legato.post("/v1/messages", body | {"model": "brief"})
    assert refused.status == 429
    assert "/v1/messages/batches/msgbatch_" in refused.error["message"]
    vendor.at_once = True
    vendor.run(list(vendor.batches)[-1])


def test_responses_may_wait_and_are_kept_as_their_callers_want(legato: RunningLegato) -> None:
    body = {"model": "own", "input": "six", "service_tier": "flex"}
    answer = legato.post("/v1/responses", body)
    assert answer.status == 200, answer.body
    assert answer.json["id"] == f"resp_{answer.request_id}"
    assert answer.json["store"] is True
    kept = legato.get(f"/v1/responses/{answer.json['id']}")
    assert kept.json["output"] == answer.json["output"]
    on = body | {"previous_response_id": answer.json["id"], "input": "seven", "store": False}
    again = legato.post("/v1/responses", on)
    assert again.status == 200, again.body
    assert legato.get(f"/v1/responses/{again.json['id']}").status == 404


def test_what_the_provider_refuses_is_told(legato: RunningLegato) -> None:
    answer = legato.chat(question="FAIL", service_tier="flex")
    assert answer.status >= 400
    assert answer.error["code"] == "deferred_failed"


def test_calls_of_a_moment_share_one_batch_and_have_their_own_answers(
    legato: RunningLegato, vendor: OpenAIBatchServer
) -> None:
    before, entered = len(vendor.batches), len(lines_entered(legato))
    files = _files(legato)
    answers = _all_asked(legato, [f"shared {number}" for number in range(6)])
    assert len({answer.json["id"] for answer in answers}) == 6
    assert [answer.status for answer in answers] == [200] * 6
    assert len(vendor.batches) == before + 1
    now = within(20, lambda: _if_as_many(lines_entered(legato), entered + 6))
    assert len({one["request_id"] for one in now[entered:]}) == 6
    assert _files(legato) == files
    legato.command("ledger", "verify")


def test_one_bad_call_fails_by_itself(legato: RunningLegato) -> None:
    answers = _all_asked(legato, ["FAIL", "good 1", "good 2"])
    assert [answer.status for answer in answers[1:]] == [200, 200]
    assert answers[0].error["code"] == "deferred_failed"


def test_what_is_refused_as_a_whole_is_handed_in_one_by_one(
    legato: RunningLegato, vendor: OpenAIBatchServer
) -> None:
    before = len(vendor.batches)
    vendor.lines_max = 1
    try:
        answers = _all_asked(legato, ["apart 1", "apart 2"])
    finally:
        vendor.lines_max = 0
    assert [answer.status for answer in answers] == [200, 200]
    assert len(vendor.batches) == before + 3


def test_a_shared_batch_is_found_again_after_a_kill(
    legato: RunningLegato, vendor: OpenAIBatchServer
) -> None:
    before, entered = len(vendor.batches), len(lines_entered(legato))
    words = [f"killed {number}" for number in range(3)]
    vendor.at_once = False
    refused = _all_asked(legato, words, model="brief")
    assert {one.error["code"] for one in refused} == {"resource_unavailable"}
    assert within(20, lambda: len(vendor.batches) == before + 1)
    legato.kill()
    vendor.at_once = True
    vendor.run(list(vendor.batches)[-1])
    legato.start()
    for word in words:
        answer = within(20, lambda word=word: _if_ok(legato, {"model": "brief", "question": word}))
        assert answer.status == 200
    assert len(vendor.batches) == before + 1
    assert len(lines_entered(legato)) == entered + 3
    legato.command("ledger", "verify")


def _all_asked(legato: RunningLegato, words: list[str], *, model: str = "chat") -> list[Any]:
    def ask(word: str) -> Any:
        return legato.chat(question=word, model=model, service_tier="flex")

    with ThreadPoolExecutor(len(words)) as threads:
        return list(threads.map(ask, words))


def _files(legato: RunningLegato) -> list[str]:
    return [one["id"] for one in legato.get("/v1/files").json["data"]]


def _if_ok(legato: RunningLegato, asked: dict[str, Any]) -> Any:
    answer = legato.chat(**asked, service_tier="flex")
    return answer if answer.status == 200 else None


def _if_as_many(entries: list[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    return entries if len(entries) == count else []


def test_a_budgets_step_lets_calls_wait_in_the_queue_of_batches(legato: RunningLegato) -> None:
    key = legato.create_key("--feature", "patient")

    def ask(model: str, **fields: Any) -> Answer:
        answer = legato.chat(model, "eight", key=key["secret"], max_tokens=10, **fields)
        assert answer.status == 200, answer.body
        return answer

    def queued() -> list[dict[str, Any]]:
        return legato.query("SELECT status FROM batch WHERE key_id = ?", key["id"])

    while "queue" not in {one["what"] for one in legato.query("SELECT what FROM budget_event")}:
        ask("own")
    before = len(queued())
    answer = ask("own")
    assert answer.json["choices"][0]["message"]["content"]
    assert len(queued()) == before + 1
    streamed = ask("own", stream=True)  # a stream can't wait: it goes on
    assert streamed.headers["content-type"].startswith("text/event-stream")
    assert len(queued()) == before + 1


def test_what_waits_is_told_of_the_wall_and_when_it_goes(legato: RunningLegato) -> None:
    """A call that the queue took in meets the budget there: it hears what the others hear."""
    key = legato.create_key("--feature", "thin")

    def ask(number: int) -> Answer:
        return legato.chat("own", f"thin {number}", key=key["secret"], max_tokens=10)

    answers = [ask(0)]
    while answers[-1].status == 200 and len(answers) < 60:
        answers.append(ask(len(answers)))
    refused = answers[-1]
    assert (refused.status, refused.error["code"]) == (429, "deferred_failed"), refused.body
    assert "Budget of thin" in refused.error["message"]
    queued = legato.query("SELECT status FROM batch WHERE key_id = ?", key["id"])
    assert len(queued) > 1
    left_s = 86_400 - time.time() % 86_400
    assert abs(int(refused.headers["retry-after"]) - left_s) < 60
    assert refused.headers["x-should-retry"] == "true"
    streamed = legato.chat("own", "thin", key=key["secret"], max_tokens=10_000, stream=True)
    assert (streamed.status, streamed.error["code"]) == (429, "budget_exceeded")
    assert abs(int(streamed.headers["retry-after"]) - left_s) < 60
