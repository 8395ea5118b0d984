"""Requests through the canonical form and back, within a dialect and across both.

What becomes of each feature between all dialects stands in `test_matrix.py`.
"""

from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato.api.anthropic.messages import Messages
from legato.api.openai.chat import ChatCompletions
from legato.core.chat import Image, Text
from legato.core.clock import ManualClock
from legato.core.config import Provider as ProviderConfig
from legato.core.errors import InvalidRequest
from legato.core.wire import Surface
from legato.providers.anthropic import factory as anthropic_factory
from legato.providers.base import Provider, ProviderSettings, Target
from legato.providers.openai_compatible import factory as openai_factory

OPENAI: Surface = ChatCompletions(ManualClock())
ANTHROPIC: Surface = Messages()
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
TEXT = st.text(min_size=1, max_size=20)
HINT = st.one_of(st.none(), st.just({"type": "ephemeral"}))


def provider(kind: str) -> Provider:
    factory = openai_factory if kind == "openai_compatible" else anthropic_factory
    return factory(ProviderSettings(ProviderConfig(name="p", kind=kind), "http://up/v1", "sk-1"))


TO_OPENAI, TO_ANTHROPIC = provider("openai_compatible"), provider("anthropic")


def through(surface: Surface, body: dict[str, Any], to: Provider, *, drop: bool = False) -> Any:
    surface.read(body)
    chat = surface.to_chat(body, drop_unsupported=drop)
    return msgspec.json.decode(to.request_from_chat(chat, Target("real")).body)


@st.composite
def openai_bodies(draw: st.DrawFn) -> dict[str, Any]:
    """Bodies in the form the provider writes them: what is equal must come back equal."""
    messages: list[dict[str, Any]] = []
    if draw(st.booleans()):
        messages.append({"role": "system", "content": draw(TEXT)})
    for _ in range(draw(st.integers(1, 3))):
        images = draw(st.sampled_from([[], ["http://x/a.png"], ["data:image/png;base64,AAAA"]]))
        content: Any = draw(TEXT)
        if images:
            content = [{"type": "text", "text": content}]
            content += [{"type": "image_url", "image_url": {"url": url}} for url in images]
        messages.append({"role": "user", "content": content})
        calls = draw(st.integers(0, 2))
        if calls:
            names = [f"call_{len(messages)}_{number}" for number in range(calls)]
            function = {"name": "weather", "arguments": '{"city": "Wien"}'}
            tool_calls = [{"id": name, "type": "function", "function": function} for name in names]
            messages.append({"role": "assistant", "content": None, "tool_calls": tool_calls})
            messages += [
                {"role": "tool", "tool_call_id": name, "content": draw(TEXT)} for name in names
            ]
        messages.append({"role": "assistant", "content": draw(TEXT)})
    messages.append({"role": "user", "content": draw(TEXT)})
    options: dict[str, Any] = {
        "max_tokens": st.integers(1, 9999),
        "temperature": st.sampled_from([0.0, 0.5, 1.0]),
        "top_p": st.sampled_from([0.1, 1.0]),
        "stop": st.lists(TEXT, min_size=1, max_size=3),
        "user": TEXT,
        "reasoning_effort": st.sampled_from(["low", "medium", "high"]),
        "tools": st.just(
            [
                {
                    "type": "function",
                    "function": {"name": "weather", "description": "d", "parameters": SCHEMA},
                }
            ]
        ),
    }
    chosen = draw(st.sets(st.sampled_from(sorted(options))))
    body = {"model": "real", "messages": messages} | {k: draw(options[k]) for k in sorted(chosen)}
    if "tools" in chosen:
        choices = ["auto", "none", "required"]
        body["tool_choice"] = draw(
            st.sampled_from([*choices, {"type": "function", "function": {"name": "weather"}}])
        )
    return body


@st.composite
def anthropic_bodies(draw: st.DrawFn) -> dict[str, Any]:
    def text() -> dict[str, Any]:
        block: dict[str, Any] = {"type": "text", "text": draw(TEXT)}
        hint = draw(HINT)
        return block if hint is None else {**block, "cache_control": hint}

    messages: list[dict[str, Any]] = [{"role": "user", "content": draw(TEXT)}]
    for number in range(draw(st.integers(0, 3))):
        thought = {"type": "thinking", "thinking": draw(TEXT), "signature": "c2ln"}
        use = {"type": "tool_use", "id": f"t{number}", "name": "f", "input": {"city": draw(TEXT)}}
        messages.append({"role": "assistant", "content": [thought, text(), use]})
        shown = [
            {"type": "text", "text": "see"},
            {"type": "image", "source": {"type": "url", "url": "http://x/a.png"}},
        ]
        result = {
            "type": "tool_result",
            "tool_use_id": f"t{number}",
            "content": draw(st.one_of(TEXT, st.just(shown))),
            "is_error": True,
        }
        image = {
            "type": "image",
            "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"},
        }
        messages.append({"role": "user", "content": [result, text(), image]})
    body: dict[str, Any] = {"model": "real", "max_tokens": 2000, "messages": messages}
    options: dict[str, Any] = {
        "system": st.one_of(TEXT, st.just([text(), text()])),
        "temperature": st.sampled_from([0.0, 0.5, 1.0]),
        "top_k": st.integers(1, 100),
        "stop_sequences": st.lists(TEXT, min_size=1, max_size=3),
        "metadata": st.just({"user_id": "u"}),
        "thinking": st.just({"type": "enabled", "budget_tokens": 1024}),
        "output_config": st.just({"format": {"type": "json_schema", "schema": SCHEMA}}),
        "stream": st.just(True),
        "tools": st.just(
            [{"name": "f", "input_schema": SCHEMA, "cache_control": {"type": "ephemeral"}}]
        ),
    }
    chosen = draw(st.sets(st.sampled_from(sorted(options))))
    body |= {field: draw(options[field]) for field in sorted(chosen)}
    if "tools" in chosen:
        body["tool_choice"] = draw(
            st.sampled_from(
                [{"type": "any", "disable_parallel_tool_use": True}, {"type": "tool", "name": "f"}]
            )
        )
    return body


@given(openai_bodies())
def test_openai_through_chat_to_openai(body: dict[str, Any]) -> None:
    assert through(OPENAI, body, TO_OPENAI) == body


@given(anthropic_bodies())
def test_anthropic_through_chat_to_anthropic(body: dict[str, Any]) -> None:
    assert through(ANTHROPIC, body, TO_ANTHROPIC) == body


@given(openai_bodies())
def test_openai_through_anthropic_and_back(body: dict[str, Any]) -> None:
    """All but the white space of tool arguments survives two translations."""
    wire = through(OPENAI, body, TO_ANTHROPIC)
    back = through(ANTHROPIC, wire, TO_OPENAI)
    expected = msgspec.json.decode(
        msgspec.json.encode(body).replace(rb"{\"city\": \"Wien\"}", rb"{\"city\":\"Wien\"}")
    )
    expected.setdefault("max_tokens", wire["max_tokens"])  # Anthropic requires a bound
    assert back == expected


@given(openai_bodies())
def test_anthropics_rules_hold_for_what_is_translated(body: dict[str, Any]) -> None:
    wire = through(OPENAI, body, TO_ANTHROPIC)
    budget = wire.get("thinking", {}).get("budget_tokens")
    assert budget is None or 1024 <= budget < wire["max_tokens"]
    roles = [message["role"] for message in wire["messages"]]
    assert all(first != second for first, second in pairwise(roles))
    for message in wire["messages"]:
        if isinstance(message["content"], list):
            kinds = [block["type"] == "tool_result" for block in message["content"]]
            assert kinds == sorted(kinds, reverse=True)  # results before all else


@given(anthropic_bodies())
def test_anthropic_reaches_openai_with_text_tools_and_images(body: dict[str, Any]) -> None:
    wire = through(ANTHROPIC, body, TO_OPENAI, drop=True)
    calls = [call["id"] for m in wire["messages"] for call in m.get("tool_calls", ())]
    results = [m["tool_call_id"] for m in wire["messages"] if m["role"] == "tool"]
    assert calls == results
    assert "cache_control" not in msgspec.json.encode(wire).decode()


MESSAGES = [{"role": "user", "content": "hi"}]


@pytest.mark.parametrize(
    ("field", "value"),
    [("frequency_penalty", -1), ("modalities", ["audio"]), ("some_vendor_field", 1)],
)
def test_what_anthropic_lacks_is_refused_by_name_or_dropped(field: str, value: Any) -> None:
    body = {"model": "m", "messages": MESSAGES, field: value}
    with pytest.raises(InvalidRequest) as refused:
        through(OPENAI, body, TO_ANTHROPIC)
    assert refused.value.param == field
    wire = through(OPENAI, body, TO_ANTHROPIC, drop=True)
    assert field not in wire


@pytest.mark.parametrize(
    ("field", "value"),
    [("container", "c"), ("mcp_servers", [{}])],
)
def test_what_openai_lacks_is_refused_by_name_or_dropped(field: str, value: Any) -> None:
    body = {"model": "m", "max_tokens": 9, "messages": MESSAGES, field: value}
    with pytest.raises(InvalidRequest) as refused:
        through(ANTHROPIC, body, TO_OPENAI)
    assert refused.value.param == field
    assert field not in through(ANTHROPIC, body, TO_OPENAI, drop=True)


@pytest.mark.parametrize(
    ("budget", "effort"), [(1024, "low"), (4096, "low"), (4097, "medium"), (20000, "high")]
)
def test_thinking_budget_becomes_effort(budget: int, effort: str) -> None:
    thinking = {"type": "enabled", "budget_tokens": budget}
    body = {"model": "m", "max_tokens": 9, "messages": MESSAGES, "thinking": thinking}
    assert through(ANTHROPIC, body, TO_OPENAI)["reasoning_effort"] == effort


def test_effort_none_switches_thinking_off() -> None:
    body = {"model": "m", "messages": MESSAGES, "reasoning_effort": "none"}
    assert through(OPENAI, body, TO_ANTHROPIC)["thinking"] == {"type": "disabled"}


def test_structured_output_crosses() -> None:
    form = {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA}}
    body = {"model": "m", "messages": MESSAGES, "response_format": form}
    wire = through(OPENAI, body, TO_ANTHROPIC)
    assert wire["output_config"] == {"format": {"type": "json_schema", "schema": SCHEMA}}
    assert through(ANTHROPIC, wire, TO_OPENAI)["response_format"] == form


def test_images_in_tool_results_follow_in_a_user_message() -> None:
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "A"}}
    result = {
        "type": "tool_result",
        "tool_use_id": "t",
        "content": [{"type": "text", "text": "see"}, image],
    }
    body = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": [result]}]}
    tool, user = through(ANTHROPIC, body, TO_OPENAI)["messages"]
    assert tool == {"role": "tool", "tool_call_id": "t", "content": "see"}
    assert user["content"][0]["image_url"]["url"] == "data:image/png;base64,A"


def test_system_and_developer_messages_count_wherever_they_stand() -> None:
    messages = [
        {"role": "system", "content": "one"},
        {"role": "user", "content": "hi"},
        {"role": "developer", "content": "two"},
    ]
    wire = through(OPENAI, {"model": "m", "messages": messages}, TO_ANTHROPIC)
    assert [block["text"] for block in wire["system"]] == ["one", "two"]
    assert wire["messages"] == [{"role": "user", "content": "hi"}]


@pytest.mark.parametrize(
    ("part", "param"),
    [
        ({"type": "input_audio", "input_audio": {}}, "messages.0.content.0.type"),
        ({"type": "file", "file": {}}, "messages.0.content.0.file.file_data"),
        (
            {"type": "file", "file": {"file_data": "data:text/plain;base64,_"}},
            "messages.0.content.0.file.file_data",
        ),
        ({"type": "image_url"}, "messages.0.content.0.image_url.url"),
        (
            {"type": "image_url", "image_url": {"url": "data:,x"}},
            "messages.0.content.0.image_url.url",
        ),
    ],
)
def test_content_without_a_canonical_form_is_refused_under_any_policy(
    part: dict[str, Any], param: str
) -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": [part]}]}
    with pytest.raises(InvalidRequest) as refused:
        through(OPENAI, body, TO_ANTHROPIC, drop=True)
    assert refused.value.param == param


def user(content: Any, name: str | None = None) -> dict[str, Any]:
    return {"role": "user", "content": content} | ({"name": name} if name else {})


@pytest.mark.parametrize("drop", [False, True])
def test_users_of_several_names_are_told_apart(*, drop: bool) -> None:
    image = {"type": "image_url", "image_url": {"url": "http://x/a.png"}}
    body = {"model": "m", "messages": [user("Hi."), user("Ho.", "ada"), user([image], "bob")]}
    chat = OPENAI.to_chat(body, drop_unsupported=drop)
    hi, ho, shown = (message.parts for message in chat.messages)
    assert (hi, ho) == ((Text("Hi."),), (Text("ada said:\nHo."),))
    assert shown == (Text("bob said:"), Image("http://x/a.png"))


def test_a_name_that_tells_nobody_apart_is_left_out() -> None:
    body = {"model": "m", "messages": [user("Hi.", "ada"), user("Ho.", "ada")]}
    chat = OPENAI.to_chat(body, drop_unsupported=False)
    assert [message.parts for message in chat.messages] == [(Text("Hi."),), (Text("Ho."),)]


def test_a_name_that_is_no_text_is_refused() -> None:
    with pytest.raises(InvalidRequest) as refused:
        OPENAI.to_chat(
            {"model": "m", "messages": [user("Hi.") | {"name": 7}]}, drop_unsupported=True
        )
    assert refused.value.param == "messages.0.name"


def test_arguments_that_are_no_object_are_refused() -> None:
    call = {"id": "t", "type": "function", "function": {"name": "f", "arguments": "[oops"}}
    messages = [*MESSAGES, {"role": "assistant", "tool_calls": [call]}]
    with pytest.raises(InvalidRequest):
        through(OPENAI, {"model": "m", "messages": messages}, TO_ANTHROPIC)


CALLED = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}


def test_a_tools_answer_may_name_the_tool_that_its_call_named() -> None:
    asked = {"role": "user", "content": "?"}
    called = {"role": "assistant", "content": None, "tool_calls": [CALLED]}
    result = {"role": "tool", "tool_call_id": "c1", "content": "sunny"}
    plain = {"model": "m", "messages": [asked, called, result]}
    named = {"model": "m", "messages": [asked, called, result | {"name": "weather"}]}
    assert through(OPENAI, named, TO_ANTHROPIC) == through(OPENAI, plain, TO_ANTHROPIC)


def test_a_name_of_instructions_is_refused_with_what_to_do_about_it() -> None:
    body = {"model": "m", "messages": [{"role": "system", "name": "ann", "content": "?"}]}
    with pytest.raises(InvalidRequest, match="leave it out, or set drop_unsupported") as refused:
        through(OPENAI, body, TO_ANTHROPIC)
    assert refused.value.param == "messages.0.name"
    assert through(OPENAI, body, TO_ANTHROPIC, drop=True)["system"] == "?"


def test_what_litellms_sdk_moved_in_an_answer_is_found() -> None:
    extra = {"google": {"thought_signature": "U0lH"}}
    kept = {"role": "assistant", "content": "Hi", "refusal": None, "annotations": []}
    moved = {"refusal": "No.", "extra_content": extra, "citations": [{"title": "A book"}]}
    messages = [kept | moved, kept | {"provider_specific_fields": moved}]
    first, second = (
        OPENAI.to_chat({"model": "m", "messages": [message]}, drop_unsupported=False)
        for message in messages
    )
    assert first.messages == second.messages
    assert len(first.messages[0].parts) == 2


def test_what_litellms_sdk_moved_is_refused_by_name_or_dropped() -> None:
    moved = {"refusal": None, "content": 5, "seance": "yes"}
    message = {"role": "assistant", "content": "Hi", "provider_specific_fields": moved}
    body = {"model": "m", "messages": [message]}
    with pytest.raises(InvalidRequest) as refused:
        OPENAI.to_chat(body, drop_unsupported=False)
    assert refused.value.param == "messages.0.provider_specific_fields.content"
    chat = OPENAI.to_chat(body, drop_unsupported=True)
    assert chat.messages[0].parts == (Text("Hi"),)
