"""What working out one expression may cost, counted while it goes on.

Counts don't depend on how fast a machine is, so a run comes to the same on every one.
"""

from typing import Any, Final

from legato.core.errors import InvalidRequest

WORK_MAX: Final = 2_000_000
"""Operations; about a second."""
MADE_BYTES_MAX: Final = 64 * 1024 * 1024
"""Of all values that are made on the way."""
ELEMENT_BYTES: Final = 48
"""What an element of a list or an entry of an object is taken to weigh."""
CHARACTER_BYTES: Final = 4
_QUICK_WORK: Final = 4_000
_QUICK_BYTES: Final = 256 * 1024


class ExpressionFailed(InvalidRequest):
    """An expression can't be worked out with the values that are there."""


class TooCostly(ExpressionFailed):
    """It would cost more than any may; nothing on its other side makes up for that."""


class Bound:
    """What is left for one expression, or for all of a template."""

    __slots__ = ("made_bytes", "patterns", "quick_only", "result_bytes", "work")

    def __init__(self, work: int = WORK_MAX, made_bytes: int = MADE_BYTES_MAX) -> None:
        self.quick_only = work < WORK_MAX
        """Whether more may be spent another time."""
        self.work = work
        self.made_bytes = made_bytes
        self.result_bytes = made_bytes
        self.patterns: dict[str, Any] = {}
        """Regular expressions that have been read."""

    @classmethod
    def quick(cls) -> "Bound":
        """Return what may be spent on an event loop: some milliseconds."""
        return cls(_QUICK_WORK, _QUICK_BYTES)

    def spend(self, operations: int) -> None:
        """Count work that is about to be done. Raises TooCostly: it is too much."""
        self.work -= operations
        if self.work < 0:
            msg = f"takes more than {WORK_MAX:,} operations; shorten what it loops over"
            raise TooCostly(msg)

    def make(self, *, characters: int = 0, elements: int = 0) -> None:
        """Count what is about to be made. Raises TooCostly: it is too much."""
        weight = characters * CHARACTER_BYTES + elements * ELEMENT_BYTES
        self.made_bytes -= weight
        self.spend(1 + weight // 1024)
        if self.made_bytes < 0:
            msg = f"makes more than {MADE_BYTES_MAX // 1024 // 1024} MiB; make less of it"
            raise TooCostly(msg)

    def weigh(self, characters: int = 0) -> None:
        """Count a part of a result: one value may stand in it a thousand times.

        Raises TooCostly: it is too much.
        """
        self.result_bytes -= ELEMENT_BYTES + CHARACTER_BYTES * characters
        if self.result_bytes < 0:
            msg = f"comes to more than {MADE_BYTES_MAX // 1024 // 1024} MiB; make less of it"
            raise TooCostly(msg)
