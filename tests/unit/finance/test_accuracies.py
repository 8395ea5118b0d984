from decimal import Decimal

from legato.economics.finance.accuracy import Tried
from legato.finance.accuracies import accuracy_of


def tried(name: str, score: str, cost: int) -> Tried:
    return Tried(name, 10, Decimal(score), cost)


def test_what_was_left_out_is_said() -> None:
    found = accuracy_of("run", "exact", [tried("a", "0.5", 10), tried("b", "0.7", 20)], 1)
    assert found.told == [
        "1 have no score or no price: left out",
        "b scores 20.00 points more than a",
    ]


def test_where_the_cheapest_is_the_best_there_is_no_point_to_buy() -> None:
    found = accuracy_of("run", "exact", [tried("a", "0.7", 10), tried("b", "0.7", 20)], 0)
    assert found.told == ["a is the cheapest and the best: no point is to be bought"]
