"""What a model answered comes back as it was when the answer is sent as input again."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from legato.api.openai.responses.items import read_items
from legato.api.openai.responses.surface import Responses
from legato.core.chat import (
    ChatEvent,
    ChatResponse,
    Choice,
    Ended,
    Message,
    Part,
    RedactedThinking,
    RedactedThinkingDelta,
    Refusal,
    Role,
    SignatureDelta,
    Started,
    Stopped,
    StopReason,
    Text,
    TextDelta,
    Thinking,
    ThinkingDelta,
    ToolUse,
    ToolUseDelta,
    ToolUseStarted,
    UsageReported,
)
from legato.core.clock import ManualClock
from legato.core.ids import IdSource
from legato.core.usage import Usage

EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
SURFACE = Responses(ManualClock(), IdSource(ManualClock()))
USAGE = Usage(in_uncached=5, cache_read=3, out_text=7, reasoning=2)
WORDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
ARGUMENTS = st.dictionaries(WORDS, st.integers() | WORDS, max_size=2).map(json.dumps)
CALLS = st.builds(ToolUse, WORDS, WORDS, ARGUMENTS, st.just("") | WORDS)
PARTS = st.one_of(
    st.builds(Text, WORDS, st.none(), st.just("") | WORDS),
    st.builds(Thinking, WORDS, WORDS),
    st.builds(RedactedThinking, WORDS),
    st.builds(Refusal, WORDS),
    CALLS,
)


def merged(parts: list[Part]) -> list[Part]:
    """As a stream tells them: neighbouring texts are one, unless a signature stands between."""
    found: list[Part] = []
    for part in parts:
        last = found[-1] if found else None
        if isinstance(part, Text) and isinstance(last, Text) and not last.signature:
            found[-1] = Text(last.text + part.text, None, part.signature)
        elif isinstance(part, Refusal) and isinstance(last, Refusal):
            found[-1] = Refusal(last.text + part.text)
        else:
            found.append(part)
    return found


def turn(**fields: Any) -> Any:
    return SURFACE.read({"model": "m", "input": "hi", **fields}).turn


def streamed(events: list[ChatEvent], **fields: Any) -> list[dict[str, Any]]:
    encoder = turn(stream=True, **fields).encoder(None)
    frames = b"".join(encoder.encode(event) for event in events).decode().split("\n\n")[:-1]
    found = [json.loads(frame.partition("\ndata: ")[2]) for frame in frames]
    for event in found:
        EVENT.validate_python(event)
    assert [event["sequence_number"] for event in found] == list(range(len(found)))
    return found


def events_for(parts: list[Part]) -> list[ChatEvent]:
    events: list[ChatEvent] = [Started("id", "m")]
    tools = 0
    for part in parts:
        if isinstance(part, Text):
            middle = len(part.text) // 2
            events += [TextDelta(part.text[:middle]), TextDelta(part.text[middle:])]
            events.append(TextDelta("", signature=part.signature))
        elif isinstance(part, Thinking):
            events += [ThinkingDelta(part.text), SignatureDelta(part.signature)]
        elif isinstance(part, RedactedThinking):
            events.append(RedactedThinkingDelta(part.data))
        elif isinstance(part, ToolUse):
            events.append(ToolUseStarted(tools, part.id, part.name, signature=part.signature))
            events.append(ToolUseDelta(tools, part.arguments))
            tools += 1
    return [*events, Stopped(StopReason.END), UsageReported(USAGE), Ended()]


@settings(max_examples=30)
@given(st.lists(PARTS, min_size=1, max_size=6), st.sampled_from([None, "auto"]))
def test_an_answer_sent_back_is_the_same_parts(parts: list[Part], summary: str | None) -> None:
    chat = ChatResponse("id", "m", (Choice(tuple(parts), StopReason.END),), USAGE)
    body = msgspec.json.decode(turn(reasoning={"summary": summary}).render(chat))
    Response.model_validate(body)
    _, messages = read_items(body["output"], drop_unsupported=False)
    assert messages == (Message(Role.ASSISTANT, tuple(merged(parts))),)


@settings(max_examples=30)
@given(st.lists(PARTS.filter(lambda part: not isinstance(part, Refusal)), min_size=1, max_size=6))
def test_a_stream_ends_as_the_whole_answer_does(parts: list[Part]) -> None:
    events = streamed(events_for(parts))
    final = events[-1]["response"]
    _, messages = read_items(final["output"], drop_unsupported=False)
    assert messages == (Message(Role.ASSISTANT, tuple(merged(parts))),)
    assert final["usage"]["total_tokens"] == USAGE.total_tokens


def test_reasoning_is_a_summary_only_where_one_is_asked_for() -> None:
    parts: list[Part] = [Thinking("Let me see.", "sig"), Text("Yes.")]
    kinds = [event["type"] for event in streamed(events_for(parts))]
    assert "response.reasoning_text.delta" in kinds
    asked = streamed(events_for(parts), reasoning={"summary": "auto"})
    kinds = [event["type"] for event in asked]
    assert kinds[2:8] == [
        "response.output_item.added",
        "response.reasoning_summary_part.added",
        "response.reasoning_summary_text.delta",
        "response.reasoning_summary_text.done",
        "response.reasoning_summary_part.done",
        "response.output_item.done",
    ]
    assert asked[-1]["response"]["output"][0]["summary"][0]["text"] == "Let me see."


def test_calls_that_grow_side_by_side_stay_apart() -> None:
    events: list[ChatEvent] = [Started("id", "m")]
    events += [ToolUseStarted(0, "a", "one"), ToolUseStarted(1, "b", "two")]
    events += [ToolUseDelta(1, "[2]"), ToolUseDelta(0, "[1]")]
    events += [Stopped(StopReason.TOOL_USE), Ended()]
    output = streamed(events)[-1]["response"]["output"]
    assert [(item["name"], item["arguments"]) for item in output] == [
        ("one", "[1]"),
        ("two", "[2]"),
    ]


def test_a_refusal_that_is_spelled_out_is_complete() -> None:
    choice = Choice((Refusal("No."),), StopReason.REFUSAL)
    body = msgspec.json.decode(turn().render(ChatResponse("id", "m", (choice,))))
    assert body["status"] == "completed"
    assert body["output"][0]["content"] == [{"type": "refusal", "refusal": "No."}]
    bare = Choice((Text("No."),), StopReason.REFUSAL)
    body = msgspec.json.decode(turn().render(ChatResponse("id", "m", (bare,))))
    assert body["incomplete_details"] == {"reason": "content_filter"}
