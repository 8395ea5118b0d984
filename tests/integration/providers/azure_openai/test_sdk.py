"""OpenAI's own client for Azure judges the wire server, then asks the same of Legato."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import openai
import pytest
from azure_openai import (
    CACHED_TOKENS,
    CHAT_DEPLOYMENT,
    EMBEDDING_DEPLOYMENT,
    KEY,
    PROMPT_TOKENS,
    REASONING_TOKENS,
    AzureServer,
)
from running import CALLER

if TYPE_CHECKING:
    from running import RunningLegato

TOOL: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}
PIXEL = "data:image/png;base64,iVBORw0KGgo="
SCHEMA: Any = {
    "type": "json_schema",
    "json_schema": {
        "name": "place",
        "strict": True,
        "schema": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}


class Asked:
    """A client and the names it calls the two deployments by."""

    def __init__(self, client: Any, chat: str, embedding: str) -> None:
        self.client = client
        self.chat, self.embedding = chat, embedding

    def ask(self, said: str, **fields: Any) -> Any:
        messages = fields.pop("messages", [{"role": "user", "content": said}])
        return self.client.chat.completions.create(model=self.chat, messages=messages, **fields)


@pytest.fixture(
    params=["dated", "v1", "token", "legato", "legato-dated", "legato-token"], scope="module"
)
def asked(request: pytest.FixtureRequest, azure: AzureServer) -> Asked:
    common: Any = {"max_retries": 0, "timeout": 20}
    if request.param == "dated":
        client: Any = openai.AzureOpenAI(
            azure_endpoint=azure.url, api_version="2024-10-21", api_key=KEY, **common
        )
    elif request.param == "v1":
        client = openai.OpenAI(base_url=f"{azure.url}/openai/v1", api_key=KEY, **common)
    elif request.param == "token":
        azure.tokens.add("a-token")
        client = openai.AzureOpenAI(
            azure_endpoint=azure.url,
            api_version="2024-10-21",
            azure_ad_token_provider=lambda: "a-token",
            **common,
        )
    else:
        legato: RunningLegato = request.getfixturevalue("legato")
        client = openai.OpenAI(base_url=f"{legato.url}/v1", api_key=CALLER, **common)
        names = {"legato": "chat", "legato-dated": "chat-dated", "legato-token": "chat-by-token"}
        embedding = "embed-dated" if request.param == "legato-dated" else "embed"
        return Asked(client, names[request.param], embedding)
    return Asked(client, CHAT_DEPLOYMENT, EMBEDDING_DEPLOYMENT)


def test_text(asked: Asked) -> None:
    answer = asked.ask("hello")
    assert answer.choices[0].message.content == "You said: hello."
    assert answer.usage.prompt_tokens == PROMPT_TOKENS
    assert answer.usage.prompt_tokens_details.cached_tokens == CACHED_TOKENS
    assert answer.model_extra["prompt_filter_results"][0]["prompt_index"] == 0
    assert answer.choices[0].model_extra["content_filter_results"]["hate"]["severity"] == "safe"


def test_a_stream(asked: Asked) -> None:
    chunks = list(asked.ask("reason", stream=True, stream_options={"include_usage": True}))
    assert "prompt_filter_results" in chunks[0].model_extra
    said = [one.choices[0].delta.content or "" for one in chunks if one.choices]
    assert "".join(said) == "You said: reason."
    usage = chunks[-1].usage
    assert usage.completion_tokens_details.reasoning_tokens == REASONING_TOKENS


@pytest.mark.parametrize("stream", [False, True])
def test_parallel_tools_and_their_results(asked: Asked, *, stream: bool) -> None:
    fields: Any = {"tools": [TOOL], "stream": stream}
    calls = called(asked.ask("weather", **fields), stream=stream)
    assert [json.loads(arguments) for _, arguments in calls] == [{"city": "Oslo"}, {"city": "Rome"}]
    turn: list[Any] = [{"role": "user", "content": "weather"}]
    functions = [{"name": "weather", "arguments": arguments} for _, arguments in calls]
    turn.append(
        {
            "role": "assistant",
            "tool_calls": [
                {"id": one, "type": "function", "function": function}
                for (one, _), function in zip(calls, functions, strict=True)
            ],
        }
    )
    for number, (one, _) in enumerate(calls):
        turn.append({"role": "tool", "tool_call_id": one, "content": f"{number} degrees"})
    answer = asked.ask("", messages=turn, tools=[TOOL])
    assert answer.choices[0].message.content == "Results: 0 degrees; 1 degrees."


def called(answer: Any, *, stream: bool) -> list[tuple[str, str]]:
    if not stream:
        calls = answer.choices[0].message.tool_calls
        return [(call.id, call.function.arguments) for call in calls]
    found: dict[int, list[str]] = {}
    for chunk in answer:
        for call in chunk.choices[0].delta.tool_calls or [] if chunk.choices else []:
            entry = found.setdefault(call.index, [call.id, ""])
            entry[1] += call.function.arguments or ""
    return [(one, arguments) for one, arguments in found.values()]


def test_images_schemas_and_refusals(asked: Asked) -> None:
    shown = [{"type": "text", "text": "look"}, {"type": "image_url", "image_url": {"url": PIXEL}}]
    seen = asked.ask("", messages=[{"role": "user", "content": shown}])
    assert "1 image(s)" in seen.choices[0].message.content
    structured = asked.ask("where", response_format=SCHEMA)
    (city,) = json.loads(structured.choices[0].message.content).items()
    assert city[0] == "city"
    assert isinstance(city[1], str)
    refused = asked.ask("refuse").choices[0].message
    assert (refused.content, refused.refusal) == (None, "I can't help with that.")


def test_embeddings(asked: Asked) -> None:
    answer = asked.client.embeddings.create(
        model=asked.embedding, input=["one", "three"], dimensions=3
    )
    assert [one.embedding for one in answer.data] == [[3.0] * 3, [5.0] * 3]
    assert answer.usage.prompt_tokens == 14


def test_what_the_filter_stops(asked: Asked) -> None:
    assert asked.ask("filtered answer").choices[0].finish_reason == "content_filter"
    with pytest.raises(openai.BadRequestError) as refused:
        asked.ask("filtered prompt")
    assert refused.value.code == "content_filter"
    assert refused.value.param == "prompt"


def test_errors(asked: Asked) -> None:
    with pytest.raises(openai.RateLimitError):
        asked.ask("throttle")
    with pytest.raises(openai.InternalServerError):
        asked.ask("fail")
    # What breaks off is told in-band by Legato, by the closed connection by Azure itself.
    with pytest.raises((openai.APIError, httpx.TransportError)):
        list(asked.ask("cut", stream=True))
