"""Requests that use about every field of each surface that takes JSON, and ways to change one."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

Change = tuple[str, dict[str, Any]]
SCHEMA: dict[str, Any] = {
    "$id": "weather",
    "title": "Weather",
    "description": "Of a town",
    "type": "object",
    "additionalProperties": False,
    "required": ["town"],
    "properties": {
        "town": {
            "type": "string",
            "description": "Which",
            "enum": ["Rome", "Oslo"],
            "default": "Rome",
            "examples": ["Oslo"],
            "pattern": "^[A-Z]",
            "format": "city",
        },
        "kind": {"const": "now"},
        "days": {"type": "integer", "minimum": 1, "maximum": 9},
        "deep": {"anyOf": [{"$ref": "#/$defs/part"}]},
    },
    "$defs": {"part": {"type": "object", "properties": {"more": {"type": "string"}}}},
}
SMALL: dict[str, Any] = {"type": "object", "properties": {"said": {"type": "string"}}}
CHAT: dict[str, Any] = {
    "messages": [
        {"role": "system", "content": "Be brief.", "name": "boss"},
        {
            "role": "user",
            "name": "ann",
            "content": [
                {"type": "text", "text": "What is it?"},
                {
                    "type": "image_url",
                    "image_url": {"url": "https://x.test/a.png?m=1", "detail": "low"},
                },
            ],
        },
        {
            "role": "assistant",
            "content": None,
            "refusal": "no",
            "reasoning_content": "hm",
            "tool_calls": [
                {
                    "id": "call_1",
                    "type": "function",
                    "function": {"name": "weather", "arguments": '{"town": "Rome", "n": 1}'},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": "sunny"},
        {"role": "user", "content": "And now?"},
    ],
    "tools": [
        {
            "type": "function",
            "function": {"name": "weather", "description": "Tells it", "parameters": SCHEMA},
        }
    ],
    "tool_choice": {"type": "function", "function": {"name": "weather"}},
    "response_format": {
        "type": "json_schema",
        "json_schema": {"name": "answer", "description": "It", "schema": SMALL, "strict": True},
    },
    "prediction": {"type": "content", "content": "It is"},
    "stop": ["END"],
    "user": "u-1",
    "safety_identifier": "s-1",
    "prompt_cache_key": "p-1",
    "metadata": {"note": "n"},
    "logit_bias": {"50256": -100},
    "seed": 7,
    "max_tokens": 50,
    "temperature": 0.5,
    "service_tier": "auto",
    "web_search_options": {"user_location": {"approximate": {"city": "Rome"}}},
    "documents": [{"id": "d1", "title": "T", "text": "words"}],
}
MESSAGES: dict[str, Any] = {
    "max_tokens": 50,
    "system": [{"type": "text", "text": "Be brief."}],
    "messages": [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What is it?"},
                {
                    "type": "document",
                    "title": "T",
                    "context": "C",
                    "source": {"type": "text", "media_type": "text/plain", "data": "words"},
                },
                {"type": "image", "source": {"type": "url", "url": "https://x.test/a.png"}},
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "hm", "signature": "abc"},
                {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"town": "Rome"}},
            ],
        },
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "sunny"}],
        },
    ],
    "tools": [{"name": "weather", "description": "Tells it", "input_schema": SMALL}],
    "tool_choice": {"type": "tool", "name": "weather"},
    "stop_sequences": ["END"],
    "metadata": {"user_id": "u-1"},
}
RESPONSES: dict[str, Any] = {
    "instructions": "Be brief.",
    "input": [
        {"role": "user", "content": [{"type": "input_text", "text": "What is it?"}]},
        {
            "type": "function_call",
            "call_id": "call_1",
            "name": "weather",
            "arguments": '{"town": "Rome"}',
        },
        {"type": "function_call_output", "call_id": "call_1", "output": "sunny"},
    ],
    "tools": [
        {"type": "function", "name": "weather", "description": "Tells it", "parameters": SMALL}
    ],
    "tool_choice": {"type": "function", "name": "weather"},
    "text": {"format": {"type": "json_schema", "name": "answer", "schema": SMALL}},
    "user": "u-1",
    "metadata": {"note": "n"},
    "max_output_tokens": 50,
    "store": False,
}
BODIES: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": CHAT,
    "/v1/completions": {
        "prompt": "Say it",
        "suffix": "end",
        "stop": ["END"],
        "user": "u-1",
        "seed": 7,
        "max_tokens": 9,
    },
    "/v1/messages": MESSAGES,
    "/v1/messages/count_tokens": {
        name: value
        for name, value in MESSAGES.items()
        if name in {"system", "messages", "tools", "tool_choice"}
    },
    "/v1/responses": RESPONSES,
    "/v1/responses/input_tokens": {
        name: value for name, value in RESPONSES.items() if name not in {"store", "metadata"}
    },
    "/v1/embeddings": {"input": ["one", "two"], "user": "u-1", "dimensions": 8},
    "/v1/moderations": {"input": [{"type": "text", "text": "words"}], "user": "u-1"},
    "/v1/rerank": {
        "query": "which",
        "documents": ["one", {"text": "two", "title": "T"}],
        "top_n": 1,
        "user": "u-1",
    },
    "/v1/images/generations": {"prompt": "a bird", "user": "u-1", "size": "1024x1024"},
    "/v1/audio/speech": {"input": "Say it", "voice": "alloy", "instructions": "softly"},
}
BODIES["/v2/rerank"] = BODIES["/v1/rerank"]


def changed(body: dict[str, Any], word: str, number: int) -> Iterator[Change]:
    """Yield a body for each place a word or a number can be put into, and the place.

    In the place of each value, as the name of each field, as a field nobody knows in each object,
    beside and within texts of JSON, in escapes.
    """
    for way in _ways(body, ()):
        shown = "/".join(map(str, way)) or "."
        value = _at(body, way)
        if isinstance(value, dict):
            for name, given in {
                word: 1,
                "odd": word,
                "odd_list": [word, {word: word}],
                "odd_number": number,
                "odd_table": {"deeper": {"still": number, "list": [number]}},
            }.items():
                yield f"{shown} with {name}", _with(body, (*way, name), given)
            for name in value:
                yield f"{shown}: {name} renamed", _renamed(body, way, name, word)
        elif isinstance(value, list):
            yield f"{shown}: one more", _with(body, way, [*value, word])
        else:
            yield shown, _with(body, way, word)
            yield f"{shown} as a number", _with(body, way, number)
            yield f"{shown} in digits", _with(body, way, str(number))
            yield (
                f"{shown} in JSON",
                _with(body, way, f'{{"a": "\\u{ord(word[0]):04x}{word[1:]}"}}'),
            )
            yield (
                f"{shown} in an address",
                _with(body, way, f"https://x.test/?a=%{ord(word[0]):X}{word[1:]}"),
            )


def _ways(value: Any, way: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    yield way
    steps = value.items() if isinstance(value, dict) else ()
    steps = enumerate(value) if isinstance(value, list) else steps
    for step, inner in steps:
        yield from _ways(inner, (*way, step))


def _at(body: Any, way: tuple[Any, ...]) -> Any:
    for step in way:
        body = body[step]
    return body


def _with(body: dict[str, Any], way: tuple[Any, ...], value: Any) -> dict[str, Any]:
    made = copy.deepcopy(body)
    _at(made, way[:-1])[way[-1]] = value
    return made


def _renamed(body: dict[str, Any], way: tuple[Any, ...], name: str, other: str) -> dict[str, Any]:
    made = copy.deepcopy(body)
    table = _at(made, way)
    items = [(other if one == name else one, value) for one, value in table.items()]
    table.clear()
    table.update(items)
    return made
