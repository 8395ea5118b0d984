import json
from collections.abc import Iterable
from typing import Any

import pytest

from legato.evaluation.grid import grid_of
from legato.evaluation.plans import Plan, Subject


def plan(*subjects: Subject, scorers: tuple[str, ...] = ("exact",)) -> Plan:
    return Plan(
        dataset="dataset/d@1",
        digest="0" * 64,
        cases=4,
        split="",
        subjects=subjects,
        scorers=tuple({"use": one} for one in scorers),
        repetitions=1,
        concurrency=1,
        cache="bypass",
        parameters={},
        regress_max=0.05,
        asked=4,
        characters=100,
    )


OLD = Subject(label="old", model="m")
NEW = Subject(label="new", model="m", baseline=0)


def row(subject: int, case: int, *scores: float | None, **changed: Any) -> dict[str, Any]:
    return {
        "subject": subject,
        "case_number": case,
        "repetition": 0,
        "weight": 1.0,
        "error": "",
        "cost": 100,
        "scoring_cost": 7,
        "latency_us": 1_000 * (case + 1),
        "scores": json.dumps(scores),
        **changed,
    }


def rows(subject: int, scores: Iterable[float]) -> list[dict[str, Any]]:
    return [row(subject, case, score) for case, score in enumerate(scores)]


def test_a_subject_shows_its_scores_cost_and_time() -> None:
    grid = grid_of(plan(OLD), rows(0, [1.0, 1.0, 1.0, 0.0]))
    (cell,) = grid.cells
    (rating,) = cell.ratings
    assert (cell.answers, cell.failed, cell.cost, cell.scoring_cost) == (4, 0, 400, 28)
    assert (cell.cost_per_answer, cell.latency_ms_p50, cell.latency_ms_p95) == (100, 2, 4)
    assert (rating.mean, rating.low, rating.high) == pytest.approx((0.75, 0.3006, 0.9544), abs=1e-4)


def test_repetitions_of_a_case_are_one_observation() -> None:
    once = grid_of(plan(OLD), rows(0, [1.0, 0.0]))
    thrice = grid_of(
        plan(OLD),
        [row(0, case, score, repetition=n) for n in range(3) for case, score in ((0, 1), (1, 0))],
    )
    assert thrice.cells[0].ratings == once.cells[0].ratings
    assert thrice.cells[0].answers == 6


def test_an_answer_that_failed_is_worth_nothing_and_one_that_is_unscored_is_left_out() -> None:
    failed = row(0, 1, 0.0, error="timeout", cost=None, latency_us=9_000_000)
    grid = grid_of(plan(OLD), [row(0, 0, 1.0), failed, row(0, 2, None)])
    (cell,) = grid.cells
    assert (cell.failed, cell.unpriced, cell.latency_ms_p95) == (1, 1, 3)
    assert cell.ratings[0].mean == 0.5
    assert (cell.ratings[0].cases, cell.ratings[0].unscored) == (2, 1)


def test_a_subject_without_a_score_shows_none() -> None:
    (cell,) = grid_of(plan(OLD), []).cells
    assert (cell.ratings[0].mean, cell.cost_per_answer, cell.latency_ms_p50) == (None, None, None)


def test_a_difference_is_paired_over_the_cases_both_answered() -> None:
    grid = grid_of(plan(OLD, NEW), [*rows(0, [1, 0, 0, 1]), *rows(1, [1, 1, 1])])
    (found,) = grid.differences
    assert (found.subject, found.baseline, found.cases) == ("new", "old", 3)
    assert found.difference == pytest.approx(2 / 3)


def test_another_baseline_can_be_asked_for() -> None:
    grid = grid_of(plan(OLD, NEW), [*rows(0, [1, 0]), *rows(1, [1, 1])], {0: 1})
    (found,) = grid.differences
    assert (found.subject, found.baseline, found.difference) == ("old", "new", -0.5)
