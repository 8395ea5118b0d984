"""Weeks of teams, in their own time zones: seven days that end as a day of the week begins."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from legato.core.config_notifications import Digest

DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_NS_PER_S: Final = 1_000_000_000
_WEEK: Final = timedelta(days=7)


class Week(msgspec.Struct, frozen=True):
    """From the beginning of its first day to that of the day behind its last (ns), local days."""

    first: date
    start_ns: int
    end_ns: int
    before_ns: int
    """When the week before begins."""
    time_zone: str

    @property
    def last(self) -> date:
        """Its last day."""
        return self.first + timedelta(days=6)


def last_week(digest: Digest, now_ns: int) -> tuple[Week, int]:
    """Return the last week that is over, and when its digest is due (ns)."""
    zone = ZoneInfo(digest.time_zone)
    now = datetime.fromtimestamp(now_ns / _NS_PER_S, zone)
    back = (now.weekday() - DAYS.index(digest.day)) % 7
    day = now.date() - timedelta(days=back)
    due = datetime.combine(day, time(digest.hour), zone)
    if due > now:
        day -= _WEEK
        due = datetime.combine(day, time(digest.hour), zone)
    return _week(day - _WEEK, digest.time_zone), _ns(due)


def week_from(first: date, time_zone: str) -> Week:
    """Return the seven days that begin with one."""
    return _week(first, time_zone)


def week_around(digest: Digest, day: date) -> Week:
    """Return the week of a digest in which a day lies."""
    back = (day.weekday() - DAYS.index(digest.day)) % 7
    return _week(day - timedelta(days=back), digest.time_zone)


def _week(first: date, time_zone: str) -> Week:
    zone = ZoneInfo(time_zone)

    def start(day: date) -> int:
        return _ns(datetime.combine(day, time(0), zone))

    return Week(first, start(first), start(first + _WEEK), start(first - _WEEK), time_zone)


def _ns(moment: datetime) -> int:
    return int(moment.astimezone(UTC).timestamp()) * _NS_PER_S
