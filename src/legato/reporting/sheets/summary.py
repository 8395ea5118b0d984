"""The first sheet and the last: what it all comes to, and how it was made."""

from decimal import Decimal
from typing import Final

from legato.accounting.charging import ChargedPeriod
from legato.economics.kpis import Unit
from legato.insights.spend.desk import Insight
from legato.reporting.cfo import CfoReport
from legato.reporting.listing import listed
from legato.reporting.sheets.plan import outcome_rows
from legato.reporting.workbook import Book, Cell, Column, Page, Style, Usd

_WORDS: Final = {
    Unit.SHARE: "of 1",
    Unit.NANO_USD: "USD",
    Unit.MILLISECONDS: "ms",
    Unit.SECONDS: "s",
    Unit.PER_THOUSAND: "in 1,000",
    Unit.PER_DAY: "a day",
    Unit.COUNT: "",
}


def summary_sheet(book: Book, report: CfoReport) -> None:
    """Write the headline, what the plan comes to, and the KPIs of the period."""
    page = book.page("Summary", (44, 20, 14, 90))
    page.heading(report.title)
    page.notes(
        f"{report.org}, {report.period}",
        *([] if report.spend is None else [report.spend.savings.headline]),
        *([] if report.pnl is None else [f"{report.pnl.profitable_told}."]),
        *[f"Not in this report: {one}" for one in report.missing],
    )
    if report.charged is not None:
        _charged(page, report.charged)
    if report.plan is not None:
        base = next(case for case in report.plan.cases if case.name == "base")
        page.heading("What the plan comes to")
        page.table((Column("Outcome"), Column("Case in force", Style.NUMBER)), outcome_rows(base))
    if not report.kpis:
        return
    page.heading("Key figures of the period")
    columns = (
        Column("Figure"),
        Column("Value", Style.NUMBER),
        Column("Unit"),
        Column("Definition"),
    )
    page.table(columns, [_figure(one) for one in report.kpis])


def method_sheet(book: Book, report: CfoReport) -> None:
    """Write what is measured and what is modelled, the queries, and where the books stood."""
    page = book.page("Method", (140,))
    page.heading("Method")
    said: list[str] = []
    if report.spend is not None:
        unpriced = f"{report.spend.savings.unpriced:,} attempts of the period have no price"
        said = [*report.spend.savings.modelled, f"{unpriced} and are in no amount."]
    page.notes(
        "Amounts are whole nano-dollars in the ledger; sheets show dollars. Each entry keeps the "
        "price it was charged at.",
        *said,
        *([] if report.plan is None else report.plan.method),
        "The sheet Figures has each figure with the query and the command that make it.",
        report.anchor,
    )
    page.heading("Queries")
    page.notes(*dict.fromkeys(one.query for one in listed(report) if one.query.startswith("{")))


def _charged(page: Page, charged: ChargedPeriod) -> None:
    said = charged.statement
    page.heading(f"What is charged, in {charged.currency}")
    page.table(
        (Column("Amount"), Column(charged.currency, Style.FINE)),
        [
            ["Usage in the ledger", Usd(said.spent)],
            ["Stated by pools beside it", Usd(said.stated)],
            ["Charged in all", Usd(said.total)],
            ["Of that, no cost centre bears", Usd(said.unassigned)],
            ["Not billed yet", Usd(charged.accrued)],
        ],
    )


def _figure(one: Insight) -> list[Cell]:
    row = one.rows[0] if one.rows else None
    unit = Unit(one.about.unit)
    if row is None or row.needs:
        told = "no rows" if row is None else row.needs
        return [one.about.title, f"not measured: needs {told}", "", one.about.definition]
    value: Cell = Decimal(row.numerator) / Decimal(row.denominator)
    if unit is Unit.NANO_USD and row.denominator == 1:
        value = Usd(row.numerator)
    elif unit is Unit.NANO_USD:
        value = Decimal(row.numerator) / Decimal(row.denominator) / 10**9
    return [one.about.title, value, _WORDS[unit], one.about.definition]
