"""What one vendor sealed is sent to no other, however a conversation moves between them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

sys.path.append(str(Path(__file__).parent))
from matrix import CALLERS, PROVIDERS
from matrix_contents import NAMES, USER, googles_call

from legato.api.anthropic.count_tokens import CountTokens
from legato.core.config import Provider as ProviderConfig
from legato.core.wire import Operation
from legato.providers.base import Provider, ProviderSettings, Target
from legato.providers.bedrock import factory as bedrock_factory
from legato.providers.vertex import factory as vertex_factory

SIGNATURE = "c2lnbmVk"
AT_VERTEX = {"project": "p", "publisher": "anthropic"}
INVOKE = {"region": "eu-central-1", "api": "invoke_anthropic"}


def claudes() -> list[Provider]:
    """All that speak Anthropic's dialect."""
    config = ProviderConfig(name="p", kind="bedrock", settings=INVOKE)
    invoke = bedrock_factory(ProviderSettings(config, "http://up/v1", "sk-1"))
    at_google = ProviderConfig(name="p", kind="vertex", settings=AT_VERTEX)
    vertex = vertex_factory(ProviderSettings(at_google, "http://up"))
    return [PROVIDERS["anthropic"].open(), invoke, vertex]


def passed(provider: Provider, body: dict[str, Any]) -> Any:
    view = CALLERS["messages"].read(body)
    return msgspec.json.decode(
        provider.request(Operation.CHAT, body, view, Target("claude-x")).body
    )


def conversation(*said: dict[str, Any]) -> dict[str, Any]:
    turns = [USER, {"role": "assistant", "content": list(said)}, USER]
    return {"model": "alias", "max_tokens": 64, "messages": turns}


def thinking(signature: str) -> dict[str, Any]:
    return {"type": "thinking", "thinking": "Hm.", "signature": signature}


@pytest.mark.parametrize("provider", claudes(), ids=["anthropic", "bedrock", "vertex"])
def test_googles_signatures_are_not_passed_on_to_anthropic(provider: Provider) -> None:
    body = {"model": "alias", "max_tokens": 64} | googles_call()["messages"]
    before = msgspec.json.encode(body)
    assert b"google.call." in before
    sent = passed(provider, body)
    assert "google." not in msgspec.json.encode(sent).decode()
    assert [block["name"] for block in sent["messages"][1]["content"]] == list(NAMES)
    assert msgspec.json.encode(body) == before


def test_nor_are_they_counted() -> None:
    body = {"model": "alias"} | googles_call()["messages"]
    view = CountTokens().read(body)
    provider = PROVIDERS["anthropic"].open()
    request = provider.request(Operation.COUNT_TOKENS, body, view, Target("m"))
    assert b"google." not in request.body


@pytest.mark.parametrize("provider", claudes(), ids=["anthropic", "bedrock", "vertex"])
def test_a_turn_of_nothing_else_is_left_out(provider: Provider) -> None:
    assert passed(provider, conversation(thinking("google.text.U0lH")))["messages"] == [USER, USER]


@pytest.mark.parametrize("provider", claudes(), ids=["anthropic", "bedrock", "vertex"])
def test_anthropics_own_signatures_pass_as_they_came(provider: Provider) -> None:
    body = conversation(thinking(SIGNATURE), {"type": "text", "text": "Light."})
    assert passed(provider, body)["messages"] == body["messages"]
