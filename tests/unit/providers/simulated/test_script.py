"""Answers that are said beforehand."""

import msgspec
import pytest

from legato.providers.simulated.answers import Question, answer
from legato.providers.simulated.dialects.anthropic_wire import messages_question
from legato.providers.simulated.dialects.openai_wire import chat_question
from legato.providers.simulated.settings import Behaviour, SimulatedSettings

SCRIPT = """
script:
  - asked: "order (?P<order>[0-9]+)"
    calls: [{tool: look_up, arguments: {order: $order}}]
  - asked: "order (?P<order>[0-9]+)"
    result: "(?P<status>shipped|lost)"
    text: "Your order $order is $status."
  - system: critic
    json: {verdict: good, of: [$nobody]}
"""


def behaviour() -> Behaviour:
    return msgspec.yaml.decode(SCRIPT, type=SimulatedSettings)


def chat(*messages: dict[str, object], **more: object) -> Question:
    return chat_question(msgspec.json.encode({"model": "m", "messages": messages, **more}))


def said(question: Question) -> str:
    return "".join(answer(question, behaviour()).choices[0].pieces)


ASKED = {"role": "user", "content": "Where is order 4711?"}
CALL = {
    "role": "assistant",
    "tool_calls": [
        {"id": "c", "type": "function", "function": {"name": "look_up", "arguments": "{}"}}
    ],
}


def test_a_line_calls_a_tool_with_what_was_found() -> None:
    (choice,) = answer(chat(ASKED), behaviour()).choices
    (call,) = choice.tool_calls
    assert (call.name, "".join(call.pieces)) == ("look_up", '{"order":"4711"}')
    assert choice.finish == "tool_calls"


def test_after_a_result_another_line_fits() -> None:
    result = {"role": "tool", "tool_call_id": "c", "content": '{"status": "shipped"}'}
    assert said(chat(ASKED, CALL, result)) == "Your order 4711 is shipped."


def test_a_new_question_after_a_result_begins_anew() -> None:
    result = {"role": "tool", "tool_call_id": "c", "content": "lost"}
    again = {"role": "user", "content": "And order 12?"}
    (choice,) = answer(chat(ASKED, CALL, result, again), behaviour()).choices
    assert "".join(choice.tool_calls[0].pieces) == '{"order":"12"}'


def test_results_in_blocks_are_read_too() -> None:
    body = {
        "model": "m",
        "max_tokens": 100,
        "messages": [
            ASKED,
            {
                "role": "assistant",
                "content": [{"type": "tool_use", "id": "c", "name": "look_up", "input": {}}],
            },
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "c", "content": [{"text": "lost"}]}
                ],
            },
        ],
    }
    assert said(messages_question(msgspec.json.encode(body))) == "Your order 4711 is lost."


def test_json_is_answered_and_unknown_names_stay() -> None:
    question = chat(
        {"role": "system", "content": "You are a critic."}, {"role": "user", "content": "?"}
    )
    assert said(question) == '{"verdict":"good","of":["$nobody"]}'


def test_a_number_that_was_found_is_a_number() -> None:
    line = {"asked": "pay (?P<amount>[0-9.]+) now", "json": {"amount": "#amount", "as": "$amount"}}
    settings = msgspec.convert({"script": [line]}, SimulatedSettings)
    question = chat({"role": "user", "content": "pay 12.5 now"})
    (choice,) = answer(question, settings).choices
    assert "".join(choice.pieces) == '{"amount":12.5,"as":"12.5"}'


def test_without_a_line_that_fits_the_answer_is_made_up() -> None:
    question = chat({"role": "user", "content": "Hello"})
    assert answer(question, behaviour()) == answer(question, Behaviour())


def test_a_scripted_answer_keeps_to_the_callers_maximum() -> None:
    result = {"role": "tool", "tool_call_id": "c", "content": "lost"}
    (choice,) = answer(chat(ASKED, CALL, result, max_tokens=2), behaviour()).choices
    assert ("".join(choice.pieces), choice.finish) == ("Your ord", "length")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ({"asked": "x"}, "one of text, json and calls"),
        ({"text": "a", "json": None}, "one of text, json and calls"),
        ({"asked": "(", "text": "a"}, "no regular expression"),
    ],
)
def test_a_line_that_makes_no_sense_is_refused(line: object, told: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=told):
        msgspec.convert({"script": [line]}, SimulatedSettings)
