"""Asks whether an answer stands on the request's sources: an embedder, then a judge.

What words and figures support isn't asked about, unless the judge is always asked. Everything is as
redacted as the model saw it and wrote it.
"""

import asyncio
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Final, Protocol

from legato.core.errors import DetectorFailed
from legato.guardrails.outputs.grounding import Sentence
from legato.judging.asking import Ask, Heard
from legato.judging.grounding import Support
from legato.judging.judge import JudgeSpec
from legato.judging.supporting import Supported, judge_support

if TYPE_CHECKING:
    from legato.core.guard_output import GroundingJudge
    from legato.gateway.context import Call
    from legato.gateway.guards.topics import Topics
    from legato.guardrails.outputs.grounded import Complaint, Grounded

DETECTOR: Final = "grounding"
"""What failures name."""
_PURPOSE: Final = "guardrail:grounding"


class SupportJudging(Protocol):
    """Makes the calls of a course of questions; see legato.gateway.judge_calls."""

    async def judged(
        self, live: "Call", course: Generator[Ask, Heard, Supported], name: str, purpose: str
    ) -> Supported:
        """Follow a course to its end."""
        ...


class GroundingReview:
    """Asks; for one event loop."""

    def __init__(self, topics: "Topics", calls: SupportJudging) -> None:
        self._topics = topics
        self._calls = calls

    async def by_meaning(self, call: "Call", grounded: "Grounded", text: str) -> list[Sentence]:
        """Return what an answer states, with its support. Raises LegatoError: the embedder's."""
        context, judge = grounded.context, grounded.check.judge
        held = context.held_against(text, every=judge is not None and judge.always)
        lacking = grounded.lacking(held)
        if not lacking or not grounded.check.meaning:
            return held
        said = [text[one.start : one.end] for one in lacking]
        near = await self._topics.nearness(call, said, context.told_near(said))
        raised = {
            one: one._replace(support=context.support(words, nearness) or 0.0)
            for one, words, nearness in zip(lacking, said, near, strict=True)
        }
        return [raised.get(one, one) for one in held]

    async def by_judge(
        self, call: "Call", grounded: "Grounded", text: str, held: Sequence[Sentence]
    ) -> "list[Complaint]":
        """Return what is wrong with an answer; without a judge by support alone.

        Raises:
            DetectorFailed: the judge gave no verdict.
        """
        judge = grounded.check.judge
        doubtful = list(held) if judge is not None and judge.always else grounded.lacking(held)
        if judge is None or not doubtful:
            return grounded.complaints(doubtful, len(held))
        told = await self._judged(call, judge, grounded, [text[a:b] for a, b, _ in doubtful])
        verdicts = list(zip(doubtful, told, strict=True))
        return grounded.complaints(
            [one for one, said in verdicts if said is not Support.SUPPORTED],
            len(held),
            frozenset(one for one, said in verdicts if said is Support.CONTRADICTED),
        )

    async def _judged(
        self, call: "Call", judge: "GroundingJudge", grounded: "Grounded", said: Sequence[str]
    ) -> Sequence[Support]:
        sources = grounded.context.texts
        if sum(map(len, (*sources, *said))) > judge.characters_max:
            raise DetectorFailed("more text than `judge.characters_max`")
        course = judge_support(
            JudgeSpec(judge.deployment, max_tokens=judge.max_tokens), sources, said
        )
        try:
            async with asyncio.timeout(judge.time_ms / 1000):
                found = await self._calls.judged(call, course, judge.deployment, _PURPOSE)
        except TimeoutError:
            raise DetectorFailed("it took too long") from None
        if found.of is None:
            raise DetectorFailed(f"no verdict: {found.problem}")
        return found.of
