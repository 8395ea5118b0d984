"""Where a budget will stand at its window's end: by the days before, with an interval.

The expected spend of a day is the mean of the same weekday over the last four weeks, of all days
where there are fewer than two weeks. The interval is what such forecasts of the same length were
off by before: the quantiles of actual / expected over all days they could have been made on, the
least and the most of them where fewer than ten don't overlap. How often an interval of the earlier
half of these held in the later half is told beside it.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

_WEEK: Final = 7
_WEEKS: Final = 4
_TRIALS_MIN: Final = 8
_APART_MIN: Final = 10
LEVEL: Final = 0.8


class Outlook(msgspec.Struct, frozen=True):
    """What is still to be spent, whole units; `low` and `high` are None without enough days.

    `trials` is how many forecasts of this length were tried on the days before, `off_by` their
    median error as a share, `held` in which share of the later half of them the interval held.
    """

    expected: int
    low: int | None
    high: int | None
    days: int
    trials: int
    off_by: float | None
    held: float | None
    per_day: tuple[int, ...]


def outlook(history: Sequence[int], today_left: float, days_ahead: int) -> Outlook:
    """Forecast from whole days, oldest first; the last is yesterday.

    `today_left` is the share of today that remains, `days_ahead` how many whole days follow it.
    """
    length = days_ahead + 1
    coming = _expected(history, length)
    coming[0] *= today_left
    total = sum(coming)
    ratios = _ratios(history, length)
    low = high = held = off_by = None
    if len(ratios) >= _TRIALS_MIN:
        first, last = _interval(ratios, length)
        low, high = int(total * first), int(total * last)
        half = len(ratios) // 2
        lower, upper = _interval(ratios[:half], length)
        later = ratios[half:]
        held = sum(lower <= one <= upper for one in later) / len(later)
        off_by = sorted(abs(one - 1) for one in ratios)[len(ratios) // 2]
    return Outlook(
        round(total), low, high, len(history), len(ratios), off_by, held,
        tuple(round(one) for one in coming),
    )  # fmt: skip


def runs_out(spent: int, limit: int, per_day: Sequence[int]) -> int | None:
    """Return after how many days from today on a limit is reached, None where it isn't."""
    for day, amount in enumerate(per_day):
        if spent >= limit:
            return day
        spent += amount
        if spent >= limit:
            return day
    return None


def _expected(history: Sequence[int], length: int) -> list[float]:
    recent = history[-_WEEK * _WEEKS :]
    if not recent:
        return [0.0] * length
    if len(recent) < 2 * _WEEK:
        return [sum(recent) / len(recent)] * length
    by_weekday = []
    for ahead in range(_WEEK):
        same = [
            amount for at, amount in enumerate(recent) if (len(recent) + ahead - at) % _WEEK == 0
        ]
        by_weekday.append(sum(same) / len(same))
    return [by_weekday[ahead % _WEEK] for ahead in range(length)]


def _ratios(history: Sequence[int], length: int) -> list[float]:
    found = []
    for at in range(2 * _WEEK, len(history) - length + 1):
        expected = sum(_expected(history[:at], length))
        if expected:
            found.append(sum(history[at : at + length]) / expected)
    return found


def _interval(ratios: Sequence[float], length: int) -> tuple[float, float]:
    """Return the quantiles; the least and the most where few forecasts don't overlap."""
    ordered = sorted(ratios)
    apart = len(ordered) // length
    cut = (1 - LEVEL) / 2 if apart >= _APART_MIN else 0.0
    last = len(ordered) - 1
    return ordered[int(last * cut)], ordered[-1 - int(last * cut)]
