"""OpenAI's responses by the official SDK, with either vendor's dialect behind."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import openai
import pytest
from openai import OpenAI
from openai.types.responses import ResponseFunctionToolCall
from pydantic import BaseModel
from responses_events import events, valid
from running import CALLER, RunningLegato

if TYPE_CHECKING:
    from collections.abc import Iterator

    from legato.providers.simulated.child import SimulatedChild

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
cache: {enabled: false}
retry: {attempts_max: 1}
breaker: {failures: 1000, failure_share: 1.0, window_calls: 64}
providers:
  - {name: open, kind: openai_compatible, base_url: "UPSTREAM/v1", api_key: {env: CALLER_KEY}}
  - {name: other, kind: anthropic, base_url: "UPSTREAM", api_key: {env: CALLER_KEY}}
deployments:
  - {name: small, provider: open, model: m, price: {input_per_mtok: "0.15", output_per_mtok: "0.60"}}
  - {name: claude, provider: other, model: m, price: {input_per_mtok: "3", output_per_mtok: "15"}}
routes:
  - {alias: chat, baseline: claude, deployments: [small]}
  - {alias: translated, baseline: claude, deployments: [claude]}
  - {alias: lenient, deployments: [claude], drop_unsupported: true}
  - {alias: renamed, deployments: [small], model_name: alias}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
"""  # noqa: E501 - one deployment a line
PATH = "/v1/responses"
QUESTION = "Say something about rivers."
PARAMETERS: Any = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1}},
    "required": ["city", "days"],
    "additionalProperties": False,
}
TOOL: Any = {
    "type": "function",
    "name": "look_up",
    "description": "Looks the weather up.",
    "parameters": PARAMETERS,
    "strict": True,
}
SECOND_TOOL: Any = {**TOOL, "name": "look_down"}
PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
    "YPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
BOTH = pytest.mark.parametrize("model", ["chat", "translated"])


@pytest.fixture
def client(legato: RunningLegato, upstream: SimulatedChild) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{legato.url}/v1", api_key=CALLER, max_retries=0) as client:
        yield client


def asked(legato: RunningLegato, model: str, **fields: Any) -> Any:
    """Post to the path itself: the SDK's parsing forgives what a strict reader would not."""
    answer = legato.post(PATH, {"model": model, "input": QUESTION, **fields})
    assert answer.status == 200, answer.body
    return events(answer) if fields.get("stream") else valid(answer.json)


@BOTH
def test_a_response_is_answered_headed_and_entered(
    legato: RunningLegato, client: OpenAI, upstream: SimulatedChild, model: str
) -> None:
    raw = client.responses.with_raw_response.create(
        model=model,
        input=QUESTION,
        instructions="Be brief.",
        metadata={"ticket": "1"},
        user="ann",
        temperature=0.5,
    )
    answer = raw.parse()
    assert answer.output_text
    assert answer.status == "completed"
    assert (answer.metadata, answer.instructions) == ({"ticket": "1"}, "Be brief.")
    (entry,) = legato.entries(raw.headers["x-legato-request-id"])
    call = upstream.calls(1)[0]
    assert answer.usage is not None
    assert answer.usage.input_tokens == call.usage.prompt
    assert answer.usage.output_tokens == call.usage.completion
    assert entry["out_text"] == answer.usage.output_tokens
    assert entry["end_user"]
    trace = legato.trace(raw.headers["x-legato-request-id"])
    assert trace["surface"] == "responses"


@BOTH
def test_every_field_of_the_object_is_there(legato: RunningLegato, model: str) -> None:
    response = asked(legato, model, tools=[TOOL], tool_choice="none", reasoning=None)
    assert response["tools"] == [TOOL]
    assert response["text"] == {"format": {"type": "text"}, "verbosity": "medium"}
    assert (response["store"], response["background"]) == (True, False)
    assert response["completed_at"] >= response["created_at"]
    (message,) = response["output"]
    assert message["status"] == "completed"
    assert message["content"][0]["annotations"] == []


@BOTH
def test_a_stream_ends_as_the_whole_answer(legato: RunningLegato, model: str) -> None:
    whole = asked(legato, model)
    stream = asked(legato, model, stream=True)
    kinds = [event["type"] for event in stream]
    assert kinds[:4] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
    ]
    assert kinds[-4:] == [
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    text = "".join(e["delta"] for e in stream if e["type"] == "response.output_text.delta")
    final = stream[-1]["response"]
    assert final["output"][0]["content"][0]["text"] == text
    assert text == whole["output"][0]["content"][0]["text"]
    assert final["usage"] == whole["usage"]


@BOTH
def test_the_sdk_accumulates_a_stream(client: OpenAI, model: str) -> None:
    with client.responses.stream(model=model, input=QUESTION, tools=[TOOL]) as stream:
        texts = [event.delta for event in stream if event.type == "response.output_text.delta"]
        final = stream.get_final_response()
    assert final.output_text == "".join(texts)


@BOTH
def test_tools_are_called_and_their_results_taken(
    legato: RunningLegato, upstream: SimulatedChild, client: OpenAI, model: str
) -> None:
    upstream.change(tool_calls=2)
    tools = [TOOL, SECOND_TOOL]
    first = client.responses.create(
        model=model, input=QUESTION, tools=tools, tool_choice="required"
    )
    calls = [item for item in first.output if isinstance(item, ResponseFunctionToolCall)]
    assert [call.name for call in calls] == ["look_up", "look_down"]
    assert all(json.loads(call.arguments).keys() == {"city", "days"} for call in calls)
    results: list[Any] = [
        {"type": "function_call_output", "call_id": call.call_id, "output": '{"rain": true}'}
        for call in calls
    ]
    second = client.responses.create(
        model=model, input=results, tools=tools, previous_response_id=first.id
    )
    assert second.output_text
    by_hand: list[Any] = [{"role": "user", "content": QUESTION}]
    by_hand += [item.model_dump(exclude_none=True) for item in first.output] + results
    third = client.responses.create(model=model, input=by_hand, tools=tools, store=False)
    assert third.output_text == second.output_text
    stream = asked(legato, model, tools=tools, tool_choice="required", stream=True)
    done = [e for e in stream if e["type"] == "response.function_call_arguments.done"]
    assert [json.loads(event["arguments"]).keys() for event in done] == [{"city", "days"}] * 2
    assert "response.function_call_arguments.delta" in {event["type"] for event in stream}


@BOTH
def test_a_forced_tool_and_allowed_tools(client: OpenAI, model: str) -> None:
    forced: Any = {"type": "function", "name": "look_down"}
    allowed: Any = {
        "type": "allowed_tools",
        "mode": "required",
        "tools": [{"type": "function", "name": "look_down"}],
    }
    for choice in (forced, allowed):
        answer = client.responses.create(
            model=model, input=QUESTION, tools=[TOOL, SECOND_TOOL], tool_choice=choice
        )
        (call,) = answer.output
        assert call.type == "function_call"
        assert call.name == "look_down"


@BOTH
def test_a_custom_tool_gets_text(legato: RunningLegato, model: str) -> None:
    tool = {"type": "custom", "name": "run", "description": "Runs code."}
    fields = {"tools": [tool], "tool_choice": {"type": "custom", "name": "run"}}
    whole = asked(legato, model, **fields)
    (call,) = whole["output"]
    assert call["type"] == "custom_tool_call"
    assert call["input"]
    stream = asked(legato, model, **fields, stream=True)
    done = next(e for e in stream if e["type"] == "response.custom_tool_call_input.done")
    assert done["input"] == call["input"]
    result = {"type": "custom_tool_call_output", "call_id": call["call_id"], "output": "done"}
    following = asked(legato, model, input=[result], previous_response_id=whole["id"], tools=[tool])
    assert following["output"][0]["type"] == "message"


class Town(BaseModel):
    name: str
    souls: int


@BOTH
def test_structured_answers_are_parsed(client: OpenAI, model: str) -> None:
    answer = client.responses.parse(model=model, input="A town?", text_format=Town)
    assert isinstance(answer.output_parsed, Town)


@BOTH
def test_images_and_turns_of_all_roles_are_taken(
    client: OpenAI, upstream: SimulatedChild, model: str
) -> None:
    given: Any = [
        {"role": "system", "content": "You are a pirate."},
        {"role": "developer", "content": [{"type": "input_text", "text": "Be brief."}]},
        {"role": "user", "content": "My name is Alice."},
        {"type": "message", "role": "assistant", "content": "Hello Alice!"},
        {
            "role": "user",
            "content": [
                {"type": "input_text", "text": "What is this?"},
                {"type": "input_image", "image_url": PIXEL, "detail": "low"},
            ],
        },
    ]
    assert client.responses.create(model=model, input=given).output_text


@BOTH
def test_a_cut_answer_is_incomplete(legato: RunningLegato, model: str) -> None:
    response = asked(legato, model, max_output_tokens=3)
    assert response["status"] == "incomplete"
    assert response["incomplete_details"] == {"reason": "max_output_tokens"}
    assert response["completed_at"] is None
    stream = asked(legato, model, max_output_tokens=3, stream=True)
    assert stream[-1]["type"] == "response.incomplete"
    assert stream[-1]["response"]["output"][-1]["status"] == "incomplete"


def test_logprobs_are_carried_whole_and_streamed(legato: RunningLegato) -> None:
    fields = {"top_logprobs": 2, "include": ["message.output_text.logprobs"]}
    part = asked(legato, "chat", **fields)["output"][0]["content"][0]
    assert len(part["logprobs"][0]["top_logprobs"]) == 2
    stream = asked(legato, "chat", **fields, stream=True)
    streamed = stream[-1]["response"]["output"][0]["content"][0]
    assert streamed["logprobs"] == part["logprobs"]
    deltas = [e for e in stream if e["type"] == "response.output_text.delta"]
    assert all(event["logprobs"] for event in deltas)


REFUSED = {
    "background": {"background": True},
    "tools.0.type": {"tools": [{"type": "web_search"}]},
    "tool_choice.type": {"tools": [TOOL], "tool_choice": {"type": "file_search"}},
    "truncation": {"truncation": "auto"},
    "conversation": {"conversation": "conv_1"},
    "prompt": {"prompt": {"id": "pmpt_1"}},
    "service_tier": {"service_tier": "flex"},
    "input.0.content.0.file_id": {
        "input": [{"role": "user", "content": [{"type": "input_file", "file_id": "file-1"}]}]
    },
    "input.0.type": {"input": [{"type": "computer_call_output"}]},
    "input.0.id": {"input": [{"type": "item_reference", "id": "msg_1"}]},
    "include.0": {"include": ["everything"]},
    "text.format.type": {"text": {"format": {"type": "xml"}}},
    "text.shape": {"text": {"shape": "round"}},
    "reasoning.mode": {"reasoning": {"mode": "pro"}},
    "verbosity": {"text": {"verbosity": "low"}},
    "metadata": {"metadata": {str(n): "x" for n in range(17)}},
    "max_output_tokens": {"max_output_tokens": 0},
    "stream_options.include_obfuscation": {"stream_options": {"include_obfuscation": True}},
    "nonsense": {"nonsense": 1},
}


@pytest.mark.parametrize("param", REFUSED)
def test_what_cannot_be_carried_is_refused_by_name(legato: RunningLegato, param: str) -> None:
    answer = legato.post(PATH, {"model": "translated", "input": "hi", **REFUSED[param]})
    assert answer.status == 400, answer.body
    assert answer.error["param"] == param
    assert answer.error["type"] == "invalid_request_error"


def test_where_dropping_is_allowed_it_is_dropped(client: OpenAI) -> None:
    answer = client.responses.create(
        model="lenient",
        input=QUESTION,
        tools=[{"type": "web_search"}, TOOL],
        truncation="auto",
        text={"verbosity": "low"},
    )
    assert answer.output_text


def test_the_alias_is_the_model_where_the_route_says_so(legato: RunningLegato) -> None:
    assert asked(legato, "renamed")["model"] == "renamed"
    stream = asked(legato, "renamed", stream=True)
    assert {e["response"]["model"] for e in stream if "response" in e} == {"renamed"}


@BOTH
def test_early_failures_are_http_errors_late_ones_events(
    legato: RunningLegato, upstream: SimulatedChild, client: OpenAI, model: str
) -> None:
    upstream.change(error_rate=1.0, error_status=503)
    with pytest.raises(openai.InternalServerError) as failed:
        client.responses.create(model=model, input=QUESTION, stream=True)
    assert failed.value.status_code == 503
    upstream.change(error_rate=0.0, cut_rate=1.0, cut_after_events=6)
    stream = asked(legato, model, stream=True)
    assert [event["type"] for event in stream[-2:]] == ["error", "response.failed"]
    failure = stream[-1]["response"]
    assert failure["status"] == "failed"
    assert failure["error"]["code"] == "server_error"
    assert failure["output"][0]["status"] == "in_progress"
