"""Times as evidence has them."""

from datetime import UTC, datetime
from typing import Final

NS_PER_S: Final = 1_000_000_000
NS_PER_HOUR: Final = 3_600 * NS_PER_S
NS_PER_DAY: Final = 24 * NS_PER_HOUR


def at(ns: int | None) -> str | None:
    """Return a time in UTC to the second; None for never."""
    if ns is None:
        return None
    return f"{datetime.fromtimestamp(ns // NS_PER_S, UTC):%Y-%m-%dT%H:%M:%SZ}"


def days(ns: int) -> int:
    """Return how many whole days a length of time has."""
    return ns // NS_PER_DAY
