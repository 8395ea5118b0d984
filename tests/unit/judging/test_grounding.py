from __future__ import annotations

from typing import Any

from legato.judging.asking import Subject
from legato.judging.grounding import GroundingJudgement, judge_grounding
from legato.judging.judge import Grounding, JudgeSpec

from .courses import verdict, walked

SPEC = JudgeSpec("grader", grounding=Grounding())


def judged(claims: Any, context: str = "Rain fell.") -> GroundingJudgement:
    course = judge_grounding(SPEC, Subject(answer="It rained. It snowed.", context=context))
    found: GroundingJudgement = walked(course, lambda ask: verdict(ask, claims=claims))
    return found


def test_the_score_is_the_share_of_supported_claims() -> None:
    found = judged([
        {"claim": "It rained.", "support": "supported"},
        {"claim": "It snowed.", "support": "contradicted"},
        {"claim": "On Monday.", "support": "unmentioned"},
        {"claim": "At all.", "support": "Supported"},
    ])  # fmt: skip
    assert found.score == 0.5
    assert [one.support for one in found.claims][1] == "contradicted"


def test_who_claims_nothing_claims_nothing_wrong() -> None:
    assert judged([]).score == 1.0


def test_what_cannot_be_judged_is_unjudged() -> None:
    assert judged([{"claim": "It rained.", "support": "maybe"}]).score is None
    assert judged("none").score is None
    assert judged([], context="").problem == "there is no context to hold the answer against"
