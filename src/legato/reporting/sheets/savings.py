"""Savings as sheets: the waterfall, by feature too, and what teams cost; sums are formulas."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from legato.economics.waterfall import BAR_TITLES
from legato.insights.spend.desk import Insight
from legato.reporting.cfo import SpendPart
from legato.reporting.workbook import Book, Cell, Column, Formula, Page, Placed, Style, Usd

_FINE: Final = Style.USD_FINE
_BARS: Final = tuple(BAR_TITLES)
_LAST: Final = len(_BARS) - 1
_PLACE: Final = ("team", "feature")
_LESS: Final = {"fill": {"color": "#1D6B3A"}, "gap": 40}
_MORE: Final = {"fill": {"color": "#B3261E"}}
_UNSEEN: Final = {"fill": {"none": True}, "border": {"none": True}}


def waterfall_sheet(book: Book, report: SpendPart) -> None:
    """Write the bars of the period, then the same by feature, which have to come to the bars."""
    page = book.page("Savings waterfall", (34, 24, *[18] * 8))
    page.heading(f"From what it would have cost to what it did, {report.savings.period}")
    page.notes(report.savings.headline, *report.savings.modelled)
    amounts = dict(report.savings.bars)
    placed = page.next_table(len(_BARS), 5)
    columns = (
        Column("Step"),
        Column("Amount", _FINE),
        Column("Below the bar", _FINE),
        Column("Bar", _FINE),
        Column("Bar that adds", _FINE),
    )
    page.table(columns, [_bar(amounts, placed, at) for at in range(len(_BARS))])
    series = [
        {"name": name, "categories": placed.span(0), "values": placed.span(column), **look}
        for name, column, look in (
            ("Below", 2, _UNSEEN), ("Less, and whole amounts", 3, _LESS), ("More", 4, _MORE)
        )
    ]  # fmt: skip
    kind = {"type": "column", "subtype": "stacked"}
    page.chart(kind, series, title="Savings waterfall", y="USD")
    _by_feature(page, report.by_feature, placed)


def _bar(amounts: Mapping[str, int], placed: Placed, at: int) -> list[Cell]:
    """Return a row: its amount, and the three parts a stacked column is drawn of."""
    name = _BARS[at]
    amount = placed.plain(at, 1)
    level = sum(amounts[one] for one in _BARS[:at])
    if at in {0, _LAST}:
        whole: Cell = Usd(amounts[name])
        if at == _LAST:
            whole = Formula(f"SUM({placed.plain(0, 1)}:{placed.plain(at - 1, 1)})", Usd(level))
        return [BAR_TITLES[name], whole, 0, Formula(amount, Usd(amounts[name])), 0]
    before = f"SUM({placed.plain(0, 1)}:{placed.plain(at - 1, 1)})"
    after = f"SUM({placed.plain(0, 1)}:{amount})"
    moved = amounts[name]
    return [
        BAR_TITLES[name],
        Usd(moved),
        Formula(f"MIN({before},{after})", Usd(min(level, level + moved))),
        Formula(f"MAX(0,-{amount})", Usd(max(0, -moved))),
        Formula(f"MAX(0,{amount})", Usd(max(0, moved))),
    ]


def _by_feature(page: Page, found: Insight, bars: Placed) -> None:
    groups: dict[tuple[str, ...], dict[str, int]] = {}
    for row in found.rows:
        place = tuple(row.group[name] for name in _PLACE)
        groups.setdefault(place, {})[row.group["step"]] = row.numerator
    page.heading("By feature")
    columns = [Column(name.title()) for name in _PLACE]
    columns += [Column(BAR_TITLES[name], _FINE) for name in _BARS]
    placed = page.next_table(len(groups) + 2, len(columns))
    rows: list[list[Cell]] = [
        _feature(place, amounts, placed, at)
        for at, (place, amounts) in enumerate(sorted(groups.items()))
    ]
    sums = [sum(amounts[name] for amounts in groups.values()) for name in _BARS]
    rows.append(_sums(placed, len(rows), sums))
    rows.append(_difference(placed, len(rows), bars))
    page.table(columns, rows, totals=2)


def _feature(
    place: Sequence[str], amounts: Mapping[str, int], placed: Placed, at: int
) -> list[Cell]:
    cells: list[Cell] = [*place, *[Usd(amounts[name]) for name in _BARS[:-1]]]
    first, last = placed.plain(at, len(place)), placed.plain(at, len(place) + _LAST - 1)
    return [*cells, Formula(f"SUM({first}:{last})", Usd(amounts["cost"]))]


def _sums(placed: Placed, at: int, sums: Sequence[int]) -> list[Cell]:
    cells: list[Cell] = ["all", ""]
    for column, value in enumerate(sums, start=len(_PLACE)):
        above = f"{placed.plain(0, column)}:{placed.plain(at - 1, column)}" if at else ""
        cells.append(Formula(f"SUM({above})" if above else "0", Usd(value)))
    return cells


def _difference(placed: Placed, at: int, bars: Placed) -> list[Cell]:
    """Return what the features lack to the bars above: nothing, or the report doesn't close."""
    cells: list[Cell] = ["not in them", ""]
    for step in range(len(_BARS)):
        total = placed.plain(at - 1, step + len(_PLACE))
        cells.append(Formula(f"ROUND({bars.plain(step, 1)}-{total},9)", Usd(0)))
    return cells


def team_sheet(book: Book, report: SpendPart) -> None:
    """Write what each team cost, and its share."""
    page = book.page("Team chargeback", (28, 18, 12))
    page.heading(f"What teams cost, {report.savings.period}")
    rows = report.by_team.rows
    placed = page.next_table(len(rows) + 1, 3)
    whole = sum(row.numerator for row in rows)
    total = placed.plain(len(rows), 1)
    cells: list[list[Cell]] = []
    for at, row in enumerate(rows):
        share: Cell = None
        if whole:
            part = Decimal(row.numerator) / Decimal(whole)
            share = Formula(f"{placed.plain(at, 1)}/{total}", part)
        cells.append([row.group["team"], Usd(row.numerator), share])
    above = f"SUM({placed.plain(0, 1)}:{placed.plain(len(rows) - 1, 1)})" if rows else "0"
    cells.append(["all", Formula(above, Usd(whole)), None])
    columns = (Column("Team"), Column("Cost", _FINE), Column("Share", Style.SHARE))
    page.table(columns, cells, totals=1)
