"""An answer that is paid for is recorded, whatever the database does meanwhile."""

import threading
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from legato.core.errors import StorageUnavailable
from legato.evaluation.blocks import Allowance, Ask, BlockWork
from legato.evaluation.gateway_calls import Target
from legato.evaluation.plans import NO_PLAN, Plan, Subject
from legato.evaluation.scoring import Case
from legato.storage.evaluation.evaluations import AnswerRecord

COUNT = 6
ANSWER = {"choices": [{"message": {"content": "yes"}}]}


class _Store:
    """A store that is away now and then."""

    def __init__(self, away: int, *, ends: threading.Event | None = None) -> None:
        self.away = away
        self.ends = ends
        self.kept: list[AnswerRecord] = []

    def record(self, _run: str, answer: AnswerRecord) -> None:
        if self.away:
            self.away -= 1
            if self.ends is not None:
                self.ends.set()
            told = "the database is locked"
            raise StorageUnavailable(told)
        self.kept.append(answer)

    def get(self, _run: str) -> Any:
        told = "the database is locked"
        raise StorageUnavailable(told)


async def _answered(store: _Store, stopping: threading.Event) -> int:
    """Have all answers; return how many calls came."""
    calls = 0

    async def answer(_request: web.Request) -> web.Response:
        nonlocal calls
        calls += 1
        return web.json_response(ANSWER, headers={"x-legato-cost-usd": "0.001"})

    app = web.Application()
    app.router.add_post("/v1/chat/completions", answer)
    plan: Plan = msgspec.structs.replace(
        NO_PLAN, subjects=(Subject(label="a", model="a"),), concurrency=3
    )
    evaluations = SimpleNamespace(store=store, sealed_answer=lambda *_: b"sealed")
    record = SimpleNamespace(id="run", round=1)
    asks = [
        Ask(number, 0, 0, Case(id=str(number), messages=({"role": "user", "content": "?"},)))
        for number in range(COUNT)
    ]
    async with TestServer(app) as server:
        target = Target(str(server.make_url("")).rstrip("/"), "credential", {})
        work = BlockWork(
            cast("Any", evaluations),
            cast("Any", record),
            plan,
            target,
            stopping=stopping,
            rehearsals=cast("Any", None),
        )
        await work.answer(asks, Allowance(0, None, stopping), lambda: 1)
    return calls


async def test_a_database_that_is_away_for_a_while_repeats_no_call() -> None:
    store = _Store(away=4)
    assert await _answered(store, threading.Event()) == COUNT
    assert sorted(one.case_number for one in store.kept) == list(range(COUNT))
    assert sum(one.cost or 0 for one in store.kept) == COUNT * 1_000_000


async def test_at_the_end_of_the_process_the_others_are_recorded_all_the_same() -> None:
    stopping = threading.Event()
    store = _Store(away=1, ends=stopping)
    with pytest.raises(StorageUnavailable):
        await _answered(store, stopping)
    assert len(store.kept) == 2
