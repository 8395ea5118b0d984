from __future__ import annotations

from typing import Any

import pytest

from legato.core.chat import ChatRequest, Image, Message, Role, Text
from legato.evaluation.scoring import Case
from legato.evaluation.tuning.formats import FORMATS
from legato.evaluation.tuning.pairs import Pair, Said, Unfit, pair_of

CASE = Case(
    id="c1",
    messages=(
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Hi."},
        {"role": "user", "content": [{"type": "text", "text": "Where is it?"}]},
    ),
    expected="On its way.",
)


def line(name: str) -> dict[str, Any]:
    return FORMATS[name](pair_of(CASE))


def test_openai() -> None:
    assert line("openai") == {
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hello"},
            {"role": "assistant", "content": "Hi."},
            {"role": "user", "content": "Where is it?"},
            {"role": "assistant", "content": "On its way."},
        ]
    }


def test_cohere() -> None:
    said = line("cohere")["messages"]
    assert [one["role"] for one in said] == ["System", "User", "Chatbot", "User", "Chatbot"]
    assert said[-1]["content"] == "On its way."


def test_gemini() -> None:
    written = line("gemini")
    assert written["systemInstruction"]["parts"] == [{"text": "Be brief."}]
    assert [one["role"] for one in written["contents"]] == ["user", "model", "user", "model"]
    assert written["contents"][-1]["parts"] == [{"text": "On its way."}]


def test_bedrock() -> None:
    written = line("bedrock")
    assert written["schemaVersion"] == "bedrock-conversation-2024"
    assert written["system"] == [{"text": "Be brief."}]
    assert written["messages"][-1] == {"role": "assistant", "content": [{"text": "On its way."}]}


@pytest.mark.parametrize("name", FORMATS)
def test_without_instructions_there_is_no_system(name: str) -> None:
    said = ({"role": "user", "content": "Hello"},)
    written = FORMATS[name](pair_of(Case(id="c", messages=said, expected="Hi")))
    assert "ystem" not in str(written)


def test_what_one_speaker_says_in_a_row_is_joined() -> None:
    said = tuple({"role": "user", "content": text} for text in ("One", "Two"))
    pair = pair_of(Case(id="c", messages=said, expected={"a": 1}))
    assert [one.text for one in pair.turns] == ["One\n\nTwo"]
    assert pair.answer == '{"a":1}'


def test_a_prompts_variables_are_put_into_it() -> None:
    def render(variables: Any) -> ChatRequest:
        said = Message(Role.USER, (Text(f"About {variables['topic']}"),))
        return ChatRequest((said,), system=(Text("Be brief."),))

    case = Case(id="c", variables={"topic": "rain"}, expected="Wet.")
    assert pair_of(case, render) == Pair("c", "Be brief.", (Said("user", "About rain"),), "Wet.")
    with pytest.raises(Unfit, match="name the prompt"):
        pair_of(case)


@pytest.mark.parametrize(
    ("messages", "expected", "reason"),
    [
        ([{"role": "user", "content": "Hi"}], None, "no answer"),
        ([{"role": "assistant", "content": "Hi"}], "x", "user's words"),
        ([], "x", "user's words"),
        ([{"role": "tool", "content": "Hi", "tool_call_id": "1"}], "x", "tool calls"),
        ([{"role": "assistant", "content": None, "tool_calls": [{}]}], "x", "tool calls"),
        ([{"role": "user", "content": [{"type": "image_url"}]}], "x", "images"),
    ],
)
def test_what_is_no_text_is_left_out_with_its_reason(
    messages: list[dict[str, Any]], expected: Any, reason: str
) -> None:
    with pytest.raises(Unfit, match=reason):
        pair_of(Case(id="c", messages=tuple(messages), expected=expected))


def test_a_prompt_with_an_image_is_left_out() -> None:
    def render(_: Any) -> ChatRequest:
        return ChatRequest((Message(Role.USER, (Image(url="https://x/y.png"),)),))

    with pytest.raises(Unfit, match="images"):
        pair_of(Case(id="c", variables={"a": 1}, expected="x"), render)
