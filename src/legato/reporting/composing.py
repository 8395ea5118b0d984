"""Puts a report together as a workbook, and as the data of its pages."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from legato.accounting.charging import UNASSIGNED_SHOWN, ChargedPeriod, centres_of, postings
from legato.accounting.invoices.desk import bypass_keys
from legato.core.money import NanoUSD, display_usd
from legato.economics.finance.figures import CaseFigures
from legato.economics.kpis import Unit
from legato.economics.optimisation.lines import Review, Topic
from legato.economics.waterfall import BAR_TITLES
from legato.insights.spend.desk import Insight
from legato.notify.digest import Report as TeamWeek
from legato.notify.digest_pages import parts_of
from legato.reporting.cfo import CfoReport, Reconciled, SpendPart
from legato.reporting.listing import listed
from legato.reporting.markdown import amount_text
from legato.reporting.sheets.charging import charge_sheet, journal_sheet
from legato.reporting.sheets.features import feature_sheet
from legato.reporting.sheets.figures import figures_sheet
from legato.reporting.sheets.plan import (
    assumption_sheet,
    cash_flow_sheet,
    ownership_sheet,
    sensitivity_sheet,
)
from legato.reporting.sheets.reconciliation import reconciliation_sheet
from legato.reporting.sheets.review import review_sheet
from legato.reporting.sheets.savings import team_sheet, waterfall_sheet
from legato.reporting.sheets.summary import method_sheet, summary_sheet
from legato.reporting.sheets.weeks import week_sheet
from legato.reporting.workbook import Book

TEMPLATE: Final = "cfo"
_NANO: Final = 10**9


def workbook(report: CfoReport, *, with_values: bool = True) -> bytes:
    """Return the report as an XLSX file. Raises OperatorError without the extra."""
    book = Book(report.title, made_ns=report.made_ns, with_values=with_values)
    summary_sheet(book, report)
    if report.spend is not None:
        waterfall_sheet(book, report.spend)
    if report.plan is not None:
        base = next(case for case in report.plan.cases if case.name == "base")
        assumption_sheet(book, report.plan)
        months, _ = cash_flow_sheet(book, base)
        ownership_sheet(book, base, months)
        sensitivity_sheet(book, report.plan)
    if report.pnl is not None:
        feature_sheet(book, report.pnl)
    if report.spend is not None:
        team_sheet(book, report.spend)
    if report.review is not None:
        review_sheet(book, report.review)
    if report.weeks:
        week_sheet(book, report.weeks)
    if report.charged is not None:
        charge_sheet(book, report.charged)
        journal_sheet(book, report.charged)
    if report.invoices:
        reconciliation_sheet(book, report.invoices)
    figures_sheet(book, report)
    method_sheet(book, report)
    return book.finish()


def page_data(report: CfoReport) -> dict[str, Any]:
    """Return what the template reads: amounts as texts, and as numbers where they are drawn."""
    return {
        "title": report.title,
        "org": report.org,
        "period": report.period,
        "made": datetime.fromtimestamp(report.made_ns // _NANO, UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "spend": None if report.spend is None else _spend(report.spend),
        "kpis": [_kpi(one) for one in report.kpis],
        "charged": None if report.charged is None else _charged(report.charged),
        "invoices": [_reconciled(one) for one in report.invoices],
        "review": None if report.review is None else _review(report.review),
        "weeks": [_week(one) for one in report.weeks],
        "plan": None if report.plan is None else _plan(report),
        "pnl": None if report.pnl is None else _pnl(report),
        "anchor": report.anchor,
        "missing": list(report.missing),
        "queries": list(dict.fromkeys(
            one.query for one in listed(report) if one.query.startswith("{")
        )),
    }  # fmt: skip


def _week(week: TeamWeek) -> dict[str, Any]:
    return {
        "team": week.team,
        "parts": [
            {"title": one.title, "said": list(one.said), "columns": list(one.columns),
             "rows": [list(row) for row in one.rows]}
            for one in parts_of(week)
        ],
    }  # fmt: skip


def _review(review: Review) -> dict[str, Any]:
    return {
        "requests": f"{review.requests:,}",
        "spent": amount_text(review.spent),
        "found": amount_text(review.found),
        "topics": [
            {
                "title": topic.value.capitalize(),
                "lines": [
                    {
                        "what": one.what,
                        "usd": amount_text(one.effect),
                        "basis": one.basis.value,
                        "advice": one.advice,
                        "needs": one.needs,
                        "recommended": one.recommended,
                    }
                    for one in review.lines
                    if one.topic is topic
                ],
            }
            for topic in Topic
        ],
    }


def _spend(spend: SpendPart) -> dict[str, Any]:
    return {
        "headline": spend.savings.headline,
        "bars": [_bar(name, amount) for name, amount in spend.savings.bars],
        "modelled": list(spend.savings.modelled),
        "unpriced": f"{spend.savings.unpriced:,}",
        "teams": [
            {"team": row.group["team"], "cost": _usd(row.numerator)} for row in spend.by_team.rows
        ],
    }


def _charged(charged: ChargedPeriod) -> dict[str, Any]:
    said = charged.statement
    return {
        "currency": charged.currency,
        "state": charged.state.state,
        "rules": charged.rules.version,
        "spent": _amount(said.spent),
        "total": _amount(said.total),
        "accrued": _amount(charged.accrued),
        "centres": [
            {"centre": centre or UNASSIGNED_SHOWN, "own": _amount(own), "pooled": _amount(pooled),
             "total": _amount(own + pooled)}
            for centre, own, pooled in centres_of(charged)
        ],
        "journal": [
            {"account": one.account, "centre": one.cost_centre,
             "debit": _amount(one.debit) if one.debit else "",
             "credit": _amount(one.credit) if one.credit else "", "text": one.text}
            for one in postings(charged)
        ],
    }  # fmt: skip


def _reconciled(one: Reconciled) -> dict[str, Any]:
    invoice, found = one.invoice, one.found
    return {
        "name": invoice.name,
        "vendor": invoice.vendor,
        "state": invoice.state,
        "ledger": _usd(found.ledger),
        "invoiced": _usd(found.invoiced),
        "parts": [
            {"cause": cause.value, "amount": _usd(amount)}
            for cause, amount in found.by_cause().items()
        ],
        "bypass": [{"key": key, "amount": f"${amount}"} for key, amount in
                   bypass_keys(found).items()],
    }  # fmt: skip


def _bar(name: str, amount: int) -> dict[str, Any]:
    whole = name in {"baseline", "cost"}
    text = _usd(abs(amount))
    if not whole and amount:
        text = ("+" if amount > 0 else "\N{MINUS SIGN}") + text
    return {
        "name": BAR_TITLES[name],
        "nano": amount,
        "text": text,
        "kind": "total" if whole else "step",
    }


def _kpi(one: Insight) -> dict[str, str]:
    row = one.rows[0] if one.rows else None
    value = "not measured"
    if row is not None and not row.needs:
        value = _figure(Unit(one.about.unit), Decimal(row.numerator) / Decimal(row.denominator))
    lacks = row.needs if row is not None else ""
    return {
        "title": one.about.title,
        "value": value,
        "told": f"needs {lacks}" if lacks else one.about.definition,
        "bands": one.about.bands,
    }


def _figure(unit: Unit, value: Decimal) -> str:
    if unit is Unit.SHARE:
        return f"{value:.1%}"
    if unit is Unit.NANO_USD:
        return f"${display_usd(NanoUSD(round(value)))}"
    if unit is Unit.MILLISECONDS:
        return f"{value:,.0f} ms"
    if unit is Unit.SECONDS:
        return f"{value:,.1f} s"
    return f"{value:,.2f}".rstrip("0").rstrip(".")


def _plan(report: CfoReport) -> dict[str, Any]:
    plan = report.plan
    if plan is None:
        return {}
    base = next(case for case in plan.cases if case.name == "base")
    return {
        "cases": [_case(case) for case in plan.cases],
        "cumulative": [
            {"month": 0, "nano": -base.initial_nano},
            *[{"month": one.month, "nano": one.cumulative_nano} for one in base.months],
        ],
        "lowest": _usd(min(-base.initial_nano, *(one.cumulative_nano for one in base.months))),
        "highest": _usd(max(0, *(one.cumulative_nano for one in base.months))),
        "even": base.break_even_month,
        "even_told": base.break_even_told,
        "tco": [
            {"what": one.what, "before": _usd(one.before_nano), "after": _usd(one.after_nano),
             "less": _usd(one.before_nano - one.after_nano)}
            for one in base.tco
        ],
        "inputs": [
            {"name": one.name, "value": one.value, "range": _range(one.low, one.high),
             "unit": one.unit, "tag": one.tag, "source": one.source}
            for one in plan.inputs
        ],
        "swings": [
            {"name": one.name, "low": _usd(one.npv_at_low_nano), "high": _usd(one.npv_at_high_nano)}
            for one in plan.tornado
        ],
        "method": list(plan.method),
    }  # fmt: skip


def _case(case: CaseFigures) -> dict[str, str]:
    return {
        "name": case.name,
        "npv": _usd(case.npv_nano),
        "roi": f"{Decimal(case.roi):.0%}" if case.roi else case.roi_told,
        "even": case.break_even_told,
        "irr": ", ".join(f"{Decimal(one):.0%}" for one in case.irr) or case.irr_told,
    }


def _range(low: str, high: str) -> str:
    return f"{low} to {high}" if low or high else ""


def _pnl(report: CfoReport) -> dict[str, Any]:
    if report.pnl is None:
        return {}
    rows = [*report.pnl.features, report.pnl.total]
    return {
        "told": report.pnl.profitable_told,
        "rows": [
            {"feature": f"{one.team} / {one.feature}" if one.team else one.feature,
             "revenue": _usd(one.revenue_nano), "models": _usd(one.ai_nano),
             "other": _usd(one.review_nano + one.other_nano),
             "contribution": _usd(one.contribution_nano),
             "margin": f"{Decimal(one.contribution_margin):.1%}" if one.contribution_margin else "",
             "band": one.ai_band}
            for one in rows
        ],
    }  # fmt: skip


def _amount(nano: int) -> str:
    """Write an amount of a currency that its table names."""
    return _usd(nano).replace("$", "")


def _usd(nano: int) -> str:
    if not nano:
        return "$0.00"
    sign = "\N{MINUS SIGN}" if nano < 0 else ""
    return f"{sign}${display_usd(NanoUSD(abs(nano)))}"
