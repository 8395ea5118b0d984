"""Run with `python -m pytest`; no network."""

import asyncio
from typing import Any

import pytest
from polite_scorer.scorer import Polite

from legato.core.errors import InvalidRequest
from legato.evaluation.scoring import Answer, Case, Score

NOBODY: Any = None


def score(text: str) -> Score:
    return asyncio.run(Polite().score(Case(id="1"), Answer(text=text), NOBODY))


def test_the_share_of_the_words_is_the_score() -> None:
    assert score("Please wait. Thank you!") == Score(value=1.0)
    assert score("Please wait.") == Score(value=0.5, reason="doesn't say thank you")


def test_no_words_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="words: name at least one"):
        Polite(words=()).require_settings()
