"""A judge says what sources say of each statement, by its number."""

import json
import re
from collections.abc import Generator
from typing import Any

import pytest

from legato.judging.asking import Ask, Heard
from legato.judging.grounding import Support
from legato.judging.judge import JudgeSpec
from legato.judging.supporting import Supported, judge_support

SOURCES = ("The fee is ten euros.", "Children pay nothing.")
STATEMENTS = ("It costs ten euros.", "It is free for all.", "Dogs are welcome.")


def course() -> Generator[Ask, Heard, Supported]:
    return judge_support(JudgeSpec("critic"), SOURCES, STATEMENTS)


def heard(ask: Ask, **lists: Any) -> Heard:
    ticket = re.findall(r"<statement-1 (\w+)>", ask["messages"][1]["content"])[0]
    return Heard(text=json.dumps({"ticket": ticket, **lists}))


def ended(running: Generator[Ask, Heard, Supported], said: Heard) -> Supported:
    with pytest.raises(StopIteration) as stop:
        running.send(said)
    found: Supported = stop.value.value
    return found


def test_what_is_not_named_is_supported() -> None:
    running = course()
    ask = next(running)
    told = ended(running, heard(ask, contradicted=[2], unmentioned=[3]))
    assert told.of == (Support.SUPPORTED, Support.CONTRADICTED, Support.UNMENTIONED)
    assert all(one in ask["messages"][1]["content"] for one in (*SOURCES, *STATEMENTS))


@pytest.mark.parametrize(
    "lists",
    [
        {"contradicted": [4], "unmentioned": []},
        {"contradicted": [True], "unmentioned": []},
        {"contradicted": [1], "unmentioned": [1]},
        {"contradicted": []},
        {"contradicted": "none", "unmentioned": []},
    ],
)
def test_what_cannot_be_read_is_asked_once_more_and_then_unknown(lists: dict[str, Any]) -> None:
    running = course()
    again = running.send(heard(next(running), **lists))
    assert "could not be read" in again["messages"][-1]["content"]
    assert ended(running, heard(again, **lists)).of is None


def test_a_call_that_gets_no_answer_is_told() -> None:
    running = course()
    next(running)
    told = ended(running, Heard(text=None, refusal="provider_unavailable"))
    assert told == Supported(None, "provider_unavailable")
