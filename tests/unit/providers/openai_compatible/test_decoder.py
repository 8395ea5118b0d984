from typing import Any

import msgspec
import pytest

from legato.core.chat import (
    Ended,
    Started,
    Stopped,
    StopReason,
    TextDelta,
    ToolUseDelta,
    ToolUseStarted,
)
from legato.core.errors import BadProviderResponse
from legato.providers.openai_compatible.decoder import OpenAIDecoder

DONE = b"data: [DONE]\n\n"


def chunk(finish: str | None = None, **delta: Any) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    body = {"id": "c", "model": "m", "created": 5, "choices": [choice]}
    return b"data: " + msgspec.json.encode(body) + b"\n\n"


def call(**fields: Any) -> bytes:
    return chunk(tool_calls=[fields])


def decode(stream: bytes) -> tuple[OpenAIDecoder, list[Any]]:
    decoder = OpenAIDecoder(secret=None)
    return decoder, [*decoder.feed(stream), *decoder.close()]


def test_empty_tool_calls_and_empty_text_are_no_events() -> None:
    _, events = decode(chunk(tool_calls=[]) + chunk(content="") + chunk("stop") + DONE)
    assert events == [Started("c", "m", 5), Stopped(StopReason.END), Ended()]


def test_calls_are_told_apart_by_id_where_every_index_is_zero() -> None:
    first = call(index=0, id="a", function={"name": "f", "arguments": "{}"})
    second = call(index=0, id="b", function={"name": "g", "arguments": "{}"})
    _, events = decode(first + second + DONE)
    assert events[1:-1] == [
        ToolUseStarted(0, "a", "f"),
        ToolUseDelta(0, "{}"),
        ToolUseStarted(1, "b", "g"),
        ToolUseDelta(1, "{}"),
    ]


def test_a_call_without_index_goes_on_with_the_last_one() -> None:
    _, events = decode(
        call(id="a", function={"name": "f"}) + call(function={"arguments": "{}"}) + DONE
    )
    assert events[1:-1] == [ToolUseStarted(0, "a", "f"), ToolUseDelta(0, "{}")]


def test_a_call_without_id_gets_one() -> None:
    _, events = decode(call(index=0, function={"name": "f", "arguments": ""}) + DONE)
    assert events[1] == ToolUseStarted(0, "call_0_0", "f")


def test_stop_after_tool_calls_is_tool_use() -> None:
    _, events = decode(call(index=0, id="a", function={"name": "f"}) + chunk("stop") + DONE)
    assert Stopped(StopReason.TOOL_USE) in events


def test_second_finish_and_what_follows_done_is_dropped() -> None:
    _, events = decode(chunk("stop") + chunk("stop") + DONE + chunk(content="x") + DONE)
    assert [type(event) for event in events] == [Started, Stopped, Ended]


@pytest.mark.parametrize("data", [b"<html>", b"[]", b'{"choices":[1]}', b'{"choices":{"a":1}}'])
def test_garbage_is_the_providers_error(data: bytes) -> None:
    decoder, events = decode(chunk(content="x") + b"data: " + data + b"\n\n" + DONE)
    assert isinstance(decoder.error, BadProviderResponse)
    assert not decoder.finished
    assert events == [Started("c", "m", 5), TextDelta("x")]


def test_what_azures_filter_found_in_the_prompt_does_not_start_the_stream() -> None:
    blank = {"id": "", "model": "", "created": 0, "choices": [], "prompt_filter_results": [{}]}
    ahead = b"data: " + msgspec.json.encode(blank) + b"\n\n"
    _, events = decode(ahead + chunk(content="hi") + chunk("stop") + DONE)
    assert events == [Started("c", "m", 5), TextDelta("hi"), Stopped(StopReason.END), Ended()]
