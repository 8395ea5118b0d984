"""Invoices beside the ledger as a sheet: each difference line by line, closed by formulas."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from legato.accounting.invoices.desk import part_shown
from legato.reporting.cfo import Reconciled
from legato.reporting.workbook import Book, Cell, Column, Formula, Page, Style, Usd

_FINE: Final = Style.USD_FINE
_LINES_SHOWN: Final = 20
_TOLD: Final = {
    "bypass": "billed for a key or a model that the ledger never saw",
    "unbilled": "in the ledger, and on no line of the invoice",
    "unpriced": "billed for entries that had no price here",
    "estimated": "entries whose usage the provider had not reported",
    "price": "their unit price isn't ours",
    "rounding": "amounts that they rounded",
    "day_shift": "their days are of another time zone",
    "unexplained": "no cause was found",
}


def reconciliation_sheet(book: Book, invoices: Sequence[Reconciled]) -> None:
    """Write each invoice: what the ledger has, every part of the difference, what is billed."""
    page = book.page("Invoice reconciliation", (34, 20, 20, 26, 14, 24, 40, 46))
    page.heading("Invoices beside the ledger, in USD")
    page.notes("The parts come to the invoice minus the ledger, to the billionth.")
    for one in invoices:
        _invoice(page, one)


def _invoice(page: Page, one: Reconciled) -> None:
    invoice, found = one.invoice, one.found
    page.heading(f"{invoice.name} of {invoice.vendor}")
    page.notes(
        f"{_day(invoice.start_ns)} to {_day(invoice.end_ns - 1)}, {invoice.lines} lines, "
        f"billed in {invoice.currency}; {invoice.state}"
        + (f": {invoice.reason}" if invoice.reason else ""),
        *([f"Its days begin {found.shift_ms // 60_000} minutes before those of UTC."]
          if found.shift_ms else []),
    )  # fmt: skip
    columns = (
        Column("Part"), Column("Amount", _FINE), Column("Provider"), Column("Model"),
        Column("Day"), Column("Vendor's key"), Column("Lines of the invoice"), Column("Meaning"),
    )  # fmt: skip
    placed = page.next_table(len(found.parts) + 3, len(columns))
    rows: list[list[Cell]] = [["Ledger", Usd(found.ledger)]]
    for part in found.parts:
        shown = part_shown(part)
        lines = ", ".join(map(str, part.lines[:_LINES_SHOWN]))
        if len(part.lines) > _LINES_SHOWN:
            lines += f" and {len(part.lines) - _LINES_SHOWN} more"
        where = [shown[name] or "" for name in ("provider", "model", "day", "vendor_key")]
        cause = part.cause.value
        rows.append([cause, Usd(part.amount), *where, lines, _TOLD.get(cause, "")])
    last = len(rows) - 1
    above = f"SUM({placed.plain(0, 1)}:{placed.plain(last, 1)})"
    rows.append(["Ledger and all parts", Formula(above, Usd(found.invoiced))])
    rows.append(["Invoice", Usd(found.invoiced)])
    page.table(columns, rows, totals=2)


def _day(at_ns: int) -> str:
    return datetime.fromtimestamp(at_ns // 10**9, UTC).date().isoformat()
