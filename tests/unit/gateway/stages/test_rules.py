from __future__ import annotations

from typing import Any

import pytest

from legato.api.anthropic.messages import Messages
from legato.api.openai.chat import ChatCompletions
from legato.core.clock import ManualClock
from legato.core.config import Capabilities, Retry, Strategy
from legato.core.config_routing import RouteRule
from legato.core.principal import Principal
from legato.core.wire import Operation
from legato.gateway.context import Call
from legato.gateway.directory import Deployment, Route
from legato.gateway.stages.route import order_candidates
from legato.routing.ability import ability_of
from legato.routing.rules.features import FEATURES
from legato.routing.rules.rules import rules_of
from legato.routing.strategies import ORDERS, Candidate

SUNDAY_NOON_NS = (3 * 24 + 12) * 3_600_000_000_000
CHAT = {"model": "chat", "messages": [{"role": "user", "content": "hello there"}]}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {}}}


class Speaker:
    """The part of a provider that this stage asks."""

    def supports(self, operation: Operation) -> bool:
        return operation is Operation.CHAT


class Source:
    """Where a call comes from, with its headers."""

    credential = None

    def __init__(self, headers: dict[bytes, bytes]) -> None:
        self._headers = headers

    def header(self, name: bytes) -> bytes | None:
        return self._headers.get(name)

    async def body(self) -> bytes:
        return b""


def deployment(name: str, **capabilities: Any) -> Deployment:
    unused: Any = None
    provider: Any = Speaker()
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


def call_of(
    body: dict[str, Any] | None = None,
    headers: dict[bytes, bytes] | None = None,
    surface: Any = None,
) -> Call:
    call = Call("r", surface or ChatCompletions(ManualClock()), Source(headers or {}), 0)
    call.arrived_ns = SUNDAY_NOON_NS
    call.body = CHAT | (body or {})
    call.view = call.surface.read(call.body)
    call.principal = Principal("k", "k", "acme", "search", "help", tags={"tier": "gold"})
    return call


def order(call: Call, *rules: RouteRule, strategy: Strategy = Strategy.ORDERED) -> list[str]:
    deployments = (deployment("small", tools=False), deployment("large"), deployment("local"))
    route = Route(
        alias="chat",
        name="chat",
        deployments=deployments,
        order=ORDERS[strategy],
        baseline=deployments[1],
        retry=Retry(),
        deadline_s=5.0,
        cache_ttl_s=0.0,
        drop_unsupported=False,
        model_name="upstream",
        fingerprint="",
        rules=rules_of(rules),
    )
    return [one.name for one in order_candidates(call, route, lambda: 0.5)]


HARD = RouteRule(name="hard", when='content == "code"', use=["local", "small"])


def test_a_rule_that_fits_decides_and_is_kept() -> None:
    call = call_of({"messages": [{"role": "user", "content": "fix this python code"}]})
    assert order(call, HARD) == ["local", "small"]
    assert call.routed is not None
    assert (call.routed.rule, call.routed.features) == ("hard", {"content": "code"})


def test_where_none_fits_the_strategy_decides() -> None:
    call = call_of()
    assert order(call, HARD) == ["small", "large", "local"]
    assert call.routed is not None
    assert call.routed.rule == ""


def test_a_rule_works_on_what_can_serve() -> None:
    call = call_of({"tools": [TOOL]})
    rule = RouteRule(name="tools", when="has_tools", use=["small"])
    assert order(call, rule) == ["large", "local"]
    assert call.routed is not None
    assert call.routed.emptied == ("tools",)


@pytest.mark.parametrize(
    ("rule", "names"),
    [
        (RouteRule(name="r", when="true", prefer=["local"]), ["local", "small", "large"]),
        (RouteRule(name="r", when="true", exclude=["small"]), ["large", "local"]),
        (RouteRule(name="r", when="true", prefer=["local"], exclude=["small"]), ["local", "large"]),
    ],
)
def test_what_a_rule_leaves_is_ordered_by_the_strategy(rule: RouteRule, names: list[str]) -> None:
    assert order(call_of(), rule) == names


def test_what_was_decided_by_is_enough_to_decide_again() -> None:
    first = call_of(headers={b"x-legato-urgency": b"High"})
    rule = RouteRule(name="urgent", when='urgency == "high"', use=["large"])
    assert order(first, rule) == ["large"]
    again = call_of()
    again.routed = first.routed
    assert order(again, rule) == ["large"]
    assert again.routed == first.routed


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ('surface == "chat_completions" && operation == "chat"', True),
        ("stream", False),
        ("messages == 1 && characters == 11 && input_tokens == 3", True),
        ("has_tools || has_images || wants_json", False),
        ("max_output_tokens == 0", True),
        ('language == "en" && content == "chat"', False),
        ('org == "acme" && team == "search" && feature == "help"', True),
        ('tags.tier == "gold" && !has(metadata.tier)', True),
        ("hour == 12 && weekday == 7", True),
        ('urgency == "" && task == ""', True),
    ],
)
def test_features_are_those_of_the_call(condition: str, *, holds: bool) -> None:
    rule = RouteRule(name="r", when=condition, use=["local"])
    assert (order(call_of(), rule) == ["local"]) is holds


def test_every_feature_is_computed() -> None:
    asked = {
        name: f'{name}.a == ""' if isinstance(one.sample, dict) else f"{name} == {name}"
        for name, one in FEATURES.items()
    }
    call = call_of({"metadata": {"a": "b", "c": "d"}})
    order(
        call,
        *(
            RouteRule(name=name, when=f"!({one})", use=["local"])
            for name, one in asked.items()
            if name not in {"metadata", "tags"}
        ),
        RouteRule(name="m", when="metadata.a == '' || tags.a == ''", use=["small"]),
    )
    assert call.routed is not None
    assert call.routed.features.keys() == FEATURES.keys()
    assert call.routed.features["metadata"] == {"a": "b"}


def test_the_text_of_other_dialects_is_read() -> None:
    body = {
        "max_tokens": 9,
        "system": [{"type": "text", "text": "be brief"}],
        "messages": [
            {"role": "user", "content": "hello"},
            {"role": "assistant", "content": "hi"},
            {"role": "user", "content": [{"type": "text", "text": "debug this python code"}]},
        ],
    }
    call = call_of(body, surface=Messages())
    rule = RouteRule(
        name="r", when='content == "code" && messages == 3 && characters == 37', use=["local"]
    )
    assert order(call, rule) == ["local"]
