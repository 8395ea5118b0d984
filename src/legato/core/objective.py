"""Service level objectives: what share of requests is to go well, and when one did.

Terms as in the Site Reliability Workbook (Google, 2018), chapters 2 and 5: an objective's events
are counted as good or bad, and what it allows to be bad within its period is its error budget.
"""

import re
from enum import StrEnum
from typing import Final

import msgspec

from legato.core.errors import InvalidRequest

PPM: Final = 1_000_000
"""Shares are counted in millionths: 99.9 % is 999,000."""
TARGET_MIN_PPM: Final = 500_000
TARGET_MAX_PPM: Final = 999_990
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_RUNBOOK: Final = re.compile(r"https?://\S{1,500}")
_PERIOD_DAYS_MAX: Final = 90
_EVENTS_MAX: Final = 1_000_000
_PERCENT: Final = re.compile(r"(\d{1,2})(?:\.(\d{1,4}))?")


class Measured(StrEnum):
    """By what an event is good."""

    ERRORS = "errors"  # it was answered
    LATENCY = "latency"  # the answer was complete within so many milliseconds
    COST = "cost"  # the answer cost no more than so much, all attempts together


class Objective(msgspec.Struct, frozen=True, kw_only=True):
    """One version. `route`, `team` and `feature` narrow what it is of; "" for all of them.

    `limit` is milliseconds of latency, nano-USD of cost, 0 for errors. A version that is
    `retired` ends it. `events_min`: with fewer events within a window no alert is raised.
    """

    org: str
    name: str
    measured: Measured
    target_ppm: int
    limit: int = 0
    route: str = ""
    team: str = ""
    feature: str = ""
    period_days: int = 30
    events_min: int = 20
    runbook: str = ""
    version: int = 0
    author: str = ""
    at_ns: int = 0
    retired: bool = False

    @property
    def allowed_ppm(self) -> int:
        """What share of events may be bad."""
        return PPM - self.target_ppm

    def covers(self, route: str, team: str, feature: str) -> bool:
        """Whether a request of this organisation is one of its."""
        return (
            self.route in {"", route} and self.team in {"", team} and self.feature in {"", feature}
        )


def checked(said: Objective) -> Objective:
    """Return it as it is. Raises InvalidRequest naming the field."""
    _require(_NAME.fullmatch(said.name), "name", "write a-z, 0-9, dots and dashes, up to 64")
    in_bounds = TARGET_MIN_PPM <= said.target_ppm <= TARGET_MAX_PPM
    _require(in_bounds, "target", "write a percentage from 50 to 99.999, as 99.5")
    if said.measured is Measured.ERRORS:
        _require(said.limit == 0, "limit", "an objective of errors has none")
    else:
        unit = "milliseconds" if said.measured is Measured.LATENCY else "dollars"
        _require(0 < said.limit < 2**62, "limit", f"write how many {unit} are still good")
    days = 1 <= said.period_days <= _PERIOD_DAYS_MAX
    _require(days, "period_days", f"write 1 to {_PERIOD_DAYS_MAX}")
    _require(1 <= said.events_min <= _EVENTS_MAX, "events_min", f"write 1 to {_EVENTS_MAX:,}")
    _require(not said.feature or said.team, "team", "say whose feature it is")
    runbook = not said.runbook or _RUNBOOK.fullmatch(said.runbook)
    _require(runbook, "runbook", "write an http or https address of up to 500 characters")
    return said


def ppm_of(percent: str) -> int:
    """Read `99.5` as millionths. Raises InvalidRequest."""
    found = _PERCENT.fullmatch(percent.strip().removesuffix("%").strip())
    if found is None:
        msg = f"target: {percent[:20]!r}: write a percentage from 50 to 99.999, as 99.5"
        raise InvalidRequest(msg, param="target")
    return int(found[1]) * 10_000 + int((found[2] or "").ljust(4, "0"))


def percent_of(ppm: int) -> str:
    """Write millionths as a percentage, exactly: `99.5`."""
    whole, rest = divmod(ppm, 10_000)
    return f"{whole}.{rest:04d}".rstrip("0").rstrip(".")


def _require(holds: object, field: str, remedy: str) -> None:
    if not holds:
        raise InvalidRequest(f"{field}: {remedy}", param=field)
