"""Every figure of a report as a row: its value, its unit, and the query and command that make it.

It is what CSV and Parquet hold, and a sheet of the workbook. Values are exact texts: money in
dollars to the billionth, shares to twelve decimals beside the fraction that they are.
"""

from collections.abc import Iterator, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

import msgspec

from legato.accounting.charging import ChargedPeriod, postings
from legato.accounting.invoices.desk import part_shown
from legato.core.money import NanoUSD, exact_usd, round_ratio
from legato.economics.finance.figures import CaseFigures, FeaturePnl, Figures, PlanFigures, Pnl
from legato.economics.kpis import Unit
from legato.economics.optimisation.lines import Review
from legato.insights.spend.desk import Insight
from legato.insights.spend.statement import MeasuredSaving
from legato.notify.digest import Report as TeamWeek
from legato.reporting.cfo import CfoReport, Reconciled, SpendPart

_PLACES: Final = Decimal("1e-12")
_NANO: Final = "_nano"
_USD: Final = "USD"
_UNITS: Final = {
    "payback_months": "months",
    "break_even_month": "month",
    "roi": "share",
    "positive_share": "share",
    "margin_after_ai": "share",
    "contribution_margin": "share",
    "ai_of_revenue": "share",
    "ai_of_cogs": "share",
    "requests": "count",
    "unpriced": "count",
}
_IDENTITY: Final = frozenset({"org", "team", "feature", "month", "year", "what", "name", "told"})


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """One figure. `exact` is the fraction where a value is rounded; `needs` why there is none."""

    part: str
    figure: str
    of: str = ""
    value: str
    unit: str = ""
    exact: str = ""
    needs: str = ""
    query: str
    command: str


COLUMNS: Final = Listed.__struct_fields__


def listed(report: CfoReport) -> Iterator[Listed]:
    """Yield all figures, part by part."""
    if report.spend is not None:
        yield from _savings(report, report.spend)
        yield from _insight("savings by feature", report.spend.by_feature, report.org)
        yield from _insight("cost by team", report.spend.by_team, report.org)
    for one in report.kpis:
        yield from _insight("key figures", one, report.org)
    if report.plan is not None:
        yield from _plan(report.plan)
    if report.pnl is not None:
        yield from _pnl(report.pnl, report.org)
    if report.review is not None:
        yield from _review(report.review)
    for week in report.weeks:
        yield from _week(week)
    if report.charged is not None:
        yield from _charged(report.charged, report.org)
    for invoice in report.invoices:
        yield from _reconciled(invoice, report.org)


def _week(week: TeamWeek) -> Iterator[Listed]:
    times = {"from_ns": week.week.start_ns, "until_ns": week.week.end_ns}
    query = _json({"of": "ledger_entry", "sum": ["cost"], "org": week.org, "team": week.team,
                   "by": ["feature", "model"], **times})  # fmt: skip
    before = _json({"of": "ledger_entry", "sum": ["cost"], "org": week.org, "team": week.team,
                    "from_ns": week.week.before_ns, "until_ns": week.week.start_ns})  # fmt: skip
    command = f"legato digest show --team {week.team} --org {week.org} --week {week.week.first}"
    made = {"part": f"week of {week.team}", "command": command}
    named = (("all", [week.total]), ("feature", week.features), ("model", week.models))
    for kind, changes in named:
        for one in changes:
            of = "" if kind == "all" else f"{kind} {one.name or '(none)'}"
            yield Listed(figure="cost", of=of, value=_usd(one.cost), unit=_USD, query=query, **made)
            yield Listed(figure="cost in the week before", of=of, value=_usd(one.before), unit=_USD,
                         query=before, **made)  # fmt: skip
    for name in ("requests", "attempts", "unpriced"):
        yield Listed(figure=name, value=str(getattr(week, name)), unit="count", query=query, **made)
    for step, amount in {"all": week.saved, **week.saved_by}.items():
        yield Listed(figure="saved", of=step, value=_usd(amount), unit=_USD, query=query, **made)


def _review(review: Review) -> Iterator[Listed]:
    command = f"legato review --month {review.month} --org {review.org}"
    spent = '{"of": "spend_day", "sum": ["cost", "requests"]}'
    place = {"part": "review", "command": command}
    yield Listed(figure="spent", value=_usd(review.spent), unit=_USD, query=spent, **place)
    for one in review.lines:
        yield Listed(
            figure=one.topic.value,
            of=one.what,
            value="" if one.effect is None else _usd(one.effect),
            unit="" if one.effect is None else _USD,
            exact=one.basis.value,
            needs=one.needs,
            query=one.evidence,
            **place,
        )


def _savings(report: CfoReport, spend: SpendPart) -> Iterator[Listed]:
    said = spend.savings
    made = {
        "part": "savings",
        "query": "; ".join(said.queries),
        "command": f"legato savings show --period {said.period} --org {report.org}",
    }
    for name, amount in said.bars:
        yield Listed(figure=name, value=_usd(amount), unit=_USD, **made)
    yield Listed(figure="saved", value=_usd(said.saved), unit=_USD, **made)
    for name in ("requests", "unpriced"):
        yield Listed(figure=name, value=str(getattr(said, name)), unit="count", **made)
    for one in said.measured:
        yield from _measured(one, f"legato holdout show {one.holdout_id} --org {report.org}")


def _measured(one: MeasuredSaving, command: str) -> Iterator[Listed]:
    query = _json({"of": "ledger_entry by arm of the holdout", "holdout": one.holdout_id})
    place = {"part": "holdouts", "of": one.route, "query": query, "command": command}
    for name in ("requests", "held_out", "saved_usd", "low_usd", "high_usd"):
        value = getattr(one, name)
        needs = "more requests" if value is None else ""
        unit = _USD if name.endswith("_usd") else "count"
        shown = "" if value is None else repr(value)
        yield Listed(figure=name, value=shown, unit=unit, needs=needs, **place)


def _insight(part: str, one: Insight, org: str) -> Iterator[Listed]:
    by = f" --by {','.join(one.by)}" if one.by else ""
    command = f"legato insight show {one.about.id} --period {one.period}{by} --org {org}"
    made = {"part": part, "query": "; ".join(one.queries), "command": command}
    for row in one.rows:
        step = row.group.get("step", "")
        of = _named({name: value for name, value in row.group.items() if name != "step"})
        unit = _USD if one.about.unit == Unit.NANO_USD else str(one.about.unit)
        value, exact = "", ""
        if not row.needs:
            value, exact = _fraction(row.numerator, row.denominator, one.about.unit)
        name = step or one.about.id
        yield Listed(figure=name, of=of, value=value, unit=unit, exact=exact, needs=row.needs,
                     **made)  # fmt: skip


def _fraction(numerator: int, denominator: int, unit: str) -> tuple[str, str]:
    if unit == Unit.NANO_USD:
        exact = "" if denominator == 1 else f"{numerator}/{denominator} nano-USD"
        return _usd(round_ratio(numerator, denominator)), exact
    if denominator == 1:
        return str(numerator), ""
    share = (Decimal(numerator) / Decimal(denominator)).quantize(_PLACES, ROUND_HALF_EVEN)
    return f"{share:f}", f"{numerator}/{denominator}"


def _plan(plan: PlanFigures) -> Iterator[Listed]:
    command = f"legato plan roi --org {plan.org}"
    for one in plan.inputs:
        query = _json({"of": "assumption", "name": one.name, "version": one.version})
        if not one.version:
            query = one.source
        made = {"part": "plan's inputs", "of": one.tag, "unit": one.unit, "query": query,
                "command": f"legato assumptions history {one.name} --org {plan.org}"}  # fmt: skip
        for end in ("value", "low", "high"):
            if getattr(one, end):
                yield Listed(figure=f"{one.name} {end}", value=getattr(one, end), **made)
    for case in plan.cases:
        yield from _case(case, command)
    whole = _json({"of": "plan", "inputs": [one.name for one in plan.inputs]})
    for swing in plan.tornado:
        yield from _fields(("sensitivity", swing.name), swing, whole, command)
    if plan.draws is not None:
        yield from _fields(("drawn", f"seed {plan.draws.seed}"), plan.draws, whole, command)


def _case(case: CaseFigures, command: str) -> Iterator[Listed]:
    query = _json({"of": "plan", "case": case.name, "inputs": case.values})
    of = case.name
    yield from _fields(("plan", of), case, query, command)
    for at, rate in enumerate(case.irr):
        yield Listed(part="plan", figure=f"irr {at + 1}", of=of, value=rate, unit="a year",
                     query=query, command=command)  # fmt: skip
    for row in case.tco:
        yield from _fields(("cost of ownership", f"{of}, {row.what}"), row, query, command)
    for year in case.years:
        yield from _fields(("plan by year", f"{of}, year {year.year}"), year, query, command)
    for month in case.months:
        yield from _fields(("plan by month", f"{of}, month {month.month}"), month, query, command)


def _pnl(pnl: Pnl, org: str) -> Iterator[Listed]:
    query = "; ".join(pnl.queries)
    command = f"legato pnl --since {pnl.since} --until {pnl.until} --org {org}"
    for one in (*pnl.features, pnl.total):
        yield from _fields(("profit and loss", _place(one)), one, query, command)
    share = {"part": "profit and loss", "query": query, "command": command}
    yield Listed(figure="profitable_share", of="all", value=pnl.profitable_share, unit="share",
                 needs="" if pnl.profitable_share else "revenue in the books", **share)  # fmt: skip


def _place(one: FeaturePnl) -> str:
    return f"{one.team}/{one.feature}" if one.team or one.feature != "all" else "all"


def _charged(charged: ChargedPeriod, org: str) -> Iterator[Listed]:
    name, rules = charged.state.period.name, charged.rules.version
    sources = sorted({one.source for used in charged.rates for one in used.rates})
    said = {"sum": ["cost"], "of": "ledger_entry", "period": name, "rules": rules}
    query = _json({**said, "rates": sources})
    command = f"legato chargeback show {name} --currency {charged.currency} --org {org}"
    made = {"unit": charged.currency, "query": query, "command": command}
    for one in charged.statement.charges:
        of = f"{one.cost_centre or '(unassigned)'}, {one.account}{_pool(one.pool)}"
        yield Listed(part="chargeback", figure="amount", of=of, value=_usd(one.amount), **made)
    for figure in ("spent", "stated", "total", "unassigned"):
        amount = getattr(charged.statement, figure)
        yield Listed(part="chargeback", figure=figure, value=_usd(amount), **made)
    yield Listed(part="chargeback", figure="accrued", value=_usd(charged.accrued), **made)
    for line in postings(charged):
        of = f"{line.account}, {line.cost_centre}" if line.cost_centre else line.account
        for side in ("debit", "credit"):
            if getattr(line, side):
                value = _usd(getattr(line, side))
                yield Listed(part="journal", figure=side, of=of, value=value, **made)


def _pool(pool: str) -> str:
    return f", pool {pool}" if pool else ""


def _reconciled(one: Reconciled, org: str) -> Iterator[Listed]:
    invoice, found = one.invoice, one.found
    query = _json({"of": "invoice_line and ledger_entry by half hours", "invoice": invoice.id})
    made = {"part": "invoice reconciliation", "unit": _USD, "query": query,
            "command": f"legato invoices reconcile {invoice.id} --org {org}"}  # fmt: skip
    for figure in ("invoiced", "ledger", "difference"):
        yield Listed(figure=figure, of=invoice.name, value=_usd(getattr(found, figure)), **made)
    for part in found.parts:
        shown = part_shown(part)
        where = [shown[name] for name in ("provider", "model", "day", "vendor_key") if shown[name]]
        of = ", ".join([invoice.name, *where])
        yield Listed(figure=part.cause.value, of=of, value=shown["amount_usd"], **made)


def _fields(where: tuple[str, str], held: Figures, query: str, command: str) -> Iterator[Listed]:
    """Yield the plain fields of a value: money, numbers and decimal texts, no words."""
    for name in held.__struct_fields__:
        value = getattr(held, name)
        if name in _IDENTITY or name.endswith(("_told", "_band")) or not _is_plain(value):
            continue
        unit = _USD if name.endswith(_NANO) else _UNITS.get(name, "")
        if name.endswith(_NANO):
            shown = "" if value is None else _usd(value)
        else:
            shown = "" if value is None else str(value)
        yield Listed(part=where[0], figure=name.removesuffix(_NANO), of=where[1],
                     value=shown, unit=unit,
                     needs="" if shown else "none: see the report", query=query,
                     command=command)  # fmt: skip


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, int | str)


def _named(group: dict[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in group.items())


def _usd(nano: int) -> str:
    return exact_usd(NanoUSD(nano))


def _json(said: dict[str, object]) -> str:
    return msgspec.json.encode(said).decode()


def rows_of(report: CfoReport) -> list[Sequence[str]]:
    """Return the figures as rows of texts in the order of `COLUMNS`."""
    return [[getattr(one, name) for name in COLUMNS] for one in listed(report)]
