"""Google's signatures of thoughts survive the callers' dialects, streamed and not."""

from typing import Any

import msgspec

from legato.api.anthropic.messages import Messages
from legato.api.openai.chat import ChatCompletions
from legato.core.chat import (
    ChatEvent,
    ChatResponse,
    Choice,
    Ended,
    Role,
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
)
from legato.core.clock import ManualClock
from legato.core.wire import RequestView

OPENAI, ANTHROPIC = ChatCompletions(ManualClock()), Messages()
PARTS = (Thinking("hm"), ToolUse("c1", "weather", "{}", "U0lH"), ToolUse("c2", "time", "{}"))
CALLED = ChatResponse("r", "g", (Choice(PARTS, StopReason.TOOL_USE),))
SAID = ChatResponse("r", "g", (Choice((Text("Hi", None, "U0lH"),), StopReason.END),))
CALLED_EVENTS: list[ChatEvent] = [
    Started("r", "g"),
    ThinkingDelta("hm"),
    ToolUseStarted(0, "c1", "weather", 0, "U0lH"),
    ToolUseDelta(0, "{}"),
    ToolUseStarted(1, "c2", "time"),
    ToolUseDelta(1, "{}"),
    Stopped(StopReason.TOOL_USE),
    Ended(),
]
EXTRA = {"google": {"thought_signature": "U0lH"}}


def streamed(surface: Any, events: list[ChatEvent]) -> list[Any]:
    encoder = surface.encoder(RequestView("m", stream=True))
    frames = b"".join(encoder.encode(event) for event in events).decode().split("\n\n")
    found = [frame.split("data: ", 1)[1] for frame in frames if "data: {" in frame]
    return [msgspec.json.decode(frame) for frame in found]


def test_openai_calls_carry_them_there_and_back() -> None:
    message = msgspec.json.decode(OPENAI.render(CALLED))["choices"][0]["message"]
    assert message["tool_calls"][0]["extra_content"] == EXTRA
    assert "extra_content" not in message["tool_calls"][1]
    body = {"model": "m", "messages": [{"role": "user", "content": "?"}, message]}
    chat = OPENAI.to_chat(body, drop_unsupported=False)
    assert chat.messages[1].parts == PARTS


def test_openai_texts_carry_them_there_and_back() -> None:
    message = msgspec.json.decode(OPENAI.render(SAID))["choices"][0]["message"]
    assert message["extra_content"] == EXTRA
    chat = OPENAI.to_chat({"model": "m", "messages": [message]}, drop_unsupported=False)
    assert chat.messages[0].parts == (Text("Hi", None, "U0lH"),)


def test_openai_streams_carry_them() -> None:
    chunks = streamed(OPENAI, CALLED_EVENTS)
    deltas = [c["choices"][0]["delta"] for c in chunks]
    calls = [call for delta in deltas for call in delta.get("tool_calls", ())]
    assert [call.get("extra_content") for call in calls] == [EXTRA, None, None, None]
    events = [Started("r", "g"), TextDelta("Hi"), TextDelta("", 0, "U0lH")]
    deltas = [c["choices"][0]["delta"] for c in streamed(OPENAI, events)]
    assert deltas[-1] == {"content": "", "extra_content": EXTRA}


def test_logprobs_stream_beside_their_text() -> None:
    scored = {"content": [{"token": "Hi", "logprob": -0.1, "bytes": [72, 105], "top_logprobs": []}]}
    chunks = streamed(OPENAI, [Started("r", "g"), TextDelta("Hi", 0, "", scored)])
    assert chunks[-1]["choices"][0]["logprobs"] == scored
    assert chunks[-1]["choices"][0]["delta"] == {"content": "Hi"}


def test_anthropic_carries_them_in_thinking_before_a_call() -> None:
    thinking, first, second = msgspec.json.decode(ANTHROPIC.render(CALLED))["content"]
    assert thinking == {"type": "thinking", "thinking": "hm", "signature": "google.call.U0lH"}
    assert (first["id"], second["id"]) == ("c1", "c2")
    message = {"role": "assistant", "content": [thinking, first, second]}
    body = {"model": "m", "max_tokens": 9, "messages": [message]}
    assert ANTHROPIC.to_chat(body, drop_unsupported=False).messages[0].parts == PARTS


def test_anthropic_leaves_its_own_signatures_where_they_are() -> None:
    thinking = {"type": "thinking", "thinking": "hm", "signature": "c2ln"}
    call = {"type": "tool_use", "id": "c1", "name": "weather", "input": {}}
    message = {"role": "assistant", "content": [thinking, call]}
    body = {"model": "m", "max_tokens": 9, "messages": [message]}
    chat = ANTHROPIC.to_chat(body, drop_unsupported=False)
    assert chat.messages[0].parts == (Thinking("hm", "c2ln"), ToolUse("c1", "weather", "{}"))


def test_anthropic_carries_them_in_thinking_after_a_text() -> None:
    text, thinking = msgspec.json.decode(ANTHROPIC.render(SAID))["content"]
    assert text["text"] == "Hi"
    assert thinking == {"type": "thinking", "thinking": "", "signature": "google.text.U0lH"}
    message = {"role": "assistant", "content": [text, thinking]}
    body = {"model": "m", "max_tokens": 9, "messages": [message]}
    chat = ANTHROPIC.to_chat(body, drop_unsupported=False)
    assert chat.messages[0].role is Role.ASSISTANT
    assert chat.messages[0].parts == (Text("Hi", None, "U0lH"),)


def test_anthropic_streams_carry_them_in_order() -> None:
    frames = streamed(ANTHROPIC, CALLED_EVENTS)
    kinds = [
        frame.get("content_block", frame.get("delta", {})).get("type", frame["type"])
        for frame in frames
        if frame["type"].startswith("content_block")
    ]
    assert kinds == [
        *("thinking", "thinking_delta", "signature_delta", "content_block_stop"),
        *("tool_use", "input_json_delta", "content_block_stop"),
        *("tool_use", "input_json_delta", "content_block_stop"),
    ]
