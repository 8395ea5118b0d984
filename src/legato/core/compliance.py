"""What the rules of others demand, what shows that they are met, and since when."""

from enum import StrEnum
from typing import Any, Final

import msgspec

DRILL_PASSED: Final = "backup.drill"
"""What the audit log calls that a restored backup was found whole."""
DRILL_FAILED: Final = "backup.drill_failed"


class Framework(StrEnum):
    """Whose rules: the GDPR, HIPAA's security and privacy rules, the SOC 2 criteria."""

    GDPR = "gdpr"
    HIPAA = "hipaa"
    SOC2 = "soc2"


class Status(StrEnum):
    """How a check or a control stands, worst first.

    `no_live_check` is a control's that nothing here can show: it is never counted as good.
    """

    FAIL = "fail"
    WARN = "warn"
    NO_LIVE_CHECK = "no_live_check"
    NOT_APPLICABLE = "not_applicable"
    PASS = "pass"  # noqa: S105 - a word, no secret


Evidence = dict[str, Any]
"""Counts, names, times (ISO 8601) and hashes, as JSON has them: no content and no person."""


class Finding(msgspec.Struct, frozen=True):
    """What one look of a check came to."""

    status: Status
    told: str
    """In a sentence, with the figure that decides."""
    evidence: Evidence = {}


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """A check's findings that were alike, from the first to the last; the last one is told.

    `node` is the machine that was looked at, "" where it was what all machines share.
    """

    check: str
    node: str
    status: Status
    told: str
    evidence: Evidence
    first_ns: int
    last_ns: int
    times: int


class Control(msgspec.Struct, frozen=True, kw_only=True):
    """One demand of a framework, in our words, and what here bears on it."""

    framework: Framework
    id: str
    demands: str
    checks: tuple[str, ...] = ()
    beyond: str
    """What Legato can't show of it, and who must."""


class ControlStatus(msgspec.Struct, frozen=True):
    """How a control stands by the newest results of its checks."""

    control: Control
    status: Status
    results: tuple[Result, ...]
    unseen: tuple[str, ...] = ()
    """Checks of it that have no result that is new enough."""


_WORST_FIRST = (Status.FAIL, Status.WARN, Status.PASS, Status.NOT_APPLICABLE)


def control_status(
    control: Control, results: tuple[Result, ...], unseen: tuple[str, ...]
) -> Status:
    """Return how a control stands: by the worst of its checks.

    A control without a check, and one none of whose checks has looked, has no live check. One of
    whose checks some haven't looked is no better than a warning.
    """
    if not control.checks or not results:
        return Status.NO_LIVE_CHECK
    found = {one.status for one in results}
    if unseen and Status.FAIL not in found:
        return Status.WARN
    return next(one for one in _WORST_FIRST if one in found)
