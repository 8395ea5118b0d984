"""Reports that come by themselves: which, when, of which time, and where to."""

import re
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from legato.core.cron import read_cron
from legato.core.errors import InvalidRequest

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_ROLLING: Final = re.compile(r"[1-9][0-9]{0,3}d")
LAST: Final = ("last-day", "last-week", "last-month", "last-quarter", "last-year")
"""Whole ones, in UTC, that were over when a report is due."""
_WEEKS: Final = ("last-week", "7d")
_CHANNELS_MAX: Final = 10
_NS_PER_S: Final = 1_000_000_000
_QUARTER: Final = 3


class ReportSchedule(msgspec.Struct, frozen=True, kw_only=True):
    """One. `span` is one of `LAST`, or days back as `30d`; `next_ns` when it comes next."""

    id: str
    org: str
    name: str
    kind: str
    form: str
    cron: str
    time_zone: str
    span: str
    channels: tuple[str, ...]
    currency: str = ""
    next_ns: int = 0
    author: str = ""
    at_ns: int = 0
    removed_at_ns: int | None = None


class ReportRun(msgspec.Struct, frozen=True, kw_only=True):
    """A report as it was made for a time; `told` says why there is none."""

    id: str
    org: str
    schedule_id: str
    due_ns: int
    period: str
    made_ns: int
    digest: str
    event: int | None
    size: int
    told: str = ""


def checked(said: ReportSchedule, known: frozenset[str]) -> ReportSchedule:
    """Return it as it is. Raises InvalidRequest naming the field; `known` are the channels."""
    if not _NAME.fullmatch(said.name):
        raise InvalidRequest("name: write a-z, 0-9, dots and dashes, up to 64", param="name")
    if said.span not in LAST and not _ROLLING.fullmatch(said.span):
        raise InvalidRequest(f"span: write {', '.join(LAST)} or days as 30d", param="span")
    if said.kind == "digest" and said.span not in _WEEKS:
        told = f"span: a digest is of seven days: write {' or '.join(_WEEKS)}, not {said.span}"
        raise InvalidRequest(told, param="span")
    if not 1 <= len(said.channels) <= _CHANNELS_MAX:
        raise InvalidRequest(f"channels: name 1 to {_CHANNELS_MAX}", param="channels")
    for one in said.channels:
        if one not in known:
            there = ", ".join(sorted(known)) or "none: see notifications.channels"
            msg = f"channels: there is no channel {one[:64]!r}; there are {there}"
            raise InvalidRequest(msg, param="channels")
    read_cron(said.cron, said.time_zone)
    return said


def period_of(span: str, due_ns: int, time_zone: str) -> str:
    """Return the period that is meant when a report is due, as reports read it."""
    if span not in LAST:
        return span
    today = datetime.fromtimestamp(due_ns // _NS_PER_S, ZoneInfo(time_zone)).date()
    if span == "last-day":
        return f"{today - timedelta(days=1)}"
    if span == "last-week":
        monday = today - timedelta(days=today.weekday())
        return f"{monday - timedelta(days=7)}..{monday - timedelta(days=1)}"
    before = today.replace(day=1) - timedelta(days=1)
    if span == "last-month":
        return f"{before:%Y-%m}"
    if span == "last-year":
        return f"{today.year - 1}"
    quarter = (today.month - 1) // _QUARTER
    return f"{today.year}-Q{quarter}" if quarter else f"{today.year - 1}-Q4"
