"""A credential that is fetched: awaited before anything is sent, and failing like a provider."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from legato.api.openai.chat import ChatCompletions
from legato.core.clock import ManualClock
from legato.core.config import Breaker, Provider, Retry, Strategy
from legato.core.errors import AllAttemptsFailed, ProviderTimeout, ProviderUnavailable
from legato.core.principal import Principal
from legato.core.records import Intent, Settled, Voided, decode_record
from legato.gateway.books import Books
from legato.gateway.breakers import BreakerBoard, Breakers
from legato.gateway.context import Call
from legato.gateway.directory import Deployment, Route
from legato.gateway.stages.call import CallStage
from legato.gateway.stages.exchange import Exchange
from legato.governance.worker import governed
from legato.providers.base import Authorizer, ProviderSettings
from legato.providers.openai_compatible import factory
from legato.providers.transport import PoolExhausted, Timeouts, cancelled_in_line
from legato.resilience.breaker import State
from legato.routing.strategies import ORDERS, Candidate

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from legato.core.wire import WireRequest
    from legato.gateway.context import Headers

ANSWER = b'{"model":"m","choices":[{"message":{"content":"hi"}}]}'


class Tape:
    """The append side of a journal, kept in memory."""

    def __init__(self) -> None:
        self.records: list[Any] = []

    def append(self, payload: bytes) -> None:
        self.records.append(decode_record(payload))

    append_intent = append_settled = append

    async def commit(self) -> None:
        return


class Answered:
    """A whole answer of status 200."""

    status = 200

    def __init__(self) -> None:
        self.headers: list[tuple[bytes, bytes]] = []

    async def read(self, body_bytes_max: int) -> bytes:
        return ANSWER[:body_bytes_max]

    async def read_chunk(self) -> bytes | None:
        return None

    async def pump(self, take: Callable[[bytes], bool]) -> bool:
        return True

    def close(self) -> None:
        return


class Waiting:
    """A caller to whom nothing has been sent."""

    began = False
    gone = False

    async def reply(self, status: int, headers: Headers, body: bytes) -> None:
        return

    async def start(self, headers: Headers) -> None:
        return

    def send(self, frames: bytes) -> bool:
        return True

    async def drained(self) -> None:
        return

    async def end(self, frames: bytes = b"") -> None:
        return

    def cut(self) -> None:
        return


class Line:
    """A transport that answers everything."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    async def send(
        self,
        path: bytes,
        headers: bytes,
        body: bytes,
        *,
        method: bytes = b"POST",
        timeouts: Timeouts | None = None,
    ) -> Answered:
        self.sent.append(headers)
        return Answered()

    async def close(self) -> None:
        return


async def no_token(request: WireRequest) -> WireRequest:
    raise ProviderUnavailable(f"no token for {request.path.decode()}")


async def defect(request: WireRequest) -> WireRequest:
    raise ZeroDivisionError(request.path)


async def signed(request: WireRequest) -> WireRequest:
    return msgspec.structs.replace(request, headers=request.headers + b"x-signed: yes\r\n")


async def hang(request: WireRequest) -> WireRequest:
    await asyncio.sleep(60)
    return request


class FullPool(Line):
    """A transport with no connection to spare."""

    async def send(self, *_: object, **__: object) -> Answered:
        raise PoolExhausted("every connection to up is busy")


class LongQueue(Line):
    """One where a call waits for a connection until somebody gives up."""

    async def send(self, *_: object, **__: object) -> Answered:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError as error:
            raise cancelled_in_line() from error
        raise AssertionError


class Bench:
    """The call stage over deployments with these authorizers."""

    deadline_s = 60.0

    def __init__(
        self, folder: Path, *authorizers: Authorizer | None, line: Line | None = None
    ) -> None:
        self.tape, self.line = Tape(), line or Line()
        nowhere: Any = None
        without = governed(nowhere, nowhere, ManualClock(), holder="w").budgets
        books = Books(self.tape, without, ManualClock(), config_version="c", durable=False)
        board = BreakerBoard([f"d{cell}" for cell in range(len(authorizers))], folder / "lock")
        self.breakers = Breakers(board, Breaker(failures=2), lambda: 0.0)
        self.stage = CallStage(Exchange(books, 0), self.breakers, lambda: 0.0)
        self.deployments = [self.deployment(*pair) for pair in enumerate(authorizers)]

    def deployment(self, cell: int, authorize: Authorizer | None) -> Deployment:
        entry = Provider(name="p", kind="openai_compatible")
        return Deployment(
            name=f"d{cell}",
            provider_name="p",
            model="m",
            region="",
            provider=factory(ProviderSettings(entry, "http://up/v1")),
            transport=self.line,
            price=None,
            max_output_tokens=100,
            candidate=Candidate(f"d{cell}", 1, None),
            breaker=cell,
            authorize=authorize,
        )

    async def call(self) -> Call:
        unused: Any = None
        surface = ChatCompletions(ManualClock())
        call = Call("r", surface, unused, 0)
        call.body = {"model": "chat", "messages": [{"role": "user", "content": "hello"}]}
        call.view = surface.read(call.body)
        call.principal = Principal(key_id="k", name="n", org="o", team="t", feature="f")
        call.candidates = self.deployments
        call.route = Route(
            alias="chat",
            name="chat",
            deployments=self.deployments,
            order=ORDERS[Strategy.ORDERED],
            baseline=self.deployments[0],
            retry=Retry(attempts_max=2, backoff_base_s=0.001),
            deadline_s=self.deadline_s,
            cache_ttl_s=0,
            drop_unsupported=False,
            model_name="upstream",
            fingerprint="",
        )
        reply = await self.stage(call, Waiting())
        assert reply.body == ANSWER
        return call


async def test_the_credential_is_added_last(tmp_path: Path) -> None:
    bench = Bench(tmp_path, signed)
    await bench.call()
    (headers,) = bench.line.sent
    assert headers.endswith(b"x-legato-attempt-id: r-1\r\nx-signed: yes\r\n")


async def test_without_a_credential_nothing_is_sent_and_the_next_one_answers(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path, no_token, None)
    call = await bench.call()
    assert len(bench.line.sent) == 1
    assert [type(record) for record in bench.tape.records] == [
        *(Intent, Voided),
        *(Intent, Voided),
        *(Intent, Settled),
    ]
    assert bench.breakers.state(0) is State.OPEN
    assert bench.breakers.state(1) is State.CLOSED
    assert [failure.code for failure in call.failures] == ["provider_unavailable"] * 2


async def test_where_all_lack_one_the_caller_is_told(tmp_path: Path) -> None:
    bench = Bench(tmp_path, no_token)
    with pytest.raises(AllAttemptsFailed, match="no token for /chat/completions") as failed:
        await bench.call()
    assert failed.value.http_status == 503
    assert bench.line.sent == []


async def test_a_defect_in_it_is_not_the_providers(tmp_path: Path) -> None:
    bench = Bench(tmp_path, defect, None)
    with pytest.raises(ZeroDivisionError):
        await bench.call()
    assert [type(record) for record in bench.tape.records] == [Intent, Voided]
    assert bench.breakers.state(0) is State.CLOSED


async def test_one_that_hangs_is_a_timeout_of_the_provider(tmp_path: Path) -> None:
    bench = Bench(tmp_path, hang, None)
    bench.deployments[0].timeouts = Timeouts(first_byte_s=0.02)
    call = await bench.call()
    assert [failure.code for failure in call.failures] == ["provider_timeout"] * 2
    assert call.failures[0].message == "d0: no credential within 0.02 s"
    assert bench.breakers.state(0) is State.OPEN
    assert len(bench.line.sent) == 1


async def test_one_that_hangs_until_the_deadline_counts_too(tmp_path: Path) -> None:
    bench = Bench(tmp_path, hang)
    bench.deadline_s = 0.05
    for _ in range(2):
        with pytest.raises(ProviderTimeout):
            await bench.call()
    assert bench.breakers.state(0) is State.OPEN
    assert [type(record) for record in bench.tape.records] == [Intent, Voided] * 2


async def test_a_full_pool_of_ours_says_nothing_about_the_provider(tmp_path: Path) -> None:
    bench = Bench(tmp_path, None, None, line=FullPool())
    bench.deployments[1].transport = answering = Line()
    for _ in range(4):
        call = await bench.call()
        (failure,) = call.failures  # at once to the next one, which has connections
        assert (failure.code, failure.http_status) == ("connections_exhausted", 503)
        assert "raise providers[p].connections_max" in failure.message
    assert len(answering.sent) == 4
    assert bench.breakers.state(0) is State.CLOSED


async def test_without_another_a_full_pool_is_tried_once_more(tmp_path: Path) -> None:
    bench = Bench(tmp_path, None, line=FullPool())
    with pytest.raises(AllAttemptsFailed) as failed:
        await bench.call()
    assert failed.value.http_status == 503
    assert bench.breakers.state(0) is State.CLOSED
    assert [type(record) for record in bench.tape.records] == [Intent, Voided] * 2


async def test_who_waits_in_line_until_the_deadline_blames_nobody(tmp_path: Path) -> None:
    bench = Bench(tmp_path, None, line=LongQueue())
    bench.deadline_s = 0.05
    for _ in range(3):
        with pytest.raises(ProviderTimeout):
            await bench.call()
    assert bench.breakers.state(0) is State.CLOSED
    assert [type(record) for record in bench.tape.records] == [Intent, Voided] * 3
