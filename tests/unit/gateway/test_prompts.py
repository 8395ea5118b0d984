from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from legato.api.openai.chat import ChatCompletions
from legato.api.openai.embeddings import Embeddings
from legato.core.chat import ChatRequest, Message, Role, Text
from legato.core.clock import ManualClock
from legato.core.config import Retry, Strategy
from legato.core.errors import Forbidden, InvalidRequest, NotFound
from legato.core.principal import Principal
from legato.gateway.context import Call
from legato.gateway.directory import Directory, Route
from legato.gateway.prompts import names_prompt, put_prompt, unread
from legato.routing.strategies import ORDERS

if TYPE_CHECKING:
    from collections.abc import Mapping

NOTHING: Any = None
CHAT = Route(
    alias="chat", name="chat", deployments=(), order=ORDERS[Strategy.ORDERED], baseline=NOTHING,
    retry=Retry(), deadline_s=1.0, cache_ttl_s=0.0, drop_unsupported=False,
    model_name="upstream", fingerprint="",
)  # fmt: skip


OTHER = msgspec.structs.replace(CHAT, alias="other", name="other")


class Echo:
    """A prompt that says its variables."""

    shown = "prompt/echo@0123456789ab"
    arm = "r1/candidate"
    slices = ((0, 10_000, "candidate"),)
    shadow = None

    def __init__(self, route: str = "chat") -> None:
        self.route = route
        self.given: Any = None
        self.live: bool | None = None

    def render(self, given: Mapping[str, Any]) -> ChatRequest:
        self.given = given
        text = Text("; ".join(f"{name}={value}" for name, value in given.items()))
        return ChatRequest(messages=(Message(Role.USER, (text,)),), max_output_tokens=7)

    def resolve(self, model: str, principal: Principal, unit: str) -> Echo:
        assert (model, principal.org, unit) == ("prompt:echo", "o", "r")
        self.live = principal.live
        return self


class Asked:
    """A request with at most one header."""

    credential = None

    def __init__(self, route: bytes | None) -> None:
        self._route = route

    def header(self, name: bytes) -> bytes | None:
        return self._route if name == b"x-legato-route" else None

    async def body(self) -> bytes:
        return b""


def put(
    body: dict[str, Any],
    prompt: Echo | None = None,
    surface: Any = None,
    *,
    route: bytes | None = None,
    models: frozenset[str] = frozenset({"prompt:echo"}),
) -> Call:
    call = Call("r", surface or ChatCompletions(ManualClock()), Asked(route), 0)
    call.principal = Principal("k", "k", "o", "t", "f", models=models)
    call.body, call.body_bytes = {"model": "prompt:echo", **body}, 100
    call.view = unread(call.body)
    put_prompt(call, prompt or Echo(), Directory({"chat": CHAT, "other": OTHER}))
    return call


def test_the_call_becomes_one_to_the_prompts_route() -> None:
    own = [{"role": "user", "content": "mine"}]
    call = put({"messages": own, "metadata": {"variables": {"a": "x"}}, "stream": True})
    assert call.body == {
        "model": "prompt:echo",
        "messages": [{"role": "user", "content": "a=x"}, *own],
        "max_completion_tokens": 7,
        "stream": True,
    }
    assert call.arm == "r1/candidate"
    assert call.route is CHAT  # which the key may not call by itself
    assert call.route_asked == ""
    assert (call.view.model, call.view.stream, call.view.max_output_tokens) == (
        "prompt:echo", True, 7,
    )  # fmt: skip
    assert call.versions == "prompt/echo@0123456789ab"
    assert call.body_bytes > 100 + len("a=x")


@pytest.mark.parametrize(
    ("metadata", "given", "left"),
    [
        ({"variables": {"a": 1}, "ticket": "7"}, {"a": 1}, {"ticket": "7"}),
        ({"variables": '{"a": 1}'}, {"a": 1}, None),
        ({"variables": None}, {}, None),
        ({"ticket": "7"}, {}, {"ticket": "7"}),
        (None, {}, None),
    ],
)
def test_variables_are_taken_out_of_the_metadata(metadata: Any, given: Any, left: Any) -> None:
    prompt = Echo()
    call = put({"metadata": metadata}, prompt)
    assert (prompt.given, call.body.get("metadata")) == (given, left)


@pytest.mark.parametrize(
    ("metadata", "param"),
    [
        ("text", "metadata"),
        ({"variables": [1]}, "metadata.variables"),
        ({"variables": "{"}, "metadata.variables"),
        ({"variables": "[1]"}, "metadata.variables"),
        ({"variables": '{"a": 1, "a": 2}'}, "metadata.variables"),
        ({"variables": "[" * 100_000}, "metadata.variables"),
    ],
)
def test_variables_that_are_none_are_refused(metadata: Any, param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        put({"metadata": metadata})
    assert refused.value.param == param


def test_only_chat_takes_prompts_and_only_to_routes_there_are() -> None:
    with pytest.raises(InvalidRequest, match="embeddings takes no prompts"):
        put({"input": "x"}, surface=Embeddings())
    with pytest.raises(NotFound, match="is sent to 'gone', which this instance doesn't have"):
        put({}, Echo("gone"))


def test_a_caller_may_send_it_to_another_route_that_the_key_may_call() -> None:
    both = frozenset({"prompt:echo", "other"})
    call = put({}, route=b"other", models=both)
    assert (call.route, call.route_asked) == (OTHER, "other")
    assert call.versions == "prompt/echo@0123456789ab"
    with pytest.raises(Forbidden, match="may not call 'other'"):
        put({}, route=b"other")
    with pytest.raises(NotFound, match="no model 'gone'"):
        put({}, route=b"gone", models=both)


def test_whom_another_model_answers_is_in_no_arm() -> None:
    own, other = Echo(), Echo()
    put({}, own)
    put({}, other, route=b"other", models=frozenset({"prompt:echo", "other"}))
    assert (own.live, other.live) == (True, False)


@pytest.mark.parametrize("model", ["chat", None, 7, ["prompt:x"], {"prompt:x": 1}])
def test_a_prompt_is_told_by_its_prefix(model: Any) -> None:
    assert names_prompt({"model": "prompt:x"})
    assert not names_prompt({"model": model})
