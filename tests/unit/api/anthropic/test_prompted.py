from __future__ import annotations

from typing import Any

import pytest

from legato.api.anthropic.prompted import with_prompt
from legato.core.chat import ChatRequest, Image, Message, OutputFormat, Role, Text
from legato.core.errors import InvalidRequest

SCHEMA = {"type": "object"}
FORMAT = {"type": "json_schema", "schema": SCHEMA}


def text(words: str) -> dict[str, str]:
    return {"type": "text", "text": words}


def put(body: dict[str, Any], *, drop: bool = False, **prompt: Any) -> dict[str, Any]:
    chat = ChatRequest(**{"messages": (), **prompt})
    return with_prompt(body, chat, drop_unsupported=drop)


@pytest.mark.parametrize("system", [None, "mine", [text("mine")]])
def test_system_texts_come_before_the_callers(system: Any) -> None:
    whole = put({"system": system, "messages": []}, system=(Text("a"), Text("b")))
    assert whole["system"] == [text("a"), text("b"), *([text("mine")] if system else [])]
    assert put({"system": "mine"})["system"] == "mine"


def test_neighbours_of_one_role_become_one_message() -> None:
    messages = (
        Message(Role.USER, (Text("a"), Image("https://example.com/a.png"))),
        Message(Role.USER, (Image(None, "image/png", "AAAA"),)),
        Message(Role.ASSISTANT, (Text("b"),)),
        Message(Role.USER, (Text("c"),)),
    )
    linked = {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}
    source = {"type": "base64", "media_type": "image/png", "data": "AAAA"}
    first = {"role": "user", "content": [text("a"), linked, {"type": "image", "source": source}]}
    answer = {"role": "assistant", "content": [text("b")]}
    own = [{"role": "user", "content": "d"}, {"role": "assistant", "content": "e"}]
    assert put({"messages": own}, messages=messages)["messages"] == [
        first,
        answer,
        {"role": "user", "content": [text("c"), text("d")]},
        own[1],
    ]
    assert put({"messages": own[1:]}, messages=messages)["messages"] == [
        first,
        answer,
        {"role": "user", "content": [text("c")]},
        own[1],
    ]


def test_parameters_are_defaults_in_the_dialects_own_names() -> None:
    prompt = {
        "max_output_tokens": 300,
        "temperature": 0.5,
        "stop": ("END",),
        "reasoning_effort": "low",
        "output_format": OutputFormat(SCHEMA, "name"),
    }
    assert put({"top_p": 1}, **prompt) == {
        "messages": [],
        "max_tokens": 300,
        "temperature": 0.5,
        "top_p": 1,
        "stop_sequences": ["END"],
        "output_config": {"effort": "low", "format": FORMAT},
    }
    own = {"max_tokens": 5, "output_config": {"effort": "high"}, "output_format": {"type": "own"}}
    whole = put(own, **prompt)
    assert (whole["max_tokens"], whole["output_config"]) == (5, {"effort": "high"})


@pytest.mark.parametrize(
    ("prompt", "told"),
    [
        ({"seed": 0}, "this prompt sets seed, which messages can't carry"),
        ({"frequency_penalty": 1.0}, "sets frequency_penalty"),
        ({"presence_penalty": 1.0}, "sets presence_penalty"),
        ({"temperature": 1.5}, "sets a temperature over 1"),
    ],
)
def test_what_the_dialect_has_not_is_refused_unless_it_may_be_dropped(
    prompt: dict[str, Any], told: str
) -> None:
    with pytest.raises(InvalidRequest, match=told) as refused:
        put({}, **prompt)
    assert refused.value.param == "model"
    dropped = put({}, drop=True, **prompt)
    assert dropped == {"messages": []} | ({"temperature": 1} if "temperature" in prompt else {})


def test_content_of_no_kind_is_refused() -> None:
    said = (Message(Role.USER, (Text("a"),)),)
    with pytest.raises(InvalidRequest, match=r"messages\.0\.content"):
        put({"messages": [{"role": "user", "content": 3}]}, messages=said)
    with pytest.raises(InvalidRequest, match="system"):
        put({"system": 3}, system=(Text("a"),))
