from __future__ import annotations

import random

import pytest

from legato.routing.floor.evidence import Pairs, greatest_loss, log_capital
from legato.routing.floor.freedom import SHARES, Floor, Moved, Reason, Terms, alpha_now, observed

TERMS = Terms(margin=0.01, alpha=0.05)


def run(losses: list[int], floor: Floor | None = None) -> tuple[Floor, list[Moved]]:
    floor, moves = floor or Floor(), []
    for loss in losses:
        floor, moved = observed(floor, loss, TERMS)
        if moved is not None:
            moves.append(moved)
    return floor, moves


def drawn(seed: int, worse: float, better: float, count: int) -> list[int]:
    dice = random.Random(seed)
    draws = [dice.random() for _ in range(count)]
    return [1 if one < worse else -1 if one < worse + better else 0 for one in draws]


def test_nothing_is_allowed_before_anything_is_known() -> None:
    assert Floor().share == 0.0
    assert greatest_loss(Pairs(), 0.05) == pytest.approx(1.0)


def test_a_choice_that_is_as_good_becomes_free_step_by_step() -> None:
    floor, moves = run([0] * 700)
    assert [one.after for one in moves] == list(SHARES)
    assert {one.reason for one in moves} == {Reason.PROVEN}
    assert moves[-1].loss_at_most < TERMS.margin
    assert floor.pairs == Pairs(0, 700, 0)


def test_a_choice_that_is_better_now_and_then_is_free_sooner() -> None:
    assert run([0, 0, -1] * 100)[0].share > run([0, 0, 0] * 100)[0].share


def test_the_order_of_pairs_does_not_matter_to_the_evidence() -> None:
    assert log_capital(Pairs(3, 90, 7), 0.2) == log_capital(Pairs(3, 90, 7), 0.2)
    assert log_capital(Pairs(0, 100, 0), 0.2) > log_capital(Pairs(0, 100, 5), 0.2)


@pytest.mark.parametrize(("worse", "better"), [(0.06, 0.04), (0.15, 0.05), (0.35, 0.0)])
def test_too_much_freedom_is_hardly_ever_given(worse: float, better: float) -> None:
    mean, wrong = worse - better, 0
    for seed in range(40):
        _, moves = run(drawn(seed, worse, better, 800))
        wrong += any(one.after * mean > TERMS.margin * 1.0001 for one in moves)
    assert wrong / 40 <= TERMS.alpha


def test_a_choice_that_becomes_worse_is_taken_back_and_begins_anew_with_less() -> None:
    free, _ = run([0] * 700)
    losses = drawn(1, 0.3, 0.0, 200)
    floor, moves = run(losses, free)
    assert moves[0].after < moves[0].before == 1.0
    assert floor.share <= 0.05
    assert alpha_now(Floor(taken_back=1), TERMS) == pytest.approx(TERMS.alpha / 6)


def test_all_that_is_ever_used_of_alpha_is_alpha() -> None:
    spent = sum(alpha_now(Floor(taken_back=times), TERMS) for times in range(10_000))
    assert spent == pytest.approx(TERMS.alpha, rel=1e-3)
