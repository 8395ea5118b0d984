"""Calendar windows and periods, all in UTC."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from legato.core.principal import Window

_NS_PER_S: Final = 1_000_000_000
_NS_PER_DAY: Final = 86_400 * _NS_PER_S
_DAYS_PER_WEEK: Final = 7
_DECEMBER: Final = 12
FOREVER_NS: Final = 2**63 - 1


def window_bounds(window: Window, at_ns: int) -> tuple[int, int]:
    """Return start (inclusive) and end (exclusive) around a time; weeks begin on Monday."""
    if window is Window.TOTAL:
        return 0, FOREVER_NS
    day = datetime.fromtimestamp(at_ns // _NS_PER_DAY * 86_400, UTC)
    if window is Window.DAY:
        return _ns(day), _ns(day + timedelta(days=1))
    if window is Window.WEEK:
        monday = day - timedelta(days=day.weekday())
        return _ns(monday), _ns(monday + timedelta(days=_DAYS_PER_WEEK))
    first = day.replace(day=1)
    following = (
        first.replace(year=first.year + 1, month=1)
        if first.month == _DECEMBER
        else first.replace(month=first.month + 1)
    )
    return _ns(first), _ns(following)


def period_of(at_ns: int) -> str:
    """Return the accounting period of a time, `YYYY-MM`."""
    return _period_of_day(at_ns // _NS_PER_DAY)


def day_text(day_number: int) -> str:
    """Write a day given in days since the Unix epoch as `YYYY-MM-DD`."""
    return datetime.fromtimestamp(day_number * 86_400, UTC).strftime("%Y-%m-%d")


@lru_cache(maxsize=64)
def _period_of_day(day_number: int) -> str:
    return datetime.fromtimestamp(day_number * 86_400, UTC).strftime("%Y-%m")


def _ns(moment: datetime) -> int:
    return int(moment.timestamp()) * _NS_PER_S
