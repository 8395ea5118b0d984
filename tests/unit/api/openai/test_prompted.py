from __future__ import annotations

import pytest

from legato.api.openai.prompted import with_prompt
from legato.core.chat import ChatRequest, Image, Message, OutputFormat, Role, Text
from legato.core.errors import InvalidRequest

SCHEMA = {"type": "object"}


def test_the_prompt_comes_first_and_its_parameters_last() -> None:
    prompt = ChatRequest(
        messages=(
            Message(Role.USER, (Text("look"), Image(None, "image/png", "AAAA", "low"))),
            Message(Role.ASSISTANT, (Text("seen"),)),
        ),
        system=(Text("be kind"),),
        temperature=0.5,
        stop=("END",),
        seed=0,
        reasoning_effort="low",
        output_format=OutputFormat(SCHEMA, "name"),
    )
    own = [{"role": "user", "content": "and?"}]
    body = {"model": "m", "messages": own, "temperature": 1, "seed": None, "custom": [1]}
    image = {"url": "data:image/png;base64,AAAA", "detail": "low"}
    parts = [{"type": "text", "text": "look"}, {"type": "image_url", "image_url": image}]
    assert with_prompt(body, prompt) == {
        "model": "m",
        "messages": [
            {"role": "system", "content": "be kind"},
            {"role": "user", "content": parts},
            {"role": "assistant", "content": "seen"},
            *own,
        ],
        "temperature": 1,
        "stop": ["END"],
        "seed": 0,
        "reasoning_effort": "low",
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "name", "schema": SCHEMA},
        },
        "custom": [1],
    }


@pytest.mark.parametrize("field", ["max_tokens", "max_completion_tokens"])
def test_a_callers_bound_is_the_only_one(field: str) -> None:
    prompt = ChatRequest(messages=(), max_output_tokens=300)
    assert with_prompt({field: 5}, prompt) == {field: 5, "messages": []}
    assert with_prompt({}, prompt) == {"max_completion_tokens": 300, "messages": []}


def test_messages_that_are_no_list_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="messages: must be a list"):
        with_prompt({"messages": "hi"}, ChatRequest(messages=()))
