"""The plan: costs without Legato and with it, month by month, and what that is worth.

The convention is that of Forrester's Total Economic Impact: the initial cost isn't discounted,
later flows lie at the end of their year, benefits are cut and costs raised for risk.
"""

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from typing import Final

from legato.core.money import NanoUSD
from legato.economics.finance.figures import CaseFigures, Month, TcoRow, Year
from legato.economics.finance.flows import (
    PRECISION,
    break_even,
    discount_factor,
    internal_rates,
    net_present_value,
    whole,
)
from legato.economics.finance.method import paragraphs

Values = Mapping[str, Decimal]
NEEDED: Final = (
    "discount.rate_year",
    "horizon.months",
    "ramp.months",
    "risk.benefits_down",
    "risk.costs_up",
    "volume.growth_month",
    "initial.usd",
    "before.ai_usd_month",
    "before.labour_usd_month",
    "before.other_usd_month",
    "after.ai_usd_month",
    "after.labour_usd_month",
    "after.other_usd_month",
    "benefits.usd_month",
)
"""The names a plan is made of."""
METHOD: Final = paragraphs(
    """
    A month's cost with Legato moves evenly from that without it to that with it over ramp.months;
    both grow by volume.growth_month. after.other_usd_month is paid whole from the first month and
    doesn't grow.

    Savings (cost without minus cost with) and benefits are cut by risk.benefits_down; the initial
    cost, after.other_usd_month and negative savings are raised by risk.costs_up.

    NPV: the initial cost undiscounted, each year's balance at its end over (1 + rate)^year,
    rounded once to the nano-dollar.

    ROI: present value of savings and benefits minus that of costs, over that of costs.

    IRR: every rate above -100 % that brings the yearly balances to zero.

    Break-even: the first month whose cumulative balance, undiscounted, is zero or more; payback
    is the same within the month.

    TCO is neither discounted nor adjusted for risk.
    """
)
_NANO: Final = 10**9
_MONTHS_PER_YEAR: Final = 12
_SHOWN: Final = Decimal("0.0001")


def case_figures(name: str, values: Values) -> CaseFigures:
    """Work one case out. `values` has every name of `NEEDED`, in dollars, shares and months."""
    initial, months = cash_flows(values)
    rate = values["discount.rate_year"]
    years = _years(initial, months, rate)
    nets = [one.net_nano for one in years]
    costs = _present([one.costs_nano for one in years], rate)
    gains = _present([one.gains_nano for one in years], rate)
    rates = internal_rates(nets)
    even = break_even(initial, [one.net_nano for one in months])
    return CaseFigures(
        name=name,
        values={one: format(values[one], "f") for one in NEEDED},
        initial_nano=initial,
        tco=_tco(values, months),
        months=months,
        years=years,
        npv_nano=net_present_value(nets, rate),
        roi=ratio(gains - costs, costs),
        roi_told="" if costs > 0 else "none: there are no costs to set gains against",
        irr=[format(one, "f") for one in rates.rates],
        irr_told=rates.told,
        payback_months="" if even.payback is None else format(_cut(even.payback), "f"),
        break_even_month=even.month,
        break_even_told=even.told,
    )


def npv_of(values: Values) -> NanoUSD:
    """Return the net present value alone, for when many are wanted."""
    initial, months = cash_flows(values)
    nets = [one.net_nano for one in _years(initial, months, values["discount.rate_year"])]
    return net_present_value(nets, values["discount.rate_year"])


def cash_flows(values: Values) -> tuple[NanoUSD, list[Month]]:
    """Return the initial cost, adjusted for risk, and every month."""
    up, down = 1 + values["risk.costs_up"], 1 - values["risk.benefits_down"]
    with localcontext(Context(prec=PRECISION)):
        initial = whole(values["initial.usd"] * _NANO * up)
        cumulative, months = -initial, []
        for number in range(1, int(values["horizon.months"]) + 1):
            month = _month(number, values, (up, down), cumulative)
            cumulative = month.cumulative_nano
            months.append(month)
    return initial, months


def ratio(part: int, of: int, places: Decimal = _SHOWN) -> str:
    """Return a share as a decimal text, "" where there is nothing to share."""
    if of <= 0:
        return ""
    return format((Decimal(part) / Decimal(of)).quantize(places, ROUND_HALF_EVEN), "f")


def _month(number: int, values: Values, risk: tuple[Decimal, Decimal], cumulative: int) -> Month:
    up, down = risk
    ramp_months = values["ramp.months"]
    ramp = min(Decimal(1), number / ramp_months) if ramp_months > 0 else Decimal(1)
    growth = (1 + values["volume.growth_month"]) ** (number - 1)

    def before(what: str) -> Decimal:
        return values[f"before.{what}_usd_month"] * _NANO * growth

    def after(what: str) -> Decimal:
        return before(what) * (1 - ramp) + values[f"after.{what}_usd_month"] * _NANO * growth * ramp

    platform = whole(values["after.other_usd_month"] * _NANO)
    left = whole(before("other") * (1 - ramp))
    befores = [whole(before(what)) for what in ("ai", "labour", "other")]
    afters = [whole(after("ai")), whole(after("labour")), left]
    saved = sum(befores) - sum(afters)
    savings = whole(saved * (down if saved > 0 else up))
    benefits = whole(values["benefits.usd_month"] * _NANO * growth * ramp * down)
    cost = whole(platform * up)
    net = savings + benefits - cost
    return Month(
        month=number,
        before_ai_nano=befores[0],
        before_labour_nano=befores[1],
        before_other_nano=befores[2],
        after_ai_nano=afters[0],
        after_labour_nano=afters[1],
        after_other_nano=left,
        after_platform_nano=platform,
        savings_nano=savings,
        benefits_nano=benefits,
        platform_nano=cost,
        net_nano=NanoUSD(net),
        cumulative_nano=NanoUSD(cumulative + net),
    )


def _years(initial: NanoUSD, months: Sequence[Month], rate: Decimal) -> list[Year]:
    years = [_year(0, (0, initial), rate)]
    for start in range(0, len(months), _MONTHS_PER_YEAR):
        part = months[start : start + _MONTHS_PER_YEAR]
        gains = sum(max(one.savings_nano, 0) + one.benefits_nano for one in part)
        costs = sum(one.platform_nano - min(one.savings_nano, 0) for one in part)
        years.append(_year(start // _MONTHS_PER_YEAR + 1, (gains, costs), rate))
    return years


def _year(number: int, sums: tuple[int, int], rate: Decimal) -> Year:
    gains, costs = sums
    factor = discount_factor(rate, number)
    return Year(
        year=number,
        gains_nano=NanoUSD(gains),
        costs_nano=NanoUSD(costs),
        net_nano=NanoUSD(gains - costs),
        factor=format(factor.quantize(Decimal("1e-9")), "f"),
        present_nano=whole((gains - costs) * factor),
    )


def _present(yearly: Sequence[int], rate: Decimal) -> NanoUSD:
    return net_present_value(yearly, rate)


def _tco(values: Values, months: Sequence[Month]) -> list[TcoRow]:
    initial = whole(values["initial.usd"] * _NANO)

    def row(what: str, before: int, after: int) -> TcoRow:
        return TcoRow(what=what, before_nano=NanoUSD(before), after_nano=NanoUSD(after))

    rows = [
        row("initial", 0, initial),
        row(
            "ai",
            sum(one.before_ai_nano for one in months),
            sum(one.after_ai_nano for one in months),
        ),
        row(
            "labour",
            sum(one.before_labour_nano for one in months),
            sum(one.after_labour_nano for one in months),
        ),
        row(
            "other",
            sum(one.before_other_nano for one in months),
            sum(one.after_other_nano + one.after_platform_nano for one in months),
        ),
    ]
    total = row("total", sum(one.before_nano for one in rows), sum(one.after_nano for one in rows))
    return [*rows, total]


def _cut(number: Decimal) -> Decimal:
    return number.quantize(_SHOWN, ROUND_HALF_EVEN)
