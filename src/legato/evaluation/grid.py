"""What an evaluation shows: each subject's scores, cost and time, and paired differences."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from legato.evaluation.intervals import Interval, mean_interval, paired_interval, percentile
from legato.evaluation.plans import Plan
from legato.evaluation.scorers.measures import Accepted
from legato.evaluation.scorers.table import label_of

_US_PER_MS: Final = 1_000
_ACCEPTED: Final = Accepted.__struct_config__.tag


class Rating(msgspec.Struct, frozen=True, kw_only=True):
    """One scorer's mean over a subject's cases; without a case nothing is known."""

    scorer: str
    cases: int
    unscored: int
    """Answers that the scorer couldn't judge: they are not among the cases."""
    mean: float | None = None
    low: float | None = None
    high: float | None = None


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One subject. Costs are nano-USD of what is priced; `unpriced` counts the rest."""

    subject: str
    answers: int
    failed: int
    ratings: tuple[Rating, ...]
    cost: int
    scoring_cost: int
    unpriced: int
    latency_ms_p50: float | None
    latency_ms_p95: float | None
    accepted: int | None = None
    """Of a workflow's answers, those accepted; None where no scorer `accepted` looked."""

    @property
    def cost_per_accepted(self) -> float | None:
        """Nano-USD of all answers for each accepted one, None where that can't be told."""
        return self.cost / self.accepted if self.accepted and not self.unpriced else None

    @property
    def cost_per_answer(self) -> float | None:
        """Nano-USD of one answer on average, scoring aside."""
        priced = self.answers - self.unpriced
        return self.cost / priced if priced else None


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """A subject's mean score less its baseline's, over the cases that both have a score for."""

    subject: str
    baseline: str
    scorer: str
    cases: int
    difference: float
    low: float
    high: float


class Grid(msgspec.Struct, frozen=True, kw_only=True):
    """All subjects, and each beside its baseline."""

    cells: tuple[Cell, ...]
    differences: tuple[Difference, ...]


class _Case(NamedTuple):
    value: float
    weight: float


_Scores = Mapping[int, _Case]
"""A subject's mean over the repetitions of each case, by its number."""


def grid_of(
    plan: Plan, answers: Iterable[Mapping[str, Any]], against: Mapping[int, int] | None = None
) -> Grid:
    """Sum up recorded answers, plain as the storage has them.

    `against` names another baseline for subjects, by number, than the plan does.
    """
    rows: list[list[Mapping[str, Any]]] = [[] for _ in plan.subjects]
    values: list[list[list[float | None]]] = [[] for _ in plan.subjects]
    for row in answers:
        rows[row["subject"]].append(row)
        values[row["subject"]].append(msgspec.json.decode(row["scores"]))
    labels = [label_of(one) for one in plan.scorers]
    scores = [
        [_by_case(rows[subject], values[subject], place) for place in range(len(labels))]
        for subject in range(len(plan.subjects))
    ]
    looked = [place for place, one in enumerate(plan.scorers) if one["use"] == _ACCEPTED]
    cells = [
        _cell(
            one.label,
            rows[number],
            _ratings(labels, scores[number], values[number]),
            sum(each[looked[0]] == 1 for each in values[number]) if looked else None,
        )
        for number, one in enumerate(plan.subjects)
    ]
    pairs = against
    if pairs is None:
        pairs = {n: s.baseline for n, s in enumerate(plan.subjects) if s.baseline is not None}
    differences = [
        found
        for subject, baseline in pairs.items()
        for place, label in enumerate(labels)
        if (found := _difference(plan, (subject, baseline), label, (scores[subject][place],
                                                                  scores[baseline][place])))
    ]  # fmt: skip
    return Grid(cells=tuple(cells), differences=tuple(differences))


def _by_case(
    rows: Sequence[Mapping[str, Any]], values: Sequence[Sequence[float | None]], place: int
) -> _Scores:
    found: dict[int, list[float]] = {}
    weights: dict[int, float] = {}
    for row, scores in zip(rows, values, strict=True):
        value = scores[place]
        if value is not None:
            found.setdefault(row["case_number"], []).append(value)
            weights[row["case_number"]] = row["weight"]
    return {case: _Case(sum(all_) / len(all_), weights[case]) for case, all_ in found.items()}


def _ratings(
    labels: Sequence[str], scores: Sequence[_Scores], values: Sequence[Sequence[float | None]]
) -> tuple[Rating, ...]:
    ratings = []
    for place, label in enumerate(labels):
        cases = list(scores[place].values())
        unscored = sum(one[place] is None for one in values)
        rating = Rating(scorer=label, cases=len(cases), unscored=unscored)
        if cases:
            mean = mean_interval([one.value for one in cases], _weights(cases))
            rating = msgspec.structs.replace(rating, mean=mean.point, low=mean.low, high=mean.high)
        ratings.append(rating)
    return tuple(ratings)


def _cell(
    subject: str,
    rows: Sequence[Mapping[str, Any]],
    ratings: tuple[Rating, ...],
    accepted: int | None,
) -> Cell:
    took = [row["latency_us"] / _US_PER_MS for row in rows if not row["error"]]
    return Cell(
        subject=subject,
        answers=len(rows),
        failed=sum(bool(row["error"]) for row in rows),
        ratings=ratings,
        cost=sum(row["cost"] or 0 for row in rows),
        scoring_cost=sum(row["scoring_cost"] or 0 for row in rows),
        unpriced=sum(row["cost"] is None for row in rows),
        latency_ms_p50=percentile(took, 0.5) if took else None,
        latency_ms_p95=percentile(took, 0.95) if took else None,
        accepted=accepted,
    )


def _difference(
    plan: Plan, pair: tuple[int, int], scorer: str, scores: tuple[_Scores, _Scores]
) -> Difference | None:
    """Compare over common cases; None where there is none."""
    own, other = scores
    common = sorted(own.keys() & other.keys())
    if not common:
        return None
    found: Interval = paired_interval(
        [own[case].value for case in common],
        [other[case].value for case in common],
        _weights([own[case] for case in common]),
    )
    return Difference(
        subject=plan.subjects[pair[0]].label,
        baseline=plan.subjects[pair[1]].label,
        scorer=scorer,
        cases=len(common),
        difference=found.point,
        low=found.low,
        high=found.high,
    )


def _weights(cases: Sequence[_Case]) -> list[float] | None:
    """Return the cases' weights, None where all weigh the same."""
    weights = [one.weight for one in cases]
    return None if min(weights) == max(weights) else weights
