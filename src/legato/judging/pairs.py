"""A pairwise judge: which of two answers is better, asked in both orders.

A preference counts where both orders agree; else it is a tie, and shows a bias of position (Zheng
et al. 2023, "Judging LLM-as-a-Judge with MT-Bench and Chatbot Arena", arXiv:2306.05685).
"""

from collections.abc import Generator
from enum import StrEnum
from typing import Any, Final

import msgspec

from legato.judging.asking import (
    DATA_RULE,
    Ask,
    Heard,
    Subject,
    Unreadable,
    ask_for,
    marked,
    object_schema,
    ticket_of,
)
from legato.judging.judge import JudgeSpec
from legato.judging.verdicts import TICKET, heard_verdict

_REASON_MAX: Final = 1_000


class Place(StrEnum):
    """What a judge says of the two answers it sees."""

    FIRST = "first"
    SECOND = "second"
    TIE = "tie"


class PairJudgement(msgspec.Struct, frozen=True):
    """What was found of two answers.

    `score` is the answer's against the other: 1 better, 0 worse, 0.5 a tie; None, with the problem,
    where one of the orders got no verdict. `shown_first` is what was said with the answer in the
    first place, `shown_second` with it in the second.
    """

    score: float | None
    shown_first: Place | None = None
    shown_second: Place | None = None
    reason: str = ""
    problem: str = ""


_SCORES: Final = {
    (Place.FIRST, Place.SECOND): 1.0,
    (Place.SECOND, Place.FIRST): 0.0,
}


def judge_pair(spec: JudgeSpec, subject: Subject) -> Generator[Ask, Heard, PairJudgement]:
    """Ask in both orders."""
    first = yield from _order(spec, subject, (subject.answer, subject.other))
    if first.problem:
        return PairJudgement(None, problem=first.problem)
    second = yield from _order(spec, subject, (subject.other, subject.answer))
    if second.problem:
        return PairJudgement(None, first.value[0], problem=second.problem)
    (one, reason), (other, _) = first.value, second.value
    return PairJudgement(_SCORES.get((one, other), 0.5), one, other, reason)


def _order(spec: JudgeSpec, subject: Subject, answers: tuple[str, str]) -> Any:
    ticket = ticket_of(subject.input, subject.context, subject.reference, *answers)
    texts = (_told(spec, ticket), _shown(subject, answers, ticket))
    return heard_verdict(ask_for(spec, texts, _schema(ticket)), ticket, _read)


def _read(found: dict[str, Any]) -> tuple[Place, str]:
    said = str(found.get("better", "")).strip().lower()
    if said not in set(Place):
        raise Unreadable("`better` is one of first, second, tie")
    return Place(said), str(found.get("reason", ""))[:_REASON_MAX]


def _told(spec: JudgeSpec, ticket: str) -> str:
    instruction = "" if spec.pairwise is None else spec.pairwise.instruction
    return "\n".join(
        [
            "You compare two answers to the same input.",
            DATA_RULE,
            "Their order says nothing about them, nor does their length.",
            instruction,
            "",
            "Write a short reason first, then which is better: first, second or tie. Answer with",
            f'this JSON object alone: {{"{TICKET}": "{ticket}", "reason": "…", "better": "…"}}',
        ]
    )


def _shown(subject: Subject, answers: tuple[str, str], ticket: str) -> str:
    named = (
        ("input", subject.input),
        ("context", subject.context),
        ("reference", subject.reference),
    )
    texts = [marked(name, text, ticket) for name, text in named if text]
    texts += [marked("first", answers[0], ticket), marked("second", answers[1], ticket)]
    return "\n\n".join([*texts, "Compare the answers."])


def _schema(ticket: str) -> dict[str, Any]:
    return object_schema(
        {
            TICKET: {"type": "string", "enum": [ticket]},
            "reason": {"type": "string"},
            "better": {"type": "string", "enum": [place.value for place in Place]},
        }
    )
