"""What people said of answers, and how a judge agrees with them."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from statistics import fmean
from typing import Any

import msgspec

from legato.judging.agreement import (
    Pair,
    cohen_kappa,
    confusion,
    exact_agreement,
    krippendorff_alpha,
    quadratic_kappa,
    spearman,
)
from legato.judging.calibration import Calibration, calibrated
from legato.judging.judge import Criterion, Rubric
from legato.judging.resampling import Estimate, estimated


class Label(msgspec.Struct, frozen=True):
    """What one person said of one item: a level for each criterion."""

    item: str
    labeller: str
    levels: dict[str, int]


class Judged(msgspec.Struct, frozen=True):
    """What a judge said of one item: a level for each criterion, and its score."""

    item: str
    levels: dict[str, float]
    score: float


class Agreement(msgspec.Struct, frozen=True, kw_only=True):
    """Two sides' agreement over `pairs` of labels on `items`."""

    items: int
    pairs: int
    exact: Estimate
    kappa: Estimate
    weighted_kappa: Estimate
    spearman: Estimate


class CriterionAgreement(msgspec.Struct, frozen=True, kw_only=True):
    """One criterion: the judge with people, and people among themselves.

    `confusion` has (people's level, judge's level, how often).
    """

    name: str
    judge: Agreement
    people: Agreement
    alpha: Estimate
    """Krippendorff's, among people."""
    confusion: list[tuple[float, float, int]]


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A judge's agreement with people, as it is kept beside its version."""

    items: int
    unjudged: int
    labellers: int
    criteria: list[CriterionAgreement]
    calibration: Calibration


def measured(
    rubric: Rubric, labels: Sequence[Label], judged: Sequence[Judged], *, unjudged: int
) -> Record:
    """Compare a judge with the people who labelled the same items."""
    by_item: dict[str, list[Label]] = {}
    for label in labels:
        by_item.setdefault(label.item, []).append(label)
    found = {one.item: one for one in judged if one.item in by_item}
    points = [
        (one.score, fmean(rubric_score(rubric, label.levels) for label in by_item[item]))
        for item, one in sorted(found.items())
    ]
    return Record(
        items=len(found),
        unjudged=unjudged,
        labellers=len({label.labeller for label in labels}),
        criteria=[_criterion(one, by_item, found) for one in rubric.criteria],
        calibration=calibrated(points),
    )


def rubric_score(rubric: Rubric, levels: Mapping[str, float]) -> float:
    """Return the score that levels amount to, 0 to 1, of the criteria that have one."""
    known = [one for one in rubric.criteria if one.name in levels]
    return fmean([one.score(levels[one.name]) for one in known], [one.weight for one in known])


def label_problems(rubric: Rubric, levels: Any) -> str:
    """Say what keeps levels from being a label; "" where nothing does."""
    criteria = {one.name: one.values for one in rubric.criteria}
    if not isinstance(levels, dict) or not levels:
        return f"give a level for each of {', '.join(criteria)}"
    for name, level in levels.items():
        if name not in criteria:
            return f"`{str(name)[:80]}` is no criterion; known: {', '.join(criteria)}"
        if isinstance(level, bool) or level not in criteria[name]:
            return f"{name}: must be one of {', '.join(map(str, criteria[name]))}"
    missing = sorted(set(criteria) - set(levels))
    return f"{missing[0]}: is missing" if missing else ""


def _criterion(
    criterion: Criterion, labels: Mapping[str, list[Label]], judged: Mapping[str, Judged]
) -> CriterionAgreement:
    name = criterion.name
    given = {
        item: [label.levels[name] for label in some if name in label.levels]
        for item, some in labels.items()
    }
    with_judge = [
        [(float(level), one.levels[name]) for level in given[item]]
        for item, one in sorted(judged.items())
    ]
    # in both orders, so that nobody is the first labeller
    among = [
        [pair for one, other in combinations(some, 2) for pair in ((one, other), (other, one))]
        for some in given.values()
        if len(some) > 1
    ]
    return CriterionAgreement(
        name=name,
        judge=_agreement(with_judge),
        people=_agreement([[(float(a), float(b)) for a, b in some] for some in among]),
        alpha=estimated(list(given.values()), krippendorff_alpha),
        confusion=[
            (*pair, count)
            for pair, count in confusion([pair for some in with_judge for pair in some]).items()
        ],
    )


def _agreement(items: Sequence[list[Pair]]) -> Agreement:
    def of(figure: Any) -> Estimate:
        return estimated(items, lambda some: figure([pair for pairs in some for pair in pairs]))

    return Agreement(
        items=len(items),
        pairs=sum(map(len, items)),
        exact=of(exact_agreement),
        kappa=of(cohen_kappa),
        weighted_kappa=of(quadratic_kappa),
        spearman=of(spearman),
    )
