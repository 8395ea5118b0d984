"""Times of a schedule: five fields as cron has them, in a time zone, and what clocks do to them.

Minute, hour, day of the month, month, day of the week (0 and 7 are Sunday), with `*`, lists,
ranges, steps and English names; where both days are given either may fit, as in POSIX crontab.

Where clocks are put forward, times that don't exist are as far behind the gap's end as they were
behind its beginning, once (02:30 becomes 03:30). Where they are put back, a time that comes twice
counts once, the first; only a schedule whose minute or hour is `*` or a step counts both, since it
means intervals.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from legato.core.errors import InvalidRequest

_FIELDS: Final = (
    ("minute", 0, 59), ("hour", 0, 23), ("day", 1, 31), ("month", 1, 12), ("weekday", 0, 7),
)  # fmt: skip
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun",
                  "jul", "aug", "sep", "oct", "nov", "dec")  # fmt: skip
_DAYS: Final = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
_NICKNAMES: Final = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
}
_NEVER_DAYS: Final = 366 * 8 + 2
"""Behind which no day fits any more: 29 February comes at least every eight years."""
_NS: Final = 1_000_000_000


class Schedule(msgspec.Struct, frozen=True):
    """When something is due."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    any_day: bool
    any_weekday: bool
    intervals: bool
    zone: str

    def after(self, at_ns: int) -> Iterator[int]:
        """Yield the times after one, in ns since the epoch, without end."""
        zone = ZoneInfo(self.zone)
        begin = datetime.fromtimestamp(at_ns // _NS, zone)
        day = begin.date() - timedelta(days=1)
        idle = 0
        while idle < _NEVER_DAYS:
            idle += 1
            if self._fits(day.month, day.day, (day.weekday() + 1) % 7):
                for due_ns in self._of_day(datetime(day.year, day.month, day.day, tzinfo=zone)):
                    if due_ns > at_ns:
                        idle = 0
                        yield due_ns
            day += timedelta(days=1)

    def _of_day(self, midnight: datetime) -> list[int]:
        """Return the times of one day, in order, each once."""
        found: set[int] = set()
        for hour in self.hours:
            for minute in self.minutes:
                wall = midnight.replace(hour=hour, minute=minute, fold=0)
                found.add(_ns(wall))
                if (
                    self.intervals
                    and (second := wall.replace(fold=1)).utcoffset() != (wall.utcoffset())
                    and _exists(second)
                ):
                    found.add(_ns(second))
        return sorted(found)

    def _fits(self, month: int, day: int, weekday: int) -> bool:
        if month not in self.months:
            return False
        by_day, by_weekday = day in self.days, weekday in self.weekdays
        if self.any_day or self.any_weekday:
            return by_day and by_weekday
        return by_day or by_weekday


@lru_cache(maxsize=256)
def read_schedule(cron: str, zone: str = "UTC") -> Schedule:
    """Read a schedule. Raises InvalidRequest naming the field."""
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidRequest(
            f"time_zone: {zone[:60]!r} is none that is known; write one as Europe/Berlin",
            param="time_zone",
        ) from None
    parts = _NICKNAMES.get(cron.strip().lower(), cron).split()
    if len(parts) != len(_FIELDS):
        msg = "cron: write five fields: minute, hour, day of month, month, day of week"
        raise InvalidRequest(msg, param="cron")
    read = [_field(text, *field) for text, field in zip(parts, _FIELDS, strict=True)]
    schedule = Schedule(
        minutes=tuple(sorted(read[0])),
        hours=tuple(sorted(read[1])),
        days=frozenset(read[2]),
        months=frozenset(read[3]),
        weekdays=frozenset(one % 7 for one in read[4]),
        any_day=parts[2].startswith("*"),
        any_weekday=parts[4].startswith("*"),
        intervals=parts[0].startswith("*") or parts[1].startswith("*"),
        zone=zone,
    )
    if next(schedule.after(0), None) is None:
        raise InvalidRequest("cron: there is no such day", param="cron")
    return schedule


def _field(text: str, name: str, low: int, high: int) -> set[int]:
    found: set[int] = set()
    for part in text.lower().split(","):
        span, _, step = part.partition("/")
        if step and not (step.isascii() and step.isdigit() and int(step) > 0):
            raise _wrong(name, part)
        if span == "*":
            first, last = low, high
        else:
            begin, dash, end = span.partition("-")
            first = _number(begin, name)
            last = _number(end, name) if dash else (high if step else first)
        if not low <= first <= last <= high:
            raise _wrong(name, part)
        found.update(range(first, last + 1, int(step or 1)))
    return found


def _number(text: str, name: str) -> int:
    names: Sequence[str] = {"month": _MONTHS, "weekday": _DAYS}.get(name, ())
    if text in names:
        return names.index(text) + (name == "month")
    if not (text.isascii() and text.isdigit()):
        raise _wrong(name, text)
    return int(text)


def _wrong(name: str, part: str) -> InvalidRequest:
    low, high = next((low, high) for one, low, high in _FIELDS if one == name)
    return InvalidRequest(
        f"cron: {part[:40]!r} is no {name}: from {low} to {high}, as 5, 1-5, */10 or 1,3",
        param="cron",
    )


def _ns(wall: datetime) -> int:
    """Return when a time on the wall is; one in a gap is moved behind it by the gap's length."""
    return int(wall.astimezone(UTC).timestamp()) * _NS


def _exists(wall: datetime) -> bool:
    back = wall.astimezone(UTC).astimezone(wall.tzinfo)
    return back.replace(fold=0, tzinfo=None) == wall.replace(fold=0, tzinfo=None)
