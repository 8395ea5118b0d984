import json
import time
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai import OpenAI

from legato.providers.simulated.child import SimulatedChild

HELLO: list[Any] = [{"role": "user", "content": "Say something about rivers."}]
TOOL: Any = {
    "type": "function",
    "function": {
        "name": "look_up",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1}},
            "required": ["city", "days"],
        },
    },
}


@pytest.fixture
def client(child: SimulatedChild) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{child.url}/v1", api_key="none", max_retries=0) as client:
        yield client


def test_chat_is_marked_repeatable_and_booked(child: SimulatedChild, client: OpenAI) -> None:
    raw = client.chat.completions.with_raw_response.create(
        model="simulated-small", messages=HELLO, extra_headers={"x-legato-attempt-id": "at-1"}
    )
    again = client.chat.completions.create(model="simulated-small", messages=HELLO)
    answer = raw.parse()
    assert raw.headers["x-legato-simulated"] == "true"
    assert answer.system_fingerprint == "simulated"
    assert answer.choices[0].message.content == again.choices[0].message.content
    assert answer.choices[0].finish_reason == "stop"
    first = child.calls(2)[0]
    assert answer.usage is not None
    assert (first.attempt_id, first.outcome, first.status) == ("at-1", "ok", 200)
    assert first.usage.prompt == answer.usage.prompt_tokens
    assert first.usage.completion == answer.usage.completion_tokens


def test_a_stream_says_what_the_whole_answer_says(child: SimulatedChild, client: OpenAI) -> None:
    child.change(reasoning_share=0.25, cached_share=0.5)
    whole = client.chat.completions.create(model="m", messages=HELLO, n=2)
    chunks = list(
        client.chat.completions.create(
            model="m", messages=HELLO, n=2, stream=True, stream_options={"include_usage": True}
        )
    )
    for index in (0, 1):
        mine = [c.choices[0] for c in chunks if c.choices and c.choices[0].index == index]
        text = "".join(choice.delta.content or "" for choice in mine)
        assert text == whole.choices[index].message.content
        assert [choice.finish_reason for choice in mine if choice.finish_reason] == ["stop"]
        assert mine[-1].finish_reason == "stop"
    assert chunks[-1].choices == []
    assert chunks[-1].usage == whole.usage
    assert whole.usage is not None
    assert whole.usage.prompt_tokens_details is not None
    assert whole.usage.prompt_tokens_details.cached_tokens == whole.usage.prompt_tokens // 2
    one, two = child.calls(2)
    assert one.usage == two.usage
    assert two.usage.reasoning > 0


def test_usage_chunk_only_for_those_who_ask(client: OpenAI) -> None:
    chunks = list(client.chat.completions.create(model="m", messages=HELLO, stream=True))
    assert all(chunk.choices and chunk.usage is None for chunk in chunks)


@pytest.mark.parametrize(
    ("shape", "with_usage"),
    [("on_finish_chunk", "last"), ("cumulative", "all"), ("null_each", "last"), ("missing", "no")],
)
def test_usage_shapes(child: SimulatedChild, client: OpenAI, shape: str, with_usage: str) -> None:
    child.change(usage_shape=shape, output_tokens=5)
    chunks = list(client.chat.completions.create(model="m", messages=HELLO, stream=True))
    carrying = [chunk for chunk in chunks if chunk.usage is not None]
    assert len(carrying) == {"last": 1, "all": len(chunks), "no": 0}[with_usage]
    if carrying:
        usage = chunks[-1].usage
        assert usage is not None
        assert usage.completion_tokens == child.calls(1)[0].usage.completion == 5
    assert bool(chunks[-1].choices) == (shape != "null_each")


def test_tools_whole_and_streamed(child: SimulatedChild, client: OpenAI) -> None:
    child.change(tool_calls=2)
    other = {"type": "function", "function": {"name": "other"}}
    ask: dict[str, Any] = {
        "model": "m",
        "messages": HELLO,
        "tools": [TOOL, other],
        "tool_choice": "required",
    }
    message = client.chat.completions.create(**ask).choices[0].message
    assert message.tool_calls is not None
    assert message.content is None
    arguments = json.loads(message.tool_calls[0].function.arguments)
    assert arguments["days"] >= 1
    gathered: dict[int, str] = {}
    for chunk in client.chat.completions.create(**ask, stream=True):
        for call in chunk.choices[0].delta.tool_calls or ():
            gathered[call.index] = gathered.get(call.index, "") + (call.function.arguments or "")
    assert json.loads(gathered[0]) == arguments
    assert sorted(gathered) == [0, 1]
    answered = [
        *HELLO,
        message.model_dump(exclude_none=True),
        {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "sunny"},
    ]
    after = client.chat.completions.create(model="m", messages=answered, tools=[TOOL])
    assert after.choices[0].message.content


def test_json_schema_logprobs_and_stop(client: OpenAI) -> None:
    schema = TOOL["function"]["parameters"]
    answer = client.chat.completions.create(
        model="m",
        messages=HELLO,
        response_format={"type": "json_schema", "json_schema": {"name": "s", "schema": schema}},
    )
    assert set(json.loads(answer.choices[0].message.content or "")) == {"city", "days"}
    choice = client.chat.completions.create(
        model="m", messages=HELLO, logprobs=True, top_logprobs=2, stop=["."]
    ).choices[0]
    assert choice.logprobs is not None
    tokens = choice.logprobs.content or []
    assert "".join(token.token for token in tokens) == choice.message.content
    assert len(tokens[0].top_logprobs) == 2
    assert "." not in (choice.message.content or "")


def test_embeddings_by_base64_and_float(child: SimulatedChild, client: OpenAI) -> None:
    # Without an encoding the SDK asks for base64 and decodes it itself.
    packed = client.embeddings.create(model="m", input=["one", "two"], dimensions=64)
    plain = client.embeddings.create(
        model="m", input=["one", "two"], dimensions=64, encoding_format="float"
    )
    assert len(packed.data) == 2
    for mine, other in zip(packed.data, plain.data, strict=True):
        assert mine.embedding == pytest.approx(other.embedding, abs=1e-6)
        assert sum(value * value for value in mine.embedding) == pytest.approx(1.0, abs=1e-5)
    assert child.calls(2)[0].usage.prompt == packed.usage.prompt_tokens == 2


def test_models(client: OpenAI) -> None:
    assert {model.owned_by for model in client.models.list()} == {"legato-simulated"}
    assert client.models.retrieve("simulated-small").id == "simulated-small"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("nothing")


def test_the_sdk_honours_retry_after(child: SimulatedChild, client: OpenAI) -> None:
    child.change(rate429=1.0, retry_after_s=1, fault_calls_max=1)
    began = time.monotonic()
    client.with_options(max_retries=2).chat.completions.create(model="m", messages=HELLO)
    assert 1.0 <= time.monotonic() - began < 3.0
    assert [(call.status, call.outcome) for call in child.calls(2)] == [(429, "error"), (200, "ok")]
    assert child.calls(2)[0].usage.prompt == 0


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, openai.BadRequestError),
        (401, openai.AuthenticationError),
        (500, openai.APIStatusError),
    ],
)
def test_errors_have_the_vendors_shape(
    child: SimulatedChild, client: OpenAI, status: int, kind: type[openai.APIStatusError]
) -> None:
    with pytest.raises(kind) as failed:
        client.chat.completions.create(
            model="m", messages=HELLO, extra_headers={"x-simulated-status": str(status)}
        )
    assert failed.value.status_code == status
    assert isinstance(failed.value.body, dict)
    assert set(failed.value.body) == {"message", "type", "param", "code"}
    assert child.calls(1)[0].outcome == "error"


def test_bad_requests_are_refused_and_booked(child: SimulatedChild, client: OpenAI) -> None:
    child.change(models={"known": {}}, strict_models=True)
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(model="unknown", messages=HELLO)
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(model="known", messages=[])
    assert [call.status for call in child.calls(2)] == [404, 400]


@pytest.mark.parametrize("framing", ["crlf", "comments", "multiline", "split", "no_final_newline"])
def test_the_sdk_reads_every_framing(child: SimulatedChild, client: OpenAI, framing: str) -> None:
    whole = client.chat.completions.create(model="m", messages=HELLO).choices[0].message.content
    child.change(framing=framing)
    chunks = client.chat.completions.create(model="m", messages=HELLO, stream=True)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == whole
