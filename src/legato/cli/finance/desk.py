"""Opens the books of an instance for a command."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from legato.app.checks.instance import find_instance
from legato.app.desks.finance import finance_books
from legato.app.desks.stored_data import stored_data
from legato.core.clock import SystemClock
from legato.finance.books import FinanceBooks

Place = tuple[Path, Path | None]


@contextmanager
def books(place: Place) -> Iterator[FinanceBooks]:
    """Open them; the database is checked first. Raises as `stored_data`."""
    instance = find_instance(*place)
    with stored_data(instance):
        yield finance_books(instance.database_url, SystemClock())
