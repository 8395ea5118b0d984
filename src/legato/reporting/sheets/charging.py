"""What cost centres bear, and the lines for the general ledger; sums are formulas."""

from collections.abc import Sequence
from typing import Final

from legato.accounting.charging import UNASSIGNED_SHOWN, ChargedPeriod, centres_of, postings
from legato.reporting.workbook import Book, Cell, Column, Formula, Placed, Style, Usd

_FINE: Final = Style.FINE
_CENTS: Final = Style.CENTS


def charge_sheet(book: Book, charged: ChargedPeriod) -> None:
    """Write what each cost centre bears by itself and of pools, and every charge of it."""
    page = book.page("Chargeback", (30, 24, 24, 20, 16, 16))
    name, currency = charged.state.period.name, charged.currency
    page.heading(f"What cost centres bear of {name}, in {currency}")
    page.notes(
        f"By version {charged.rules.version} of the rules; the period is {charged.state.state}.",
        *(["Converted day by day by dated rates, half-even."] if charged.rates else []),
    )
    centres = centres_of(charged)
    columns = (
        Column("Cost centre"), Column("Own use", _FINE), Column("Of pools", _FINE),
        Column("All", _FINE),
    )  # fmt: skip
    placed = page.next_table(len(centres) + 1, len(columns))
    rows: list[list[Cell]] = [
        [
            centre or UNASSIGNED_SHOWN,
            Usd(own),
            Usd(pooled),
            Formula(f"{placed.plain(at, 1)}+{placed.plain(at, 2)}", Usd(own + pooled)),
        ]
        for at, (centre, own, pooled) in enumerate(centres)
    ]
    sums = [sum(own for _, own, _ in centres), sum(pooled for _, _, pooled in centres)]
    rows.append(["all", *_sums(placed, len(centres), [*sums, sum(sums)])])
    page.table(columns, rows, totals=1)
    if centres:
        last = len(centres) - 1
        series = [
            {"name": title, "categories": placed.span(0, 0, last),
             "values": placed.span(column, 0, last)}
            for title, column in (("Own use", 1), ("Of pools", 2))
        ]  # fmt: skip
        kind = {"type": "bar", "subtype": "stacked"}
        page.chart(kind, series, title="Cost centres", y=currency)
    page.heading("Charges")
    page.table(
        (
            Column("Cost centre"), Column("Account"), Column("Pool"), Column("Amount", _FINE),
            Column("Requests", Style.COUNT), Column("Tokens", Style.COUNT),
        ),
        [
            [one.cost_centre or UNASSIGNED_SHOWN, one.account, one.pool, Usd(one.amount),
             one.requests, one.tokens]
            for one in charged.statement.charges
        ],
    )  # fmt: skip


def journal_sheet(book: Book, charged: ChargedPeriod) -> None:
    """Write the lines of the journal in whole cents; debit minus credit comes to nothing."""
    page = book.page("Journal", (30, 24, 18, 18, 40))
    page.heading(f"Lines for the general ledger, {charged.state.period.name}, {charged.currency}")
    lines = postings(charged)
    columns = (
        Column("Account"), Column("Cost centre"), Column("Debit", _CENTS),
        Column("Credit", _CENTS), Column("Text"),
    )  # fmt: skip
    placed = page.next_table(len(lines) + 2, len(columns))
    rows: list[list[Cell]] = [
        [one.account, one.cost_centre, _side(one.debit), _side(one.credit), one.text]
        for one in lines
    ]
    sums = [sum(one.debit for one in lines), sum(one.credit for one in lines)]
    rows.append(["all", "", *_sums(placed, len(lines), sums, first=2)])
    at = len(lines)
    left = f"ROUND({placed.plain(at, 2)}-{placed.plain(at, 3)},2)"
    rows.append(["debit minus credit", "", Formula(left, Usd(sums[0] - sums[1]))])
    page.table(columns, rows, totals=2)


def _side(amount: int) -> Cell:
    return Usd(amount) if amount else None


def _sums(placed: Placed, rows: int, sums: Sequence[int], first: int = 1) -> list[Cell]:
    return [
        Formula(
            f"SUM({placed.plain(0, column)}:{placed.plain(rows - 1, column)})" if rows else "0",
            Usd(value),
        )
        for column, value in enumerate(sums, start=first)
    ]
