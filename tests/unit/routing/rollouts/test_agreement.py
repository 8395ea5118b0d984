from typing import Any

import msgspec
import pytest

from legato.routing.rollouts.agreement import Agreement, compared


def chat(text: str, **message: Any) -> bytes:
    return msgspec.json.encode({"choices": [{"message": {"content": text, **message}}]})


def message(*blocks: Any) -> bytes:
    return msgspec.json.encode({"content": [*blocks]})


@pytest.mark.parametrize(
    ("live", "shadow", "found"),
    [
        ("yes", " yes\n", Agreement(False, False, True)),
        ("yes", "no", Agreement(False, False, False)),
        ('{"a": 1, "b": 2}', '{"b":2,"a":1}', Agreement(True, True, True)),
        ('{"a": 1}', '{"a": 2}', Agreement(True, True, False)),
        ('{"a": 1}', "Sure! {", Agreement(True, False, False)),
        ("7", "7", Agreement(False, False, True)),
    ],
)
def test_answers_are_compared_as_json_where_both_are(
    live: str, shadow: str, found: Agreement
) -> None:
    assert compared(chat(live), chat(shadow)) == found


def response(*items: Any) -> bytes:
    return msgspec.json.encode({"object": "response", "output": [*items]})


def test_a_response_is_its_messages_text() -> None:
    parts = [{"type": "output_text", "text": part, "annotations": []} for part in ("Hel", "lo")]
    said = {"type": "message", "content": parts}
    thought = {"type": "reasoning", "summary": []}
    assert compared(response(thought, said), chat("Hello")).agrees is True
    called = {"type": "function_call", "name": "f", "arguments": "{}"}
    assert compared(response(called), response(called)).agrees is None


def test_blocks_of_text_are_one_answer() -> None:
    thought = {"type": "thinking", "thinking": "hm"}
    text = [{"type": "text", "text": part} for part in ("Hel", "lo")]
    assert compared(message(thought, *text), chat("Hello")).agrees is True


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"{",
        b"[]",
        b'{"choices":[]}',
        chat("", tool_calls=[{"id": "1"}]),
        message({"type": "tool_use", "name": "f"}),
        b'data: {"choices":[]}\n\n',
    ],
)
def test_what_has_no_text_is_not_compared(answer: bytes) -> None:
    assert compared(answer, chat("x")) == Agreement()
    assert compared(chat("x"), answer) == Agreement()
