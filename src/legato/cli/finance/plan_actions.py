"""What `legato plan` and `legato pnl` print of costs and gains."""

from collections.abc import Mapping, Sequence
from typing import Any

import click

from legato.cli.finance.planning_desk import Place, opened
from legato.cli.options import print_json
from legato.cli.tables import print_table
from legato.core.money import NanoUSD, display_usd
from legato.core.tenant import Tenant
from legato.economics.finance.assumptions import SHIPPED, Input
from legato.economics.finance.figures import FeaturePnl, PlanFigures, plain
from legato.finance.plans import Asked, assumed

_PERCENT = 100


def roi(place: Place, asked: Mapping[str, Any], *, as_json: bool) -> None:
    """Print the cases side by side."""
    found = _plan(place, asked)
    if as_json:
        print_json(plain(found))
        return
    rows = [
        ("NPV", *(dollars(one.npv_nano) for one in found.cases)),
        ("ROI", *(percent(one.roi) or one.roi_told for one in found.cases)),
        ("IRR", *(" / ".join(percent(r) for r in one.irr) or one.irr_told for one in found.cases)),
        ("payback, months", *(one.payback_months or "not reached" for one in found.cases)),
        ("break-even", *(one.break_even_told for one in found.cases)),
        ("initial cost", *(dollars(one.initial_nano) for one in found.cases)),
    ]
    names = tuple(one.name for one in found.cases)
    print_table(("", *names), rows, numbers=names)
    if found.draws is not None:
        one = found.draws
        click.echo(
            f"Of {one.draws} draws (seed {one.seed}) 90 % have an NPV between "
            f"{dollars(one.p05_nano)} and {dollars(one.p95_nano)}; "
            f"{percent(one.positive_share)} are above zero."
        )
    for case in found.cases:
        if case.irr_told and case.irr:
            click.echo(f"{case.name}: {case.irr_told}")
    print_inputs(found.inputs)


def tco(place: Place, asked: Mapping[str, Any], *, as_json: bool) -> None:
    """Print the base case's cost before and after."""
    found = _plan(place, {**asked, "draws": 0, "seed": 1})
    base = found.cases[1]
    if as_json:
        print_json({"months": len(base.months), "tco": plain(base.tco)} | _made_of(found))
        return
    rows = [
        (
            one.what,
            dollars(one.before_nano),
            dollars(one.after_nano),
            dollars(one.before_nano - one.after_nano),
        )
        for one in base.tco
    ]
    columns = (f"{len(base.months)} months", "without", "with", "less")
    print_table(columns, rows, numbers=columns[1:])
    print_inputs(found.inputs)


def break_even(place: Place, asked: Mapping[str, Any], *, as_json: bool) -> None:
    """Print the cumulative balance of all cases."""
    found = _plan(place, {**asked, "draws": 0, "seed": 1})
    if as_json:
        cases = [
            {
                "name": one.name,
                "break_even_month": one.break_even_month,
                "payback_months": one.payback_months,
                "told": one.break_even_told,
                "cumulative_usd": [plain(month)["cumulative_usd"] for month in one.months],
            }
            for one in found.cases
        ]
        print_json({"cases": cases} | _made_of(found))
        return
    names = tuple(one.name for one in found.cases)
    longest = max(len(one.months) for one in found.cases)
    rows = [
        (str(month + 1), *(_cumulative(one.months, month) for one in found.cases))
        for month in range(longest)
    ]
    print_table(("month", *names), rows, numbers=names)
    for one in found.cases:
        click.echo(f"{one.name}: {one.break_even_told}")
    print_inputs(found.inputs)


def sensitivity(place: Place, asked: Mapping[str, Any], *, as_json: bool) -> None:
    """Print the tornado and the draws."""
    found = _plan(place, asked)
    if as_json:
        shown = {"tornado": plain(found.tornado), "draws": plain(found.draws)}
        print_json(shown | _made_of(found))
        return
    columns = ("figure", "low", "high", "NPV at low", "NPV at high", "swing")
    rows = [
        (
            one.name,
            one.low,
            one.high,
            dollars(one.npv_at_low_nano),
            dollars(one.npv_at_high_nano),
            dollars(one.swing_nano),
        )
        for one in found.tornado
    ]
    print_table(columns, rows, numbers=columns[1:])
    if not rows:
        click.echo("No figure has a range: `legato assumptions set NAME VALUE --low --high`.")
    print_inputs(found.inputs)


def pnl(place: Place, wanted: tuple[str, str, str], *, as_json: bool) -> None:
    """Print each feature's profit and loss."""
    org, since, until = wanted
    with opened(place) as desk:
        found = desk.profit.read(Tenant(org), since, until)
    if as_json:
        print_json(plain(found))
        return
    columns = (
        "feature", "revenue", "models", "review", "other", "contribution", "margin",
        "models / revenue", "a request",
    )  # fmt: skip
    click.echo(f"{found.since} to {found.until}, {org}, USD")
    rows = [_pnl_row(one) for one in (*found.features, found.total)]
    print_table(columns, rows, numbers=columns[1:])
    band = f" ({found.profitable_band})" if found.profitable_band else ""
    click.echo(found.profitable_told + band)
    for one in found.features:
        for told in one.told:
            click.echo(f"{one.team}/{one.feature}: {told}")
    print_inputs(found.inputs)


def asked_of(asked: Mapping[str, Any]) -> tuple[Tenant, Asked]:
    """Return whose plan is asked for, and what."""
    given = dict(asked)
    org, said = given.pop("org"), assumed(given.pop("assume"))
    return Tenant(org), Asked(assume=said, **given)


def print_inputs(inputs: Sequence[Input]) -> None:
    """Print what an answer was made of."""
    columns = ("made of", "value", "range", "unit", "tag", "version", "source")
    rows = []
    for one in inputs:
        version = {None: "", SHIPPED: "ships"}.get(one.version, str(one.version))
        span = f"{one.low or one.value} to {one.high or one.value}" if one.low or one.high else ""
        rows.append((one.name, one.value, span, one.unit, one.tag, version, one.source))
    print_table(columns, rows, numbers=("value",))


def dollars(nano: int | None) -> str:
    """Write an amount for a table."""
    if nano is None:
        return ""
    return f"${display_usd(NanoUSD(nano)) if nano else '0.00'}"


def percent(text: str) -> str:
    """Write a share as a percentage, "" for none."""
    return "" if not text else f"{float(text) * _PERCENT:.1f} %"


def _plan(place: Place, asked: Mapping[str, Any]) -> PlanFigures:
    tenant, wanted = asked_of(asked)
    with opened(place) as desk:
        return desk.plans.plan(tenant, wanted)


def _made_of(found: PlanFigures) -> dict[str, Any]:
    return {"inputs": plain(found.inputs), "method": found.method}


def _cumulative(months: Sequence[Any], place: int) -> str:
    return dollars(months[place].cumulative_nano) if place < len(months) else ""


def _pnl_row(one: FeaturePnl) -> tuple[str, ...]:
    def with_band(text: str, band: str) -> str:
        return f"{text} ({band})" if text and band else text

    return (
        f"{one.team}/{one.feature}" if one.team else one.feature,
        dollars(one.revenue_nano),
        dollars(one.ai_nano),
        dollars(one.review_nano),
        dollars(one.other_nano),
        dollars(one.contribution_nano),
        percent(one.contribution_margin),
        with_band(percent(one.ai_of_revenue), one.ai_band),
        with_band(dollars(one.cost_per_request_nano), one.cost_band),
    )
