"""Every figure of the workbook with the query and the command that make it, as a sheet."""

from legato.reporting.cfo import CfoReport
from legato.reporting.listing import COLUMNS, rows_of
from legato.reporting.workbook import Book, Column


def figures_sheet(book: Book, report: CfoReport) -> None:
    """Write them as texts: exact, as the ledger has them."""
    page = book.page("Figures", (22, 28, 34, 24, 10, 30, 30, 60, 60))
    page.heading("Every figure, and what makes it")
    page.notes("Exact values; run a command to see its figures as the ledger has them now.")
    page.table([Column(name.title()) for name in COLUMNS], rows_of(report))
