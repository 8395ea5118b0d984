"""A node's call of a model over a real socket: what it sends, and what refusals come to."""

from collections.abc import Mapping
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from tests.unit.workflows.nodes.memory_step import FACTS

from legato.core.errors import BudgetExceeded, Forbidden, LegatoError, ProviderUnavailable
from legato.loopback.exchange import Answered
from legato.workflows.nodes.models import ROUTE, Asking, GatewayModels, failure_of

SAID = {
    "model": "small-1",
    "choices": [
        {
            "message": {"content": "hi", "tool_calls": None},
            "finish_reason": "stop",
            "logprobs": {
                "content": [{"token": "hi", "top_logprobs": [{"token": "hi", "logprob": -0.1}]}]
            },
        }
    ],
}
HEADERS = {"x-legato-request-id": "req-1", "x-legato-cost-usd": "0.000002"}


def refused(status: int, code: str, **headers: str) -> web.Response:
    body = {"error": {"code": code, "message": f"told {code}"}}
    return web.json_response(body, status=status, headers=headers)


class Gateway:
    """Answers with what a test gives it, and keeps what came."""

    def __init__(self, *answers: web.Response) -> None:
        self.answers = list(answers)
        self.came: list[tuple[Mapping[str, str], Any]] = []

    async def answer(self, request: web.Request) -> web.Response:
        self.came.append((request.headers, await request.json()))
        return self.answers.pop(0)

    async def ask(self, body: dict[str, Any]) -> Any:
        application = web.Application()
        application.router.add_post("/v1/chat/completions", self.answer)
        runner = web.AppRunner(application)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        try:
            async with aiohttp.ClientSession() as session:
                models = GatewayModels(runner_url(runner), credential, lambda: session)
                return await models.ask(Asking(FACTS, "n"), body, "run-1/n/ask")
        finally:
            await runner.cleanup()


def runner_url(runner: web.AppRunner) -> str:
    host, port = runner.addresses[0][:2]
    return f"http://{host}:{port}"


def credential(key_id: str, tags: Mapping[str, str]) -> str:
    return f"{key_id}:" + ",".join(f"{name}={value}" for name, value in sorted(tags.items()))


async def test_a_call_says_for_whom_it_is_and_under_which_key() -> None:
    gateway = Gateway(web.json_response(SAID, headers=HEADERS))
    reply = await gateway.ask({"model": "prompt:a", ROUTE: "cheap", "messages": []})
    headers, body = gateway.came[0]
    assert headers["authorization"] == "Bearer key-1:node=n,run=run-1,workflow=triage"
    assert headers["idempotency-key"] == "run-1/n/ask"
    assert headers["x-legato-user"] == "ann"
    assert headers["x-legato-route"] == "cheap"
    assert body == {"model": "prompt:a", "messages": []}
    assert (reply.text, reply.request_id, reply.cost) == ("hi", "req-1", 2_000)
    assert reply.tokens[0].instead == {"hi": -0.1}


async def test_a_limit_is_waited_for() -> None:
    limited = refused(429, "rate_limit_exceeded", **{"x-should-retry": "true", "retry-after": "1"})
    gateway = Gateway(limited, web.json_response(SAID))
    assert (await gateway.ask({"model": "m"})).text == "hi"
    assert len(gateway.came) == 2


async def test_what_the_key_may_not_is_raised_as_it_was_refused() -> None:
    gateway = Gateway(refused(403, "forbidden"))
    with pytest.raises(Forbidden, match="told forbidden"):
        await gateway.ask({"model": "m"})
    assert len(gateway.came) == 1


def test_a_budget_that_is_used_up_may_pass_by_the_nodes_retries() -> None:
    body = {"error": {"code": "budget_exceeded", "message": "used up"}}
    error: LegatoError = failure_of(Answered(429, {"retry-after": "3600"}, body, 0))
    assert isinstance(error, BudgetExceeded)
    assert (error.retryable, error.retry_after_s) == (True, 3600.0)


async def test_a_gateway_that_is_away_may_come_back() -> None:
    async with aiohttp.ClientSession() as session:
        models = GatewayModels("http://127.0.0.1:9", credential, lambda: session)
        with pytest.raises(ProviderUnavailable) as raised:
            await models.ask(Asking(FACTS, "n"), {"model": "m"}, "k")
    assert raised.value.retryable


async def test_a_budget_that_is_used_up_for_long_is_told_at_once() -> None:
    """Its window ends in days: to ask again within the step only keeps people waiting."""
    gateway = Gateway(refused(429, "budget_exceeded", **{"retry-after": "600000"}))
    with pytest.raises(BudgetExceeded) as caught:
        await gateway.ask({"messages": []})
    assert caught.value.retryable  # the node's own policy may wait for it
    assert len(gateway.came) == 1
