"""Recorded words on answers, brought into a table."""

import pytest

from legato.core.errors import InvalidRequest
from legato.core.origin import Origin
from legato.evaluation.routing.evidence import (
    WEIGHTS,
    Evidence,
    Source,
    evidence_of,
    gathered,
    good_by_word,
)

NAMES = ("large", "small", "new")
ANN = Origin("r1", "ann")


def judged(count: int, deployment: str, *, good: float = 1.0) -> list[Evidence]:
    return [
        Evidence(
            source=Source.EVALUATIONS, text=f"question {number}", deployment=deployment, good=good
        )
        for number in range(count)
    ]


def test_words_on_the_same_answer_become_one_that_counts_once() -> None:
    both = judged(100, "large") + judged(100, "small")
    down = Evidence(
        source=Source.FEEDBACK, text="question 3", deployment="small", good=0.0, origin=ANN
    )
    found = gathered([*both, down], NAMES)
    outcome = found.table.outcomes[3, 1]
    assert outcome == pytest.approx(1.0 / (1.0 + WEIGHTS[Source.FEEDBACK]))
    assert found.table.trust is not None
    assert found.table.trust[3].tolist() == [1.0, 1.0]
    assert found.origins[3] == {ANN}
    assert not found.origins[4]
    assert found.answers["small"] == {Source.EVALUATIONS: 100, Source.FEEDBACK: 1}
    assert found.left_out == ["new"]


def test_what_says_less_counts_less() -> None:
    up = [
        Evidence(source=Source.FEEDBACK, text=f"other {number}", deployment="large", good=1.0)
        for number in range(100)
    ]
    with pytest.raises(InvalidRequest, match=r"large has 30\.0 \(100 of feedback\)"):
        gathered(up + judged(100, "small"), NAMES)
    found = gathered(up + judged(100, "small") + judged(100, "large"), NAMES)
    assert found.worth["large"] == pytest.approx(130)
    assert found.table.trust is not None
    assert found.table.trust[0].tolist() == [WEIGHTS[Source.FEEDBACK], 0.0]


def test_a_table_says_again_what_it_said() -> None:
    found = gathered(judged(100, "large") + judged(120, "small", good=0.25), NAMES)
    again = gathered(evidence_of(found.table), NAMES)
    assert again.table.outcomes[:100].tolist() == found.table.outcomes[:100].tolist()
    assert again.worth == found.worth


@pytest.mark.parametrize(
    ("word", "good"),
    [
        ({"thumbs": "up"}, 1.0),
        ({"thumbs": "down", "score": 0.5}, 0.25),
        ({"outcome": "rework"}, 0.5),
        ({"outcome": "wrong_hit"}, None),
        ({"comment": "hm"}, None),
    ],
)
def test_feedback_is_read(word: dict[str, object], good: float | None) -> None:
    assert good_by_word(word) == good
