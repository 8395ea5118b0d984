from typing import Any

import msgspec
import pytest

from legato.core.chat import ChatRequest, Document, Message, Role
from legato.core.config import Provider as ProviderConfig
from legato.core.errors import (
    BadProviderResponse,
    ConfigInvalid,
    InvalidRequest,
    ProviderRateLimited,
    ProviderRejected,
)
from legato.core.usage import Usage
from legato.core.wire import Operation, RequestView
from legato.providers.base import Provider, ProviderSettings, Target
from legato.providers.openai_compatible import factory

CHAT, EMBEDDINGS = Operation.CHAT, Operation.EMBEDDINGS


def provider(
    base_url: str = "http://up/v1", key: str | None = "sk-1234", **config: Any
) -> Provider:
    entry = ProviderConfig(name="up", kind="openai_compatible", **config)
    return factory(ProviderSettings(entry, base_url, key))


def written(
    body: dict[str, Any], *, stream: bool = False, bound: int | None = None, **config: Any
) -> dict[str, Any]:
    view = RequestView("alias", stream=stream)
    request = provider(**config).request(CHAT, body, view, Target("real", bound))
    decoded: dict[str, Any] = msgspec.json.decode(request.body)
    return decoded


def test_body_passes_with_only_the_model_replaced() -> None:
    body = {"model": "alias", "messages": [], "some_vendor_field": {"a": [1]}}
    assert written(body) == {**body, "model": "real"}
    assert body["model"] == "alias"


def test_usage_is_always_asked_for_on_streams_beside_the_callers_options() -> None:
    body = {"stream": True, "stream_options": {"include_obfuscation": False}}
    assert written(body, stream=True)["stream_options"] == {
        "include_obfuscation": False,
        "include_usage": True,
    }
    assert written({"stream": True, "stream_options": None}, stream=True)["stream_options"] == {
        "include_usage": True
    }
    assert body["stream_options"] == {"include_obfuscation": False}


@pytest.mark.parametrize(
    ("preset", "field"), [(None, "max_tokens"), ("openai", "max_completion_tokens")]
)
def test_output_bound_goes_under_the_vendors_name(preset: str | None, field: str) -> None:
    assert written({}, bound=7, preset=preset)[field] == 7


def test_mistral_gets_neither_stream_options_nor_the_newer_bound() -> None:
    body = {"stream": True, "stream_options": {"include_usage": True}, "max_completion_tokens": 5}
    messages = [{"role": "user", "content": "hi"}]
    assert written({**body, "messages": messages}, stream=True, preset="mistral") == {
        "model": "real",
        "messages": messages,
        "stream": True,
        "max_tokens": 5,
    }


def test_a_file_of_openais_is_a_document_by_url_at_mistral() -> None:
    url = "data:application/pdf;base64,JVBERi0="
    kept = {"type": "file", "file_id": "f-1"}
    file = {"type": "file", "file": {"filename": "sky.pdf", "file_data": url}}
    messages = [{"role": "user", "content": [file, kept]}]
    assert written({"messages": messages}, preset="mistral")["messages"][0]["content"] == [
        {"type": "document_url", "document_url": url, "document_name": "sky.pdf"},
        kept,
    ]


def test_mistral_has_no_names_of_speakers() -> None:
    said = [
        {"role": "user", "content": "Hi.", "name": "ada"},
        {"role": "assistant", "content": "Ho.", "name": "poet"},
        {"role": "user", "content": [{"type": "text", "text": "So."}], "name": "bob"},
    ]
    hi, ho, so = written({"messages": said}, preset="mistral")["messages"]
    assert hi == {"role": "user", "content": "ada said:\nHi."}
    assert ho == {"role": "assistant", "content": "Ho."}
    assert [part["text"] for part in so["content"]] == ["bob said:", "So."]
    alone = written({"messages": said[:2]}, preset="mistral")["messages"]
    assert alone == [{"role": "user", "content": "Hi."}, {"role": "assistant", "content": "Ho."}]


def test_only_mistral_fetches_a_document() -> None:
    document = Document(url="https://example.org/sky.pdf", media_type="application/pdf")
    chat = ChatRequest((Message(Role.USER, (document,)),))
    wire = provider(preset="mistral").request_from_chat(chat, Target("real")).body
    (part,) = msgspec.json.decode(wire)["messages"][0]["content"]
    assert (part["type"], part["document_url"]) == ("document_url", document.url)
    with pytest.raises(InvalidRequest, match="by their bytes only"):
        provider().request_from_chat(chat, Target("real"))


def test_headers_are_ours() -> None:
    request = provider(headers={"X-Team": "ops"}).request(CHAT, {}, RequestView("m"), Target("r"))
    assert request.headers == (
        b"content-type: application/json\r\nauthorization: Bearer sk-1234\r\nx-team: ops\r\n"
    )
    assert request.path == b"/chat/completions"


def test_configured_base_url_wins_over_the_presets() -> None:
    assert provider(preset="openai").base_url == "http://up/v1"
    assert provider("", preset="openai").base_url == "https://api.openai.com/v1"


@pytest.mark.parametrize(
    "config",
    [
        {"preset": "nobody"},
        {"settings": {"unheard_of": 1}},
        {"headers": {"x": "a\r\nb: c"}},
        {"headers": {"content-length": "5"}},
        {"base_url": ""},
    ],
)
def test_wrong_configuration_is_refused_without_the_key(config: dict[str, Any]) -> None:
    arguments = {"base_url": "http://up/v1", **config}
    with pytest.raises(ConfigInvalid) as refused:
        provider(**arguments)
    assert "sk-1234" not in refused.value.message


def test_answer_reads_usage_and_model() -> None:
    body = (
        b'{"model":"m-1","choices":[{"message":{"content":"hi"}}],'
        b'"usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4}}'
    )
    answer = provider().answer(CHAT, body)
    assert (answer.usage, answer.model) == (Usage(in_uncached=3, out_text=1), "m-1")


@pytest.mark.parametrize(
    "usage", [b"null", b'"x"', b'{"prompt_tokens":-3}', b'{"prompt_tokens":"3"}']
)
def test_answer_without_usable_usage_counts_characters(usage: bytes) -> None:
    body = b'{"model":"m","choices":[{"message":{"content":"hello"}}],"usage":' + usage + b"}"
    answer = provider().answer(CHAT, body)
    assert (answer.usage, answer.model, answer.output_chars) == (None, "m", 5)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"{}", b'{"choices":[]}', b'{"choices":null}']
)
def test_garbage_answers_are_refused(body: bytes) -> None:
    with pytest.raises(BadProviderResponse):
        provider().answer(CHAT, body)
    with pytest.raises(BadProviderResponse):
        provider().to_chat(body)


def test_error_under_a_200_is_an_error() -> None:
    with pytest.raises(ProviderRateLimited):
        provider().answer(CHAT, b'{"error":{"message":"slow down","code":429}}')


def test_embeddings() -> None:
    request = provider().request(
        EMBEDDINGS, {"model": "a", "input": "x"}, RequestView("a"), Target("emb")
    )
    assert request.path == b"/embeddings"
    assert msgspec.json.decode(request.body) == {"model": "emb", "input": "x"}
    body = (
        b'{"data":[{"embedding":[0.5]}],"model":"emb","usage":{"prompt_tokens":2,"total_tokens":2}}'
    )
    assert provider().answer(EMBEDDINGS, body).usage == Usage(in_uncached=2)


def test_counting_tokens_is_not_supported() -> None:
    assert not provider().supports(Operation.COUNT_TOKENS)
    with pytest.raises(InvalidRequest):
        provider().request(Operation.COUNT_TOKENS, {}, RequestView("m"), Target("m"))


@pytest.mark.parametrize(
    "body",
    [
        b'{"error":{"message":"no sk-1234","type":"t","param":"p","code":"c"}}',
        b'{"message":"no sk-1234","type":"t","param":"p","code":"c"}',
    ],
)
def test_failure_keeps_what_the_provider_said_without_our_key(body: bytes) -> None:
    error = provider().failure(400, [(b"Content-Type", b"application/json")], body)
    assert isinstance(error, ProviderRejected)
    assert error.message == "no [key]"
    assert (error.param, error.wire_type, error.wire_code) == ("p", "t", "c")


def test_failure_reads_headers_in_any_case() -> None:
    error = provider().failure(429, [(b"Retry-After", b"3")], b"<html>")
    assert error.retry_after_s == 3
