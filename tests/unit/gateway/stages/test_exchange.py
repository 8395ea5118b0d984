from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from legato.api.openai.chat import ChatCompletions
from legato.core.clock import ManualClock
from legato.core.config import Provider as ProviderConfig
from legato.core.config import Retry, Strategy
from legato.core.errors import BadProviderResponse
from legato.core.price import Price
from legato.core.principal import Principal
from legato.core.records import EntryKind, Settled, decode_record
from legato.core.usage import UsageSource
from legato.gateway.books import Books
from legato.gateway.context import Call
from legato.gateway.directory import Deployment, Route
from legato.gateway.stages.exchange import Exchange
from legato.governance.budgets import Budgets
from legato.governance.coverage import Coverage
from legato.providers.anthropic.provider import factory
from legato.providers.base import ProviderSettings
from legato.routing.strategies import ORDERS, Candidate

ANSWER = {
    "id": "msg_1",
    "model": "claude",
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 11, "output_tokens": 7},
}


class Tape:
    def __init__(self) -> None:
        self.records: list[Any] = []

    def append(self, payload: bytes) -> None:
        self.records.append(decode_record(payload))

    append_intent = append_settled = append

    async def commit(self) -> None:
        return


class Whole(msgspec.Struct):
    """An answer of one piece, and the transport it comes by."""

    body: bytes
    status: int = 200
    headers: tuple[tuple[bytes, bytes], ...] = ()

    async def send(self, *_: Any, **__: Any) -> Whole:
        return self

    async def read(self, body_bytes_max: int) -> bytes:
        assert len(self.body) <= body_bytes_max
        return self.body

    def close(self) -> None:
        return


async def settled_after(content: Any) -> Settled:
    """Ask Anthropic in OpenAI's words; return how the attempt was entered."""
    settings = ProviderConfig(name="there", kind="anthropic")
    transport: Any = Whole(msgspec.json.encode({**ANSWER, "content": content}))
    deployment = Deployment(
        name="claude",
        provider_name="there",
        model="claude",
        region="",
        provider=factory(ProviderSettings(settings, "http://there.test")),
        transport=transport,
        price=Price("v"),
        max_output_tokens=100,
        candidate=Candidate("claude", 1, None),
        breaker=0,
    )
    nowhere: Any = None
    call = Call("0" * 32, ChatCompletions(ManualClock()), nowhere, 0)
    call.principal = Principal(key_id="k", name="n", org="o", team="t", feature="f")
    call.body = {"model": "claude", "messages": [{"role": "user", "content": "hi"}]}
    call.view = call.surface.read(call.body)
    call.route = Route(
        alias="claude",
        name="",
        deployments=[deployment],
        order=ORDERS[Strategy.ORDERED],
        baseline=deployment,
        retry=Retry(),
        deadline_s=1,
        cache_ttl_s=0,
        drop_unsupported=False,
        model_name="upstream",
        fingerprint="",
    )
    tape = Tape()
    purses: Any = SimpleNamespace(now_ns=ManualClock().now_ns)  # none: no budget covers the call
    budgets = Budgets(purses, Coverage(purses, nowhere), nowhere)
    books = Books(tape, budgets, ManualClock(), config_version="c", durable=False)
    with pytest.raises(BadProviderResponse):
        await Exchange(books, 0)(call, nowhere, deployment)
    _, settled = tape.records
    assert isinstance(settled, Settled)
    return settled


async def test_an_answer_that_cant_be_translated_is_entered_at_its_own_usage() -> None:
    settled = await settled_after([{"type": "tool_use"}])
    assert (settled.kind, settled.status) == (EntryKind.RETRY, "bad_provider_response")
    assert settled.usage_source is UsageSource.PROVIDER
    assert (settled.usage.in_uncached, settled.usage.out_text) == (11, 7)
    assert settled.http_status == 200


async def test_an_answer_that_cant_be_read_at_all_is_entered_at_the_estimate() -> None:
    settled = await settled_after(None)
    assert settled.usage_source is UsageSource.UNKNOWN
    assert settled.usage.out_text == 100
