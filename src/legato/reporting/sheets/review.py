"""The monthly review as a sheet: each line with its worth, what that rests on, its evidence."""

from legato.economics.optimisation.lines import Review
from legato.reporting.workbook import Book, Cell, Column, Style, Usd


def review_sheet(book: Book, review: Review) -> None:
    """Write the lines in the order they were found, topic by topic."""
    page = book.page("Review", (26, 70, 16, 12, 14, 60, 40, 60))
    page.heading(f"What could be spent better, {review.month}")
    page.notes(
        "An amount is what a line saves or would save in the month, negative what it costs.",
        "Lines aren't independent of each other: they don't add up.",
    )
    columns = (
        Column("Topic"), Column("Found"), Column("USD", Style.USD_FINE), Column("Basis"),
        Column("Recommended"), Column("Advice"), Column("Needs"), Column("Evidence"),
    )  # fmt: skip
    rows: list[list[Cell]] = [
        [
            one.topic.value,
            one.what,
            "" if one.effect is None else Usd(one.effect),
            one.basis.value,
            "yes" if one.recommended else "",
            one.advice,
            one.needs,
            one.evidence,
        ]
        for one in review.lines
    ]
    page.table(columns, rows)
