import random

from legato.core.config import Strategy
from legato.routing.strategies import ORDERS, Candidate

CHEAP = Candidate("cheap", 1, 100, 80.0)
DEAR = Candidate("dear", 3, 900, 20.0)
UNPRICED = Candidate("unpriced", 0, None, 0.0)
ALL = [DEAR, UNPRICED, CHEAP]


def _names(strategy: Strategy, draw: float = 0.5) -> list[str]:
    return [c.name for c in ORDERS[strategy](ALL, lambda: draw)]


def test_ordered_keeps_the_order_of_the_configuration() -> None:
    assert _names(Strategy.ORDERED) == ["dear", "unpriced", "cheap"]


def test_cheapest_puts_the_unpriced_last() -> None:
    assert _names(Strategy.CHEAPEST) == ["cheap", "dear", "unpriced"]


def test_least_latency_measures_the_unknown_first() -> None:
    assert _names(Strategy.LEAST_LATENCY) == ["unpriced", "dear", "cheap"]


def test_weighted_draws_by_weight_and_never_takes_weight_zero() -> None:
    draw = random.Random(7).random
    firsts = [ORDERS[Strategy.WEIGHTED](ALL, draw)[0].name for _ in range(4000)]
    assert "unpriced" not in firsts
    assert 0.72 < firsts.count("dear") / len(firsts) < 0.78
