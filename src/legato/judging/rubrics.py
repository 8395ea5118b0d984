"""A rubric judge: a level for each criterion, the reason before the level.

That reasons come first, and levels are anchored in words, is how G-Eval (Liu et al. 2023,
arXiv:2303.16634) and Prometheus (Kim et al. 2024, arXiv:2310.08491) ask.
"""

from collections.abc import Generator, Sequence
from statistics import fmean, median
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
from legato.judging.judge import Criterion, JudgeSpec, Rubric
from legato.judging.verdicts import TICKET, heard_verdict

_REASON_MAX: Final = 1_000


class CriterionJudgement(msgspec.Struct, frozen=True):
    """What was found of one criterion: `level` is the median of the samples, `score` 0 to 1."""

    name: str
    level: float
    score: float
    reason: str


class RubricJudgement(msgspec.Struct, frozen=True):
    """What was found of an answer; `score` None, with the problem, where it stays unjudged."""

    score: float | None
    criteria: tuple[CriterionJudgement, ...] = ()
    problem: str = ""
    samples: int = 0
    """How many verdicts could be read."""


def judge_by_rubric(spec: JudgeSpec, subject: Subject) -> Generator[Ask, Heard, RubricJudgement]:
    """Ask as often as the judge says; without a verdict of most samples it stays unjudged."""
    rubric = _rubric(spec)
    read: list[dict[str, tuple[int, str]]] = []
    problem = ""
    for number in range(spec.samples):
        verdict = yield from _sample(spec, rubric, subject, number)
        problem = verdict.problem or problem
        if not verdict.problem:
            read.append(verdict.value)
    if 2 * len(read) <= spec.samples:
        return RubricJudgement(None, problem=problem, samples=len(read))
    criteria = tuple(_joined(one, [each[one.name] for each in read]) for one in rubric.criteria)
    return RubricJudgement(weighted_score(rubric, criteria), criteria, samples=len(read))


def weighted_score(rubric: Rubric, criteria: Sequence[CriterionJudgement]) -> float:
    """Return the mean of the criteria's scores by weight, 0 to 1."""
    weights = [one.weight for one in rubric.criteria]
    scores = {one.name: one.score for one in criteria}
    return fmean([scores[one.name] for one in rubric.criteria], weights)


def _sample(spec: JudgeSpec, rubric: Rubric, subject: Subject, number: int) -> Any:
    # by its number each sample is a question of its own, which no cache answers for another
    ticket = ticket_of(str(number), *msgspec.structs.astuple(subject))
    texts = (_told(rubric, ticket), _shown(subject, ticket))
    ask = ask_for(spec, texts, _schema(rubric, ticket))
    return heard_verdict(ask, ticket, lambda found: _levels(rubric, found))


def _levels(rubric: Rubric, found: dict[str, Any]) -> dict[str, tuple[int, str]]:
    given = found.get("criteria")
    if not isinstance(given, dict):
        raise Unreadable("`criteria` is missing")
    return {one.name: _level(one, given.get(one.name)) for one in rubric.criteria}


def _level(criterion: Criterion, found: Any) -> tuple[int, str]:
    reason = ""
    if isinstance(found, dict):
        reason = str(found.get("reason", ""))[:_REASON_MAX]
        found = found.get("level")
    if isinstance(found, str) and found.strip().lstrip("-").isdecimal():
        found = int(found)
    # True is 1 in Python, and no level
    if isinstance(found, bool) or found not in criterion.values:
        allowed = ", ".join(map(str, criterion.values))
        raise Unreadable(f"`{criterion.name}` has no level; it is one of {allowed}")
    return int(found), reason


def _joined(criterion: Criterion, found: Sequence[tuple[int, str]]) -> CriterionJudgement:
    level = median(value for value, _ in found)
    nearest = min(found, key=lambda one: abs(one[0] - level))
    return CriterionJudgement(criterion.name, float(level), criterion.score(level), nearest[1])


def _rubric(spec: JudgeSpec) -> Rubric:
    if spec.rubric is None:
        msg = "a rubric judge has a rubric"
        raise AssertionError(msg)
    return spec.rubric


def _told(rubric: Rubric, ticket: str) -> str:
    lines = [
        "You judge an answer by a rubric, each criterion by itself.",
        DATA_RULE,
        *filter(None, [rubric.instruction]),
    ]
    for one in rubric.criteria:
        lines.append(f"\nCriterion `{one.name}`: {one.question}")
        ordered = sorted(one.levels, key=lambda level: level.value)
        lines += [f"  level {level.value}: {level.meaning}" for level in ordered]
    shape = ", ".join(f'"{one.name}": {{"reason": "…", "level": …}}' for one in rubric.criteria)
    lines += [
        "\nFor each criterion write a short reason first, then the level it leads to. Answer with",
        f'this JSON object alone: {{"{TICKET}": "{ticket}", "criteria": {{{shape}}}}}',
    ]
    return "\n".join(lines)


def _shown(subject: Subject, ticket: str) -> str:
    named = (
        ("input", subject.input),
        ("context", subject.context),
        ("reference", subject.reference),
    )
    texts = [marked(name, text, ticket) for name, text in named if text]
    return "\n\n".join([*texts, marked("answer", subject.answer, ticket), "Judge the answer."])


def _schema(rubric: Rubric, ticket: str) -> dict[str, Any]:
    criteria = {
        one.name: object_schema(
            {
                "reason": {"type": "string"},
                "level": {"type": "integer", "enum": list(one.values)},
            }
        )
        for one in rubric.criteria
    }
    named = {"type": "string", "enum": [ticket]}
    return object_schema({TICKET: named, "criteria": object_schema(criteria)})
