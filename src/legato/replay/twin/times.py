"""Moments as a scenario writes them: a span after the traffic's start, or a time."""

import re
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

_UNITS_S: Final = MappingProxyType({"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800})
_SPAN: Final = re.compile(r"([0-9]{1,9})([smhdw])")
_US_PER_S: Final = 1_000_000
_NS_PER_US: Final = 1_000
REMEDY: Final = "Write a span such as 10m, or a time such as 2026-08-06T12:00."


def span_s(text: str) -> int | None:
    """Return the seconds of a span, None for what is none."""
    found = _SPAN.fullmatch(text)
    return None if found is None else int(found[1]) * _UNITS_S[found[2]]


def is_moment(text: str) -> bool:
    """Whether a text is a span or a time."""
    try:
        moment_us(text, 0)
    except ValueError:
        return False
    return True


def moment_us(text: str, started_ns: int) -> int:
    """Return µs since the traffic's start. Raises ValueError for neither a span nor a time."""
    span = span_s(text)
    if span is not None:
        return span * _US_PER_S
    return time_ns(text) // _NS_PER_US - started_ns // _NS_PER_US


def before_ns(text: str, now_ns: int) -> int:
    """Return a time, or one a span back from now. Raises ValueError for neither."""
    span = span_s(text)
    return time_ns(text) if span is None else now_ns - span * _US_PER_S * _NS_PER_US


def time_ns(text: str) -> int:
    """Return a time of ISO 8601 in ns, UTC unless it says otherwise. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(moment.timestamp()) * _US_PER_S * _NS_PER_US + moment.microsecond * _NS_PER_US
