from __future__ import annotations

from typing import Any

import pytest

from legato.api.openai.responses.prompted import with_prompt
from legato.core.chat import ChatRequest, Image, Message, OutputFormat, Role, Text
from legato.core.errors import InvalidRequest


def put(body: dict[str, Any], *, drop: bool = False, **prompt: Any) -> dict[str, Any]:
    chat = ChatRequest(**{"messages": (), **prompt})
    return with_prompt(body, chat, drop_unsupported=drop)


def test_system_texts_come_before_the_instructions() -> None:
    system = (Text("a"), Text("b"))
    assert put({"input": "x"}, system=system) == {"input": "x", "instructions": "a\n\nb"}
    assert put({"instructions": "c"}, system=system)["instructions"] == "a\n\nb\n\nc"
    assert put({"instructions": "c"})["instructions"] == "c"


@pytest.mark.parametrize(
    "own", ["mine", [{"type": "message", "role": "user", "content": "mine"}], None]
)
def test_messages_come_before_the_input(own: Any) -> None:
    messages = (
        Message(Role.USER, (Text("a"), Image("https://example.com/a.png"))),
        Message(Role.ASSISTANT, (Text("b"),)),
    )
    image = {"type": "input_image", "image_url": "https://example.com/a.png", "detail": "auto"}
    parts = [{"type": "input_text", "text": "a"}, image]
    items = put({"input": own}, messages=messages)["input"]
    assert items[:2] == [
        {"type": "message", "role": "user", "content": parts},
        {"type": "message", "role": "assistant", "content": "b"},
    ]
    assert ("mine" in str(items[2:])) == (own is not None)


def test_parameters_are_defaults_below_what_the_caller_sets() -> None:
    prompt = {
        "max_output_tokens": 300,
        "temperature": 0.5,
        "frequency_penalty": 1.0,
        "reasoning_effort": "low",
        "output_format": OutputFormat({"type": "object"}, "name"),
    }
    wanted = {"type": "json_schema", "name": "name", "schema": {"type": "object"}}
    body = {"temperature": 0, "text": {"verbosity": "low"}}
    assert put(body, **prompt) == {
        "max_output_tokens": 300,
        "temperature": 0,
        "frequency_penalty": 1.0,
        "reasoning": {"effort": "low"},
        "text": {"format": wanted, "verbosity": "low"},
    }
    own = {"text": {"format": {"type": "text"}}, "reasoning": {"effort": "high"}}
    whole = put(own, **prompt)
    assert {name: whole[name] for name in own} == own


@pytest.mark.parametrize("prompt", [{"seed": 1}, {"stop": ("END",)}])
def test_what_responses_have_not_is_refused_unless_it_may_be_dropped(
    prompt: dict[str, Any],
) -> None:
    with pytest.raises(InvalidRequest, match=f"this prompt sets {next(iter(prompt))}"):
        put({}, **prompt)
    assert put({}, drop=True, **prompt) == {}
