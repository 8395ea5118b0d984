from decimal import Decimal

from legato.economics.finance.assumptions import Input
from legato.economics.finance.planning import npv_of
from legato.economics.finance.uncertainty import base_values, cases, drawn, tornado

from .test_planning import BASE

RANGES = {
    "before.ai_usd_month": ("200", "500"),
    "after.ai_usd_month": ("50", "120"),
    "discount.rate_year": ("0.08", "0.16"),
}


def inputs(ranges: dict[str, tuple[str, str]]) -> list[Input]:
    return [
        Input(
            name=name,
            value=value,
            low=ranges.get(name, ("", ""))[0],
            high=ranges.get(name, ("", ""))[1],
            unit="",
            tag="assumed",
            source="s",
        )
        for name, value in BASE.items()
    ]


def test_each_swing_is_that_of_one_figure_alone_and_the_widest_is_first() -> None:
    found = tornado(inputs(RANGES))
    base = base_values(inputs(RANGES))
    assert [one.name for one in found] == [
        "before.ai_usd_month",
        "after.ai_usd_month",
        "discount.rate_year",
    ]
    for one in found:
        low, high = (npv_of(base | {one.name: Decimal(end)}) for end in (one.low, one.high))
        assert (one.npv_at_low_nano, one.npv_at_high_nano) == (low, high)
        assert one.swing_nano == abs(high - low)


def test_the_low_case_takes_the_worse_end_of_each_figure() -> None:
    given = inputs(RANGES)
    low, base, high = cases(given, tornado(given))
    assert (low.values["before.ai_usd_month"], low.values["after.ai_usd_month"]) == ("200", "120")
    assert (high.values["before.ai_usd_month"], high.values["after.ai_usd_month"]) == ("500", "50")
    assert low.npv_nano < base.npv_nano < high.npv_nano


def test_drawn_figures_are_the_same_for_a_seed_and_lie_within_the_cases() -> None:
    given = inputs(RANGES)
    low, _, high = cases(given, tornado(given))
    found = drawn(given, 7, 200)
    assert found is not None
    assert found == drawn(given, 7, 200)
    assert found != drawn(given, 8, 200)
    assert low.npv_nano <= found.p05_nano < found.p50_nano < found.p95_nano <= high.npv_nano
    assert found.positive_share == "1.0000"
    assert drawn(inputs({}), 7) is None, "nothing has a range"


def test_a_drawn_figure_has_the_mean_of_its_triangle() -> None:
    one = {"before.ai_usd_month": ("300", "600")}  # peak at its low end: mean 400
    found = drawn(inputs(one), 3, 600)
    assert found is not None
    worth = npv_of(
        base_values(inputs(one)) | {"before.ai_usd_month": Decimal(600 - 150 * 2**0.5 * 1)}
    )
    assert abs(found.p50_nano - worth) < abs(worth) * 0.2, "median of the triangle"
