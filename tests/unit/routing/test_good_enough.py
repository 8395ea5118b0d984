from __future__ import annotations

import pytest

from legato.core.config_routing import Quality
from legato.core.decisions import Weighed
from legato.routing.good_enough import choose, with_reasons

LARGE = Weighed("large", None, 0.0, 1_000, 900.0)
SMALL = Weighed("small", 0.9, 0.05, 100, 300.0)
TINY = Weighed("tiny", 0.8, 0.05, 10, 200.0)
FREE = Weighed("free", 0.99, 0.0, None, 200.0)
NEW = Weighed("new", None, 0.0, 1, 200.0)
DEAR = Weighed("dear", 0.99, 0.0, 5_000, 200.0)
ALL = (LARGE, SMALL, TINY, FREE, NEW, DEAR)


@pytest.mark.parametrize(
    ("floor", "caution", "chosen"),
    [(0.7, 1.0, "tiny"), (0.8, 1.0, "small"), (0.8, 0.0, "tiny"), (0.9, 1.0, "large")],
)
def test_it_is_the_cheapest_whose_cautious_quality_reaches_the_floor(
    floor: float, caution: float, chosen: str
) -> None:
    assert choose(ALL, "large", Quality(caution=caution), floor) == chosen


def test_each_says_why_it_was_not_chosen() -> None:
    found = with_reasons(ALL, "large", Quality(), 0.8)
    assert {one.deployment: one.reason for one in found} == {
        "large": "baseline",
        "small": "chosen",
        "tiny": "below_floor",
        "free": "unpriced",
        "new": "no_estimate",
        "dear": "dearer",
    }


def test_an_unknown_price_is_never_taken_for_free() -> None:
    assert choose((LARGE, FREE), "large", Quality(), 0.5) == "large"
    assert choose((LARGE, FREE), "large", Quality(cost_weight=1.0), 0.5) == "large"


def test_where_the_baselines_price_is_unknown_any_known_one_is_cheaper() -> None:
    assert choose((Weighed("large", None, 0.0, None, 0.0), SMALL), "large", Quality(), 0.5) == (
        "small"
    )


def test_weights_choose_the_greatest_value() -> None:
    best = Weighed("large", 0.95, 0.0, 2_000_000, 1_000.0)
    small = Weighed("small", 0.9, 0.0, 1_000_000, 100.0)

    def chosen(cost_weight: float, latency_weight: float) -> str:
        terms = Quality(cost_weight=cost_weight, latency_weight=latency_weight)
        return choose((best, small), "large", terms, 0.5)

    assert chosen(1.0, 0.0) == "large"  # 0.001 dollars less aren't worth 0.05
    assert chosen(100.0, 0.0) == "small"
    assert chosen(0.0, 0.01) == "large"
    assert chosen(0.0, 0.1) == "small"


def test_without_the_baseline_it_is_what_reaches_the_floor_or_the_best_there_is() -> None:
    assert choose((SMALL, TINY), "large", Quality(), 0.7) == "tiny"
    assert choose((SMALL, TINY), "large", Quality(), 0.95) == "small"
