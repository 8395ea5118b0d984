"""Weeks of teams as a sheet: what each spent, by feature and model, beside the week before."""

from collections.abc import Sequence

from legato.notify.digest import Change
from legato.notify.digest import Report as TeamWeek
from legato.reporting.workbook import Book, Cell, Column, Formula, Placed, Style, Usd

_COST, _BEFORE = 3, 4


def week_sheet(book: Book, weeks: Sequence[TeamWeek]) -> None:
    """Write a row for each team, the sum of its features below; and its models."""
    page = book.page("Weeks", (24, 12, 40, 16, 16, 16, 16))
    first, last = weeks[0].week.first, weeks[0].week.last
    page.heading(f"What teams spent from {first} to {last} ({weeks[0].week.time_zone})")
    page.notes("A team is the sum of its features; its models come to the same.")
    columns = (
        Column("Team"), Column("Of"), Column("Name"), Column("USD", Style.USD_FINE),
        Column("Week before", Style.USD_FINE), Column("Change", Style.USD_FINE),
        Column("Saved", Style.USD_FINE),
    )  # fmt: skip
    count = sum(1 + len(one.features) + len(one.models) for one in weeks)
    placed = page.next_table(count, len(columns))
    rows: list[list[Cell]] = []
    for one in weeks:
        at, features = len(rows), len(one.features)
        sums: list[Cell] = [
            Formula(_above(placed, at, features, column), Usd(value))
            for column, value in ((_COST, one.total.cost), (_BEFORE, one.total.before))
        ]
        change = _change(placed, at, one.total)
        rows.append([one.team, "team", "", *sums, change, Usd(one.saved)])
        for kind, changes in (("feature", one.features), ("model", one.models)):
            for it in changes:
                amounts = (Usd(it.cost), Usd(it.before), _change(placed, len(rows), it))
                rows.append([one.team, kind, it.name, *amounts])
    page.table(columns, rows)


def _above(placed: Placed, at: int, features: int, column: int) -> str:
    if not features:
        return "0"
    return f"SUM({placed.plain(at + 1, column)}:{placed.plain(at + features, column)})"


def _change(placed: Placed, at: int, one: Change) -> Formula:
    return Formula(f"{placed.plain(at, _COST)}-{placed.plain(at, _BEFORE)}", Usd(one.by))
