"""Asks a judge about texts before a rule acts on what detectors say of them.

A judge sees texts as redacted as any model. It is asked once for a rule and a request.
"""

import asyncio
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from legato.core.errors import DetectorFailed
from legato.core.guarding import Finding, Piece, Place
from legato.judging.asking import Ask, Heard
from legato.judging.judge import JudgeSpec
from legato.judging.screening import TEXTS_MAX, Screened, screen

if TYPE_CHECKING:
    from legato.core.config_guardrails import RuleJudge
    from legato.gateway.context import Call
    from legato.guardrails.policy.compiling import CompiledRule

DETECTOR: Final = "judge"
_AROUND_CHARS: Final = 1_500
"""Of a long text: so much before and behind what was found is shown."""
_LABELS: Final = {"injection": "INJECTION", "toxicity": "TOXICITY"}


class JudgeCalling(Protocol):
    """Makes the calls of a course of questions; see legato.gateway.judge_calls."""

    async def judged(
        self, live: "Call", course: Generator[Ask, Heard, Screened], name: str, purpose: str
    ) -> Screened:
        """Follow a course to its end."""
        ...


class Doubt(NamedTuple):
    """A text that is to be judged, and what detectors found in it."""

    piece: Piece
    """As it is shown."""
    findings: tuple[Finding, ...]
    """In the text as it came."""
    length: int
    """Of the text as it came."""


class RuleJudges:
    """Judges of rules; for one event loop."""

    def __init__(self, calls: JudgeCalling) -> None:
        self._calls = calls

    async def confirmed(
        self, call: "Call", rule: "CompiledRule", doubts: Sequence[Doubt]
    ) -> dict[str, list[Finding]]:
        """Return what of doubtful texts is found, by their pointers. Raises DetectorFailed."""
        judge = rule.setting.judge
        if judge is None or not doubts:
            return {}
        texts = [_shown(one) for one in doubts]
        if len(texts) > TEXTS_MAX or sum(map(len, texts)) > judge.characters_max:
            raise DetectorFailed("more text than `judge.characters_max`")
        screened = await self._screened(call, judge, texts)
        if screened.found is None:
            raise DetectorFailed(f"no verdict: {screened.problem}")
        found: dict[str, list[Finding]] = {}
        for index in sorted(screened.found):
            one = doubts[index]
            label = _LABELS[judge.asks]
            told = one.findings or (Finding(label, 0, one.length, 1.0, DETECTOR),)
            found.setdefault(one.piece.where, []).extend(told)
        return found

    async def _screened(self, call: "Call", judge: "RuleJudge", texts: Sequence[str]) -> Screened:
        spec = JudgeSpec(judge.deployment, max_tokens=judge.max_tokens)
        purpose = f"guardrail:{judge.asks}"
        try:
            async with asyncio.timeout(judge.time_ms / 1000):
                course = screen(spec, judge.asks, texts)
                return await self._calls.judged(call, course, judge.deployment, purpose)
        except TimeoutError:
            raise DetectorFailed("it took too long") from None


def doubts_of(
    rule: "CompiledRule",
    shown: Sequence[Piece],
    found: Sequence[tuple[Piece, Sequence[Finding]]],
    spoken: frozenset[str],
) -> tuple[dict[str, list[Finding]], list[Doubt]]:
    """Return what stands unasked, by pointers, and what is to be judged.

    `shown` are the texts of `found` as a judge may see them; `spoken` are the pointers of what
    users say, documents and results: what is judged where no detector found anything.
    """
    judge = rule.setting.judge
    certain: dict[str, list[Finding]] = {}
    doubtful: list[Doubt] = []
    for as_shown, (piece, findings) in zip(shown, found, strict=True):
        if judge is None or piece.place not in rule.places:
            continue
        fitting = tuple(filter(rule.fits, findings))
        above = [one for one in fitting if one.score >= judge.below]
        if above:
            certain[piece.where] = above
        elif fitting or (judge.always and piece.where in spoken and piece.text.strip()):
            doubtful.append(Doubt(as_shown, fitting, len(piece.text)))
    return certain, doubtful


def doubt_of_answer(text: str, where: str) -> Doubt:
    """Return a whole answer as one."""
    return Doubt(Piece(text, where, Place.OUTPUT), (), len(text))


def _shown(doubt: Doubt) -> str:
    text = doubt.piece.text
    if not doubt.findings or len(text) <= 2 * _AROUND_CHARS:
        return text
    start = min(one.start for one in doubt.findings)
    end = max(one.end for one in doubt.findings)
    return text[max(0, start - _AROUND_CHARS) : end + _AROUND_CHARS]
