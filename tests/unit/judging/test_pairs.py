from __future__ import annotations

import pytest

from legato.judging.asking import Ask, Subject
from legato.judging.judge import JudgeSpec, Pairwise
from legato.judging.pairs import PairJudgement, Place, judge_pair

from .courses import verdict, walked

SPEC = JudgeSpec("grader", pairwise=Pairwise("The more helpful one is better."))
SUBJECT = Subject(input="?", answer="good", other="bad")


def judged(said: dict[str, str]) -> PairJudgement:
    """Judge with a model that says, for the text it sees first, which is better."""

    def model(ask: Ask) -> str:
        shown = ask["messages"][1]["content"]
        first = "good" if shown.index("good") < shown.index("bad") else "bad"
        return verdict(ask, reason="so", better=said[first])

    found: PairJudgement = walked(judge_pair(SPEC, SUBJECT), model)
    return found


@pytest.mark.parametrize(
    ("good_first", "bad_first", "score"),
    [
        ("first", "second", 1.0),
        ("second", "first", 0.0),
        ("tie", "tie", 0.5),
        ("first", "first", 0.5),
        ("Second ", "second", 0.5),
        ("first", "tie", 0.5),
    ],
)
def test_a_preference_counts_where_both_orders_agree(
    good_first: str, bad_first: str, score: float
) -> None:
    found = judged({"good": good_first, "bad": bad_first})
    assert found.score == score
    assert found.shown_first == Place(good_first.strip().lower())


@pytest.mark.parametrize(("good", "bad"), [("both", "first"), ("first", "neither")])
def test_without_a_verdict_in_one_order_the_pair_stays_unjudged(good: str, bad: str) -> None:
    found = judged({"good": good, "bad": bad})
    assert found.score is None
    assert "`better` is one of first, second, tie" in found.problem
