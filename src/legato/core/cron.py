"""Times that come again, as crontab(5) writes them, in a time zone.

Minute, hour, day of the month, month, day of the week; lists, ranges, steps, names of months and
days. Where both days are said, either will do, as POSIX has it. A time that a clock put forward
skips is run when the clock goes on; one that comes twice is run the first time.
"""

from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from legato.core.errors import InvalidRequest

_MONTHS: Final = (
    "jan",
    "feb",
    "mar",
    "apr",
    "may",
    "jun",
    "jul",
    "aug",
    "sep",
    "oct",
    "nov",
    "dec",
)
_DAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS: Final = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of the month", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    ("day of the week", 0, 7, _DAYS),
)
_SHORT: Final = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
}
_DAYS_AHEAD: Final = 366 * 8
"""A 29 February comes within eight years, or never."""
_NS_PER_S: Final = 1_000_000_000
_SUNDAY_TOO: Final = 7


class Cron(msgspec.Struct, frozen=True):
    """When something comes: the values of each field, and whether a day was said."""

    minutes: frozenset[int]
    hours: frozenset[int]
    month_days: frozenset[int]
    months: frozenset[int]
    week_days: frozenset[int]
    any_month_day: bool
    any_week_day: bool
    zone: str

    def after(self, at_ns: int) -> int | None:
        """Return the next time behind one (ns, whole minutes), None where there never is one."""
        zone = ZoneInfo(self.zone)
        local = datetime.fromtimestamp(at_ns // _NS_PER_S, zone)
        day = local.date()
        for _ in range(_DAYS_AHEAD):
            if day.month in self.months and self._is_day(day.day, day.isoweekday() % 7):
                for hour in sorted(self.hours):
                    for minute in sorted(self.minutes):
                        wall = datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone)
                        found = int(wall.astimezone(UTC).timestamp()) * _NS_PER_S
                        if found > at_ns:
                            return found
            day += timedelta(days=1)
        return None

    def _is_day(self, month_day: int, week_day: int) -> bool:
        by_month, by_week = month_day in self.month_days, week_day in self.week_days
        if self.any_month_day or self.any_week_day:
            return by_month and by_week
        return by_month or by_week


def read_cron(text: str, zone: str = "UTC") -> Cron:
    """Read an expression. Raises InvalidRequest naming what is wrong."""
    parts = _SHORT.get(text.strip().lower(), text).split()
    if len(parts) != len(_FIELDS):
        raise _wrong(f"{text[:60]!r} has {len(parts)} fields, not {len(_FIELDS)}")
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        msg = f"time_zone: {zone[:60]!r} is none: write Europe/Zurich or UTC"
        raise InvalidRequest(msg, param="time_zone") from None
    values = [_field(part.lower(), one) for part, one in zip(parts, _FIELDS, strict=True)]
    week = frozenset(0 if one == _SUNDAY_TOO else one for one in values[4])
    made = Cron(
        values[0], values[1], values[2], values[3], week,
        any_month_day=parts[2].startswith("*"), any_week_day=parts[4].startswith("*"), zone=zone,
    )  # fmt: skip
    if made.after(0) is None:
        raise _wrong(f"{text[:60]!r} never comes")
    return made


def _field(text: str, field: tuple[str, int, int, tuple[str, ...]]) -> frozenset[int]:
    name, least, most, names = field
    found = set[int]()
    for part in text.split(","):
        span, slash, step = part.partition("/")
        if slash and (not step.isdigit() or int(step) == 0):
            raise _wrong(f"{name}: {part[:20]!r}: a step is a number from 1 on")
        first, dash, last = span.partition("-")
        if span == "*":
            low, high = least, most
        else:
            low = _number(first, name, least, names)
            high = _number(last, name, least, names) if dash else (most if slash else low)
        if not least <= low <= high <= most:
            raise _wrong(f"{name}: {part[:20]!r} isn't within {least} to {most}")
        found.update(range(low, high + 1, int(step) if slash else 1))
    return frozenset(found)


def _number(text: str, name: str, least: int, names: tuple[str, ...]) -> int:
    if text in names:
        return names.index(text) + (1 if least else 0)
    if not text.isdigit():
        raise _wrong(f"{name}: {text[:20]!r} is no number")
    return int(text)


def _wrong(told: str) -> InvalidRequest:
    return InvalidRequest(f"cron: {told}: write five fields, as 0 8 1 * *", param="cron")
