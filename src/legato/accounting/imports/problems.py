"""Lines that can't be used: where they stand, why, and what to do."""

from collections import Counter
from typing import Final

import msgspec

SHOWN_MAX: Final = 100
BAD_LINES_MAX: Final = 10_000


class BadLine(Exception):
    """A line says something that can't be meant. `remedy` is a sentence for who exported it."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


class TooManyBadLines(Exception):
    """So many that the file isn't what it was taken for."""


class Problem(msgspec.Struct, frozen=True):
    """One line that was left out."""

    line: int
    message: str
    remedy: str


class Problems:
    """All of them are counted, by what is wrong; the first are kept whole."""

    def __init__(self, limit: int = BAD_LINES_MAX) -> None:
        """More than `limit` end the reading."""
        self.shown: list[Problem] = []
        self.count = 0
        self.remedies: Counter[str] = Counter()
        self._limit = limit

    def add(self, line: int, bad: BadLine) -> None:
        """Count a line. Raises TooManyBadLines."""
        self.count += 1
        self.remedies[bad.remedy] += 1
        if len(self.shown) < SHOWN_MAX:
            self.shown.append(Problem(line, bad.message, bad.remedy))
        if self.count > self._limit:
            raise TooManyBadLines(
                f"more than {self._limit} lines can't be read, the last is line {line}: "
                f"{bad.message}; {bad.remedy}"
            )
