"""Who slept while another took its batch over sends nothing, though its vendor would take it."""

from __future__ import annotations

import time
import urllib.request
from typing import TYPE_CHECKING

import pytest

from legato.api.anthropic.messages import Messages
from legato.core.config import Provider as ProviderConfig
from legato.providers.anthropic import factory
from legato.providers.base import ProviderSettings
from legato.providers.batching import BatchCall, BatchReply, batcher_of
from legato.storage.database.engine import open_engine
from legato.storage.migrate import upgrade
from legato.storage.runs.batch_claims import BatchClaims
from legato.storage.runs.batches import BatchRecord
from legato.workflows.native_lane import Lane, OpenLane
from legato.workflows.native_submission import Claim, Submissions, TakenOver
from wire_servers.anthropic_batches import KEY, AnthropicBatchServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RECORD = BatchRecord(
    org="acme",
    id="batch_1",
    key_id="k",
    endpoint="/v1/messages",
    input_file_id="file-1",
    output_file_id="file-2",
    error_file_id="file-3",
    status="in_progress",
    created_at_ns=1,
    expires_at_ns=2,
    sealed=b"x",
)
PARAMS = b'{"model":"c-1","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}'
GONE_NS = 1


@pytest.fixture
def vendor() -> Iterator[AnthropicBatchServer]:
    with AnthropicBatchServer() as server:
        yield server


@pytest.fixture
def claims(tmp_path: Path) -> Iterator[BatchClaims]:
    engine = open_engine(f"sqlite:///{tmp_path / 'legato.db'}")
    upgrade(engine)
    yield BatchClaims(engine)
    engine.dispose()


def lane(vendor: AnthropicBatchServer) -> OpenLane:
    config = ProviderConfig(name="a", kind="anthropic")
    provider = factory(ProviderSettings(config, vendor.url, KEY))
    batcher = batcher_of(provider)
    assert batcher is not None

    def send(call: BatchCall) -> BatchReply:
        headers = dict(line.split(": ", 1) for line in call.headers.decode().splitlines())
        asked = urllib.request.Request(  # noqa: S310 - of this machine
            vendor.url + call.path.decode(),
            data=call.body or None,
            headers=headers,
            method=call.method.decode(),
        )
        with urllib.request.urlopen(asked) as reply:  # noqa: S310 - same
            return BatchReply(reply.status, [], reply.read())

    described = Lane(
        alias="claude",
        route="",
        deployment="claude",
        provider_name="a",
        model="c-1",
        region="",
        max_output_tokens=9,
        image_tokens=0,
        context_tokens=0,
        price=None,
        baseline="claude",
        baseline_price=None,
        drop_unsupported=False,
        renames=False,
        surface=Messages(),
        connect=lambda: (provider, send),
    )
    return described.opened()


def submit(submissions: Submissions, claim: Claim, one: OpenLane) -> str:
    lines = [one.batcher.line(RECORD.id, "0", RECORD.endpoint, PARAMS)]
    guarded = one._replace(send=claim.guarded(one.send))
    return submissions.send(guarded, RECORD, submissions.intent(1), lines)


def test_who_slept_before_sending_sends_nothing(
    vendor: AnthropicBatchServer, claims: BatchClaims
) -> None:
    one = lane(vendor)
    sleeper = Submissions(claims, time.time_ns, life="1", new_id=lambda: "sleeper")
    awake = Submissions(claims, time.time_ns, life="2", new_id=lambda: "awake")
    slept, took_over = sleeper.claim("acme", "batch_1"), awake.claim("acme", "batch_1")
    assert slept.take()
    assert not took_over.take(), "it has not lapsed"
    assert claims.renew("acme", "batch_1", "sleeper", GONE_NS)
    time.sleep(0.001)
    assert took_over.take()
    with pytest.raises(TakenOver):
        submit(sleeper, slept, one)
    assert not vendor.created
    made = submit(awake, took_over, one)
    assert vendor.created == [made]
    assert slept.settle("") is None, "the other has not come to an end yet"
    assert took_over.settle(made) == made
    assert slept.settle("") == made


def test_who_was_only_slow_goes_on(vendor: AnthropicBatchServer, claims: BatchClaims) -> None:
    submissions = Submissions(claims, time.time_ns, life="1", new_id=lambda: "slow")
    claim = submissions.claim("acme", "batch_1")
    assert claim.take()
    assert claims.renew("acme", "batch_1", "slow", GONE_NS)
    time.sleep(0.001)
    made = submit(submissions, claim, lane(vendor))
    assert vendor.created == [made]
    assert claim.settle(made) == made
