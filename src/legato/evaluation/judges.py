"""Lets a judge of the registry judge: its courses, with the gateway's answers."""

from collections.abc import Generator
from typing import Any, Final, TypeVar

import msgspec

from legato.core.errors import InvalidRequest, ProviderRejected
from legato.evaluation.scoring import Caller, Reply
from legato.judging.asking import Ask, Heard, Subject
from legato.judging.grounding import GroundingJudgement, judge_grounding
from legato.judging.judge import JudgeSpec, Way
from legato.judging.pairs import PairJudgement, judge_pair
from legato.judging.rubrics import RubricJudgement, judge_by_rubric

_ENDPOINT: Final = "/v1/chat/completions"
_REFUSED: Final = frozenset({InvalidRequest.code, ProviderRejected.code})
Found = TypeVar("Found")
Judgement = RubricJudgement | PairJudgement | GroundingJudgement


class Spent(msgspec.Struct):
    """What judging cost: nano-USD, None where a call was unpriced, and by which calls."""

    cost: int | None = 0
    request_ids: tuple[str, ...] = ()

    def add(self, heard: Heard) -> None:
        """Count one call."""
        self.cost = None if self.cost is None or heard.cost is None else self.cost + heard.cost
        if heard.request_id:
            self.request_ids += (heard.request_id,)


async def judged(spec: JudgeSpec, subject: Subject, caller: Caller) -> tuple[Judgement, Spent]:
    """Return a judgement and what it cost."""
    if spec.way is Way.RUBRIC:
        return await _walked(judge_by_rubric(spec, subject), caller)
    if spec.way is Way.PAIRWISE:
        return await _walked(judge_pair(spec, subject), caller)
    return await _walked(judge_grounding(spec, subject), caller)


async def _walked(course: Generator[Ask, Heard, Found], caller: Caller) -> tuple[Found, Spent]:
    spent = Spent()
    try:
        ask = next(course)
        while True:
            heard = _heard(await caller.call(_ENDPOINT, ask), ask)
            spent.add(heard)
            ask = course.send(heard)
    except StopIteration as ended:
        return ended.value, spent


def _heard(reply: Reply, ask: Ask) -> Heard:
    if reply.error:
        # a schema is all that a body has which a model may not take
        unsupported = reply.error in _REFUSED and "response_format" in ask
        return Heard(
            text=None,
            refusal=f"the judge's model didn't answer: {reply.error}",
            unsupported=unsupported,
            request_id=reply.request_id,
            cost=reply.cost,
        )
    return Heard(text=_text(reply.body), request_id=reply.request_id, cost=reply.cost)


def _text(body: Any) -> str:
    try:
        content = body["choices"][0]["message"]["content"]
    except (KeyError, IndexError, TypeError):
        return ""
    return content if isinstance(content, str) else ""
