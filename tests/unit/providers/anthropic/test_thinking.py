from __future__ import annotations

from typing import Any

import pytest

from legato.core.chat import (
    ChatRequest,
    Message,
    Role,
    Text,
    Thinking,
    Tool,
    ToolChoice,
    ToolResult,
    ToolUse,
)
from legato.providers.anthropic.chat_to_wire import chat_body
from legato.providers.base import Target

HAIKU, OPUS, LATER = "claude-haiku-4-5-20251001", "claude-opus-4-5-20251101", "claude-opus-4-6"
QUESTION = Message(Role.USER, (Text("hi"),))
TOOL = Tool("weather")
CALL = ToolUse("c", "weather", "{}")
RESULT = Message(Role.USER, (ToolResult("c", (Text("sunny"),)),))


def body(model: str = HAIKU, held: int | None = None, **fields: Any) -> dict[str, Any]:
    fields = {"messages": (QUESTION,), "reasoning_effort": "medium"} | fields
    return chat_body(ChatRequest(**fields), Target(model, held))


@pytest.mark.parametrize(
    ("effort", "budget"),
    [("minimal", 1024), ("low", 1024), ("medium", 8192), ("high", 24576), ("max", 24576)],
)
def test_an_effort_is_a_budget_beside_room_for_the_answer(effort: str, budget: int) -> None:
    wire = body(reasoning_effort=effort)
    assert wire["thinking"] == {"type": "enabled", "budget_tokens": budget}
    assert wire["max_tokens"] == 4096 + budget


@pytest.mark.parametrize(
    ("bound", "budget"), [(100_000, 8192), (8192, 4096), (2048, 1024), (1500, 1024), (1025, 1024)]
)
def test_a_budget_stays_within_the_callers_bound(bound: int, budget: int) -> None:
    wire = body(max_output_tokens=bound)
    assert (wire["max_tokens"], wire["thinking"]["budget_tokens"]) == (bound, budget)
    held = body(held=bound)
    assert (held["max_tokens"], held["thinking"]["budget_tokens"]) == (bound, budget)


@pytest.mark.parametrize("bound", [1, 16, 1024])
def test_a_bound_without_room_for_thoughts_has_none(bound: int) -> None:
    wire = body(max_output_tokens=bound)
    assert wire["max_tokens"] == bound
    assert "thinking" not in wire


@pytest.mark.parametrize(
    ("model", "thinking", "effort"),
    [
        (HAIKU, "enabled", None),
        ("claude-sonnet-4-20250514", "enabled", None),
        ("claude-3-7-sonnet-latest", "enabled", None),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "enabled", None),
        (OPUS, "enabled", "medium"),
        (LATER, "adaptive", "medium"),
        ("claude-sonnet-4-6", "adaptive", "medium"),
        ("claude-opus-5", "adaptive", "medium"),
        ("claude-3-5-sonnet-20241022", None, None),
        ("claude-3-haiku-20240307", None, None),
        ("a-name-of-our-own", "enabled", "medium"),
    ],
)
def test_each_model_is_told_in_its_own_words(
    model: str, thinking: str | None, effort: str | None
) -> None:
    wire = body(model)
    assert wire.get("thinking", {}).get("type") == thinking
    assert wire.get("output_config", {}).get("effort") == effort


@pytest.mark.parametrize("model", [HAIKU, LATER])
@pytest.mark.parametrize(
    "fields",
    [
        {"temperature": 0.5},
        {"top_p": 0.9},
        {"top_k": 5},
        {"tools": (TOOL,), "tool_choice": ToolChoice("required")},
        {"tools": (TOOL,), "tool_choice": ToolChoice("tool", "weather")},
        {"messages": (QUESTION, Message(Role.ASSISTANT, (CALL,)), RESULT), "tools": (TOOL,)},
        {
            "messages": (QUESTION, Message(Role.ASSISTANT, (Thinking("so"), CALL)), RESULT),
            "tools": (TOOL,),
        },
    ],
)
def test_what_anthropic_refuses_beside_thinking_leaves_it_off(
    model: str, fields: dict[str, Any]
) -> None:
    wire = body(model, **fields)
    assert "thinking" not in wire
    assert wire["max_tokens"] == 4096


@pytest.mark.parametrize(
    "fields",
    [
        {"temperature": 1},
        {"top_p": 0.95},
        {"tools": (TOOL,), "tool_choice": ToolChoice("auto")},
        {
            "messages": (QUESTION, Message(Role.ASSISTANT, (Thinking("so", "s"), CALL)), RESULT),
            "tools": (TOOL,),
        },
        {"messages": (QUESTION, Message(Role.ASSISTANT, (CALL,)), RESULT, QUESTION)},
    ],
)
def test_what_it_takes_beside_thinking_leaves_it_on(fields: dict[str, Any]) -> None:
    assert body(**fields)["thinking"]["type"] == "enabled"


def test_a_budget_that_was_asked_for_is_kept() -> None:
    wire = body(thinking_budget_tokens=2000, max_output_tokens=3000)
    assert wire["thinking"] == {"type": "enabled", "budget_tokens": 2000}


@pytest.mark.parametrize("effort", [None, "none"])
def test_without_an_effort_nothing_is_switched_on(effort: str | None) -> None:
    wire = body(reasoning_effort=effort)
    assert wire.get("thinking") == (None if effort is None else {"type": "disabled"})
    assert wire["max_tokens"] == 4096
