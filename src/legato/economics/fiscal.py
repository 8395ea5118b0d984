"""Fiscal calendars: months that begin on any day, or weeks in the pattern 4-4-5, in a time zone.

A year is named by the calendar year it ends in; of plain calendar months, by `YYYY-MM`. A year
of weeks ends on a weekday: the last one of its month, or the one nearest to the month's end; its
53rd week belongs to its last period.
"""

import re
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Annotated, Final, Literal, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Meta

from legato.core.errors import InvalidRequest

_NS_PER_S: Final = 1_000_000_000
_MONTHS: Final = 12
_QUARTERS: Final = 4
_WEEK: Final = 7
_NEAREST_DAYS: Final = 3
_YEARS: Final = range(1971, 2250)
_NAMED: Final = re.compile(r"(\d{4})-(?:0[1-9]|1[0-2])|FY(\d{4})-P(?:0[1-9]|1[0-2])")

Pattern = Literal["months", "4-4-5", "4-5-4", "5-4-4"]
PATTERNS: Final[tuple[Pattern, ...]] = ("months", "4-4-5", "4-5-4", "5-4-4")


class Calendar(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How an organisation's year is divided.

    `year_start` and `start_day` are of months; `year_end`, `weekday` (0 is Monday) and `year_ends`
    of weeks.
    """

    pattern: Pattern = "months"
    year_start: Annotated[int, Meta(ge=1, le=12)] = 1
    start_day: Annotated[int, Meta(ge=1, le=28)] = 1
    year_end: Annotated[int, Meta(ge=1, le=12)] = 12
    weekday: Annotated[int, Meta(ge=0, le=6)] = 6
    year_ends: Literal["last", "nearest"] = "last"
    zone: Annotated[str, Meta(min_length=1, max_length=64)] = "UTC"


class Period(NamedTuple):
    """One of them: from its start up to its end, which is the next one's start."""

    name: str
    start_ns: int
    end_ns: int


def check_calendar(calendar: Calendar) -> None:
    """Raise InvalidRequest where the time zone isn't one."""
    zone_of(calendar.zone)


def zone_of(name: str) -> ZoneInfo:
    """Return a time zone by its name in the IANA database. Raises InvalidRequest."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        msg = f"zone: {name!r} is no time zone: name one as Europe/Berlin or UTC"
        raise InvalidRequest(msg, param="zone") from None


def period_around(calendar: Calendar, at_ns: int) -> Period:
    """Return the period that a time lies in."""
    year = datetime.fromtimestamp(at_ns // _NS_PER_S, UTC).year
    for one in (year, year + 1, year - 1):
        for period in periods_of(calendar, one):
            if period.start_ns <= at_ns < period.end_ns:
                return period
    msg = f"no fiscal year holds the time {at_ns}"
    raise ValueError(msg)


def period_named(calendar: Calendar, name: str) -> Period | None:
    """Return the period that this calendar gives a name, None for none."""
    found = _NAMED.fullmatch(name)
    if found is None:
        return None
    year = int(found[1] or found[2])
    if year not in _YEARS:
        return None
    return next((one for one in periods_of(calendar, year) if one.name == name), None)


def periods_of(calendar: Calendar, year: int) -> list[Period]:
    """Return the twelve periods of a fiscal year, which follow each other without a gap."""
    zone = zone_of(calendar.zone)
    if calendar.pattern == "months":
        days = _month_starts(calendar, year)
    else:
        days = _week_starts(calendar, year)
    plain = calendar.pattern == "months" and calendar.year_start == calendar.start_day == 1
    starts = [_midnight_ns(day, zone) for day in days]
    return [
        Period(f"{year}-{n:02d}" if plain else f"FY{year}-P{n:02d}", start, end)
        for n, (start, end) in enumerate(pairwise(starts), 1)
    ]


def day_of(calendar: Calendar, at_ns: int) -> date:
    """Return the day of a time in the calendar's zone."""
    return datetime.fromtimestamp(at_ns // _NS_PER_S, zone_of(calendar.zone)).date()


def day_bounds(zone: ZoneInfo, day: date) -> tuple[int, int]:
    """Return when a day begins, and when the next one does."""
    return _midnight_ns(day, zone), _midnight_ns(day + timedelta(days=1), zone)


def _month_starts(calendar: Calendar, year: int) -> list[date]:
    begins_before = (calendar.year_start, calendar.start_day) != (1, 1)
    first = (year - begins_before) * _MONTHS + calendar.year_start - 1
    return [
        date(month // _MONTHS, month % _MONTHS + 1, calendar.start_day)
        for month in range(first, first + _MONTHS + 1)
    ]


def _week_starts(calendar: Calendar, year: int) -> list[date]:
    start = _last_day(calendar, year - 1) + timedelta(days=1)
    end = _last_day(calendar, year) + timedelta(days=1)
    starts = [start]
    for weeks in [int(one) for one in calendar.pattern.split("-")] * _QUARTERS:
        starts.append(starts[-1] + timedelta(days=weeks * _WEEK))
    return [*starts[:-1], end]


def _last_day(calendar: Calendar, year: int) -> date:
    month = year * _MONTHS + calendar.year_end
    month_end = date(month // _MONTHS, month % _MONTHS + 1, 1) - timedelta(days=1)
    last = month_end - timedelta(days=(month_end.weekday() - calendar.weekday) % _WEEK)
    if calendar.year_ends == "nearest" and (month_end - last).days > _NEAREST_DAYS:
        return last + timedelta(days=_WEEK)
    return last


def _midnight_ns(day: date, zone: ZoneInfo) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()) * _NS_PER_S
