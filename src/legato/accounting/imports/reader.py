"""What a reader of one kind of export is."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from legato.accounting.imports.cells import Cells
from legato.accounting.imports.row import UsageRow


class Asked(NamedTuple):
    """What was asked in one call of a log. Content: kept by nobody who isn't told to."""

    text: str
    """All turns of the request, in order, with their roles."""
    question: str
    """What is compared: the last turn of the caller."""
    context: str
    """All before it, and the model and settings: who differs here isn't the same call."""


Rows = Callable[[Cells], Iterator[UsageRow]]


def no_question(values: Mapping[str, Any]) -> Asked | None:
    """Of reports that hold sums, not calls."""
    del values
    return None


class Reader(NamedTuple):
    """One kind of export."""

    name: str
    title: str
    fits: Callable[[frozenset[str]], bool]
    """Tells by the names in a row."""
    rows: Rows
    """Turns one row of the file into ours. Raises BadLine."""
    checked: str
    """What its shape was checked against, a sentence."""
    asked: Callable[[Mapping[str, Any]], Asked | None] = no_question
    calls: bool = False
    """Whether a row is one call (a log) rather than a sum (a report)."""
