"""The official Anthropic SDK against Legato, with either vendor's dialect behind."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import anthropic
import pytest
from anthropic import Anthropic
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
  - {name: open, kind: openai_compatible, base_url: "UPSTREAM/v1"}
  - {name: other, kind: anthropic, base_url: "UPSTREAM", api_key: {env: CALLER_KEY}}
deployments:
  - {name: small, provider: open, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
  - {name: claude, provider: other, model: m, price: {input_per_mtok: "3", output_per_mtok: "15"}}
routes:
  - {alias: chat, deployments: [claude]}
  - {alias: translated, deployments: [small]}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
"""
HELLO: list[Any] = [{"role": "user", "content": "Say something about rivers."}]
TOOL: Any = {
    "name": "look_up",
    "description": "Looks the weather up.",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1}},
        "required": ["city", "days"],
    },
}
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
    "YPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
BOTH = pytest.mark.parametrize("model", ["chat", "translated"])


@pytest.fixture
def client(legato: RunningLegato, upstream: SimulatedChild) -> Iterator[Anthropic]:
    with Anthropic(base_url=legato.url, api_key=CALLER, max_retries=0) as client:
        yield client


@BOTH
def test_a_message_is_answered_headed_and_entered(
    legato: RunningLegato, client: Anthropic, model: str
) -> None:
    raw = client.messages.with_raw_response.create(
        model=model,
        max_tokens=100,
        system=[{"type": "text", "text": "Be brief."}],
        messages=HELLO,
        stop_sequences=["no such words"],
        metadata={"user_id": "ann"},
    )
    answer = raw.parse()
    assert answer.role == "assistant"
    assert answer.content[0].type == "text"
    assert answer.content[0].text
    assert answer.stop_reason == "end_turn"
    (entry,) = legato.entries(raw.headers["x-legato-request-id"])
    assert Decimal(raw.headers["x-legato-cost-usd"]) * 10**9 == entry["cost"] > 0
    assert entry["in_uncached"] == answer.usage.input_tokens
    assert entry["out_text"] == answer.usage.output_tokens
    assert entry["end_user"] not in {"", "ann"}
    assert legato.trace(raw.headers["x-legato-request-id"])["surface"] == "messages"


@BOTH
def test_a_stream_says_what_the_whole_answer_says(
    legato: RunningLegato, client: Anthropic, model: str
) -> None:
    whole = client.messages.create(model=model, max_tokens=100, messages=HELLO)
    with client.messages.stream(model=model, max_tokens=100, messages=HELLO) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert whole.content[0].type == "text"
    assert text == whole.content[0].text
    assert final.stop_reason == whole.stop_reason
    assert final.usage.output_tokens == whole.usage.output_tokens
    (entry,) = legato.entries(stream.response.headers["x-legato-request-id"])
    assert entry["in_uncached"] == whole.usage.input_tokens
    assert entry["usage_source"] == "provider"


@BOTH
def test_stream_events_are_strictly_nested(client: Anthropic, model: str) -> None:
    with client.messages.create(model=model, max_tokens=60, messages=HELLO, stream=True) as stream:
        kinds = [event.type for event in stream if event.type != "ping"]
    assert kinds[:2] == ["message_start", "content_block_start"]
    assert kinds[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    assert set(kinds[2:-3]) == {"content_block_delta"}


@BOTH
@pytest.mark.parametrize("stream", [False, True])
def test_tools_are_called_and_their_results_taken(
    client: Anthropic, model: str, *, stream: bool
) -> None:
    asked: list[Any] = [{"role": "user", "content": "[call-tool] how is the weather?"}]
    fields: dict[str, Any] = {"model": model, "max_tokens": 200, "tools": [TOOL]}
    if stream:
        with client.messages.stream(messages=asked, **fields) as events:
            answer: Any = events.get_final_message()
    else:
        answer = client.messages.create(messages=asked, **fields)
    assert answer.stop_reason == "tool_use"
    (call,) = [block for block in answer.content if block.type == "tool_use"]
    assert call.name == "look_up"
    assert call.input["days"] >= 1
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "sunny"}
    asked += [
        {"role": "assistant", "content": [{"type": "tool_use", "id": call.id, "name": "look_up",
                                           "input": call.input}]},
        {"role": "user", "content": [result]},
    ]  # fmt: skip
    after = client.messages.create(messages=asked, **fields)
    assert after.stop_reason == "end_turn"
    assert after.content[0].type == "text"


@BOTH
def test_a_picture_is_seen(client: Anthropic, model: str) -> None:
    source = {"type": "base64", "media_type": "image/png", "data": PIXEL}
    parts: list[Any] = [{"type": "text", "text": "And?"}, {"type": "image", "source": source}]
    seen = client.messages.create(
        model=model, max_tokens=20, messages=[{"role": "user", "content": parts}]
    )
    plain = client.messages.create(
        model=model, max_tokens=20, messages=[{"role": "user", "content": parts[:1]}]
    )
    assert seen.usage.input_tokens > plain.usage.input_tokens


@BOTH
def test_tokens_are_counted_for_nothing(
    legato: RunningLegato, upstream: SimulatedChild, client: Anthropic, model: str
) -> None:
    raw = client.messages.count_tokens(model=model, messages=HELLO)
    assert raw.input_tokens > 0
    counted = legato.post("/v1/messages/count_tokens", {"model": model, "messages": HELLO})
    assert ("estimated" in counted.json) == (model == "translated")
    assert legato.trace(counted.request_id)["cost"] == 0
    assert legato.query("SELECT 1 FROM ledger_entry WHERE request_id = ?", counted.request_id) == []


def test_errors_come_as_the_sdks_own_classes(client: Anthropic) -> None:
    with pytest.raises(anthropic.BadRequestError) as bad:
        client.messages.create(model="chat", max_tokens=0, messages=HELLO)
    body: Any = bad.value.body
    assert body["type"] == "error"
    assert body["error"]["type"] == "invalid_request_error"
    assert "max_tokens" in body["error"]["message"]
    with pytest.raises(anthropic.NotFoundError) as missing:
        client.messages.create(model="nothing", max_tokens=9, messages=HELLO)
    body = missing.value.body
    assert body["error"]["type"] == "not_found_error"
    with (
        client.with_options(api_key="lg-nobody") as stranger,
        pytest.raises(anthropic.AuthenticationError) as unknown,
    ):
        stranger.messages.create(model="chat", max_tokens=9, messages=HELLO)
    body = unknown.value.body
    assert body["error"]["type"] == "authentication_error"


@BOTH
def test_a_429_is_retried_when_we_said(
    upstream: SimulatedChild, client: Anthropic, model: str
) -> None:
    upstream.change(rate429=1.0, retry_after_s=1)
    with pytest.raises(anthropic.RateLimitError) as caught:
        client.messages.create(model=model, max_tokens=9, messages=HELLO)
    assert caught.value.response.headers["retry-after"] == "1"
    body: Any = caught.value.body
    assert body["error"]["type"] == "rate_limit_error"
    upstream.change(rate429=1.0, retry_after_s=None, retry_after_ms=100, fault_calls_max=1)
    answer = client.with_options(max_retries=1).messages.create(
        model=model, max_tokens=9, messages=HELLO
    )
    assert answer.content


@BOTH
def test_an_error_in_mid_stream_raises_in_the_sdk(
    upstream: SimulatedChild, client: Anthropic, model: str
) -> None:
    upstream.change(cut_rate=1.0, cut_after_events=6)
    with (
        client.messages.create(model=model, max_tokens=60, messages=HELLO, stream=True) as stream,
        pytest.raises(anthropic.APIError),
    ):
        list(stream)


def test_the_models_page_serves_this_sdk_too(client: Anthropic) -> None:
    assert {model.id for model in client.models.list()} >= {"chat", "translated"}
