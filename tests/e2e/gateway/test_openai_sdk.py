"""The official OpenAI SDK against Legato, with either vendor's dialect behind."""

from __future__ import annotations

import json
import time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import openai
import pytest
from openai import OpenAI
from running import CALLER, RunningLegato

if TYPE_CHECKING:
    from collections.abc import Iterator

    from legato.providers.simulated.child import SimulatedChild

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
cache: {enabled: false}
retry: {attempts_max: 1}
breaker: {failures: 1000, failure_share: 1.0, window_calls: 64}
providers:
  - {name: open, kind: openai_compatible, base_url: "UPSTREAM/v1", api_key: {env: CALLER_KEY}}
  - {name: other, kind: anthropic, base_url: "UPSTREAM", api_key: {env: CALLER_KEY}}
deployments:
  - {name: small, provider: open, model: m, price: {input_per_mtok: "0.15", output_per_mtok: "0.60"}}
  - {name: claude, provider: other, model: m, price: {input_per_mtok: "3", output_per_mtok: "15"}}
  - {name: busy, provider: open, model: busy, price: {input_per_mtok: "1", output_per_mtok: "1"}}
routes:
  - {alias: chat, baseline: claude, deployments: [small]}
  - {alias: translated, baseline: claude, deployments: [claude]}
  - {alias: renamed, deployments: [small], model_name: alias}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
  - {name: narrow, team: platform, feature: tests, secret: {env: NARROW_KEY}, models: [chat]}
"""  # noqa: E501 - one deployment a line
NARROW = "lg-a-key-for-one-model-alone"
VARIABLES = {"NARROW_KEY": NARROW}
HELLO: list[Any] = [{"role": "user", "content": "Say something about rivers."}]
TOOL: Any = {
    "type": "function",
    "function": {
        "name": "look_up",
        "description": "Looks the weather up.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1}},
            "required": ["city", "days"],
        },
    },
}
PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
    "YPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
BOTH = pytest.mark.parametrize("model", ["chat", "translated"])


@pytest.fixture
def client(legato: RunningLegato, upstream: SimulatedChild) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{legato.url}/v1", api_key=CALLER, max_retries=0) as client:
        yield client


@BOTH
def test_chat_is_answered_headed_and_entered(
    legato: RunningLegato, upstream: SimulatedChild, client: OpenAI, model: str
) -> None:
    raw = client.chat.completions.with_raw_response.create(
        model=model, messages=HELLO, user="ann", metadata={"ticket": "1"}
    )
    answer = raw.parse()
    assert answer.object == "chat.completion"
    assert answer.choices[0].message.role == "assistant"
    assert answer.choices[0].message.content
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    request_id = raw.headers["x-legato-request-id"]
    assert raw.headers["x-request-id"] == request_id
    assert raw.headers["x-legato-cache"] == "bypass"
    assert raw.headers["content-type"] == "application/json"
    (entry,) = legato.entries(request_id)
    assert Decimal(raw.headers["x-legato-cost-usd"]) * 10**9 == entry["cost"] > 0
    assert entry["in_uncached"] == answer.usage.prompt_tokens
    assert entry["out_text"] == answer.usage.completion_tokens
    assert (entry["kind"], entry["usage_source"], entry["status"]) == ("usage", "provider", "ok")
    assert entry["model_requested"] == model
    assert entry["end_user"] not in {"", "ann"}  # a keyed pseudonym
    assert entry["baseline_cost"] == (
        answer.usage.prompt_tokens * 3_000 + answer.usage.completion_tokens * 15_000
    )
    (call,) = upstream.calls(1)
    assert call.attempt_id == f"{request_id}-1"
    assert call.usage.prompt == answer.usage.prompt_tokens


@BOTH
def test_a_stream_says_what_the_whole_answer_says(client: OpenAI, model: str) -> None:
    whole = client.chat.completions.create(model=model, messages=HELLO, max_tokens=40)
    with client.chat.completions.create(
        model=model, messages=HELLO, max_tokens=40, stream=True,
        stream_options={"include_usage": True},
    ) as stream:  # fmt: skip
        chunks = list(stream)
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == whole.choices[0].message.content
    finishes = [c.choices[0].finish_reason for c in chunks if c.choices]
    assert [f for f in finishes if f is not None] == [whole.choices[0].finish_reason]
    assert [c.usage for c in chunks if not c.choices] == [whole.usage]
    assert chunks[-1].choices == []
    assert len({c.model for c in chunks}) == 1
    assert len({c.id for c in chunks}) == 1


@BOTH
def test_without_include_usage_every_chunk_has_a_choice(
    legato: RunningLegato, client: OpenAI, model: str
) -> None:
    raw = client.chat.completions.with_raw_response.create(model=model, messages=HELLO, stream=True)
    with raw.parse() as stream:
        chunks = list(stream)
    assert all(len(chunk.choices) == 1 for chunk in chunks)
    assert all(chunk.usage is None for chunk in chunks)
    (entry,) = legato.entries(raw.headers["x-legato-request-id"])
    assert entry["usage_source"] == "provider"
    assert entry["out_text"] > 0


@BOTH
@pytest.mark.parametrize("stream", [False, True])
def test_tools_are_called_and_their_results_taken(
    client: OpenAI, model: str, *, stream: bool
) -> None:
    asked: list[Any] = [{"role": "user", "content": "[call-tool] how is the weather?"}]
    if stream:
        with client.chat.completions.stream(model=model, messages=asked, tools=[TOOL]) as events:
            answer = events.get_final_completion()
    else:
        answer = client.chat.completions.create(model=model, messages=asked, tools=[TOOL])
    assert answer.choices[0].finish_reason == "tool_calls"
    (call,) = answer.choices[0].message.tool_calls or []
    assert call.type == "function"
    assert call.function.name == "look_up"
    arguments = json.loads(call.function.arguments)
    assert isinstance(arguments["city"], str)
    assert arguments["days"] >= 1
    asked += [
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {
                    "id": call.id,
                    "type": "function",
                    "function": {"name": "look_up", "arguments": call.function.arguments},
                }
            ],
        },
        {"role": "tool", "tool_call_id": call.id, "content": "sunny"},
    ]
    after = client.chat.completions.create(model=model, messages=asked, tools=[TOOL])
    assert after.choices[0].finish_reason == "stop"
    assert after.choices[0].message.content


@BOTH
def test_a_picture_is_seen(client: OpenAI, model: str) -> None:
    parts: list[Any] = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": PIXEL}},
    ]
    answer = client.chat.completions.create(
        model=model, messages=[{"role": "user", "content": parts}]
    )
    plain = client.chat.completions.create(
        model=model, messages=[{"role": "user", "content": parts[:1]}]
    )
    assert answer.usage is not None
    assert plain.usage is not None
    assert answer.usage.prompt_tokens > plain.usage.prompt_tokens


def test_structured_output_n_and_logprobs(client: OpenAI) -> None:
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
        "required": ["name", "age"],
        "additionalProperties": False,
    }
    answer = client.chat.completions.create(
        model="chat",
        messages=HELLO,
        n=3,
        seed=7,
        response_format={
            "type": "json_schema",
            "json_schema": {"name": "person", "schema": schema, "strict": True},
        },
    )
    assert [choice.index for choice in answer.choices] == [0, 1, 2]
    for choice in answer.choices:
        assert set(json.loads(choice.message.content or "")) == {"name", "age"}
    known = client.chat.completions.create(
        model="chat", messages=HELLO, logprobs=True, top_logprobs=2
    )
    logprobs = known.choices[0].logprobs
    assert logprobs is not None
    assert logprobs.content is not None
    assert all(token.logprob <= 0 and len(token.top_logprobs) == 2 for token in logprobs.content)


@pytest.mark.parametrize("field", [{"logprobs": True}, {"seed": 7}, {"n": 2}, {"odd": 1}])
def test_what_the_other_dialect_cannot_carry_is_refused_by_name(
    client: OpenAI, field: dict[str, Any]
) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="translated", messages=HELLO, extra_body=field)
    assert caught.value.param == next(iter(field))
    assert next(iter(field)) in caught.value.message


def test_unknown_fields_pass_to_a_provider_of_the_same_dialect(client: OpenAI) -> None:
    answer = client.chat.completions.create(
        model="chat", messages=HELLO, extra_body={"top_k": 5, "vendor_thing": {"a": 1}}
    )
    assert answer.choices[0].message.content


def test_the_alias_is_the_model_name_on_every_chunk_by_policy(client: OpenAI) -> None:
    answer = client.chat.completions.create(model="renamed", messages=HELLO)
    assert answer.model == "renamed"
    with client.chat.completions.create(model="renamed", messages=HELLO, stream=True) as stream:
        assert {chunk.model for chunk in stream} == {"renamed"}


def test_embeddings(legato: RunningLegato, client: OpenAI) -> None:
    raw = client.embeddings.with_raw_response.create(
        model="chat", input=["one", "two"], dimensions=32
    )
    answer = raw.parse()
    assert [item.index for item in answer.data] == [0, 1]
    assert all(len(item.embedding) == 32 for item in answer.data)
    (entry,) = legato.entries(raw.headers["x-legato-request-id"])
    assert entry["in_uncached"] == answer.usage.prompt_tokens
    assert entry["cost"] == answer.usage.prompt_tokens * 150
    with pytest.raises(openai.BadRequestError) as caught:
        client.embeddings.create(model="translated", input="one")
    assert "embeddings" in caught.value.message


def test_models_are_those_the_key_may_call(legato: RunningLegato, client: OpenAI) -> None:
    names = {model.id for model in client.models.list()}
    assert names == {"chat", "translated", "renamed", "small", "claude", "busy"}
    with client.with_options(api_key=NARROW) as narrow:
        assert [model.id for model in narrow.models.list()] == ["chat"]
        with pytest.raises(openai.PermissionDeniedError) as caught:
            narrow.chat.completions.create(model="small", messages=HELLO)
    assert caught.value.code == "forbidden"


def test_errors_come_as_the_sdks_own_classes(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as bad:
        client.chat.completions.create(model="chat", messages=[])
    assert bad.value.param == "messages"
    with pytest.raises(openai.NotFoundError) as missing:
        client.chat.completions.create(model="nothing", messages=HELLO)
    assert missing.value.param == "model"
    assert "translated" in missing.value.message  # what there is instead
    with (
        client.with_options(api_key="lg-nobody") as stranger,
        pytest.raises(openai.AuthenticationError) as unknown,
    ):
        stranger.chat.completions.create(model="chat", messages=HELLO)
    assert unknown.value.code == "invalid_api_key"
    assert "lg-nobody" not in str(unknown.value.body)


def test_the_providers_own_400_is_passed_on(upstream: SimulatedChild, client: OpenAI) -> None:
    upstream.change(error_rate=1.0, error_status=422)
    with pytest.raises(openai.UnprocessableEntityError) as caught:
        client.chat.completions.create(model="chat", messages=HELLO)
    assert "Simulated error 422" in caught.value.message
    assert upstream.counts()["by_status"] == {"422": 1}


def test_a_429_keeps_the_providers_retry_after(upstream: SimulatedChild, client: OpenAI) -> None:
    upstream.change(rate429=1.0, retry_after_s=3)
    with pytest.raises(openai.RateLimitError) as caught:
        client.chat.completions.create(model="busy", messages=HELLO)
    headers = caught.value.response.headers
    assert headers["retry-after"] == "3"
    assert headers["retry-after-ms"] == "3000"
    assert headers["x-should-retry"] == "true"


def test_the_sdk_retries_when_we_said(upstream: SimulatedChild, client: OpenAI) -> None:
    upstream.change(rate429=1.0, retry_after_s=None, retry_after_ms=700, fault_calls_max=1)
    began_s = time.monotonic()
    answer = client.with_options(max_retries=2).chat.completions.create(
        model="busy", messages=HELLO
    )
    assert answer.choices[0].message.content
    assert 0.7 <= time.monotonic() - began_s < 3
    assert upstream.counts()["by_status"] == {"429": 1, "200": 1}


def test_an_error_in_mid_stream_raises_in_the_sdk(
    legato: RunningLegato, upstream: SimulatedChild, client: OpenAI
) -> None:
    upstream.change(cut_rate=1.0, cut_after_events=4)
    raw = client.chat.completions.with_raw_response.create(
        model="chat", messages=HELLO, stream=True
    )
    with raw.parse() as stream, pytest.raises(openai.APIError):
        list(stream)
    (entry,) = legato.entries(raw.headers["x-legato-request-id"])
    assert entry["usage_source"] == "partial"
