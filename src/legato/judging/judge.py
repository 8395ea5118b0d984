"""A judge as it is stored: which model it asks, and what about. Exactly one way of judging."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from legato.core.config_parts import Name

SAMPLES_MAX: Final = 9

Words = Annotated[str, Meta(min_length=1, max_length=2000)]
Instruction = Annotated[str, Meta(max_length=8000)]
CriterionName = Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,63}$")]


class Way(StrEnum):
    """How a judge judges."""

    RUBRIC = "rubric"  # one answer, a level for each criterion
    PAIRWISE = "pairwise"  # two answers, which is better
    GROUNDING = "grounding"  # one answer, which of its claims a context supports


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class Level(_Strict, frozen=True):
    """A level of a criterion, with the meaning that anchors it."""

    value: int
    meaning: Words


class Criterion(_Strict, frozen=True):
    """What is asked of an answer, and between which levels."""

    name: CriterionName
    question: Words
    levels: Annotated[tuple[Level, ...], Meta(min_length=2, max_length=11)]
    weight: Annotated[float, Meta(gt=0, le=1000)] = 1.0

    @property
    def values(self) -> tuple[int, ...]:
        """The levels, lowest first."""
        return tuple(sorted(level.value for level in self.levels))

    def score(self, value: float) -> float:
        """Return a level, or a mean of levels, as a share of the way from lowest to highest."""
        lowest, *_, highest = self.values
        return (value - lowest) / (highest - lowest)


class Rubric(_Strict, frozen=True):
    """Criteria, judged together; the score is their mean by weight."""

    criteria: Annotated[tuple[Criterion, ...], Meta(min_length=1, max_length=20)]
    instruction: Instruction = ""


class Pairwise(_Strict, frozen=True):
    """What makes one of two answers the better one."""

    instruction: Annotated[Instruction, Meta(min_length=1)]


class Grounding(_Strict, frozen=True):
    """What counts as a claim, where more is to be said than that it states a fact."""

    instruction: Instruction = ""


class JudgeSpec(_Strict, frozen=True):
    """The content of a version of a judge."""

    model: Name
    rubric: Rubric | None = None
    pairwise: Pairwise | None = None
    grounding: Grounding | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] = 0.0
    samples: Annotated[int, Meta(ge=1, le=SAMPLES_MAX)] = 1
    """How often a rubric is asked; the level is the median."""
    max_tokens: Annotated[int, Meta(ge=16, le=16_384)] = 1024
    structured: bool = True
    """Ask for output of a JSON schema. False for models that can't: what they say is read alike."""

    @property
    def way(self) -> Way:
        """How it judges."""
        return next(way for way in Way if getattr(self, way.value) is not None)


def problems_of(spec: JudgeSpec) -> Iterator[tuple[str, str]]:
    """Yield where and why a judge can't be one, beyond what its types say."""
    ways = [way.value for way in Way if getattr(spec, way.value) is not None]
    if len(ways) != 1:
        found = " and ".join(ways) or "none"
        yield "rubric", f"give exactly one of {', '.join(Way)}; there is {found}"
    if spec.samples > 1 and spec.rubric is None:
        yield "samples", "only a rubric is asked more than once"
    elif spec.samples > 1 and not spec.temperature:
        yield "samples", "at temperature 0 all samples are alike; raise the temperature"
    if spec.rubric is not None:
        yield from _of_criteria(spec.rubric)


def _of_criteria(rubric: Rubric) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for index, criterion in enumerate(rubric.criteria):
        place = f"rubric.criteria[{index}]"
        if criterion.name in seen:
            yield f"{place}.name", f"another criterion is named `{criterion.name}`"
        seen.add(criterion.name)
        if len(set(criterion.values)) != len(criterion.levels):
            yield f"{place}.levels", "two levels have the same value"
