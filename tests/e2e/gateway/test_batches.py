"""Files and batches with the official client, kept apart by organisation, killed in between."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openai
import pytest
from openai import OpenAI
from running import CALLER, RunningLegato, within

if TYPE_CHECKING:
    from collections.abc import Iterator

    from legato.providers.simulated.child import SimulatedChild

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
cache: {enabled: false}
batches: {idle_s: 4}
retry: {attempts_max: 1}
providers:
  - {name: open, kind: openai_compatible, base_url: "UPSTREAM/v1"}
deployments:
  - {name: small, provider: open, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
routes:
  - {alias: chat, deployments: [small]}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
  - {name: slow, team: x, feature: y, secret: {env: SLOW_KEY}, requests_per_minute: 2}
  - {name: strange, org: elsewhere, team: x, feature: y, secret: {env: STRANGE_KEY}}
"""
STRANGE = "lg-a-key-of-another-organisation"
SLOW = "lg-a-key-for-two-requests-a-minute"
VARIABLES = {"STRANGE_KEY": STRANGE, "SLOW_KEY": SLOW}
SECRET_WORD = "peregrination"
ENDED = {"completed", "failed", "expired", "cancelled"}
WAIT_S = 60.0


@pytest.fixture
def client(legato: RunningLegato, upstream: SimulatedChild) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{legato.url}/v1", api_key=CALLER, max_retries=0) as client:
        yield client


def chats(count: int, model: str = "chat") -> bytes:
    lines = [
        {
            "custom_id": f"c{number}",
            "method": "POST",
            "url": "/v1/chat/completions",
            "body": {
                "model": model,
                "messages": [{"role": "user", "content": f"{SECRET_WORD} {number}"}],
            },
        }
        for number in range(count)
    ]
    return b"\n".join(json.dumps(line).encode() for line in lines)


def begin(client: OpenAI, content: bytes, **fields: Any) -> Any:
    file = client.files.create(file=("calls.jsonl", content), purpose="batch")
    return client.batches.create(
        input_file_id=file.id,
        endpoint="/v1/chat/completions",
        completion_window="24h",
        **fields,
    )


def ended(client: OpenAI, batch_id: str) -> Any:
    found: Any = within(
        WAIT_S, lambda: (b := client.batches.retrieve(batch_id)).status in ENDED and b
    )
    assert found, client.batches.retrieve(batch_id)
    return found


def completed(client: OpenAI, batch_id: str) -> int:
    counts = client.batches.retrieve(batch_id).request_counts
    return 0 if counts is None else counts.completed


def lines_of(client: OpenAI, file_id: str | None) -> list[dict[str, Any]]:
    assert file_id is not None
    return [json.loads(line) for line in client.files.content(file_id).text.splitlines()]


def test_a_file_is_kept_listed_read_and_deleted(client: OpenAI) -> None:
    content = b"x" * 3_000_000
    made = client.files.create(file=("big.jsonl", content), purpose="batch")
    assert (made.bytes, made.filename, made.purpose) == (len(content), "big.jsonl", "batch")
    assert client.files.retrieve(made.id) == made
    assert made.id in [one.id for one in client.files.list()]
    assert client.files.content(made.id).content == content
    assert client.files.delete(made.id).deleted
    with pytest.raises(openai.NotFoundError):
        client.files.content(made.id)


def test_a_batch_answers_every_line_through_the_gateway(
    client: OpenAI, legato: RunningLegato
) -> None:
    before = legato.query("SELECT count(*) AS n FROM ledger_entry")[0]["n"]
    made = begin(client, chats(5) + b"\n" + chats(6, "nobody").splitlines()[5], metadata={"a": "b"})
    assert made.status == "validating"
    batch = ended(client, made.id)
    assert (batch.status, batch.metadata) == ("completed", {"a": "b"})
    counts = batch.request_counts
    assert (counts.total, counts.completed, counts.failed) == (6, 5, 1)
    answers = {line["custom_id"]: line for line in lines_of(client, batch.output_file_id)}
    assert sorted(answers) == [f"c{number}" for number in range(5)]
    body = answers["c3"]["response"]["body"]
    assert body["choices"][0]["message"]["content"]
    failed = lines_of(client, batch.error_file_id)
    assert [(f["custom_id"], f["response"]["status_code"]) for f in failed] == [("c5", 404)]
    assert made.id in [one.id for one in client.batches.list()]
    entries = "SELECT count(*) AS n FROM ledger_entry"
    assert within(10, lambda: legato.query(entries)[0]["n"] == before + 5)


def test_a_broken_input_is_told_line_by_line(client: OpenAI) -> None:
    batch = ended(client, begin(client, chats(2) + b"\nnot json\n" + chats(1)).id)
    assert batch.status == "failed"
    assert [(e.line, e.code) for e in batch.errors.data] == [
        (3, "invalid_json_line"),
        (4, "duplicate_custom_id"),
    ]


def test_another_organisation_sees_nothing(client: OpenAI, legato: RunningLegato) -> None:
    made = begin(client, chats(1))
    ended(client, made.id)
    with OpenAI(base_url=f"{legato.url}/v1", api_key=STRANGE, max_retries=0) as stranger:
        for look in (
            lambda: stranger.files.retrieve(made.input_file_id),
            lambda: stranger.files.content(made.input_file_id),
            lambda: stranger.files.delete(made.input_file_id),
            lambda: stranger.batches.retrieve(made.id),
            lambda: stranger.batches.cancel(made.id),
            lambda: stranger.batches.create(
                input_file_id=made.input_file_id,
                endpoint="/v1/chat/completions",
                completion_window="24h",
            ),
        ):
            with pytest.raises(openai.NotFoundError):
                look()
        assert list(stranger.files.list()) == []
        assert list(stranger.batches.list()) == []


def test_nothing_of_it_lies_open_on_the_disk(client: OpenAI, legato: RunningLegato) -> None:
    ended(client, begin(client, chats(2), metadata={"word": SECRET_WORD}).id)
    assert [path for path, content in legato.stored() if SECRET_WORD.encode() in content] == []


def test_a_cancelled_batch_keeps_what_is_answered(client: OpenAI, upstream: SimulatedChild) -> None:
    upstream.change(latency_ms=300)
    made = begin(client, chats(200))
    assert within(WAIT_S, lambda: completed(client, made.id) >= 3)
    assert client.batches.cancel(made.id).status == "cancelling"
    batch = ended(client, made.id)
    assert batch.status == "cancelled"
    answers = lines_of(client, batch.output_file_id)
    failed = lines_of(client, batch.error_file_id)
    assert len(answers) + len(failed) == 200
    assert {line["error"]["code"] for line in failed} == {"batch_cancelled"}


@pytest.mark.parametrize("whole", [False, True])
def test_a_batch_goes_on_after_a_kill(
    client: OpenAI, legato: RunningLegato, upstream: SimulatedChild, *, whole: bool
) -> None:
    upstream.change(latency_ms=150)
    made = begin(client, chats(60))
    assert within(WAIT_S, lambda: completed(client, made.id) >= 10)
    if whole:
        legato.kill()
        legato.start()
    else:
        os.kill(legato.children()[-1], signal.SIGKILL)
    with OpenAI(base_url=f"{legato.url}/v1", api_key=CALLER, max_retries=0) as again:
        batch = ended(again, made.id)
        assert (batch.status, batch.request_counts.completed) == ("completed", 60)
        answers = lines_of(again, batch.output_file_id)
    assert sorted(line["custom_id"] for line in answers) == sorted(f"c{n}" for n in range(60))
    ids = [line["response"]["request_id"] for line in answers]
    assert len(set(ids)) == 60
    # eight calls are under way at once: no other is made again
    assert 60 <= upstream.counts()["arrived"] <= 68


def test_files_and_batches_count_against_the_keys_rate(legato: RunningLegato) -> None:
    with OpenAI(base_url=f"{legato.url}/v1", api_key=SLOW, max_retries=0) as slow:

        def list_all(times: int) -> None:
            for _ in range(times):
                slow.files.list()
                slow.batches.list()

        list_all(1)
        with pytest.raises(openai.RateLimitError) as refused:
            list_all(2)  # a minute may have begun in between
    assert refused.value.code == "rate_limit_exceeded"
    assert int(refused.value.response.headers["retry-after"]) <= 60


def test_the_process_sleeps_again_and_is_woken_by_every_batch(
    client: OpenAI, legato: RunningLegato
) -> None:
    ended(client, begin(client, chats(1)).id)
    awake = legato.children()[-1]
    grown = resident_kib(awake)
    assert within(2 * WAIT_S, lambda: legato.children()[-1] > awake)  # it is gone, another there
    asleep = legato.children()[-1]
    assert resident_kib(asleep) < grown / 2
    made = begin(client, chats(1))
    assert within(2 * WAIT_S, lambda: resident_kib(asleep) > grown / 2)
    assert ended(client, made.id).status == "completed"
    # killed with its wake-up read or unread, awake or asleep: the next one wakes
    made = begin(client, chats(1))
    os.kill(legato.children()[-1], signal.SIGKILL)
    assert ended(client, made.id).status == "completed"


def resident_kib(pid: int) -> int:
    """Memory that is a process's own."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))
