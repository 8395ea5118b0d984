"""Tables for people. What is piped is never cut to the width of a terminal that isn't there."""

import sys
from collections.abc import Iterable, Sequence
from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table

_PIPED_WIDTH: Final = 4096


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: Sequence[str] = ()
) -> None:
    """Print rows below their column names; columns in `numbers` are set to the right."""
    console = Console(width=None if sys.stdout.isatty() else _PIPED_WIDTH)
    console.print(make_table(columns, rows, numbers=numbers))


def make_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    numbers: Sequence[str] = (),
    title: str | None = None,
) -> Table:
    """Return the table that `print_table` prints."""
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", pad_edge=False)
    for column in columns:
        # The first column names the row: it is the last to be cut.
        justify = "right" if column in numbers else "left"
        table.add_column(column, justify=justify, no_wrap=column == columns[0])  # type: ignore[arg-type]
    for row in rows:
        table.add_row(*row)
    return table
