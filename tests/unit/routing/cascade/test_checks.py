"""What of an answer is read, and which check it fails."""

import json
from typing import Any

import pytest

from legato.core.config_cascade import Check
from legato.core.errors import ConfigInvalid
from legato.routing.cascade.answer import Said, Unreadable, said_in
from legato.routing.cascade.checks import Checks

CITY = {"type": "object", "required": ["city"], "properties": {"city": {"type": "string"}}}
JSON_WANTED = {"type": "json_object"}
CITY_WANTED = {"type": "json_schema", "json_schema": {"name": "city", "schema": CITY}}


def chat(content: str | None, reason: str = "stop", **more: Any) -> bytes:
    message = {"role": "assistant", "content": content, **more.pop("message", {})}
    choice = {"index": 0, "message": message, "finish_reason": reason, **more}
    return json.dumps({"choices": [choice]}).encode()


def frames(*events: dict[str, Any]) -> bytes:
    return b"".join(b"data: " + json.dumps(one).encode() + b"\n\n" for one in events)


@pytest.mark.parametrize(
    ("check", "text", "fault"),
    [
        (Check(schema=CITY), '{"city": "Ghent"}', ""),
        (Check(schema=CITY), '{"city": 1}', "schema"),
        (Check(schema=CITY), "Ghent", "schema"),
        (Check(matches="^[0-9]+$"), "42", ""),
        (Check(matches="^[0-9]+$"), "about 42", "matches"),
        (Check(lacks="(?i)as an ai"), "As an AI, no", "lacks"),
        (Check(lacks="(?i)as an ai"), "Here you are", ""),
        (Check(when="characters > 3 && text.contains('4')"), "4242", ""),
        (Check(when="characters > 3"), "42", "when"),
        (Check(when="confidence < 0.0"), "42", ""),
        (Check(judge="any"), "anything", ""),
    ],
)
def test_a_text_is_held_against_what_the_check_says(check: Check, text: str, fault: str) -> None:
    assert Checks(check).fault(Said(text), None) == fault


@pytest.mark.parametrize(
    ("wanted", "text", "fault"),
    [
        (None, "free text", ""),
        ({"type": "text"}, "free text", ""),
        (JSON_WANTED, "{}", ""),
        (JSON_WANTED, "[]", "format"),
        (JSON_WANTED, "free text", "format"),
        (CITY_WANTED, '{"city": "Ghent"}', ""),
        (CITY_WANTED, "{}", "format"),
        ({"type": "json_schema", "json_schema": {"schema": {"$ref": "http://x/y"}}}, "{}", ""),
    ],
)
def test_the_format_that_was_asked_for(wanted: Any, text: str, fault: str) -> None:
    assert Checks(Check(format=True)).fault(Said(text), wanted) == fault


@pytest.mark.parametrize(("sure", "fault"), [(0.9, ""), (0.4, "confidence"), (None, "")])
def test_how_sure_it_is_counts_where_it_is_said(sure: float | None, fault: str) -> None:
    assert Checks(Check(confidence=0.5)).fault(Said("42", confidence=sure), None) == fault


def test_what_was_cut_or_withheld_will_not_do() -> None:
    checks = Checks(Check(matches="."))
    assert checks.fault(Said("x", cut=True), None) == "truncated"
    assert checks.fault(Said("x", withheld=True), None) == "withheld"


@pytest.mark.parametrize(
    ("check", "field"),
    [
        (Check(), "check"),
        (Check(matches="(?=x)"), "matches"),
        (Check(lacks="("), "lacks"),
        (Check(schema={"type": "nothing"}), "schema"),
        (Check(schema={"$ref": "http://127.0.0.1/x"}), "schema"),
        (Check(when="tokens > 3"), "when"),
        (Check(when="characters"), "when"),
    ],
)
def test_what_can_not_be_compiled_is_refused_by_its_field(check: Check, field: str) -> None:
    with pytest.raises(ConfigInvalid, match=field):
        Checks(check)


def test_a_whole_answer_is_read() -> None:
    tokens = [{"token": "4", "logprob": -0.5}, {"token": "2", "logprob": -0.1}]
    told = said_in(chat("42", logprobs={"content": tokens}), frames=False)
    assert told.text == "42"
    assert told.confidence == pytest.approx(0.7408, abs=1e-4)
    assert said_in(chat('{"confidence": 0.3}'), frames=False).confidence == 0.3
    assert said_in(chat('{"confidence": true}'), frames=False).confidence is None
    assert said_in(chat(None, "tool_calls", message={"tool_calls": [{}]}), frames=False).calls_tools
    assert said_in(chat("4", "length"), frames=False).cut
    assert said_in(chat("", "content_filter"), frames=False).withheld
    blocks = [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "42"}]
    message = json.dumps({"content": blocks, "stop_reason": "end_turn"}).encode()
    assert said_in(message, frames=False) == Said("42")


def test_a_recorded_stream_is_read() -> None:
    chat_frames = frames(
        {"choices": [{"delta": {"content": "4"}}]},
        {"choices": [{"delta": {"content": "2"}, "finish_reason": "length"}]},
        {"choices": [], "usage": {}},
    )
    assert said_in(chat_frames + b"data: [DONE]\n\n", frames=True) == Said("42", cut=True)
    messages = frames(
        {"type": "message_start", "message": {}},
        {"type": "content_block_start", "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "42"}},
        {"type": "message_delta", "delta": {"stop_reason": "refusal"}},
    )
    assert said_in(messages, frames=True) == Said("42", withheld=True)


@pytest.mark.parametrize("body", [b"", b"nothing", b"[]", b'{"content": 1}'])
def test_what_is_no_answer_is_not_read(body: bytes) -> None:
    with pytest.raises(Unreadable):
        said_in(body, frames=False)
