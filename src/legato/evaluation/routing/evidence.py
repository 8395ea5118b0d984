"""What was recorded of answers, as a table that a router is trained on.

A judged answer counts fully, what says less of it counts less: `WEIGHTS`. What is known of the same
text and deployment becomes one outcome, the weighted mean, and counts no more than one judged
answer, however often it was said.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np

from legato.core.errors import InvalidRequest
from legato.core.feedback import Outcome, Thumbs
from legato.core.origin import NO_ORIGIN, Origin
from legato.evaluation.routing.tables import JudgedTable
from legato.evaluation.routing.training import JUDGED_MIN


class Source(StrEnum):
    """What tells how good an answer was."""

    TABLE = "table"
    EVALUATIONS = "evaluations"
    SCORES = "scores"
    COMPARISONS = "comparisons"
    FEEDBACK = "feedback"


WEIGHTS: Final[Mapping[Source, float]] = MappingProxyType(
    {
        Source.TABLE: 1.0,
        Source.EVALUATIONS: 1.0,
        Source.SCORES: 0.7,  # by a judge that had no expected answer
        Source.COMPARISONS: 0.5,  # says which of two is better, not whether it is good
        Source.FEEDBACK: 0.3,  # few say something, and they aren't like those who don't
    }
)
RECORDED: Final = (Source.EVALUATIONS, Source.SCORES, Source.COMPARISONS, Source.FEEDBACK)
_BY_OUTCOME: Final = {Outcome.ACCEPTED: 1.0, Outcome.REWORK: 0.5, Outcome.REJECTED: 0.0}
_BY_THUMBS: Final = {Thumbs.UP: 1.0, Thumbs.DOWN: 0.0}


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """One word on one deployment's answer to a text: `good` from 0 to 1. `cost` is in USD."""

    source: Source
    text: str
    deployment: str
    good: float
    cost: float | None = None
    origin: Origin = NO_ORIGIN


class Gathered(NamedTuple):
    """A table with, for each row, whose requests it comes from.

    `answers` counts words by deployment and source, `worth` is what a deployment's are worth in
    judged answers. Those named in `left_out` have too little of it and stay at their prior.
    """

    table: JudgedTable
    origins: Sequence[frozenset[Origin]]
    answers: Mapping[str, Counter[Source]]
    worth: Mapping[str, float]
    left_out: Sequence[str]


class _Cell:
    """What is known of one deployment's answer to a text."""

    def __init__(self) -> None:
        self.weight = self.total = 0.0
        self.costs: list[float] = []

    def take(self, one: Evidence) -> None:
        weight = WEIGHTS[one.source]
        self.weight += weight
        self.total += weight * one.good
        if one.cost is not None:
            self.costs.append(one.cost)


def good_by_word(word: Mapping[str, Any]) -> float | None:
    """Return how good somebody's feedback says that an answer is; None where it says nothing."""
    said = [
        _BY_THUMBS.get(word.get("thumbs")),  # type: ignore[arg-type]  # None is in neither
        _BY_OUTCOME.get(word.get("outcome")),  # type: ignore[arg-type]
        word.get("score"),
    ]
    values = [float(one) for one in said if one is not None]
    return sum(values) / len(values) if values else None


def evidence_of(table: JudgedTable) -> Iterable[Evidence]:
    """Yield the judged answers of a table, each with its cost."""
    for row, text in enumerate(table.prompts):
        for place, name in enumerate(table.models):
            good, cost = float(table.outcomes[row, place]), float(table.costs[row, place])
            if not np.isnan(good):
                paid = None if np.isnan(cost) else cost
                yield Evidence(
                    source=Source.TABLE, text=text, deployment=name, good=good, cost=paid
                )


def gathered(evidence: Iterable[Evidence], deployments: Sequence[str]) -> Gathered:
    """Bring evidence of these deployments into a table.

    Raises:
        InvalidRequest: two of them have too little; says what there is of each.
    """
    rows: dict[str, dict[str, _Cell]] = {}
    origins: dict[str, set[Origin]] = defaultdict(set)
    answers: dict[str, Counter[Source]] = {name: Counter() for name in deployments}
    for one in evidence:
        if one.deployment not in answers or not one.text.strip():
            continue
        answers[one.deployment][one.source] += 1
        rows.setdefault(one.text, {}).setdefault(one.deployment, _Cell()).take(one)
        if one.origin != NO_ORIGIN:
            origins[one.text].add(one.origin)
    worth = dict.fromkeys(deployments, 0.0)
    for cells in rows.values():
        for name, cell in cells.items():
            worth[name] += min(cell.weight, 1.0)
    names = tuple(name for name in deployments if worth[name] >= JUDGED_MIN)
    if len(names) < 2:  # noqa: PLR2004 - a choice
        raise InvalidRequest(_too_little(answers, worth))
    texts = [text for text, cells in rows.items() if not cells.keys().isdisjoint(names)]
    return Gathered(
        _table(texts, rows, names),
        [frozenset(origins[text]) for text in texts],
        answers,
        worth,
        [name for name in deployments if name not in names],
    )


def _table(
    texts: Sequence[str], rows: Mapping[str, Mapping[str, _Cell]], names: tuple[str, ...]
) -> JudgedTable:
    outcomes = np.full((len(texts), len(names)), np.nan)
    costs, trust = outcomes.copy(), np.zeros_like(outcomes)
    for row, text in enumerate(texts):
        for place, name in enumerate(names):
            cell = rows[text].get(name)
            if cell is not None:
                outcomes[row, place] = cell.total / cell.weight
                trust[row, place] = min(cell.weight, 1.0)
                if cell.costs:
                    costs[row, place] = sum(cell.costs) / len(cell.costs)
    return JudgedTable(texts, [""] * len(texts), names, outcomes, costs, trust)


def _too_little(answers: Mapping[str, Counter[Source]], worth: Mapping[str, float]) -> str:
    told = []
    for name, counts in answers.items():
        said = ", ".join(f"{count} of {source}" for source, count in sorted(counts.items()))
        told.append(f"{name} has {worth[name]:.1f} ({said or 'nothing'})")
    return (
        f"too little is known: {'; '.join(told)}. Two deployments need what {JUDGED_MIN} judged "
        "answers are worth: widen --since, evaluate the deployments on one data set, or give a "
        "table of judged answers"
    )
