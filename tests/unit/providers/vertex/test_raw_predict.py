from __future__ import annotations

from typing import Any

import msgspec
import pytest

from legato.core.chat import ChatRequest, Message, Role, Text
from legato.core.config import Provider as ProviderConfig
from legato.core.errors import ConfigInvalid, InvalidRequest, ProviderRateLimited
from legato.core.wire import Operation, RequestView
from legato.providers.base import Provider, ProviderSettings, Target
from legato.providers.vertex import factory

MODEL = Target("claude-sonnet-4-5@20250929")
BODY: dict[str, Any] = {
    "model": "alias",
    "max_tokens": 9,
    "messages": [{"role": "user", "content": "hi"}],
    "a_field_of_tomorrow": {"kept": [1]},
}
MODELS = "/v1/projects/p/locations/eu/publishers/anthropic/models"


def provider(**settings: Any) -> Provider:
    settings = {"project": "p", "location": "eu", "publisher": "anthropic"} | settings
    config = ProviderConfig(name="v", kind="vertex", settings=settings)
    return factory(ProviderSettings(config, ""))


def written(operation: Operation, *, stream: bool = False) -> tuple[str, Any]:
    view = RequestView("alias", stream=stream)
    request = provider().request(operation, BODY, view, MODEL)
    return request.path.decode(), msgspec.json.decode(request.body)


def test_the_model_is_in_the_path_and_the_rest_as_it_came() -> None:
    wanted = {name: value for name, value in BODY.items() if name != "model"}
    wanted["anthropic_version"] = "vertex-2023-10-16"
    path, body = written(Operation.CHAT)
    assert (path, body) == (f"{MODELS}/{MODEL.model}:rawPredict", wanted)
    path, _ = written(Operation.CHAT, stream=True)
    assert path == f"{MODELS}/{MODEL.model}:streamRawPredict"


def test_counting_is_a_model_of_its_own() -> None:
    path, body = written(Operation.COUNT_TOKENS)
    assert (path, body["model"]) == (f"{MODELS}/count-tokens:rawPredict", MODEL.model)


def test_betas_are_asked_for_in_a_header() -> None:
    asked = provider(anthropic_beta=["one", "two"])
    chat = ChatRequest((Message(Role.USER, (Text("hi"),)),))
    assert b"anthropic-beta: one,two\r\n" in asked.request_from_chat(chat, MODEL).headers
    assert asked.base_url == "https://aiplatform.eu.rep.googleapis.com"


@pytest.mark.parametrize("model", ["x/../../y", "a?b", "a:predict", "", "a..b"])
def test_a_name_that_would_be_another_path_is_refused(model: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        provider().request(Operation.CHAT, BODY, RequestView("m"), Target(model))
    assert refused.value.param == "model"


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"safety_settings": []}, "safety_settings"),
        ({"publisher": "google", "anthropic_beta": []}, "anthropic_beta"),
        ({"publisher": "mistral"}, "publisher"),
    ],
)
def test_settings_of_the_other_publisher_are_refused(settings: Any, named: str) -> None:
    with pytest.raises(ConfigInvalid, match=named):
        provider(**settings)


def test_googles_own_refusals_are_read_beside_the_models() -> None:
    details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "7s"}]
    error = {"code": 429, "message": "Quota.", "status": "RESOURCE_EXHAUSTED", "details": details}
    googles = provider().failure(429, [], msgspec.json.encode({"error": error}))
    assert isinstance(googles, ProviderRateLimited)
    assert (googles.retry_after_s, "Quota." in googles.message) == (7.0, True)
    own = {"type": "error", "error": {"type": "rate_limit_error", "message": "Too many."}}
    models = provider().failure(429, [], msgspec.json.encode(own))
    assert isinstance(models, ProviderRateLimited)
    assert "Too many." in models.message
