"""What a judge of the registry makes of an answer: a rubric, a comparison, or grounding."""

from typing import Any, ClassVar

import msgspec

from legato.core.errors import InvalidRequest
from legato.evaluation.judges import Judgement, judged
from legato.evaluation.scoring import (
    REASON_MAX,
    Answer,
    Caller,
    Case,
    Score,
    ScorerSettings,
    Unscored,
    expected_text,
)
from legato.judging.asking import Subject
from legato.judging.calibration import Mapping
from legato.judging.grounding import Support
from legato.judging.judge import JudgeSpec, Way
from legato.judging.pairs import PairJudgement
from legato.judging.rubrics import RubricJudgement

UNCALIBRATED = "by a judge whose agreement with people isn't measured"


class Standing(msgspec.Struct, frozen=True):
    """A judge as a run is to use it: pinned when the run is planned."""

    spec: JudgeSpec
    measured: bool = False
    """Whether this version's agreement with people was measured."""
    mapping: Mapping = Mapping()
    """From its scores to people's, where one was found to help."""


class Judge(ScorerSettings, frozen=True, tag="judge"):
    """A judge's score; a pairwise one compares with the expected text.

    An answer it can't judge is unscored, never 0. Scores of a judge that was never measured
    against people's labels say so in their reason.
    """

    pure: ClassVar[bool] = False
    judge: str
    """NAME@VERSION, or NAME for its production label."""
    standing: Standing | None = None
    """Set when a run is planned."""

    @property
    def label(self) -> str:
        """Its name where none is given: a suite may have several judges."""
        return self.name or self.judge.partition("@")[0]

    def require_settings(self) -> None:
        """Refuse a judge without a name."""
        super().require_settings()
        if not self.judge.partition("@")[0]:
            raise InvalidRequest("judge: write NAME or NAME@VERSION", param="judge")

    async def score(self, case: Case, answer: Answer, caller: Caller) -> Score:
        """Let the judge judge."""
        if self.standing is None:
            raise Unscored("the judge wasn't pinned when the run was planned")
        spec = self.standing.spec
        found, spent = await judged(spec, _subject(spec, case, answer), caller)
        if found.score is None:
            raise Unscored(found.problem or "the judge gave no verdict", spent.cost)
        reason = _reason(found)
        if not self.standing.measured:
            reason = f"{reason} ({UNCALIBRATED})".strip()
        return Score(
            value=min(1.0, max(0.0, self.standing.mapping(found.score))),
            reason=reason[:REASON_MAX],
            cost=spent.cost,
            request_ids=spent.request_ids,
        )


def input_text(case: Case) -> str:
    """Return what was asked, as a judge reads it."""
    said = [(str(one.get("role", "")), _content(one.get("content"))) for one in case.messages]
    if case.variables:
        said.append(("variables", msgspec.json.encode(case.variables).decode()))
    if len(said) == 1:
        return said[0][1]
    return "\n\n".join(f"{role}: {text}" for role, text in said)


def _subject(spec: JudgeSpec, case: Case, answer: Answer) -> Subject:
    known = "" if case.expected is None else known_text(case)
    compared = spec.way is Way.PAIRWISE
    if compared and not known:
        raise Unscored("the case has no expected text to compare with")
    return Subject(
        answer=answer.text,
        input=input_text(case),
        context=case.context,
        reference="" if compared else known,
        other=known if compared else "",
    )


def known_text(case: Case) -> str:
    """Return what a case expects, as a judge reads it: plain data as JSON."""
    try:
        return expected_text(case)
    except Unscored:
        return msgspec.json.encode(case.expected).decode()


def _content(content: Any) -> str:
    if isinstance(content, list):
        texts = [one.get("text", "") for one in content if isinstance(one, dict)]
        return "\n".join(text for text in texts if isinstance(text, str) and text)
    return content if isinstance(content, str) else ""


def _reason(found: Judgement) -> str:
    if isinstance(found, RubricJudgement):
        return "; ".join(f"{one.name} {one.level:g}: {one.reason}" for one in found.criteria)
    if isinstance(found, PairJudgement):
        return f"{found.shown_first}, then {found.shown_second}: {found.reason}"
    loose = [one.text for one in found.claims if one.support is not Support.SUPPORTED]
    return f"not supported: {'; '.join(loose)}" if loose else ""
