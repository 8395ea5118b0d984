from __future__ import annotations

from typing import Any

import msgspec
import pytest

from legato.core.chat import ChatRequest, Message, Role, Text
from legato.core.config import Provider as ProviderConfig
from legato.core.errors import ConfigInvalid, ProviderRejected
from legato.core.wire import Operation, RequestView
from legato.providers.azure_openai import factory
from legato.providers.base import Provider, ProviderSettings, Target, authorizer_of

RESOURCE = "https://res.openai.azure.com"
DATED = {"api": "deployments", "api_version": "2024-10-21"}


def provider(url: str = RESOURCE, key: str | None = "the-key", **settings: Any) -> Provider:
    entry = ProviderConfig(name="az", kind="azure_openai", settings=settings)
    return factory(ProviderSettings(entry, url, key))


@pytest.mark.parametrize("url", [RESOURCE, f"{RESOURCE}/openai", f"{RESOURCE}/openai/v1"])
def test_the_resource_is_named_with_or_without_the_api(url: str) -> None:
    made = provider(url)
    request = made.request(Operation.CHAT, {}, RequestView("a"), Target("gpt"))
    assert made.base_url == RESOURCE
    assert request.path == b"/openai/v1/chat/completions"
    assert b"api-key: the-key\r\n" in request.headers
    assert b"authorization" not in request.headers
    assert authorizer_of(made) is None


def test_the_dated_api_names_the_deployment_in_the_path() -> None:
    made, target = provider(**DATED), Target("my gpt/4")
    chat = ChatRequest((Message(Role.USER, (Text("hi"),)),), max_output_tokens=5)
    path = b"/openai/deployments/my%20gpt%2F4/chat/completions?api-version=2024-10-21"
    request = made.request_from_chat(chat, target)
    assert request.path == path
    assert msgspec.json.decode(request.body)["max_completion_tokens"] == 5
    embedding = made.request(Operation.EMBEDDINGS, {"input": "x"}, RequestView("a"), target)
    assert embedding.path == path.replace(b"chat/completions", b"embeddings")


def test_a_token_replaces_the_key_which_is_then_the_clients_secret() -> None:
    made = provider(credential="client_secret", tenant_id="t", client_id="c")
    request = made.request(Operation.CHAT, {}, RequestView("a"), Target("gpt"))
    assert b"the-key" not in request.headers
    assert authorizer_of(made) is not None


def test_a_filtered_prompt_keeps_azures_code() -> None:
    error = {"message": "filtered", "type": None, "param": "prompt", "code": "content_filter"}
    said = provider().failure(400, [], msgspec.json.encode({"error": error}))
    assert isinstance(said, ProviderRejected)
    assert (said.wire_code, said.param, said.fails_over) == ("content_filter", "prompt", False)


@pytest.mark.parametrize(
    ("key", "settings", "field"),
    [
        ("k", {"api": "deployments"}, "settings.api_version"),
        ("k", {"api_version": "1 2"}, "settings"),
        (None, {}, "api_key"),
        ("k", {"credential": "managed_identity"}, "api_key"),
        ("k", {"credential": "client_secret", "tenant_id": "t"}, "settings.client_id"),
        ("k", {"unknown": 1}, "settings"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(
    key: str | None, settings: dict[str, Any], field: str
) -> None:
    with pytest.raises(ConfigInvalid, match=rf"providers\[az\]\.{field}"):
        provider(key=key, **settings)


def test_an_endpoint_is_needed() -> None:
    with pytest.raises(ConfigInvalid, match="base_url"):
        provider("")
