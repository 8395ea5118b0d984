"""Which texts are read for their topic."""

from __future__ import annotations

from typing import Any

import pytest

from legato.guardrails.pieces import pieces
from legato.guardrails.topics.reading import Reading, reading_of

LONG = "How do I bake a loaf of rye bread?"


def reading(body: dict[str, Any]) -> Reading:
    return reading_of(body, pieces(body))


def said(*turns: tuple[str, str]) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": role, "content": text} for role, text in turns]}


def test_only_what_the_user_says_is_read() -> None:
    body = said(("system", "You bake."), ("user", LONG), ("assistant", "Knead it."), ("user", "Ok"))
    assert [
        one.text for one in reading(body | {"user": "u", "metadata": {"a": "b"}}).stretches
    ] == [
        LONG,
        "Ok",
    ]


@pytest.mark.parametrize(
    "body",
    [
        {"prompt": LONG},
        {"input": LONG},
        {"input": [LONG]},
        {"query": LONG},
        {"input": [{"role": "user", "content": [{"type": "input_text", "text": LONG}]}]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": LONG}]}]},
    ],
)
def test_every_dialect_is_read(body: dict[str, Any]) -> None:
    found = reading({"model": "m", **body})
    assert [one.text for one in found.stretches] == [LONG]
    assert found.turn is not None
    assert found.turn.text == LONG


def test_results_of_tools_are_stretches_and_no_turn() -> None:
    body = said(("user", "Look"), ("tool", "Shares fell by a tenth on Monday."))
    found = reading(body)
    assert [one.text for one in found.stretches] == ["Look", "Shares fell by a tenth on Monday."]
    assert found.turn is None


def test_a_short_turn_is_read_with_the_one_before() -> None:
    found = reading(said(("user", LONG), ("assistant", "So."), ("user", "And for two?")))
    assert found.turn is not None
    assert found.turn.text == f"{LONG}\nAnd for two?"


def test_a_long_text_is_read_in_stretches_that_make_up_all_of_it() -> None:
    text = " ".join(f"This is sentence number {one} of many." for one in range(3_000))
    found = reading(said(("user", text))).stretches
    assert "".join(one.text for one in found) == text
    assert all(text[one.start : one.end] == one.text for one in found)
    assert 1 < len(found) <= 66
