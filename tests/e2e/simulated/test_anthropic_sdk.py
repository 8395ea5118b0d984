from collections.abc import Iterator
from typing import Any

import anthropic
import pytest
from anthropic import Anthropic

from legato.providers.simulated.child import SimulatedChild

HELLO: list[Any] = [{"role": "user", "content": "Say something about rivers."}]
TOOL: Any = {
    "name": "look_up",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    },
}


@pytest.fixture
def client(child: SimulatedChild) -> Iterator[Anthropic]:
    with Anthropic(base_url=child.url, api_key="none", max_retries=0) as client:
        yield client


def test_message_is_marked_and_booked(child: SimulatedChild, client: Anthropic) -> None:
    child.change(cached_share=0.25, cache_write_share=0.25)
    raw = client.messages.with_raw_response.create(
        model="m",
        max_tokens=12,
        system="Be brief.",
        messages=HELLO,
        extra_headers={"x-legato-attempt-id": "at-2"},
    )
    message = raw.parse()
    assert raw.headers["x-legato-simulated"] == "true"
    assert message.stop_reason == "max_tokens"
    call = child.calls(1)[0]
    usage = message.usage
    assert (call.attempt_id, call.path) == ("at-2", "/v1/messages")
    assert usage.cache_read_input_tokens == call.usage.cached > 0
    assert usage.cache_creation_input_tokens == call.usage.cache_write > 0
    whole = usage.input_tokens + call.usage.cached + call.usage.cache_write
    assert (whole, usage.output_tokens) == (call.usage.prompt, 12)


def test_counting_agrees_with_the_bill(child: SimulatedChild, client: Anthropic) -> None:
    counted = client.messages.count_tokens(model="m", messages=HELLO, tools=[TOOL])
    client.messages.create(model="m", max_tokens=5, messages=HELLO, tools=[TOOL])
    assert child.calls(1)[0].usage.prompt == counted.input_tokens


def test_stream_nests_and_adds_up(child: SimulatedChild, client: Anthropic) -> None:
    child.change(reasoning_share=0.5, output_tokens=10)
    ask: dict[str, Any] = {
        "model": "m",
        "max_tokens": 2000,
        "messages": HELLO,
        "thinking": {"type": "enabled", "budget_tokens": 1024},
    }
    whole = client.messages.create(**ask)
    with client.messages.stream(**ask) as stream:
        kinds = [event.type for event in stream if event.type not in {"text", "thinking"}]
        final = stream.get_final_message()
    assert [block.type for block in whole.content] == ["thinking", "text"]
    assert final.content[1].text == whole.content[1].text  # type: ignore[union-attr]
    assert final.content[0].signature  # type: ignore[union-attr]
    assert final.usage.output_tokens == 10
    assert kinds.count("message_start") == kinds.count("message_stop") == 1
    nesting = [kind for kind in kinds if kind in {"content_block_start", "content_block_stop"}]
    assert nesting == ["content_block_start", "content_block_stop"] * 2
    assert child.calls(2)[0].usage == child.calls(2)[1].usage


def test_tools_whole_and_streamed(client: Anthropic) -> None:
    ask: dict[str, Any] = {
        "model": "m",
        "max_tokens": 200,
        "messages": HELLO,
        "tools": [TOOL],
        "tool_choice": {"type": "tool", "name": "look_up"},
    }
    whole = client.messages.create(**ask)
    with client.messages.stream(**ask) as stream:
        final = stream.get_final_message()
    assert whole.stop_reason == final.stop_reason == "tool_use"
    assert whole.content[0].input == final.content[0].input  # type: ignore[union-attr]
    assert set(final.content[0].input) == {"city"}  # type: ignore[union-attr, arg-type]


def test_stop_sequence(client: Anthropic) -> None:
    message = client.messages.create(
        model="m", max_tokens=200, messages=HELLO, stop_sequences=["."]
    )
    assert (message.stop_reason, message.stop_sequence) == ("stop_sequence", ".")


def test_models(client: Anthropic) -> None:
    assert all("(simulated)" in model.display_name for model in client.models.list())


@pytest.mark.parametrize(
    ("status", "kind"),
    [(429, "rate_limit_error"), (529, "overloaded_error"), (500, "api_error")],
)
def test_errors_have_the_vendors_shape(client: Anthropic, status: int, kind: str) -> None:
    with pytest.raises(anthropic.APIStatusError) as failed:
        client.messages.create(
            model="m",
            max_tokens=5,
            messages=HELLO,
            extra_headers={"x-simulated-status": str(status)},
        )
    assert failed.value.status_code == status
    assert isinstance(failed.value.body, dict)
    assert failed.value.body["error"]["type"] == kind


def test_an_error_in_the_middle_of_a_stream(child: SimulatedChild, client: Anthropic) -> None:
    headers = {"x-simulated-cut-after": "5", "x-simulated-cut-style": "error_event"}
    with (
        pytest.raises(anthropic.APIStatusError),
        client.messages.stream(
            model="m", max_tokens=50, messages=HELLO, extra_headers=headers
        ) as stream,
    ):
        stream.until_done()
    call = child.calls(1)[0]
    assert (call.outcome, call.events, call.usage.completion) == ("cut", 5, 2)
