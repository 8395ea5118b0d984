from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato.gateway.quotes import QUOTE_CHARS_MIN, without_quotes

PROMPT = "The patient, born 1971, lives in Wien and takes"
LONG = st.text(min_size=QUOTE_CHARS_MIN, max_size=80)


def chat(content: Any) -> dict[str, Any]:
    return {
        "model": "a-model-with-a-very-long-name",
        "messages": [{"role": "user", "content": content}],
    }


def test_what_a_provider_quotes_is_taken_out() -> None:
    said = f"Invalid content: '{PROMPT}'. Try again."
    assert without_quotes(said, chat(PROMPT)) == "Invalid content: '[…]'. Try again."


@pytest.mark.parametrize(
    "said",
    [
        "",
        "Unknown field: colour",
        "messages[0].role: must be one of user, assistant, system, tool, developer",
        "The model a-model-with-a-very-long-name does not exist.",
        "lives in Wien",  # shorter than a quote
    ],
)
def test_what_the_caller_needs_to_mend_the_request_stays(said: str) -> None:
    assert without_quotes(said, chat(PROMPT)) == said


@pytest.mark.parametrize(
    "body",
    [
        chat([{"type": "text", "text": PROMPT}]),
        {"system": PROMPT},
        {"input": ["x", PROMPT]},
        {"metadata": {PROMPT: 1}},
        {"tools": [{"function": {"description": PROMPT}}]},
    ],
)
def test_every_string_of_a_request_counts(body: dict[str, Any]) -> None:
    assert PROMPT not in without_quotes(f"no: {PROMPT}", body)


@given(before=st.text(max_size=40), quote=LONG, after=st.text(max_size=40), around=st.text())
def test_no_quote_of_any_place_and_length_survives(
    before: str, quote: str, after: str, around: str
) -> None:
    left = without_quotes(before + quote + after, chat(around + quote + around))
    assert quote not in left


@given(st.text(max_size=60), st.text(max_size=60))
def test_a_message_that_shares_nothing_long_is_left_alone(message: str, prompt: str) -> None:
    runs = (message[at : at + QUOTE_CHARS_MIN] for at in range(len(message)))
    shares = any(len(run) == QUOTE_CHARS_MIN and run in prompt for run in runs)
    assert shares or without_quotes(message, {"input": prompt}) == message


@pytest.mark.parametrize(
    ("message", "prompt"),
    [
        ("x" * 2_000, "x" * 1_000_000),
        ("abcdefgh-" * 220, "abcdefgh+" * 110_000),
        ("a" * 2_048, "b" * 32_000_000),
    ],
)
def test_the_work_is_bounded(message: str, prompt: str) -> None:
    began_s = time.process_time()
    assert prompt[:QUOTE_CHARS_MIN] not in without_quotes(message, chat(prompt))
    assert time.process_time() - began_s < 1.0
