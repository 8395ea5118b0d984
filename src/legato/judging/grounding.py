"""A grounding judge: which claims of an answer a context supports.

The answer is taken apart into claims and each is held against the context, as in RAGAS'
faithfulness (Es et al. 2023, arXiv:2309.15217) and FActScore (Min et al. 2023, arXiv:2305.14251).
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

CLAIMS_MAX: Final = 100
_CLAIM_MAX: Final = 1_000
_CLAIM_SHAPE: Final = '{"claim": "…", "support": "…"}'


class Support(StrEnum):
    """What a context says of a claim."""

    SUPPORTED = "supported"
    CONTRADICTED = "contradicted"
    UNMENTIONED = "unmentioned"


class Claim(msgspec.Struct, frozen=True):
    """One claim of an answer."""

    text: str
    support: Support


class GroundingJudgement(msgspec.Struct, frozen=True):
    """What was found: the share of claims that are supported; 1 where nothing is claimed.

    `score` is None, with the problem, where it stays unjudged.
    """

    score: float | None
    claims: tuple[Claim, ...] = ()
    problem: str = ""


def judge_grounding(spec: JudgeSpec, subject: Subject) -> Generator[Ask, Heard, GroundingJudgement]:
    """Ask once, and once more where the verdict can't be read."""
    if not subject.context:
        return GroundingJudgement(None, problem="there is no context to hold the answer against")
    ticket = ticket_of(*msgspec.structs.astuple(subject))
    texts = (_told(spec, ticket), _shown(subject, ticket))
    verdict = yield from heard_verdict(ask_for(spec, texts, _schema(ticket)), ticket, _read)
    if verdict.problem:
        return GroundingJudgement(None, problem=verdict.problem)
    claims: tuple[Claim, ...] = verdict.value
    supported = sum(one.support is Support.SUPPORTED for one in claims)
    return GroundingJudgement(supported / len(claims) if claims else 1.0, claims)


def _read(found: dict[str, Any]) -> tuple[Claim, ...]:
    given = found.get("claims")
    if not isinstance(given, list) or len(given) > CLAIMS_MAX:
        raise Unreadable(f"`claims` is a list of up to {CLAIMS_MAX}")
    return tuple(_claim(one) for one in given)


def _claim(found: Any) -> Claim:
    said = str(found.get("support", "")).strip().lower() if isinstance(found, dict) else ""
    if said not in set(Support):
        raise Unreadable(f"each claim's `support` is one of {', '.join(Support)}")
    return Claim(str(found.get("claim", ""))[:_CLAIM_MAX], Support(said))


def _told(spec: JudgeSpec, ticket: str) -> str:
    instruction = "" if spec.grounding is None else spec.grounding.instruction
    return "\n".join(
        [
            "You check which claims of an answer a context supports. What you know besides the",
            "context doesn't count.",
            DATA_RULE,
            *filter(None, [instruction]),
            "",
            "List every claim of fact in the answer, one by one, each with its support: supported",
            "(the context says so), contradicted (it says otherwise) or unmentioned. Answer with",
            f'this JSON object alone: {{"{TICKET}": "{ticket}", "claims": [{_CLAIM_SHAPE}]}}',
        ]
    )


def _shown(subject: Subject, ticket: str) -> str:
    texts = [marked("input", subject.input, ticket)] if subject.input else []
    texts += [marked("context", subject.context, ticket), marked("answer", subject.answer, ticket)]
    return "\n\n".join([*texts, "Check the answer's claims."])


def _schema(ticket: str) -> dict[str, Any]:
    support = {"type": "string", "enum": [one.value for one in Support]}
    claim = object_schema({"claim": {"type": "string"}, "support": support})
    return object_schema(
        {
            TICKET: {"type": "string", "enum": [ticket]},
            "claims": {"type": "array", "items": claim},
        }
    )
