from __future__ import annotations

import json
from typing import Any

import pytest

from legato.insights.answers import NoText, answer_text


def of(surface: str, body: dict[str, Any]) -> str:
    return answer_text(surface, json.dumps(body).encode(), frames=False)


def stream(surface: str, *events: dict[str, Any]) -> str:
    frames = b"".join(b"event: x\ndata: " + json.dumps(one).encode() + b"\n\n" for one in events)
    return answer_text(surface, frames + b"data: [DONE]\n\n", frames=True)


def choice(**fields: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, **fields}]}


def test_whole_answers() -> None:
    assert of("chat_completions", choice(message={"content": "Hi"})) == "Hi"
    assert of("completions", choice(text="Hi")) == "Hi"
    blocks = [
        {"type": "thinking", "thinking": "hm"},
        {"type": "text", "text": "H"},
        {"type": "text", "text": "i"},
    ]
    assert of("messages", {"content": blocks}) == "Hi"
    message = {"type": "message", "content": [{"type": "output_text", "text": "Hi"}]}
    assert of("responses", {"output": [{"type": "reasoning"}, message]}) == "Hi"


def test_streams() -> None:
    chunks = [
        choice(delta={"role": "assistant"}),
        choice(delta={"content": "H"}),
        {"choices": [{"index": 1, "delta": {"content": "another choice"}}]},
        choice(delta={"content": "i"}, finish_reason="stop"),
        {"choices": [], "usage": {}},
    ]
    assert stream("chat_completions", *chunks) == "Hi"
    events = [
        {"type": "message_start"},
        {"type": "content_block_start", "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "Hi"}},
        {"type": "message_stop"},
    ]
    assert stream("messages", *events) == "Hi"
    message = {"type": "message", "content": [{"type": "output_text", "text": "Hi"}]}
    done = {"type": "response.completed", "response": {"output": [message]}}
    assert stream("responses", {"type": "response.created"}, done) == "Hi"


@pytest.mark.parametrize(
    ("surface", "body", "why"),
    [
        ("chat_completions", choice(message={"content": None, "tool_calls": [{}]}), "tools"),
        ("chat_completions", choice(message={"content": None, "refusal": "no"}), "in words"),
        ("messages", {"content": [{"type": "tool_use"}]}, "tools"),
        ("responses", {"output": [{"type": "function_call"}]}, "tools"),
        ("embeddings", {"data": []}, "no words"),
        ("messages", {"error": "x"}, "can't be read"),
    ],
)
def test_what_is_no_text_says_so(surface: str, body: dict[str, Any], why: str) -> None:
    with pytest.raises(NoText, match=why):
        of(surface, body)


def test_events_may_end_in_any_way_and_hold_comments() -> None:
    frames = (
        b'data: {"choices":[{"index":0,"delta":{"content":"Hel"}}]}\r\n\r\n'
        b": a comment\n"
        b'data: {"choices":[{"index":0,"delta":{"content":"lo."},"finish_reason":"stop"}]}\n\n'
    )
    assert answer_text("chat_completions", frames, frames=True) == "Hello."


def test_streams_that_broke_off_are_no_answers() -> None:
    for surface, event in (
        ("chat_completions", choice(delta={"content": "H"})),
        ("messages", {"type": "message_start"}),
        ("responses", {"type": "response.created"}),
    ):
        with pytest.raises(NoText, match="broke off"):
            stream(surface, event)
    with pytest.raises(NoText, match="nothing came"):
        answer_text("chat_completions", b"", frames=False)
    with pytest.raises(NoText, match="can't be read"):
        answer_text("chat_completions", b"\xff", frames=False)
