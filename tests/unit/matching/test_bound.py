"""Wrong hits stay below the stated share, whatever the scores are worth."""

from random import Random
from typing import Any

import pytest

from legato.matching.bound import UNKNOWN, BoundSettings, OnlineBound
from legato.matching.sampling import wrong_at_least, wrong_at_most
from legato.matching.tally import Tally

PARTITION = b"p"


def replay(
    bound: OnlineBound, *, requests: int, error: float, score: float, random: Random
) -> tuple[int, int, int]:
    """Return hits, wrong hits and checks where every candidate has one score."""
    hits = wrong = checks = 0
    for _ in range(requests):
        found = score if random.random() < 0.3 else 0.0
        decision = bound.decide(PARTITION, found, random.random())
        if decision.serve:
            right = random.random() >= error
            hits, wrong, checks = hits + 1, wrong + (not right), checks + decision.check
            if decision.check:
                bound.learn(PARTITION, found, right=right)
    return hits, wrong, checks


def test_nothing_is_served_without_a_candidate() -> None:
    bound = OnlineBound(BoundSettings())
    assert not any(bound.decide(PARTITION, 0.0, 0.5).serve for _ in range(200))


def test_good_scores_are_served_from_a_cold_start() -> None:
    hits, wrong, checks = replay(
        OnlineBound(BoundSettings()), requests=5000, error=0.02, score=0.99, random=Random(1)
    )
    assert hits > 400
    assert wrong <= 0.01 * 5000
    assert checks <= 0.05 * hits


@pytest.mark.parametrize("seed", range(5))
def test_without_trust_in_scores_the_bound_holds_though_they_lie(seed: int) -> None:
    bound = OnlineBound(BoundSettings(evidence="checks"))
    _, wrong, _ = replay(bound, requests=5000, error=0.9, score=0.999, random=Random(seed))
    assert wrong <= 0.01 * 5000


def test_scores_proven_to_lie_are_no_longer_believed() -> None:
    bound = OnlineBound(BoundSettings())
    random = Random(3)
    _, first, _ = replay(bound, requests=2000, error=1.0, score=0.99, random=random)
    _, then, _ = replay(bound, requests=8000, error=1.0, score=0.99, random=random)
    assert first > 0.01 * 2000
    assert bound.is_broken(PARTITION)
    assert first + then < 0.02 * 10_000


def test_wrong_of_hits_is_bounded_too() -> None:
    bound = OnlineBound(BoundSettings(bound=0.5, per_hit=0.01))
    hits, _, _ = replay(bound, requests=2000, error=0.1, score=0.95, random=Random(1))
    assert hits == 0


def test_a_partition_learns_from_the_others() -> None:
    bound = OnlineBound(BoundSettings())
    before = bound.distrust(PARTITION)
    for _ in range(200):
        bound.learn(b"other", 0.9, right=False)
    assert bound.distrust(PARTITION) > before


def test_what_other_workers_saw_counts() -> None:
    bound = OnlineBound(BoundSettings())
    before = bound.distrust(PARTITION)
    bound.absorb({PARTITION: Tally(checked=100, wrong=0, expected=20.0, fresh_wrong=0.0)})
    assert bound.distrust(PARTITION) < before
    bound.absorb({})
    assert bound.distrust(PARTITION) == before


@pytest.mark.parametrize("wrong", [0, 3, 50, 1000])
def test_a_sample_proves_what_it_came_from(wrong: int) -> None:
    random = Random(wrong)
    missed = 0
    for _ in range(200):
        seen = sum(random.random() < 0.05 for _ in range(wrong))
        missed += not wrong_at_least(seen, 0.05, 0.95) <= wrong <= wrong_at_most(seen, 0.05, 0.95)
    assert missed <= 10


@pytest.mark.parametrize("evidence", ["scores", "checks"])
def test_what_is_reckoned_with_is_never_more_than_the_bound(evidence: Any) -> None:
    bound = OnlineBound(BoundSettings(bound=0.02, evidence=evidence))
    assert bound.reckoned(PARTITION) == (0.0, 0.0)
    hits, _, _ = replay(bound, requests=20_000, error=0.01, score=0.985, random=Random(5))
    wrong, share = bound.reckoned(PARTITION)
    assert hits > 0
    assert 0 < share <= 1
    assert 0.7 * share * 0.02 * 20_000 < wrong <= share * 0.02 * 20_000 + 1e-6


@pytest.mark.parametrize("error", [0.3, 1.0])
def test_scores_of_unknown_worth_are_tried_within_the_bound(error: float) -> None:
    settings = BoundSettings(bound=0.03, evidence="learnt", prior=UNKNOWN)
    random = Random(5)
    _, wrong, _ = replay(
        OnlineBound(settings), requests=10_000, error=error, score=0.98, random=random
    )
    assert 0 < wrong <= 0.03 * 10_000


def test_what_is_served_has_reached_the_threshold_that_is_told() -> None:
    bound = OnlineBound(BoundSettings(bound=0.03, evidence="learnt", prior=UNKNOWN))
    random = Random(7)
    decided = [
        (score, bound.decide(PARTITION, score, random.random()))
        for score in (1 - random.uniform(0.008, 0.3) for _ in range(3_000))
    ]
    served = [score >= decision.threshold for score, decision in decided if decision.serve]
    assert served
    assert all(served)


def test_scores_of_unknown_worth_earn_trust() -> None:
    settings = BoundSettings(bound=0.03, evidence="learnt", prior=UNKNOWN)
    bound, random = OnlineBound(settings), Random(6)
    first, _, _ = replay(bound, requests=1_000, error=0.02, score=0.98, random=random)
    assert first <= 0.03 * 1_000
    replay(bound, requests=9_000, error=0.02, score=0.98, random=random)
    then, _, _ = replay(bound, requests=1_000, error=0.02, score=0.98, random=random)
    assert then > 5 * first
