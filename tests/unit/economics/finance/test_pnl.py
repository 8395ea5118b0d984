import pytest

from legato.core.money import NanoUSD
from legato.economics.finance.pnl import Costs, feature_pnl, profit_and_loss

USD = 10**9
BOT = ("acme", "care", "bot")


def costs(revenue: int = 1000, ai: int = 120, **more: int) -> Costs:
    counts = {name: more.pop(name, 0) for name in ("requests", "unpriced")}
    money = {name: value * USD for name, value in more.items()}
    return Costs(
        revenue=revenue * USD, ai=ai * USD, has_revenue=revenue != 0, has_other="other" in money,
        **money, **counts,
    )  # fmt: skip


def test_contribution_is_what_is_left_of_revenue() -> None:
    found = feature_pnl(BOT, costs(review=80, other=100, requests=6000))
    assert found.contribution_nano == 700 * USD
    assert (found.margin_after_ai, found.contribution_margin) == ("0.8800", "0.7000")
    assert (found.ai_of_revenue, found.ai_of_cogs) == ("0.1200", "0.4000")
    assert found.cost_per_request_nano == 20_000_000
    assert (found.ai_band, found.cost_band, found.told) == ("above median", "median", [])


def test_what_is_not_known_is_said_and_no_margin_made_of_it() -> None:
    found = feature_pnl(BOT, costs(revenue=0, unpriced=3))
    assert (found.contribution_margin, found.ai_band, found.cost_band) == ("", "", "")
    assert found.cost_per_request_nano is None
    assert ["no revenue" in found.told[0], "3 attempts" in found.told[1]] == [True, True]
    assert "cogs.other_usd_month" in found.told[2]


@pytest.mark.parametrize(
    ("ai", "band"),
    [(99, "elite"), (100, "above median"), (150, "median"), (250, "median"), (251, "below median"),
     (400, "below median"), (401, "low"), (2000, "low")],
)  # fmt: skip
def test_bands_are_the_fields(ai: int, band: str) -> None:
    assert feature_pnl(BOT, costs(ai=ai)).ai_band == band


def test_the_total_is_the_sum_and_the_share_is_of_features_with_revenue() -> None:
    found = profit_and_loss(
        ("2026-08", "2026-10"),
        [
            (BOT, costs(other=100)),
            (("acme", "care", "loss"), costs(revenue=100, ai=300, other=0)),
            (("acme", "ops", "internal"), costs(revenue=0, ai=50)),
        ],
        [],
    )
    assert [one.feature for one in found.features] == ["bot", "loss", "internal"]
    assert found.total.contribution_nano == sum(one.contribution_nano for one in found.features)
    assert found.total.revenue_nano == NanoUSD(1100 * USD)
    assert (found.profitable_share, found.profitable_band) == ("0.5000", "median")
    assert found.profitable_told == "1 of 2 features with revenue pay; 1 have none in the books"
