"""One answer: a case sent to a subject, judged by each scorer."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from legato.evaluation.plans import Plan, Subject
from legato.evaluation.scoring import (
    REASON_MAX,
    Answer,
    Caller,
    Case,
    Reply,
    Score,
    Scorer,
    Unscored,
)

CHAT: Final = "/v1/chat/completions"


class Scored(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one scorer made of an answer: no score where it couldn't judge, and why not."""

    scorer: str
    score: Score | None
    unscored: str = ""
    cost: int | None = 0
    """Nano-USD of calls that brought no score, None where one was unpriced."""


class Judged(msgspec.Struct, frozen=True):
    """An answer with its scores: what is sealed of it."""

    answer: Answer
    scores: tuple[Scored, ...]

    @property
    def values(self) -> list[float | None]:
        """Each scorer's value; an answer that never came is worth nothing."""
        if self.answer.error:
            return [0.0] * len(self.scores)
        return [None if one.score is None else one.score.value for one in self.scores]

    @property
    def scoring_cost(self) -> int | None:
        """What judging cost, None where a call of it is unpriced."""
        costs = [one.cost if one.score is None else one.score.cost for one in self.scores]
        return None if None in costs else sum(cost for cost in costs if cost is not None)


def request_body(plan: Plan, subject: Subject, case: Case) -> dict[str, Any]:
    """Return the call that asks a subject for its answer."""
    body: dict[str, Any] = {**plan.parameters, "model": subject.model}
    body["messages"] = list(case.messages)
    if subject.version:
        body["metadata"] = {"variables": case.variables}
    return body


def read_answer(reply: Reply) -> Answer:
    """Return what a chat completion says: its text, or its calls of tools as JSON."""
    text = "" if reply.error else _text(reply.body)
    return Answer(
        text=text or "",
        request_id=reply.request_id,
        cost=reply.cost,
        latency_us=reply.latency_us,
        error="empty_answer" if text is None else reply.error,
        told=reply.told[:REASON_MAX],
    )


async def judged(scorers: Sequence[Scorer], case: Case, answer: Answer, caller: Caller) -> Judged:
    """Return an answer with its scores; one that never came is not judged."""
    if answer.error:
        return Judged(answer, tuple(Scored(one.label, None) for one in scorers))
    scores = []
    for scorer in scorers:
        try:
            scores.append(Scored(scorer.label, await scorer.score(case, answer, caller)))
        except Unscored as reason:
            scores.append(Scored(scorer.label, None, str(reason), reason.cost))
    return Judged(answer, tuple(scores))


def _text(body: Any) -> str | None:
    """Return the text of an answer, None where there is none."""
    try:
        message = body["choices"][0]["message"]
        calls = message.get("tool_calls")
        if calls and not message.get("content"):
            return msgspec.json.encode([call["function"] for call in calls]).decode()
        return message["content"] or ""
    except (KeyError, IndexError, TypeError, AttributeError):
        return None
