"""The financial plan from its inputs, in exact fractions; rounded only where its method says so."""

import random
from collections.abc import Mapping, Sequence
from decimal import Context, Decimal, localcontext
from fractions import Fraction
from itertools import pairwise
from typing import Any

from books import NANO, dollars, share

NEEDED = (
    "discount.rate_year", "horizon.months", "ramp.months", "risk.benefits_down", "risk.costs_up",
    "volume.growth_month", "initial.usd", "before.ai_usd_month", "before.labour_usd_month",
    "before.other_usd_month", "after.ai_usd_month", "after.labour_usd_month",
    "after.other_usd_month", "benefits.usd_month",
)  # fmt: skip
Values = Mapping[str, Fraction]
Row = dict[str, Any]


def plan_of(values: Values) -> Row:
    """Return the months, the years, and what they come to, amounts as billionths of dollars."""
    initial = round(values["initial.usd"] * NANO * (1 + values["risk.costs_up"]))
    months = [_month(values, number) for number in range(1, int(values["horizon.months"]) + 1)]
    balance = -initial
    for one in months:
        balance += one["net"]
        one["cumulative"] = balance
    years = _years(initial, months, values["discount.rate_year"])
    rate = values["discount.rate_year"]
    gains, costs = (_present([one[name] for one in years], rate) for name in ("gains", "costs"))
    return {
        "initial": initial,
        "months": months,
        "years": years,
        "npv": _present([one["net"] for one in years], rate),
        "roi": share(gains - costs, costs),
        "irr": rates_of([one["net"] for one in years]),
        **_even(initial, [one["net"] for one in months]),
        "tco": _ownership(values, months),
    }


def _month(values: Values, number: int) -> Row:
    ramp = values["ramp.months"]
    done = min(Fraction(1), number / ramp) if ramp > 0 else Fraction(1)
    grown = (1 + values["volume.growth_month"]) ** (number - 1) * NANO
    up, down = 1 + values["risk.costs_up"], 1 - values["risk.benefits_down"]
    kinds = ("ai", "labour", "other")
    without = {kind: values[f"before.{kind}_usd_month"] * grown for kind in kinds}
    before = {kind: round(without[kind]) for kind in kinds}
    after = {
        kind: round(without[kind] * (1 - done) + values[f"after.{kind}_usd_month"] * grown * done)
        for kind in ("ai", "labour")
    }
    after["other"] = round(without["other"] * (1 - done))
    platform = round(values["after.other_usd_month"] * NANO)
    saved = sum(before.values()) - sum(after.values())
    savings = round(saved * (down if saved > 0 else up))
    benefits = round(values["benefits.usd_month"] * grown * done * down)
    cost = round(platform * up)
    return {
        **{f"before_{kind}": before[kind] for kind in kinds},
        **{f"after_{kind}": after[kind] for kind in kinds},
        "after_platform": platform,
        "savings": savings,
        "benefits": benefits,
        "platform": cost,
        "net": savings + benefits - cost,
    }


def _years(initial: int, months: Sequence[Row], rate: Fraction) -> list[Row]:
    flows = [(0, initial)]
    for start in range(0, len(months), 12):
        part = months[start : start + 12]
        gains = sum(max(one["savings"], 0) + one["benefits"] for one in part)
        flows.append((gains, sum(one["platform"] - min(one["savings"], 0) for one in part)))
    return [
        {
            "gains": gains,
            "costs": costs,
            "net": gains - costs,
            "factor": f"{Decimal(round(NANO / (1 + rate) ** year)).scaleb(-9):.9f}",
            "present": round((gains - costs) / (1 + rate) ** year),
        }
        for year, (gains, costs) in enumerate(flows)
    ]


def _present(flows: Sequence[int], rate: Fraction) -> int:
    return round(sum(flow / (1 + rate) ** year for year, flow in enumerate(flows)) + Fraction(0))


def _even(initial: int, nets: Sequence[int]) -> Row:
    if initial <= 0:
        return {"break_even_month": 0, "payback_months": "0.0000"}
    balance = -initial
    for month, net in enumerate(nets, start=1):
        if balance + net >= 0:
            exact = month - 1 + Fraction(-balance, net)
            shown = f"{Decimal(round(exact * 10_000)).scaleb(-4):.4f}"
            return {"break_even_month": month, "payback_months": shown}
        balance += net
    return {"break_even_month": None, "payback_months": ""}


def _ownership(values: Values, months: Sequence[Row]) -> dict[str, tuple[int, int]]:
    def summed(*names: str) -> int:
        return sum(one[name] for one in months for name in names)

    rows = {
        "initial": (0, round(values["initial.usd"] * NANO)),
        "ai": (summed("before_ai"), summed("after_ai")),
        "labour": (summed("before_labour"), summed("after_labour")),
        "other": (summed("before_other"), summed("after_other", "after_platform")),
    }
    return {**rows, "total": (sum(a for a, _ in rows.values()), sum(b for _, b in rows.values()))}


def rates_of(flows: Sequence[int]) -> list[str]:
    """Return every internal rate: the roots of the present value, between those of its slope."""
    with localcontext(Context(prec=80)):
        polynomial = [Decimal(flow) for flow in flows]
        while polynomial and polynomial[-1] == 0:
            polynomial.pop()
        roots = [root for root in _roots(polynomial) if root > 0]
        rates = sorted(1 / root - 1 for root in roots)
        return [f"{rate.quantize(Decimal('1e-12')) + 0:.12f}" for rate in rates]


def _roots(polynomial: list[Decimal]) -> list[Decimal]:
    if len(polynomial) <= 1:
        return []
    slope = [number * one for number, one in enumerate(polynomial)][1:]
    top = 1 + max(abs(one / polynomial[-1]) for one in polynomial)
    edges = [Decimal(0), *(one for one in _roots(slope) if 0 < one < top), top]
    found = []
    for low, high in pairwise(edges):
        root = _between(polynomial, low, high)
        if root is not None:
            found.append(root)
    return found


def _between(polynomial: list[Decimal], low: Decimal, high: Decimal) -> Decimal | None:
    at_low = _value(polynomial, low)
    if at_low * _value(polynomial, high) > 0:
        return None
    for _ in range(240):
        middle = (low + high) / 2
        value = _value(polynomial, middle)
        if value == 0:
            return middle
        if (value > 0) == (at_low > 0):
            low = middle
        else:
            high = middle
    return high


def _value(polynomial: list[Decimal], at: Decimal) -> Decimal:
    total = Decimal(0)
    for one in reversed(polynomial):
        total = total * at + one
    return total


def cases_of(inputs: Mapping[str, Row]) -> tuple[dict[str, Values], list[Row]]:
    """Return the low, base and high case, and what each figure does by itself."""
    base = {name: Fraction(inputs[name]["value"]) for name in NEEDED}
    low, high, swings = dict(base), dict(base), []
    for name in NEEDED:
        ends = [inputs[name][end] or inputs[name]["value"] for end in ("low", "high")]
        if Fraction(ends[0]) == Fraction(ends[1]):
            continue
        worths = [plan_of(base | {name: Fraction(end)})["npv"] for end in ends]
        worse = 0 if worths[0] <= worths[1] else 1
        low[name], high[name] = Fraction(ends[worse]), Fraction(ends[1 - worse])
        swings.append(
            {
                "name": name,
                "low": ends[0],
                "high": ends[1],
                "npv_at_low_usd": dollars(worths[0]),
                "npv_at_high_usd": dollars(worths[1]),
                "swing_usd": dollars(abs(worths[1] - worths[0])),
            }
        )
    swings.sort(key=lambda one: (-Fraction(one["swing_usd"]), one["name"]))
    return {"low": low, "base": base, "high": high}, swings


def drawn(inputs: Mapping[str, Row], seed: int, draws: int) -> Row:
    """Return what plans of drawn figures are worth: from triangles, the same for a seed."""
    base = {name: Fraction(inputs[name]["value"]) for name in NEEDED}
    ranged = {}
    for name in NEEDED:
        ends = [Decimal(inputs[name][end] or inputs[name]["value"]) for end in ("low", "high")]
        if ends[0] != ends[1]:
            ranged[name] = (*ends, Decimal(inputs[name]["value"]))
    dice = random.Random(seed)  # noqa: S311 - the draws of the report, again
    worths = sorted(plan_of(base | _draw(ranged, dice))["npv"] for _ in range(draws))
    rank = {part: worths[max(0, -(-part * draws // 100) - 1)] for part in (5, 50, 95)}
    return {
        "draws": draws,
        "seed": seed,
        "p05_usd": dollars(rank[5]),
        "p50_usd": dollars(rank[50]),
        "p95_usd": dollars(rank[95]),
        "positive_share": share(sum(one > 0 for one in worths), draws),
    }


def _draw(ranged: Mapping[str, tuple[Decimal, ...]], dice: random.Random) -> Values:
    drawn_now = {}
    with localcontext(Context(prec=28)):
        for name, (low, high, peak) in ranged.items():
            chance, width = Decimal(dice.getrandbits(53)) / 2**53, high - low
            if chance * width < peak - low:
                value = low + (chance * width * (peak - low)).sqrt()
            else:
                value = high - ((1 - chance) * width * (high - peak)).sqrt()
            whole = name == "horizon.months"
            drawn_now[name] = Fraction(value.to_integral_value() if whole else value)
    return drawn_now
