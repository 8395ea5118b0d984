"""Whole days in UTC, as people name them."""

import re
from datetime import date, timedelta
from typing import Final

from legato.core.errors import InvalidRequest
from legato.storage.rollups.reading import Span

_EPOCH: Final = date(1970, 1, 1)
_NS_PER_DAY: Final = 86_400 * 10**9
_BACK: Final = re.compile(r"([1-9][0-9]{0,3})d")
_MONTH: Final = re.compile(r"([0-9]{4})-([0-9]{2})")
_QUARTER: Final = re.compile(r"([0-9]{4})-[qQ]([1-4])")
_YEAR: Final = re.compile(r"[0-9]{4}")
_MONTHS: Final = 12
_DAYS_MAX: Final = 3_700


def period(text: str, now_ns: int) -> Span:
    """Read `2026-11`, `2026-Q4`, `2026`, `2026-11-01..2026-11-30` or `30d`, today included.

    Raises:
        InvalidRequest: it is none of these, or longer than ten years.
    """
    today = now_ns // _NS_PER_DAY
    try:
        first, end = _bounds(text.strip(), today)
    except ValueError:
        msg = f"period: {text[:40]!r}: write 30d, 2026-11, 2026-Q4, 2026 or 2026-11-01..2026-11-30"
        raise InvalidRequest(msg, param="period") from None
    if not 0 <= first < end <= first + _DAYS_MAX:
        raise InvalidRequest(f"period: {text[:40]!r} isn't 1 to {_DAYS_MAX} days", param="period")
    return Span(first, end)


def day_number(text: str) -> int:
    """Read `2026-11-01` as days from the epoch. Raises ValueError."""
    return (date.fromisoformat(text) - _EPOCH).days


def day_of(text: str, param: str) -> int | None:
    """Read a day that may be left out, "". Raises InvalidRequest."""
    if not text:
        return None
    try:
        return day_number(text)
    except ValueError:
        msg = f"{param}: {text[:40]!r} isn't a day: write 2026-11-01"
        raise InvalidRequest(msg, param=param) from None


def _bounds(text: str, today: int) -> tuple[int, int]:
    if found := _BACK.fullmatch(text):
        return today + 1 - int(found[1]), today + 1
    if found := _MONTH.fullmatch(text):
        return _months(int(found[1]), int(found[2]), 1)
    if found := _QUARTER.fullmatch(text):
        return _months(int(found[1]), 3 * int(found[2]) - 2, 3)
    if _YEAR.fullmatch(text):
        return _months(int(text), 1, _MONTHS)
    first, dots, last = text.partition("..")
    return day_number(first), day_number(last if dots else first) + 1


def _months(year: int, month: int, count: int) -> tuple[int, int]:
    first = date(year, month, 1)
    years, months = divmod(month - 1 + count, _MONTHS)
    end = date(year + years, months + 1, 1)
    return (first - _EPOCH) // timedelta(days=1), (end - _EPOCH) // timedelta(days=1)
