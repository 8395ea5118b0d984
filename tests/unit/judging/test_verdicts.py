from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato.judging.asking import Unreadable
from legato.judging.verdicts import read_verdict

TICKET = "0a1b2c3d4e5f"
VERDICT = {"ticket": TICKET, "level": 3}


@pytest.mark.parametrize(
    "said",
    [
        '{"ticket": "0a1b2c3d4e5f", "level": 3}',
        '```json\n{"ticket": "0a1b2c3d4e5f", "level": 3}\n```',
        'Here it is: {"ticket": "0a1b2c3d4e5f", "level": 3}. I hope {it} helps.',
        '{"level": 5} {broken {"ticket": "0a1b2c3d4e5f", "level": 3} {"ticket": "other"}',
        '{"ticket": "0a1b2c3d4e5f", "level": 3}\n{"ticket": "0a1b2c3d4e5f", "level": 3}',
    ],
)
def test_a_verdict_is_found_in_what_stands_around_it(said: str) -> None:
    assert read_verdict(said, TICKET) == VERDICT


@pytest.mark.parametrize(
    "said",
    [
        "",
        "5",
        '{"level": 5}',
        '{"ticket": "ffffffffffff", "level": 5}',
        '{"ticket": "0a1b2c3d4e5f", "level": 3',
        '{"ticket": "0a1b2c3d4e5f", "level": 3, "level": 5}',
        '{"ticket": "0a1b2c3d4e5f", "level": 3} {"ticket": "0a1b2c3d4e5f", "level": 5}',
        '[{"ticket": "x", "level": 5}]',
        "{" * 50_000,
    ],
)
def test_anything_else_is_no_verdict(said: str) -> None:
    with pytest.raises(Unreadable):
        read_verdict(said, TICKET)


@given(st.text(), st.text())
def test_no_text_around_it_changes_a_verdict(before: str, after: str) -> None:
    said = f"{before.replace('{', '')}{json.dumps(VERDICT)}{after.replace('{', '')}"
    assert read_verdict(said, TICKET) == VERDICT
