from decimal import Decimal

from legato.economics.finance.accuracy import Tried, priced_points

USD = 10**9


def test_a_point_costs_the_step_along_the_frontier() -> None:
    tried = [
        Tried("large", 100, Decimal("0.90"), 5 * USD),
        Tried("small", 100, Decimal("0.80"), 1 * USD),
        Tried("dearer and worse", 100, Decimal("0.75"), 15 * USD // 10),
        Tried("middle", 200, Decimal("0.85"), 4 * USD),
    ]
    found = priced_points(tried)
    assert [(one.name, one.on_frontier) for one in found] == [
        ("small", True),
        ("dearer and worse", False),
        ("middle", True),
        ("large", True),
    ]
    assert [one.cost_per_1000_nano // USD for one in found] == [10, 15, 20, 50]
    assert [one.point_costs_nano for one in found] == [None, None, 2 * USD, 6 * USD]
    assert found[0].score == "80.00"


def test_of_the_same_cost_the_better_is_on_the_frontier() -> None:
    found = priced_points([Tried("b", 1, Decimal("0.5"), 1), Tried("a", 1, Decimal("0.6"), 1)])
    assert [(one.name, one.on_frontier) for one in found] == [("a", True), ("b", False)]
