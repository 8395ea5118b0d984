"""Burn rates: how many times as fast as it may an error budget is used up.

Multiwindow, multi-burn-rate alerts as in the Site Reliability Workbook (Google, 2018), chapter 5,
section 6 and table 5-8: an alert needs a long window that shows it matters, and a short one, a
twelfth of it, that shows it still goes on. The factors are those of a period of 30 days: 2 % of
its budget within an hour, 5 % within six, 10 % within three days.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from legato.core.objective import PPM, Objective

_TENTHS: Final = 10


class Windows(NamedTuple):
    """A long window and its short one, in minutes, and from which burn rate on (tenths) it burns.

    `pages`: somebody has to look at once; else it can wait for the next working day.
    """

    name: str
    long_min: int
    short_min: int
    factor_tenths: int
    pages: bool

    @property
    def factor(self) -> float:
        """The burn rate."""
        return self.factor_tenths / _TENTHS


WINDOWS: Final = (
    Windows("1h", 60, 5, 144, pages=True),
    Windows("6h", 360, 30, 60, pages=True),
    Windows("3d", 4_320, 360, 10, pages=False),
)
SPANS_MIN: Final = tuple(sorted({span for one in WINDOWS for span in one[1:3]}))
"""Every window there is, in minutes."""


class Counted(NamedTuple):
    """Events of some time, and how many of them were bad."""

    total: int = 0
    bad: int = 0


class Minute(NamedTuple):
    """Likewise of one minute, counted from the epoch."""

    minute: int
    counted: Counted


def burn_rate(counted: Counted, objective: Objective) -> float:
    """Return it: 1 uses up exactly the budget within the period, 0 where nothing happened."""
    if not counted.total:
        return 0.0
    return counted.bad * PPM / (counted.total * objective.allowed_ppm)


def burns(counted: Counted, objective: Objective, factor_tenths: int) -> bool:
    """Whether the burn rate is at least so high, exactly."""
    allowed = factor_tenths * counted.total * objective.allowed_ppm
    return counted.bad > 0 and counted.bad * PPM * _TENTHS >= allowed


def is_burning(windows: Windows, long: Counted, short: Counted, objective: Objective) -> bool:
    """Whether both windows burn, and enough happened in the long one to tell."""
    return (
        long.total >= objective.events_min
        and burns(long, objective, windows.factor_tenths)
        and burns(short, objective, windows.factor_tenths)
    )


def began(minutes: Sequence[Minute], objective: Objective, factor_tenths: int) -> int | None:
    """Return the first bad minute from which on until now the budget burnt as fast.

    `minutes` are those of the long window, the oldest first. None where there is none.
    """
    found, total, bad = None, 0, 0
    for minute, counted in reversed(minutes):
        total, bad = total + counted.total, bad + counted.bad
        if counted.bad and burns(Counted(total, bad), objective, factor_tenths):
            found = minute
    return found


def budget_left(counted: Counted, objective: Objective) -> float:
    """Return what share of the period's error budget is left; below 0 where it is overspent."""
    return 1.0 - burn_rate(counted, objective)
