"""Calendar windows and periods, all in UTC."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple

from legato.core.principal import Window

_NS_PER_S: Final = 1_000_000_000
_NS_PER_DAY: Final = 86_400 * _NS_PER_S
_DAYS_PER_WEEK: Final = 7
_DECEMBER: Final = 12
FOREVER_NS: Final = 2**63 - 1
_CALENDAR: Final = frozenset(Window)


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


class Span(NamedTuple):
    """One window of a limit, or the part of a rolling one in which a time lies.

    A rolling window is the part under way and `parts` whole ones before it: so no stretch of its
    length ever holds more than the limit.
    """

    start_ns: int
    end_ns: int
    parts: int = 0

    @property
    def oldest_ns(self) -> int:
        """Where the window begins that this part ends."""
        return self.start_ns - self.parts * (self.end_ns - self.start_ns)


def span_around(span: str, at_ns: int) -> Span:
    """Return the window of a `core.leases.Limit.span` around a time."""
    if span in _CALENDAR:
        return Span(*window_bounds(Window(span), at_ns))
    rolling, _, rest = span.partition("/")
    if rolling != "rolling":
        length_ns = int(span) * _NS_PER_S
        start_ns = at_ns // length_ns * length_ns
        return Span(start_ns, start_ns + length_ns)
    seconds, _, parts = rest.partition("/")
    length_ns = int(seconds) * _NS_PER_S // int(parts)
    start_ns = at_ns // length_ns * length_ns
    return Span(start_ns, start_ns + length_ns, int(parts))


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
