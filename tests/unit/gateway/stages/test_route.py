from __future__ import annotations

import base64
from typing import Any

import pytest

from legato.api.anthropic.messages import Messages
from legato.api.openai.chat import ChatCompletions
from legato.api.openai.embeddings import Embeddings
from legato.core.clock import ManualClock
from legato.core.config import Capabilities, Retry, Strategy
from legato.core.errors import InvalidRequest
from legato.core.wire import Operation
from legato.gateway.context import Call
from legato.gateway.directory import Deployment, Route
from legato.gateway.stages.route import order_candidates
from legato.routing.ability import ability_of
from legato.routing.strategies import ORDERS, Candidate

CHAT = {"model": "chat", "messages": [{"role": "user", "content": "hello"}]}
PIXEL = "data:image/png;base64," + base64.b64encode(b"\0" * 90_000).decode()
IMAGE = {"type": "image_url", "image_url": {"url": PIXEL}}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {}}}


class Speaker:
    """The part of a provider that this stage asks."""

    def __init__(self, *operations: Operation) -> None:
        self._operations = operations

    def supports(self, operation: Operation) -> bool:
        return operation in self._operations


def deployment(name: str, *operations: Operation, **capabilities: Any) -> Deployment:
    unused: Any = None
    provider: Any = Speaker(*(operations or (Operation.CHAT, Operation.EMBEDDINGS)))
    return Deployment(
        name=name,
        provider_name="p",
        model=name,
        region="",
        provider=provider,
        transport=unused,
        price=None,
        max_output_tokens=100,
        candidate=Candidate(name, 1, None),
        breaker=0,
        ability=ability_of(Capabilities(**capabilities)),
    )


def order(surface: Any, body: dict[str, Any], *deployments: Deployment, size: int = 100) -> Any:
    source: Any = None
    call = Call("r", surface, source, 0)
    call.body, call.view, call.body_bytes = body, surface.read(body), size
    route = Route(
        alias="chat",
        name="chat",
        deployments=deployments,
        order=ORDERS[Strategy.ORDERED],
        baseline=deployments[0],
        retry=Retry(),
        deadline_s=5.0,
        cache_ttl_s=0.0,
        drop_unsupported=False,
        model_name="upstream",
        fingerprint="",
    )
    return [one.name for one in order_candidates(call, route, lambda: 0.5)]


def chat(*deployments: Deployment, size: int = 100, **fields: Any) -> Any:
    return order(ChatCompletions(ManualClock()), {**CHAT, **fields}, *deployments, size=size)


def user(*parts: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"role": "user", "content": list(parts)}]


@pytest.mark.parametrize(
    ("capability", "fields"),
    [
        ("tools", {"tools": [TOOL]}),
        ("vision", {"messages": user(IMAGE)}),
        ("json_schema", {"response_format": SCHEMA}),
        ("json_object", {"response_format": {"type": "json_object"}}),
        ("streaming", {"stream": True}),
        ("reasoning", {"reasoning_effort": "high"}),
        ("chat", {}),
    ],
)
def test_a_deployment_that_lacks_what_is_asked_falls_out(
    capability: str, fields: dict[str, Any]
) -> None:
    lacking, able = deployment("lacking", **{capability: False}), deployment("able")
    assert chat(lacking, able, **fields) == ["able"]
    assert chat(deployment("sure", **{capability: True}), **fields) == ["sure"]


@pytest.mark.parametrize(
    "fields", [{"tools": []}, {"stream": False}, {"reasoning_effort": "none"}, {"tools": None}]
)
def test_what_asks_for_nothing_needs_nothing(fields: dict[str, Any]) -> None:
    plain = deployment("plain", tools=False, streaming=False, reasoning=False, vision=False)
    assert chat(plain, **fields) == ["plain"]


def test_a_refusal_says_why_for_each_deployment() -> None:
    small = deployment("small", vision=False)
    large = deployment("large", vision=False, tools=False)
    with pytest.raises(InvalidRequest) as caught:
        chat(small, large, messages=user(IMAGE), tools=[TOOL])
    assert caught.value.message == (
        "no deployment of 'chat' can take images: small: no vision; large: no tools, no vision"
    )
    assert caught.value.param == "messages"


def test_reasons_may_differ() -> None:
    with pytest.raises(InvalidRequest) as caught:
        chat(
            deployment("blind", vision=False),
            deployment("mute", output_tokens_max=10),
            deployment("embedder", Operation.EMBEDDINGS),
            messages=user(IMAGE),
            max_tokens=20,
        )
    assert caught.value.message == (
        "no deployment of 'chat' can serve this request: blind: no vision; mute: 20 output tokens "
        "asked for, it writes 10; embedder: its provider has no chat"
    )


def test_input_that_is_surely_too_long_goes_to_a_larger_context() -> None:
    small, large = deployment("small", context_tokens=1000), deployment("large")
    text = [{"role": "user", "content": "x" * 6100}]
    assert chat(small, large, messages=text, size=6200) == ["large"]
    with pytest.raises(InvalidRequest, match=r"small: input of at least 1\d{3} tokens"):
        chat(small, messages=text, size=6200)


def test_an_image_in_the_body_is_not_taken_for_text() -> None:
    small = deployment("small", context_tokens=1000)
    assert chat(small, messages=user(IMAGE), size=len(PIXEL) + 100) == ["small"]


def test_text_that_may_fit_is_left_to_the_provider() -> None:
    small = deployment("small", context_tokens=1000)
    text = [{"role": "user", "content": "x" * 5900}]
    assert chat(small, messages=text, size=6100) == ["small"]


def test_embeddings_are_bounded_text_by_text_not_by_the_body() -> None:
    body = {"model": "chat", "input": ["x" * 900] * 10}
    embedder = deployment("embedder", embeddings=True, context_tokens=512)
    assert order(Embeddings(), body, embedder, size=9100) == ["embedder"]
    with pytest.raises(InvalidRequest, match="can make embeddings: talker: no embeddings"):
        order(Embeddings(), body, deployment("talker", embeddings=False))


@pytest.mark.parametrize(
    ("capability", "fields"),
    [
        ("tools", {"tools": [{"name": "f", "input_schema": {}}]}),
        ("reasoning", {"thinking": {"type": "enabled", "budget_tokens": 1024}}),
        ("json_schema", {"output_config": {"format": {"type": "json_schema", "schema": {}}}}),
        (
            "vision",
            {"messages": user({"type": "image", "source": {"type": "url", "url": "https://x"}})},
        ),
        ("streaming", {"stream": True}),
    ],
)
def test_messages_need_the_same(capability: str, fields: dict[str, Any]) -> None:
    body = {**CHAT, "max_tokens": 5, **fields}
    lacking, able = deployment("lacking", **{capability: False}), deployment("able")
    assert order(Messages(), body, lacking, able) == ["able"]
