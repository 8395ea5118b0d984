from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from legato.economics.finance.planning import NEEDED, case_figures, cash_flows, npv_of, ratio

BASE = {
    "discount.rate_year": "0.10",
    "horizon.months": "36",
    "ramp.months": "0",
    "risk.benefits_down": "0",
    "risk.costs_up": "0",
    "volume.growth_month": "0",
    "initial.usd": "1000",
    "before.ai_usd_month": "300",
    "before.labour_usd_month": "200",
    "before.other_usd_month": "0",
    "after.ai_usd_month": "100",
    "after.labour_usd_month": "100",
    "after.other_usd_month": "100",
    "benefits.usd_month": "0",
}
USD = 10**9
SHARES = st.decimals(0, "0.9", places=3)
MONEY = st.decimals(0, 100_000, places=2)


def values(**changes: str) -> dict[str, Decimal]:
    named = {name.replace("__", "."): value for name, value in changes.items()}
    return {name: Decimal(value) for name, value in (BASE | named).items()}


def test_a_plan_worked_by_hand() -> None:
    found = case_figures("base", values())
    # 500 a month before, 200 of it left, 100 for Legato: 200 saved net, 2,400 a year
    assert [one.net_nano for one in found.years] == [-1000 * USD, *[2400 * USD] * 3]
    hand = -1000 + 2400 / 1.1 + 2400 / 1.1**2 + 2400 / 1.1**3
    assert abs(found.npv_nano / USD - hand) < 1e-6
    costs = 1000 + 1200 * (1 / 1.1 + 1 / 1.1**2 + 1 / 1.1**3)
    assert abs(float(found.roi) - hand / costs) < 1e-4
    assert (found.break_even_month, found.payback_months) == (5, "5.0000")
    assert [(one.what, one.before_nano // USD, one.after_nano // USD) for one in found.tco] == [
        ("initial", 0, 1000),
        ("ai", 10_800, 3_600),
        ("labour", 7_200, 3_600),
        ("other", 0, 3_600),
        ("total", 18_000, 11_800),
    ]


def test_savings_come_evenly_while_the_platform_is_paid_from_the_first_month() -> None:
    _, months = cash_flows(values(ramp__months="3"))
    assert [one.savings_nano // USD for one in months[:4]] == [100, 200, 300, 300]
    assert {one.platform_nano for one in months} == {100 * USD}


def test_risk_cuts_benefits_and_raises_costs() -> None:
    risky = values(risk__benefits_down="0.1", risk__costs_up="0.2", benefits__usd_month="50")
    initial, (first, *_) = cash_flows(risky)
    assert initial == 1200 * USD
    assert (first.savings_nano, first.benefits_nano) == (270 * USD, 45 * USD)
    assert first.platform_nano == 120 * USD
    dearer = values(risk__costs_up="0.2", risk__benefits_down="0.1", after__ai_usd_month="700")
    assert cash_flows(dearer)[1][0].savings_nano == -360 * USD, "what costs more is raised"


def test_a_horizon_that_ends_within_a_year_counts_its_months() -> None:
    found = case_figures("base", values(horizon__months="14"))
    assert [one.net_nano // USD for one in found.years] == [-1000, 2400, 400]


def test_no_cost_has_no_roi_and_says_so() -> None:
    free = values(initial__usd="0", after__other_usd_month="0")
    found = case_figures("base", free)
    assert (found.roi, found.break_even_month) == ("", 0)
    assert "no costs" in found.roi_told
    assert "gains only" in found.irr_told


@given(
    st.fixed_dictionaries(
        {
            "initial.usd": MONEY,
            "before.ai_usd_month": MONEY,
            "before.labour_usd_month": MONEY,
            "before.other_usd_month": MONEY,
            "after.ai_usd_month": MONEY,
            "after.labour_usd_month": MONEY,
            "after.other_usd_month": MONEY,
            "benefits.usd_month": MONEY,
            "ramp.months": st.integers(0, 12).map(Decimal),
            "volume.growth_month": st.decimals("-0.2", "0.3", places=3),
            "risk.benefits_down": SHARES,
            "risk.costs_up": SHARES,
            "discount.rate_year": SHARES,
            "horizon.months": st.integers(1, 60).map(Decimal),
        }
    )
)
def test_whatever_the_figures_sums_are_exact(figures: dict[str, Decimal]) -> None:
    assert set(figures) == set(NEEDED)
    found = case_figures("base", figures)
    for row in found.tco[1:4]:
        of = [f"before_{row.what}_nano", f"after_{row.what}_nano"]
        before, after = (sum(getattr(one, name) for one in found.months) for name in of)
        platform = sum(one.after_platform_nano for one in found.months)
        assert row.before_nano == before
        assert row.after_nano == after + (platform if row.what == "other" else 0)
    assert found.tco[-1].after_nano == sum(row.after_nano for row in found.tco[:-1])
    nets = [one.net_nano for one in found.months]
    assert found.months[-1].cumulative_nano == sum(nets) - found.initial_nano
    assert sum(one.net_nano for one in found.years) == found.months[-1].cumulative_nano
    assert npv_of(figures) == found.npv_nano
    without = figures | {"risk.benefits_down": Decimal(0), "risk.costs_up": Decimal(0)}
    riskless = case_figures("base", without | {"benefits.usd_month": Decimal(0)})
    total = riskless.tco[-1]
    assert total.before_nano - total.after_nano == riskless.months[-1].cumulative_nano
    assert found.npv_nano <= case_figures("base", without).npv_nano, "risk never adds"


def test_a_ratio_of_nothing_is_none() -> None:
    assert (ratio(1, 0), ratio(1, 3), ratio(-1, 2)) == ("", "0.3333", "-0.5000")
