from typing import Any

import pytest

from legato.api.anthropic.validation import messages_view
from legato.core import capability
from legato.core.errors import InvalidRequest

BODY: dict[str, Any] = {
    "model": "m",
    "max_tokens": 9,
    "messages": [{"role": "user", "content": "hi"}],
}


def test_view_holds_what_the_pipeline_needs() -> None:
    image = {"type": "image", "source": {}}
    result = {"type": "tool_result", "tool_use_id": "t", "content": [image]}
    messages = [{"role": "user", "content": [image, result]}]
    view = messages_view(
        {**BODY, "stream": True, "messages": messages, "metadata": {"user_id": "u"}}
    )
    assert (view.model, view.stream, view.max_output_tokens) == ("m", True, 9)
    assert (view.user, view.image_count, view.choices) == ("u", 2, 1)


@pytest.mark.parametrize(
    ("source", "needed"), [("base64", True), ("url", True), ("file", True), ("text", False)]
)
def test_a_document_needs_a_model_that_takes_files_unless_it_is_text(
    source: str, *, needed: bool
) -> None:
    document = {"type": "document", "source": {"type": source}}
    messages = [{"role": "user", "content": [document]}]
    needs = messages_view({**BODY, "messages": messages}).needs
    assert bool(needs & capability.DOCUMENTS) is needed


def test_counting_needs_no_bound() -> None:
    body = {field: value for field, value in BODY.items() if field != "max_tokens"}
    assert messages_view(body, bound_required=False).max_output_tokens is None


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"max_tokens": None}, "max_tokens"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"model": 3}, "model"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages.0.role"),
        ({"messages": [{"role": "user"}]}, "messages.0.content"),
        ({"messages": [{"role": "user", "content": [{}]}]}, "messages.0.content.0"),
        ({"system": 5}, "system"),
        ({"system": [{"type": "text"}]}, "system.0.text"),
        ({"temperature": 1.5}, "temperature"),
        ({"stop_sequences": "x"}, "stop_sequences"),
        ({"metadata": "u"}, "metadata"),
        ({"metadata": {"user_id": 5}}, "metadata.user_id"),
        ({"tools": [{"name": "f"}]}, "tools.0.input_schema"),
        ({"tools": [{"input_schema": {}}]}, "tools.0.name"),
    ],
)
def test_what_is_wrong_is_refused_by_its_place(change: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        messages_view({**BODY, **change})
    assert refused.value.param == param
