from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from legato.core.captured import CapturedContent, CapturedHead
from legato.core.errors import InvalidRequest
from legato.evaluation.collecting import Collection, Liked, Word
from legato.insights.captures import Capture

HEAD = CapturedHead(
    request_id="r1",
    at_ns=1,
    expires_at_ns=2,
    org="o",
    team="t",
    feature="search",
    key_id="k",
    end_user="",
    tags={},
    surface="chat_completions",
    model_requested="chat",
    route="chat",
    deployment="premium",
    model_served="m",
    versions="prompt/p@0123456789ab",
    arm="",
    http_status=200,
    error_code="",
    stream=False,
    cache="miss",
    cost=1,
    baseline_cost=1,
    input_tokens=1,
    output_tokens=1,
    total_us=1,
)
ASKED = [{"role": "user", "content": "Where?"}]


def captured(text: str | None = "Here.", **changed: Any) -> Capture:
    message = {"content": text} if text is not None else {"content": None, "tool_calls": [{}]}
    answer = json.dumps({"choices": [{"message": message}]}).encode()
    request = json.dumps({"model": "chat", "messages": ASKED}).encode()
    head = msgspec.structs.replace(HEAD, **changed)
    return Capture(1, head, CapturedContent(request, b"", answer, frames=False))


def asked(surface: str, body: dict[str, Any]) -> list[dict[str, Any]]:
    if surface != "chat_completions":
        raise InvalidRequest("no chat")
    messages: list[dict[str, Any]] = body["messages"]
    return messages


def collected(*words: Word, liked: Liked | None = None, of: Capture | None = None) -> Any:
    collection = Collection(asked, lambda _: words, liked or Liked())
    cases = list(collection.cases([of or captured()]))
    return cases, dict(collection.left_out)


def test_a_request_becomes_a_case() -> None:
    cases, left_out = collected()
    assert cases == [
        {
            "id": "r1",
            "input": {"messages": ASKED},
            "expected": "Here.",
            "tags": ["search", "chat", "prompt/p@0123456789ab"],
            "origin": {"request_id": "r1"},
        }
    ]
    assert left_out == {}


@pytest.mark.parametrize(
    ("liked", "word", "taken"),
    [
        (Liked(accepted=True), Word(outcome="accepted"), True),
        (Liked(accepted=True), Word(thumbs="up"), False),
        (Liked(accepted=True, thumbs_up=True), Word(thumbs="up"), True),
        (Liked(score_min=0.5), Word(score=0.5), True),
        (Liked(score_min=0.5), Word(score=0.4), False),
        (Liked(thumbs_up=True), Word(thumbs="up", outcome="rejected"), False),
    ],
)
def test_feedback_decides_where_it_is_asked_for(liked: Liked, word: Word, taken: bool) -> None:  # noqa: FBT001
    cases, left_out = collected(word, liked=liked)
    assert bool(cases) is taken
    assert left_out == ({} if taken else {"nobody was content with it": 1})


def test_one_who_dislikes_it_outweighs_one_who_likes_it() -> None:
    cases, _ = collected(Word(thumbs="up"), Word(thumbs="down"), liked=Liked(thumbs_up=True))
    assert cases == []


def test_a_correction_takes_the_answers_place() -> None:
    (case,), _ = collected(
        Word(outcome="rework", correction="There."), liked=Liked(corrections=True)
    )
    assert case["expected"] == "There."


@pytest.mark.parametrize(
    ("capture", "why"),
    [
        (captured(http_status=502), "it failed"),
        (captured(None), "its answer calls tools"),
        (captured(surface="completions"), "its answer can't be read"),
    ],
)
def test_what_is_no_case_is_counted_with_its_reason(capture: Capture, why: str) -> None:
    assert collected(of=capture) == ([], {why: 1})
