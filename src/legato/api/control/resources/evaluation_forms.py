"""What is shown of an evaluation's answers and of its grid."""

from typing import Any

from legato.api.control.forms import Shown, usd
from legato.core.origin import Origin
from legato.evaluation.answering import Judged
from legato.evaluation.grid import Cell, Difference, Grid, Rating
from legato.evaluation.plans import Plan
from legato.storage.evaluation.evaluations import AnswerRecord
from legato.storage.ledger.sums import SpendSum


class ShownCell(Shown, frozen=True, kw_only=True):
    """One subject; `cost_usd` is of its answers, scoring aside."""

    subject: str
    answers: int
    failed: int
    unpriced: int
    cost_usd: str | None
    scoring_cost_usd: str | None
    cost_per_answer_usd: str | None
    accepted: int | None
    """Outcomes of a workflow that were accepted, where a scorer `accepted` looks."""
    cost_per_accepted_usd: str | None
    """All that the answers cost, for each accepted one."""
    latency_ms_p50: float | None
    latency_ms_p95: float | None
    ratings: list[Rating]


class LedgerCost(Shown, frozen=True, kw_only=True):
    """What the ledger has under the run's name."""

    requests: int
    cost_usd: str | None


class ShownGrid(Shown, frozen=True, kw_only=True):
    """All subjects, differences to baselines, and what the run cost."""

    cells: list[ShownCell]
    differences: list[Difference]
    cost_usd: str | None
    ledger: LedgerCost


class ShownScore(Shown, frozen=True, kw_only=True):
    """What a scorer made of an answer; `value` is null where it couldn't judge."""

    scorer: str
    value: float | None
    reason: str


class ShownAnswer(Shown, frozen=True, kw_only=True):
    """One answer to one case."""

    case: str
    subject: str
    repetition: int
    request_id: str
    text: str
    error: str
    told: str
    """The failure in words."""
    cost_usd: str | None
    latency_ms: float
    scores: list[ShownScore]
    origin: Origin
    """The captured request that the case was made of; {} where there is none."""


def shown_grid(grid: Grid, spent: SpendSum) -> ShownGrid:
    """Return a grid as it is shown."""
    total = sum(one.cost + one.scoring_cost for one in grid.cells)
    return ShownGrid(
        cells=[_cell(one) for one in grid.cells],
        differences=list(grid.differences),
        cost_usd=usd(total),
        ledger=LedgerCost(requests=spent.requests, cost_usd=usd(spent.cost)),
    )


def shown_answer(record: AnswerRecord, judged: Judged, plan: Plan) -> ShownAnswer:
    """Return an answer as it is shown."""
    scores: list[Any] = list(zip(judged.scores, judged.values, strict=True))
    return ShownAnswer(
        case=record.case_id,
        subject=plan.subjects[record.subject].label,
        repetition=record.repetition,
        request_id=record.request_id,
        text=judged.answer.text,
        error=record.error or judged.answer.error,
        told=judged.answer.told,
        cost_usd=usd(record.cost),
        latency_ms=record.latency_us / 1_000,
        scores=[
            ShownScore(
                scorer=one.scorer,
                value=value,
                reason=one.score.reason if one.score is not None else one.unscored,
            )
            for one, value in scores
        ],
        origin=Origin(record.origin_request, record.origin_user),
    )


def _cell(one: Cell) -> ShownCell:
    each, accepted = one.cost_per_answer, one.cost_per_accepted
    return ShownCell(
        subject=one.subject,
        answers=one.answers,
        failed=one.failed,
        unpriced=one.unpriced,
        cost_usd=usd(one.cost),
        scoring_cost_usd=usd(one.scoring_cost),
        cost_per_answer_usd=None if each is None else usd(round(each)),
        accepted=one.accepted,
        cost_per_accepted_usd=None if accepted is None else usd(round(accepted)),
        latency_ms_p50=one.latency_ms_p50,
        latency_ms_p95=one.latency_ms_p95,
        ratings=list(one.ratings),
    )
