"""Complete answers of either dialect, as the official SDKs' types read them."""

from typing import Any

import anthropic.types
import msgspec
import openai.types.chat
import pytest

from legato.api.anthropic.messages import Messages
from legato.api.openai.chat import ChatCompletions
from legato.core.clock import ManualClock
from legato.core.config import Provider as ProviderConfig
from legato.core.errors import BadProviderResponse
from legato.core.usage import Usage
from legato.core.wire import Operation
from legato.providers.anthropic import factory as anthropic_factory
from legato.providers.base import ProviderSettings
from legato.providers.openai_compatible import factory as openai_factory

OPENAI = openai_factory(
    ProviderSettings(ProviderConfig(name="o", kind="openai_compatible"), "http://o/v1", "sk-1")
)
ANTHROPIC = anthropic_factory(
    ProviderSettings(ProviderConfig(name="a", kind="anthropic"), "http://a", "sk-1")
)
COMPLETIONS, MESSAGES = ChatCompletions(ManualClock()), Messages()

COMPLETION = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1700000001,
    "model": "small-1",
    "choices": [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": "Looking.",
                "refusal": None,
                "reasoning_content": "Let me think",
                "tool_calls": [
                    {
                        "id": "call_a",
                        "type": "function",
                        "function": {"name": "weather", "arguments": '{"city":"Wien"}'},
                    }
                ],
            },
            "logprobs": None,
            "finish_reason": "tool_calls",
        }
    ],
    "usage": {
        "prompt_tokens": 20,
        "completion_tokens": 6,
        "total_tokens": 26,
        "prompt_tokens_details": {
            "cached_tokens": 8,
            "cache_write_tokens": 0,
            "audio_tokens": 0,
            "image_tokens": 0,
        },
        "completion_tokens_details": {
            "reasoning_tokens": 2,
            "audio_tokens": 0,
            "image_tokens": 0,
        },
    },
}
MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-x",
    "content": [
        {"type": "thinking", "thinking": "Let me think", "signature": "c2ln"},
        {"type": "redacted_thinking", "data": "ZW5j"},
        {"type": "text", "text": "Looking."},
        {"type": "tool_use", "id": "toolu_a", "name": "weather", "input": {"city": "Wien"}},
    ],
    "stop_reason": "tool_use",
    "stop_sequence": None,
    "usage": {
        "input_tokens": 12,
        "cache_creation_input_tokens": 5,
        "cache_read_input_tokens": 8,
        "cache_creation": {"ephemeral_5m_input_tokens": 2, "ephemeral_1h_input_tokens": 3},
        "output_tokens": 6,
        "output_tokens_details": {"thinking_tokens": 2},
    },
}


def encoded(body: Any) -> bytes:
    return msgspec.json.encode(body)


def decoded(body: bytes) -> Any:
    return msgspec.json.decode(body)


def test_openai_through_chat_to_openai() -> None:
    rendered = COMPLETIONS.render(OPENAI.to_chat(encoded(COMPLETION)))
    assert decoded(rendered) == COMPLETION
    openai.types.chat.ChatCompletion.model_validate_json(rendered, strict=True)


def test_anthropic_through_chat_to_anthropic() -> None:
    rendered = MESSAGES.render(ANTHROPIC.to_chat(encoded(MESSAGE)))
    assert decoded(rendered) == MESSAGE
    anthropic.types.Message.model_validate_json(rendered)


def test_openai_as_anthropic() -> None:
    rendered = MESSAGES.render(OPENAI.to_chat(encoded(COMPLETION)))
    message = anthropic.types.Message.model_validate_json(rendered)
    kinds = [block.type for block in message.content]
    assert kinds == ["thinking", "text", "tool_use"]
    assert message.stop_reason == "tool_use"
    assert message.usage.input_tokens == 12  # without what was cached
    assert message.usage.cache_read_input_tokens == 8
    assert message.usage.output_tokens == 6


def test_anthropic_as_openai() -> None:
    rendered = COMPLETIONS.render(ANTHROPIC.to_chat(encoded(MESSAGE)))
    completion = openai.types.chat.ChatCompletion.model_validate_json(rendered, strict=True)
    choice = completion.choices[0]
    assert choice.finish_reason == "tool_calls"
    assert choice.message.content == "Looking."
    assert decoded(rendered)["choices"][0]["message"]["reasoning_content"] == "Let me think"
    assert completion.created == 1_700_000_000  # the clock's: a message carries no time
    assert completion.usage is not None
    assert completion.usage.prompt_tokens == 25  # with what was cached
    assert completion.usage.completion_tokens == 6


def test_answers_carry_their_usage_in_disjoint_classes() -> None:
    assert OPENAI.answer(Operation.CHAT, encoded(COMPLETION)).usage == Usage(
        in_uncached=12, cache_read=8, out_text=4, reasoning=2
    )
    assert ANTHROPIC.answer(Operation.CHAT, encoded(MESSAGE)).usage == Usage(
        in_uncached=12, cache_read=8, cache_write_5m=2, cache_write_1h=3, out_text=4, reasoning=2
    )


@pytest.mark.parametrize(
    ("stop", "finish"),
    [
        ("end_turn", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("stop_sequence", "stop"),
        ("refusal", "content_filter"),
        ("pause_turn", "stop"),
        ("something_new", "stop"),
    ],
)
def test_stop_reasons_towards_openai(stop: str, finish: str) -> None:
    body = {**MESSAGE, "content": [], "stop_reason": stop}
    rendered = COMPLETIONS.render(ANTHROPIC.to_chat(encoded(body)))
    assert decoded(rendered)["choices"][0]["finish_reason"] == finish


@pytest.mark.parametrize(
    ("finish", "stop"),
    [
        ("stop", "end_turn"),
        ("length", "max_tokens"),
        ("content_filter", "refusal"),
        (None, "end_turn"),
    ],
)
def test_finish_reasons_towards_anthropic(finish: str | None, stop: str) -> None:
    choice = {"index": 0, "message": {"content": "x"}, "finish_reason": finish}
    rendered = MESSAGES.render(OPENAI.to_chat(encoded({**COMPLETION, "choices": [choice]})))
    assert decoded(rendered)["stop_reason"] == stop


def test_arguments_cut_by_length_still_make_a_message() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a":'}}
    choice = {"message": {"content": None, "tool_calls": [call]}, "finish_reason": "length"}
    rendered = MESSAGES.render(OPENAI.to_chat(encoded({**COMPLETION, "choices": [choice]})))
    assert decoded(rendered)["content"][0]["input"] == {"invalid_arguments": '{"a":'}


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"{}", b'{"content":"x"}', b'{"choices":[1]}']
)
def test_garbage_is_refused_whatever_its_form(body: bytes) -> None:
    for provider in (OPENAI, ANTHROPIC):
        with pytest.raises(BadProviderResponse):
            provider.to_chat(body)


def test_token_counts_are_free_and_garbage_ones_refused() -> None:
    answer = ANTHROPIC.answer(Operation.COUNT_TOKENS, b'{"input_tokens":14}')
    assert answer.usage == Usage()
    with pytest.raises(BadProviderResponse):
        ANTHROPIC.answer(Operation.COUNT_TOKENS, b"{}")
