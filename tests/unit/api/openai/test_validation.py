from typing import Any

import pytest

from legato.api.openai.to_chat import read_chat
from legato.api.openai.validation import chat_view, embeddings_view
from legato.core import capability
from legato.core.errors import InvalidRequest

MESSAGES = [{"role": "user", "content": "hi"}]


def test_view_holds_what_the_pipeline_needs() -> None:
    view = chat_view(
        {
            "model": "chat",
            "stream": True,
            "stream_options": {"include_usage": True},
            "max_tokens": 5,
            "n": 2,
            "user": "u",
            "messages": [
                {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}
            ],
        }
    )
    assert (view.model, view.stream, view.wants_stream_usage) == ("chat", True, True)
    assert (view.max_output_tokens, view.choices, view.user, view.image_count) == (5, 2, "u", 1)


@pytest.mark.parametrize(("kind", "needed"), [("application/pdf", True), ("text/plain", False)])
def test_a_file_needs_a_model_that_takes_files_unless_it_is_text(
    kind: str, *, needed: bool
) -> None:
    file = {"type": "file", "file": {"file_data": f"data:{kind};base64,AAAA"}}
    messages = [{"role": "user", "content": [file]}]
    needs = chat_view({"model": "m", "messages": messages}).needs
    assert bool(needs & capability.DOCUMENTS) is needed


def test_newer_bound_wins_and_null_is_absent() -> None:
    body: dict[str, Any] = {"model": "m", "messages": MESSAGES, "max_tokens": 5}
    assert chat_view({**body, "max_completion_tokens": 9}).max_output_tokens == 9
    nulls = dict.fromkeys(["stream", "n", "temperature", "tools", "stop", "user", "stream_options"])
    assert chat_view({**body, **nulls}).choices == 1


def test_of_two_bounds_the_larger_is_held_for_and_the_newer_translated() -> None:
    """Servers that don't know the newer one obey the older."""
    body = {"model": "m", "messages": MESSAGES, "max_tokens": 900, "max_completion_tokens": 1}
    assert chat_view(body).max_output_tokens == 900
    assert read_chat(body, drop_unsupported=False).max_output_tokens == 1


def test_unknown_fields_and_assistant_tool_calls_pass() -> None:
    chat_view(
        {
            "model": "m",
            "vendor": {"x": 1},
            "messages": [*MESSAGES, {"role": "assistant", "content": None, "tool_calls": []}],
        }
    )


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"model": None}, "model"),
        ({"model": ""}, "model"),
        ({"model": "x" * 300}, "model"),
        ({"messages": None}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": "hi"}, "messages"),
        ({"messages": ["hi"]}, "messages.0"),
        ({"messages": [{"content": "hi"}]}, "messages.0.role"),
        ({"messages": [{"role": "robot", "content": "hi"}]}, "messages.0.role"),
        ({"messages": [{"role": [], "content": "hi"}]}, "messages.0.role"),
        ({"messages": [{"role": "user"}]}, "messages.0.content"),
        ({"messages": [{"role": "user", "content": 3}]}, "messages.0.content"),
        ({"messages": [{"role": "user", "content": [3]}]}, "messages.0.content.0"),
        (
            {"messages": [{"role": "user", "content": [{"type": "text"}]}]},
            "messages.0.content.0.text",
        ),
        ({"stream": "yes"}, "stream"),
        ({"stream_options": []}, "stream_options"),
        ({"stream": True, "stream_options": {"include_usage": 1}}, "stream_options.include_usage"),
        ({"n": 0}, "n"),
        ({"n": True}, "n"),
        ({"n": 129}, "n"),
        ({"max_tokens": "5"}, "max_tokens"),
        ({"max_completion_tokens": 0}, "max_completion_tokens"),
        ({"temperature": 3}, "temperature"),
        ({"temperature": True}, "temperature"),
        ({"top_p": -1}, "top_p"),
        ({"stop": [1]}, "stop"),
        ({"user": 5}, "user"),
        ({"tools": {}}, "tools"),
        ({"tools": [{}]}, "tools.0.type"),
        ({"tools": [{"type": "function"}]}, "tools.0.function.name"),
    ],
)
def test_what_is_wrong_is_refused_by_its_place(change: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        chat_view({"model": "m", "messages": MESSAGES, **change})
    assert refused.value.param == param
    assert param in refused.value.message


def test_embeddings() -> None:
    assert embeddings_view({"model": "e", "input": ["a", "b"]}).model == "e"
    embeddings_view({"model": "e", "input": [[1, 2], [3]]})


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"input": ""}, "input"),
        ({"input": None}, "input"),
        ({"input": [None]}, "input.0"),
        ({"encoding_format": "hex"}, "encoding_format"),
        ({"dimensions": 0}, "dimensions"),
    ],
)
def test_wrong_embeddings_are_refused(change: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        embeddings_view({"model": "e", "input": "x", **change})
    assert refused.value.param == param
