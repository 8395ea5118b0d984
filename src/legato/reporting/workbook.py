"""Workbooks whose figures are live formulas, each with the value that it comes to.

xlsxwriter calculates nothing, so a formula is written with the value that the report has; a reader
that doesn't calculate (a viewer, a mail client) shows it, and one that does comes to the same.
Texts are written as texts: what begins with `=` in somebody's name is no formula.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from legato.core.errors import OperatorError

if TYPE_CHECKING:
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

_INSTALL: Final = "a workbook needs xlsxwriter: pip install 'legato[reports]'"
_NS_PER_S: Final = 1_000_000_000
_NANO: Final = Decimal(1_000_000_000)
_CHART_ROWS: Final = 18
_BAND: Final = "#E8EEF4"
_INK: Final = "#1F3A4D"


class Style(StrEnum):
    """How a column's cells are shown."""

    TEXT = "text"
    USD = "usd"
    USD_FINE = "usd_fine"  # six decimals, below one cent
    CENTS = "cents"  # of whichever currency the sheet names
    FINE = "fine"  # the same with six decimals
    COUNT = "count"
    NUMBER = "number"
    SHARE = "share"


class Usd(NamedTuple):
    """An amount in nano-USD; shown in dollars."""

    nano: int


class Formula(NamedTuple):
    """A formula without its `=`, and what it comes to."""

    text: str
    value: "int | Decimal | Usd | str"


Cell = str | int | Decimal | Usd | Formula | None


class Column(NamedTuple):
    """A column of a table: its heading, how its cells are shown, its width in characters."""

    heading: str
    style: Style = Style.TEXT
    width: float = 14


class Placed(NamedTuple):
    """Where the cells of a table stand. Rows count from 0 below the headings."""

    sheet: str
    first_row: int
    rows: int
    columns: int

    def cell(self, row: int, column: int) -> str:
        """Return the reference of one cell, from any sheet."""
        return f"{_quoted(self.sheet)}!${_letters(column)}${self.first_row + row + 1}"

    def span(self, column: int, first: int = 0, last: int | None = None) -> str:
        """Return the reference of the cells of a column, from any sheet."""
        end = self.rows - 1 if last is None else last
        return f"{self.cell(first, column)}:${_letters(column)}${self.first_row + end + 1}"

    def plain(self, row: int, column: int) -> str:
        """Return the reference of one cell, from the same sheet."""
        return f"{_letters(column)}{self.first_row + row + 1}"


class Book:
    """A workbook under construction: pages in the order that they are asked for."""

    def __init__(self, title: str, *, made_ns: int, with_values: bool = True) -> None:
        """Begin one; without values every formula comes to 0 until a reader calculates it.

        Raises:
            OperatorError: the extra `legato[reports]` isn't installed.
        """
        try:
            import xlsxwriter  # noqa: PLC0415 - an extra
        except ImportError:
            raise OperatorError(_INSTALL) from None
        self._file = BytesIO()
        self.workbook = xlsxwriter.Workbook(self._file, {"in_memory": True})
        made = datetime.fromtimestamp(made_ns // _NS_PER_S, UTC).replace(tzinfo=None)
        self.workbook.set_properties({"title": title, "author": "Legato", "created": made})
        self._with_values = with_values
        self._formats: dict[tuple[Style, bool], Format] = {}
        self._heads: dict[str, Format] = {}

    def page(self, name: str, widths: Sequence[float] = ()) -> "Page":
        """Return a new sheet, at most 31 characters long in name."""
        return Page(self, name, widths)

    def name(self, name: str, reference: str) -> None:
        """Let formulas of all sheets call a cell by a name."""
        self.workbook.define_name(name, f"={reference}")

    def finish(self) -> bytes:
        """Return the file."""
        self.workbook.close()
        return self._file.getvalue()

    def shown_value(self, value: "int | Decimal | Usd | str") -> float | int | str:
        """Return what a formula is written with."""
        if not self._with_values:
            return 0
        return value if isinstance(value, str) else number(value)

    def format_of(self, style: Style, *, strong: bool = False) -> "Format":
        """Return how cells of a style look; one object for each."""
        found = self._formats.get((style, strong))
        if found is None:
            properties: dict[str, Any] = {"num_format": _NUMBER_FORMATS[style]}
            if strong:
                properties |= {"bold": True, "top": 1}
            found = self.workbook.add_format(properties)
            self._formats[style, strong] = found
        return found

    def head_of(self, style: Style) -> "Format":
        """Return how the heading of a column of a style looks; one object for each side."""
        side = "left" if style is Style.TEXT else "right"
        if side not in self._heads:
            properties = {"bold": True, "bg_color": _BAND, "font_color": _INK, "bottom": 1}
            self._heads[side] = self.workbook.add_format(
                properties | {"text_wrap": True, "align": side, "valign": "vcenter"}
            )
        return self._heads[side]


class Page:
    """A sheet, written from its top."""

    def __init__(self, book: Book, name: str, widths: Sequence[float]) -> None:
        self._book = book
        self.name = name
        self._sheet: Worksheet = book.workbook.add_worksheet(name)
        self._sheet.hide_gridlines(2)
        self._sheet.set_landscape()
        self._sheet.fit_to_pages(1, 0)
        for column, width in enumerate(widths):
            self._sheet.set_column(column, column, width)
        self._row = 0

    def heading(self, text: str) -> None:
        """Write a title, larger than what follows."""
        made = self._book.workbook.add_format({"bold": True, "font_size": 14, "font_color": _INK})
        self._sheet.write_string(self._row, 0, text, made)
        self._row += 1

    def notes(self, *texts: str) -> None:
        """Write lines of text, and leave a row."""
        made = self._book.workbook.add_format({"font_color": "#555555"})
        for text in texts:
            self._sheet.write_string(self._row, 0, text, made)
            self._row += 1
        self._row += 1

    def table(
        self, columns: Sequence[Column], rows: Sequence[Sequence[Cell]], *, totals: int = 0
    ) -> Placed:
        """Write a table; its last `totals` rows are set apart. Cells may be fewer than columns."""
        for at, column in enumerate(columns):
            head = self._book.head_of(column.style)
            self._sheet.write_string(self._row, at, column.heading, head)
        placed = self.next_table(len(rows), len(columns))
        for number_of, row in enumerate(rows):
            strong = number_of >= len(rows) - totals
            for at, cell in enumerate(row):
                style = columns[at].style
                self._write((placed.first_row + number_of, at), cell, style, strong=strong)
        self._row = placed.first_row + len(rows) + 1
        return placed

    def next_table(self, rows: int, columns: int) -> Placed:
        """Return where the cells of a table will stand that is written next."""
        return Placed(self.name, self._row + 1, rows, columns)

    def chart(
        self, kind: Mapping[str, str], series: Sequence[Mapping[str, Any]], **words: str
    ) -> None:
        """Draw a chart below what stands here; `words` are `title`, `x` and `y`.

        A series has `name`, `categories` and `values` (references) and what xlsxwriter knows.
        """
        chart = self._book.workbook.add_chart(dict(kind))
        for one in series:
            refs = {key: f"={one[key]}" for key in ("categories", "values") if key in one}
            chart.add_series({**one, **refs})
        chart.set_title({"name": words.get("title", ""), "name_font": {"size": 12}})
        chart.set_x_axis({"name": words.get("x", "")})
        lines = {"visible": True, "line": {"color": "#D9D9D9"}}
        chart.set_y_axis({"name": words.get("y", ""), "major_gridlines": lines})
        if len(series) == 1:
            chart.set_legend({"none": True})
        chart.set_size({"width": 860, "height": 340})
        self._sheet.insert_chart(self._row, 0, chart)
        self._row += _CHART_ROWS

    def _write(self, at: tuple[int, int], cell: Cell, style: Style, *, strong: bool) -> None:
        shown = self._book.format_of(style, strong=strong)
        if cell is None:
            self._sheet.write_blank(*at, None, shown)
        elif isinstance(cell, str):
            self._sheet.write_string(*at, cell, self._book.format_of(Style.TEXT, strong=strong))
        elif isinstance(cell, Formula):
            value = self._book.shown_value(cell.value)
            self._sheet.write_formula(*at, f"={cell.text}", shown, value)
        else:
            self._sheet.write_number(*at, number(cell), shown)


def number(value: int | Decimal | Usd) -> float | int:
    """Return a value as a sheet has it: amounts in dollars."""
    if isinstance(value, Usd):
        return float(Decimal(value.nano) / _NANO)
    return value if isinstance(value, int) else float(value)


_NUMBER_FORMATS: Final = {
    Style.TEXT: "@",
    Style.USD: "[$$-409]#,##0.00;[Red]-[$$-409]#,##0.00;[$$-409]0.00",
    Style.USD_FINE: "[$$-409]#,##0.000000;[Red]-[$$-409]#,##0.000000;[$$-409]0.00",
    Style.CENTS: "#,##0.00;[Red]-#,##0.00;0.00",
    Style.FINE: "#,##0.000000;[Red]-#,##0.000000;0.00",
    Style.COUNT: "#,##0",
    Style.NUMBER: "#,##0.00####",
    Style.SHARE: "0.0%",
}


def _letters(column: int) -> str:
    """Return the letters of a column: 0 is A, 26 is AA."""
    found = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        found = chr(ord("A") + rest) + found
    return found


def _quoted(sheet: str) -> str:
    return "'" + sheet.replace("'", "''") + "'"
