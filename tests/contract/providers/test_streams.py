"""Streams of either dialect, forwarded and translated, as the official SDKs read them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import httpx2
import msgspec
import openai
import pytest

from legato.api.anthropic.messages import Messages
from legato.api.openai.chat import ChatCompletions
from legato.core.clock import ManualClock
from legato.core.config import Provider as ProviderConfig
from legato.core.usage import Usage
from legato.core.wire import RequestView
from legato.gateway.translate import TranslatingReader
from legato.providers.anthropic import factory as anthropic_factory
from legato.providers.base import Provider, ProviderSettings
from legato.providers.openai_compatible import factory as openai_factory

CASSETTES = Path(__file__).parent / "cassettes"
VIEW = RequestView("alias", stream=True, wants_stream_usage=True)
OPENAI = ("text", "crlf", "comments_and_keep_alives", "usage_on_each_chunk", "no_done")
OPENAI += ("no_last_blank_line", "done_twice", "finish_twice", "multi_line_data")
GREETING = "Grüße aus 🎼 Wien"
OPENAI_USAGE = Usage(in_uncached=12, cache_read=8, out_text=4, reasoning=2)
ANTHROPIC_USAGE = Usage(in_uncached=12, cache_read=8, cache_write_5m=5, out_text=6)
SURFACES = {"openai": ChatCompletions(ManualClock()), "anthropic": Messages()}


def provider(dialect: str) -> Provider:
    kind = "openai_compatible" if dialect == "openai" else "anthropic"
    settings = ProviderSettings(ProviderConfig(name="p", kind=kind), "http://up/v1", "sk-1")
    return (openai_factory if dialect == "openai" else anthropic_factory)(settings)


def cassette(dialect: str, name: str) -> bytes:
    return (CASSETTES / dialect / f"{name}.sse").read_bytes()


def packets(stream: bytes) -> Iterator[bytes]:
    """Cut at sizes that are no multiple of anything in the stream."""
    for start in range(0, len(stream), 7):
        yield stream[start : start + 7]


def forwarded(dialect: str, name: str) -> tuple[bytes, Any]:
    reader = provider(dialect).reader(VIEW)
    out = b"".join(reader.feed(packet) for packet in packets(cassette(dialect, name)))
    return out + reader.close(), reader


def translated(source: str, name: str, front: str) -> tuple[bytes, Any]:
    reader = TranslatingReader(provider(source).decoder(), SURFACES[front].encoder(VIEW))
    out = b"".join(reader.feed(packet) for packet in packets(cassette(source, name)))
    return out + reader.close(), reader


def client_transport(stream: bytes) -> httpx2.Client:
    def answer(request: httpx2.Request) -> httpx2.Response:
        headers = {"content-type": "text/event-stream"}
        return httpx2.Response(200, headers=headers, content=stream, request=request)

    return httpx2.Client(transport=httpx2.MockTransport(answer))


def openai_chunks(stream: bytes) -> list[Any]:
    with openai.OpenAI(api_key="k", http_client=client_transport(stream)) as client:
        return list(
            client.chat.completions.create(
                model="alias", messages=[{"role": "user", "content": "hi"}], stream=True
            )
        )


def anthropic_message(stream: bytes) -> Any:
    with (
        anthropic.Anthropic(api_key="k", http_client=client_transport(stream)) as client,
        client.messages.stream(
            model="alias", max_tokens=9, messages=[{"role": "user", "content": "hi"}]
        ) as events,
    ):
        for _ in events:
            pass
        return events.get_final_message()


def text_of(chunks: list[Any]) -> str:
    deltas = [choice.delta.content or "" for chunk in chunks for choice in chunk.choices]
    return "".join(deltas)


def finish_reasons(chunks: list[Any]) -> list[str]:
    return [
        choice.finish_reason for chunk in chunks for choice in chunk.choices if choice.finish_reason
    ]


def assert_nested(stream: bytes) -> None:
    """Blocks open and close one after the other, deltas fit the open one."""
    kinds = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "thinking"}
    opened: dict[str, Any] | None = None
    count = 0
    for frame in stream.decode().strip().split("\n\n"):
        body = msgspec.json.decode(frame.split("data: ", 1)[1])
        if body["type"] == "content_block_start":
            assert opened is None
            assert body["index"] == count
            opened, count = body["content_block"], count + 1
        elif body["type"] == "content_block_delta":
            assert opened is not None
            assert body["index"] == count - 1
            assert opened["type"] == kinds.get(body["delta"]["type"], "tool_use")
        elif body["type"] == "content_block_stop":
            assert opened is not None
            opened = None
    assert opened is None


@pytest.mark.parametrize("name", OPENAI)
def test_openai_forwarded(name: str) -> None:
    out, reader = forwarded("openai", name)
    chunks = openai_chunks(out)
    assert text_of(chunks) == GREETING
    assert finish_reasons(chunks) == ["stop"]
    assert out.count(b"[DONE]") == 1
    assert reader.usage == OPENAI_USAGE
    assert reader.finished
    assert chunks[-1].usage is not None


@pytest.mark.parametrize("name", OPENAI)
@pytest.mark.parametrize("front", ["openai", "anthropic"])
def test_openai_translated(name: str, front: str) -> None:
    out, reader = translated("openai", name, front)
    assert reader.usage == OPENAI_USAGE
    assert reader.finished
    if front == "openai":
        chunks = openai_chunks(out)
        assert text_of(chunks) == GREETING
        assert finish_reasons(chunks) == ["stop"]
        assert {chunk.id for chunk in chunks} == {"chatcmpl-1"}
        assert {chunk.model for chunk in chunks} == {"small-1"}
        assert chunks[-1].usage.total_tokens == 26
        assert not chunks[-1].choices
        assert out.count(b"[DONE]") == 1
        return
    assert_nested(out)
    message = anthropic_message(out)
    assert [block.text for block in message.content] == [GREETING]
    assert message.stop_reason == "end_turn"
    assert message.usage.input_tokens == 12
    assert message.usage.cache_read_input_tokens == 8
    assert message.usage.output_tokens == 6


@pytest.mark.parametrize("name", ["text", "crlf", "stop_sequence", "refusal"])
def test_anthropic_forwarded(name: str) -> None:
    out, reader = forwarded("anthropic", name)
    assert out == cassette("anthropic", name)
    assert reader.usage == ANTHROPIC_USAGE
    assert anthropic_message(out).content[0].text == GREETING


@pytest.mark.parametrize(
    ("name", "finish"), [("text", "stop"), ("stop_sequence", "stop"), ("refusal", "content_filter")]
)
def test_anthropic_as_openai(name: str, finish: str) -> None:
    out, reader = translated("anthropic", name, "openai")
    chunks = openai_chunks(out)
    assert text_of(chunks) == GREETING
    assert finish_reasons(chunks) == [finish]
    assert reader.usage == ANTHROPIC_USAGE
    assert chunks[-1].usage.prompt_tokens == 25
    assert chunks[-1].usage.prompt_tokens_details.cached_tokens == 8


def test_anthropic_translated_to_itself_keeps_signatures_and_stop_sequences() -> None:
    out, _ = translated("anthropic", "thinking_and_tools", "anthropic")
    assert_nested(out)
    message = anthropic_message(out)
    thinking, text, first, second = message.content
    assert (thinking.thinking, thinking.signature) == ("Let me think", "c2ln")
    assert text.text == "Looking."
    assert (first.id, first.input) == ("toolu_a", {"city": "Wien"})
    assert (second.id, second.input) == ("toolu_b", {})
    assert message.usage.input_tokens == 12
    stopped = anthropic_message(translated("anthropic", "stop_sequence", "anthropic")[0])
    assert (stopped.stop_reason, stopped.stop_sequence) == ("stop_sequence", "END")


def test_anthropic_thinking_and_tools_as_openai() -> None:
    out, _ = translated("anthropic", "thinking_and_tools", "openai")
    chunks = openai_chunks(out)
    assert text_of(chunks) == "Looking."
    assert finish_reasons(chunks) == ["tool_calls"]
    calls: dict[int, list[str]] = {}
    for chunk in chunks:
        for choice in chunk.choices:
            for call in choice.delta.tool_calls or ():
                calls.setdefault(call.index, []).append(call.function.arguments)
    assert {index: "".join(parts) for index, parts in calls.items()} == {
        0: '{"city":"Wien"}',
        1: "",
    }
    assert b'"reasoning_content":" think"' in out


@pytest.mark.parametrize("name", ["tools", "tools_interleaved"])
def test_openai_tools_as_anthropic_are_nested(name: str) -> None:
    out, _ = translated("openai", name, "anthropic")
    assert_nested(out)
    message = anthropic_message(out)
    assert [(block.id, block.name, block.input) for block in message.content] == [
        ("call_a", "weather", {"city": "Wien"}),
        ("call_b", "time", {}),
    ]
    assert message.stop_reason == "tool_use"


def test_openai_reasoning_and_refusal_as_anthropic() -> None:
    out, _ = translated("openai", "reasoning", "anthropic")
    assert_nested(out)
    thinking, text = anthropic_message(out).content
    assert (thinking.thinking, text.text) == ("Let me think", "Grüße")
    refused = anthropic_message(translated("openai", "refusal", "anthropic")[0])
    assert (refused.content[0].text, refused.stop_reason) == ("I can't.", "refusal")


@pytest.mark.parametrize("dialect", ["openai", "anthropic"])
@pytest.mark.parametrize("front", ["openai", "anthropic"])
@pytest.mark.parametrize("name", ["error_in_band", "cut"])
def test_failed_streams_never_end_properly(dialect: str, front: str, name: str) -> None:
    for out, reader in (forwarded(dialect, name), translated(dialect, name, front)):
        assert not reader.finished
        assert (reader.error is not None) == (name == "error_in_band")
        for ending in (b"[DONE]", b"message_stop", b"verloaded", b'"finish_reason":"'):
            assert ending not in out


@pytest.mark.parametrize("front", ["openai", "anthropic"])
def test_cut_anthropic_streams_report_true_input_and_estimated_output(front: str) -> None:
    for _, reader in (forwarded("anthropic", "cut"), translated("anthropic", "cut", front)):
        assert reader.usage.input_tokens == ANTHROPIC_USAGE.input_tokens
        assert reader.usage.output_tokens == -(-reader.output_chars // 4)
        assert reader.usage.output_tokens > 1
