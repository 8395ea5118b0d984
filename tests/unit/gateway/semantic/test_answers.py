from __future__ import annotations

from typing import Any

import msgspec
import pytest

from legato.gateway.context import Reply
from legato.gateway.semantic.agreement import says_the_same
from legato.gateway.semantic.answers import text_to_keep
from legato.gateway.semantic.asked import NotEligible
from legato.gateway.semantic.language import language_of
from legato.gateway.semantic.personal import is_about_the_caller, is_personal


def chat(reason: str = "stop", *, choices: int = 1, **message: Any) -> Reply:
    said = {"role": "assistant", "content": "4806 m", **message}
    choice = {"index": 0, "finish_reason": reason, "message": said}
    return Reply(msgspec.json.encode({"choices": [choice] * choices}))


def message(reason: str = "end_turn", kind: str = "text") -> Reply:
    content = [{"type": "thinking", "thinking": "…"}, {"type": kind, "text": "4806 m"}]
    return Reply(msgspec.json.encode({"stop_reason": reason, "content": content}))


def streamed(*events: Any) -> Reply:
    lines = [b"data: " + msgspec.json.encode(event) + b"\n\n" for event in events]
    return Reply(b"".join([*lines, b"data: [DONE]\n\n"]), frames=True)


def piece(reason: str | None = None, **delta: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}


def test_the_text_of_whole_answers() -> None:
    assert text_to_keep(chat()) == text_to_keep(message()) == "4806 m"
    chunks = (piece(role="assistant"), piece(content="48"), piece(content="06 m"), piece("stop"))
    assert text_to_keep(streamed(*chunks, {"choices": [], "usage": {}})) == "4806 m"
    blocks = (
        {"type": "message_start", "message": {}},
        {"type": "content_block_start", "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "4806 m"}},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}},
    )
    assert text_to_keep(streamed(*blocks)) == "4806 m"


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (chat("length"), "truncated"),
        (chat("content_filter"), "flagged"),
        (chat(refusal="no"), "flagged"),
        (chat("tool_calls"), "tools"),
        (chat(tool_calls=[{"id": "1"}]), "tools"),
        (chat(choices=2), "choices"),
        (chat(content="mail ann@example.com"), "personal_data"),
        (chat(content=" "), "answer_content"),
        (message("max_tokens"), "truncated"),
        (message("tool_use", "tool_use"), "tools"),
        (message("refusal"), "flagged"),
        (Reply(b"not json"), "answer_content"),
        (streamed(piece(content="48")), "truncated"),
        (streamed(piece(tool_calls=[{"index": 0}]), piece("tool_calls")), "tools"),
        (streamed({"type": "content_block_start", "content_block": {"type": "tool_use"}}), "tools"),
    ],
)
def test_what_is_never_kept(reply: Reply, why: str) -> None:
    with pytest.raises(NotEligible, match=f"^{why}$"):
        text_to_keep(reply)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Mont Blanc is 4806 m high.", "**Mont Blanc** is 4806 m high", True),
        ("Paris", "paris!", True),
        ('{"a": 1, "b": 2}', '{"b":2,"a":1}', True),
        ("It is 5 degrees.", "It is -5 degrees.", False),
        ("1.5 l", "15 l", False),
        ("Yes", "No", False),
        ('{"a": 1}', '{"a": 2}', False),
    ],
)
def test_agreement_of_answers(one: str, other: str, *, same: bool) -> None:
    assert says_the_same(one, other) is same


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("What is the capital of France?", "en"),
        ("Was ist die Hauptstadt von Frankreich?", "de"),
        ("Quelle est la capitale de la France ?", "fr"),
        ("Какая столица Франции?", "cyrillic"),
        ("フランスの首都はどこですか", "kana"),
        ("法国的首都是哪里", "han"),
        ("Paris Louvre", ""),
    ],
)
def test_languages_are_told_apart(text: str, code: str) -> None:
    assert language_of(text) == code


@pytest.mark.parametrize(
    "text",
    [
        "What happened in 1492?",
        "Is 12345678901234 prime?",
        "How do I reset my password?",
        "Compare HTTP2 and HTTP3",
        "Python 3.11.4 vs 3.12.1",
        "What is 15% of $12,000?",
    ],
)
def test_what_is_not_personal(text: str) -> None:
    assert not is_personal(text)
    assert not is_about_the_caller(text)


@pytest.mark.parametrize(
    "text",
    ["Where is my parcel 1Z999AA10123456784?", "I am customer 4711999, what do I owe?"],
)
def test_who_speaks_of_an_account_of_his_own(text: str) -> None:
    assert is_about_the_caller(text)
