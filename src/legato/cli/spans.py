"""Times as people write them on a command line: `24h`, `30d`, `2026-08-06`."""

import re
from datetime import UTC, datetime
from typing import Final

import click

NS_PER_S: Final = 1_000_000_000
_UNITS_S: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_SPAN: Final = re.compile(r"(\d{1,6})([smhdw])")


def span(text: str) -> int:
    """Read `90s`, `15m`, `24h`, `30d` or `4w` as seconds: the type of an option."""
    found = _SPAN.fullmatch(text)
    if found is None:
        raise click.BadParameter(f"{text!r}: write a number and s, m, h, d or w, as in 24h.")
    return int(found[1]) * _UNITS_S[found[2]]


def moment(text: str) -> "Moment":
    """Read an ISO 8601 date or time (UTC unless it says otherwise), or a span from now."""
    found = _SPAN.fullmatch(text)
    if found is not None:
        return Moment(span_s=int(found[1]) * _UNITS_S[found[2]])
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text!r}: write 2026-08-06, 2026-08-06T12:00 or 30d.") from None
    read = read if read.tzinfo else read.replace(tzinfo=UTC)
    return Moment(at_ns=int(read.timestamp()) * NS_PER_S)


class Moment:
    """A moment that may still depend on what time it is."""

    def __init__(self, *, at_ns: int | None = None, span_s: int = 0) -> None:
        self._at_ns = at_ns
        self._span_ns = span_s * NS_PER_S

    def before(self, now_ns: int) -> int:
        """Return the moment; a span counts back from now."""
        return now_ns - self._span_ns if self._at_ns is None else self._at_ns

    def after(self, now_ns: int) -> int:
        """Return the moment; a span counts on from now."""
        return now_ns + self._span_ns if self._at_ns is None else self._at_ns


def time_text(at_ns: int | None) -> str:
    """Return `2026-08-06 12:00:00Z`, empty for no time."""
    if at_ns is None:
        return ""
    return f"{datetime.fromtimestamp(at_ns // NS_PER_S, UTC):%Y-%m-%d %H:%M:%S}Z"
