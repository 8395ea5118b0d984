"""Profit and loss of features as a sheet: contribution and margins are formulas."""

from decimal import Decimal

from legato.economics.finance.figures import FeaturePnl, Pnl
from legato.reporting.workbook import Book, Cell, Column, Formula, Placed, Style, Usd

_COLUMNS = (
    Column("Team"),
    Column("Feature"),
    Column("Revenue", Style.USD),
    Column("Models", Style.USD_FINE),
    Column("Review", Style.USD),
    Column("Other", Style.USD),
    Column("Contribution", Style.USD),
    Column("Margin", Style.SHARE),
    Column("Models of revenue", Style.SHARE),
    Column("Band"),
    Column("Requests", Style.COUNT),
    Column("A request", Style.USD_FINE),
    Column("To be said"),
)
_SUMMED = (2, 3, 4, 5, 10)


def feature_sheet(book: Book, pnl: Pnl) -> None:
    """Write a row for each feature, and their total."""
    page = book.page("Feature P&L", (18, 22, 14, 16, 14, 14, 14, 10, 10, 14, 12, 14, 60))
    page.heading(f"Profit and loss by feature, {pnl.since} to {pnl.until}")
    page.notes(f"{pnl.profitable_told}.")
    placed = page.next_table(len(pnl.features) + 1, len(_COLUMNS))
    rows = [_row(one, placed, at) for at, one in enumerate(pnl.features)]
    last = len(pnl.features)
    total = _row(pnl.total, placed, last)
    total[:2] = ["all", ""]
    for column in _SUMMED if pnl.features else ():
        first, end = placed.plain(0, column), placed.plain(last - 1, column)
        value = total[column]
        if isinstance(value, int | Usd):
            total[column] = Formula(f"SUM({first}:{end})", value)
    page.table(_COLUMNS, [*rows, total], totals=1)
    if pnl.features:
        series = [
            {
                "name": "Contribution",
                "categories": placed.span(1, 0, last - 1),
                "values": placed.span(6, 0, last - 1),
            }
        ]
        page.chart({"type": "bar"}, series, title="Contribution by feature", y="USD")


def _row(one: FeaturePnl, placed: Placed, at: int) -> list[Cell]:
    revenue, models, review, other, contribution, requests = (
        placed.plain(at, column) for column in (2, 3, 4, 5, 6, 10)
    )
    margin = _share(f"{contribution}/{revenue}", one.contribution_nano, one.revenue_nano)
    of_revenue = _share(f"{models}/{revenue}", one.ai_nano, one.revenue_nano)
    each: Cell = None
    if one.requests:
        each = Formula(f"{models}/{requests}", Usd(one.cost_per_request_nano or 0))
    return [
        one.team,
        one.feature,
        Usd(one.revenue_nano),
        Usd(one.ai_nano),
        Usd(one.review_nano),
        Usd(one.other_nano),
        Formula(f"{revenue}-{models}-{review}-{other}", Usd(one.contribution_nano)),
        margin,
        of_revenue,
        one.ai_band,
        one.requests,
        each,
        "; ".join(one.told),
    ]


def _share(formula: str, part: int, of: int) -> Cell:
    return Formula(formula, Decimal(part) / Decimal(of)) if of > 0 else None
