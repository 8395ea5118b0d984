from __future__ import annotations

from typing import Any

import pytest

from legato.core.chat import (
    ChatRequest,
    Image,
    Message,
    OutputFormat,
    RedactedThinking,
    Role,
    Text,
    Thinking,
    Tool,
    ToolChoice,
    ToolResult,
    ToolUse,
)
from legato.core.errors import InvalidRequest
from legato.providers.base import Repeated, Target
from legato.providers.bedrock.to_wire import chat_body

HELLO = Message(Role.USER, (Text("hello"),))
USED = Message(Role.ASSISTANT, (ToolUse("c1", "f", '{"a": 1}'),))
RESULT = Message(Role.USER, (Text("and?"), ToolResult("c1", (Text("9"),))))
TOOL = Tool("f")


def body(*messages: Message, family: Any = "anthropic", **fields: Any) -> dict[str, Any]:
    chat = ChatRequest(messages or (HELLO,), **fields)
    return chat_body(chat, Target("m"), family)


def test_a_plain_question_says_nothing_else() -> None:
    assert body() == {"messages": [{"role": "user", "content": [{"text": "hello"}]}]}


def test_a_bound_of_ours_replaces_the_callers() -> None:
    written = chat_body(ChatRequest((HELLO,), max_output_tokens=9), Target("m", 5), "other")
    assert written["inferenceConfig"] == {"maxTokens": 5}


def test_results_stand_first_and_neighbours_are_one_turn() -> None:
    written = body(HELLO, USED, RESULT, HELLO, tools=(TOOL,))
    assert written["messages"][1]["content"] == [
        {"toolUse": {"toolUseId": "c1", "name": "f", "input": {"a": 1}}}
    ]
    assert written["messages"][2]["content"] == [
        {"toolResult": {"toolUseId": "c1", "content": [{"text": "9"}]}},
        {"text": "and?"},
        {"text": "hello"},
    ]
    empty = {"type": "object", "properties": {}}
    assert written["toolConfig"]["tools"] == [
        {"toolSpec": {"name": "f", "inputSchema": {"json": empty}}}
    ]


def test_only_signed_reasoning_goes_back() -> None:
    parts = (Thinking("unsigned"), Thinking("signed", "s"), RedactedThinking("ZGF0YQ=="))
    written = body(HELLO, Message(Role.ASSISTANT, parts), HELLO)
    assert written["messages"][1]["content"] == [
        {"reasoningContent": {"reasoningText": {"text": "signed", "signature": "s"}}},
        {"reasoningContent": {"redactedContent": "ZGF0YQ=="}},
    ]


@pytest.mark.parametrize(
    ("mode", "choice"),
    [("auto", {"auto": {}}), ("required", {"any": {}}), ("tool", {"tool": {"name": "f"}})],
)
def test_choices_of_tools(mode: str, choice: dict[str, Any]) -> None:
    written = body(tools=(TOOL,), tool_choice=ToolChoice(mode, "f"))
    assert written["toolConfig"]["toolChoice"] == choice


def test_forbidding_calls_leaves_the_tools_out_unless_the_conversation_needs_them() -> None:
    none: dict[str, Any] = {"tools": (TOOL,), "tool_choice": ToolChoice("none")}
    assert "toolConfig" not in body(**none)
    with pytest.raises(InvalidRequest, match="tool_choice"):
        body(HELLO, USED, RESULT, **none)
    lenient = body(HELLO, USED, RESULT, drop_unsupported=True, **none)
    assert "toolChoice" not in lenient["toolConfig"]


@pytest.mark.parametrize(
    ("family", "fields"),
    [
        ("anthropic", {"top_k": 5}),
        ("nova", {"inferenceConfig": {"topK": 5}}),
    ],
)
def test_top_k_goes_where_the_family_has_it(family: str, fields: dict[str, Any]) -> None:
    assert body(top_k=5, family=family)["additionalModelRequestFields"] == fields


@pytest.mark.parametrize(
    ("family", "field", "fields"),
    [
        ("other", "top_k", {"top_k": 5}),
        ("nova", "thinking", {"thinking_budget_tokens": 2000}),
        ("anthropic", "n", {"choices": 2}),
        ("anthropic", "seed", {"seed": 1}),
        ("anthropic", "logprobs", {"logprobs": True}),
        ("anthropic", "presence_penalty", {"presence_penalty": 0.5}),
        ("anthropic", "frequency_penalty", {"frequency_penalty": 0.5}),
        ("anthropic", "verbosity", {"verbosity": "low"}),
        ("anthropic", "temperature", {"temperature": 1.5}),
        ("anthropic", "response_format", {"output_format": OutputFormat()}),
        ("anthropic", "reasoning_effort", {"reasoning_effort": "enormous"}),
        ("anthropic", "parallel_tool_calls", {"tools": (TOOL,), "parallel_tool_calls": False}),
        ("anthropic", "user", {"user": "a person?"}),
    ],
)
def test_what_has_no_place_is_refused_by_name_or_dropped(
    family: str, field: str, fields: dict[str, Any]
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        body(family=family, **fields)
    assert refused.value.param == field
    written = body(family=family, drop_unsupported=True, **fields)
    assert written["messages"] == body()["messages"]
    assert "additionalModelRequestFields" not in written
    assert "requestMetadata" not in written


@pytest.mark.parametrize(
    "image", [Image(url="https://a/b.png"), Image(media_type="image/tiff", data="AA==")]
)
def test_images_it_can_not_take_are_refused_under_any_policy(image: Image) -> None:
    with pytest.raises(InvalidRequest, match="image"):
        body(Message(Role.USER, (image,)), drop_unsupported=True)


HAIKU, OPUS = "eu.anthropic.claude-haiku-4-5-20251001-v1:0", "anthropic.claude-opus-4-6-v1"


def asked(model: str, family: Any = "anthropic", **fields: Any) -> dict[str, Any]:
    fields = {"reasoning_effort": "medium"} | fields
    return chat_body(ChatRequest((HELLO,), **fields), Target(model), family)


def test_an_effort_makes_claude_think_as_at_anthropic() -> None:
    budget = {"thinking": {"type": "enabled", "budget_tokens": 8192}}
    assert asked(HAIKU)["additionalModelRequestFields"] == budget
    assert "outputConfig" not in asked(HAIKU)  # it takes no effort beside
    adaptive = asked(OPUS)
    assert adaptive["additionalModelRequestFields"] == {"thinking": {"type": "adaptive"}}
    assert adaptive["outputConfig"] == {"effort": "medium"}
    arn = asked("arn:aws:bedrock:eu-central-1:1:application-inference-profile/a")
    assert arn["additionalModelRequestFields"] == budget
    assert arn["outputConfig"] == {"effort": "medium"}


def test_a_budget_stays_within_the_bound() -> None:
    fields = asked(HAIKU, max_output_tokens=4096)["additionalModelRequestFields"]
    assert fields["thinking"]["budget_tokens"] == 2048
    assert "additionalModelRequestFields" not in asked(HAIKU, max_output_tokens=1024)


def test_claude_thinks_not_where_bedrock_refuses_it_beside_the_rest() -> None:
    assert "additionalModelRequestFields" not in asked(HAIKU, temperature=0.2)
    forced = asked(HAIKU, tools=(TOOL,), tool_choice=ToolChoice("required"))
    assert "additionalModelRequestFields" not in forced


def test_only_claude_is_told_to_think() -> None:
    assert asked("amazon.nova-pro-v1:0", "nova")["outputConfig"] == {"effort": "medium"}
    assert "additionalModelRequestFields" not in asked("amazon.nova-pro-v1:0", "nova")


def test_a_schema_travels_as_text() -> None:
    output = OutputFormat({"type": "object"}, "place", strict=True, description="Where.")
    assert body(output_format=output, reasoning_effort="minimal")["outputConfig"] == {
        "effort": "low",
        "textFormat": {
            "type": "json_schema",
            "structure": {
                "jsonSchema": {
                    "schema": '{"type":"object"}',
                    "name": "place",
                    "description": "Where.",
                }
            },
        },
    }


def test_points_stand_behind_what_is_repeated() -> None:
    both = Repeated(head=True, turns=True)
    chat = ChatRequest((HELLO,), system=(Text("Be kind."),), tools=(TOOL,))
    written = chat_body(chat, Target("m", repeated=both), "anthropic")
    point = {"cachePoint": {"type": "default"}}
    assert written["system"] == [{"text": "Be kind."}, point]
    assert written["messages"][-1]["content"] == [{"text": "hello"}, point]
    assert point not in written["toolConfig"]["tools"]
    written = chat_body(ChatRequest((HELLO,), tools=(TOOL,)), Target("m", repeated=both), "nova")
    assert written["toolConfig"]["tools"][-1] == point
