"""What is reported of a framework over a period: each control, its checks, their evidence, gaps."""

import hashlib
from collections import Counter
from typing import Final

import msgspec

import legato
from legato.app.compliance.checks import CHECKS
from legato.app.compliance.controls import standing
from legato.app.compliance.running import every_ns
from legato.app.compliance.when import at
from legato.core.compliance import ControlStatus, Evidence, Framework, Result, Status
from legato.core.config_compliance import Compliance
from legato.storage.compliance.results import ComplianceResults

TITLES: Final = {
    Framework.GDPR: "General Data Protection Regulation (EU) 2016/679",
    Framework.HIPAA: "HIPAA, 45 CFR Part 164",
    Framework.SOC2: "SOC 2, trust services criteria",
}


class Anchor(msgspec.Struct, frozen=True):
    """The audit log as it was when the report was made: who has a copy can hold it against that."""

    events: int
    root: str
    """Of its Merkle tree (RFC 9162), in hex."""
    checkpoint: str
    """Signed by the instance."""
    key: str
    """Which verifies the signature."""


class Span(msgspec.Struct, frozen=True):
    """Looks of one check that came to the same, one after the other."""

    status: Status
    first: str | None
    last: str | None
    times: int
    told: str
    node: str = ""


class ReportedCheck(msgspec.Struct, frozen=True, kw_only=True):
    """A check as it stood at the end of the period."""

    id: str
    looks_at: str
    status: Status
    told: str
    remedy: str
    evidence: dict[str, Evidence]
    """By machine, "" for what all share."""
    last_looked: str | None
    history: list[Span]


class ReportedControl(msgspec.Struct, frozen=True, kw_only=True):
    """A control as it stood at the end of the period."""

    id: str
    demands: str
    status: Status
    checks: tuple[str, ...]
    failing: list[str]
    unseen: tuple[str, ...]
    beyond: str


class Gap(msgspec.Struct, frozen=True):
    """What is lacking of a control."""

    control: str
    status: Status
    why: str


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All of it."""

    format: str
    framework: Framework
    title: str
    made_at: str | None
    period: tuple[str | None, str | None]
    legato: str
    node: str
    summary: dict[Status, int]
    gaps: list[Gap]
    controls: list[ReportedControl]
    checks: list[ReportedCheck]
    audit_log: Anchor


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """From when to when (ns), when the report is made, where, and what it is anchored in."""

    from_ns: int
    to_ns: int
    now_ns: int
    node: str
    anchor: Anchor


def reported(
    framework: Framework, frame: Frame, results: ComplianceResults, said: Compliance
) -> Report:
    """Gather the report. Raises StorageUnavailable."""
    intervals = {one.id: every_ns(one, said) for one in CHECKS.values()}
    newest = [_until(one, frame.to_ns) for one in results.newest(frame.to_ns)]
    standings = [
        one
        for one in standing(newest, frame.to_ns, intervals)
        if one.control.framework is framework
    ]
    named = dict.fromkeys(name for one in standings for name in one.control.checks)
    rows = results.between(frame.from_ns, frame.to_ns)
    counted = Counter(one.status for one in standings)
    return Report(
        format="legato-compliance/1",
        framework=framework,
        title=TITLES[framework],
        made_at=at(frame.now_ns),
        period=(at(frame.from_ns), at(frame.to_ns)),
        legato=legato.__version__,
        node=frame.node,
        summary={status: counted[status] for status in Status},
        gaps=[gap for one in standings for gap in _gaps(one)],
        controls=[_control(one) for one in standings],
        checks=[_check(name, newest, rows) for name in CHECKS if name in named],
        audit_log=frame.anchor,
    )


def digest_of(document: bytes) -> str:
    """Return what stands for a report in the audit log: SHA-256 in hex."""
    return hashlib.sha256(document).hexdigest()


def _until(result: Result, to_ns: int) -> Result:
    return msgspec.structs.replace(result, last_ns=min(result.last_ns, to_ns))


def _control(one: ControlStatus) -> ReportedControl:
    return ReportedControl(
        id=one.control.id,
        demands=one.control.demands,
        status=one.status,
        checks=one.control.checks,
        failing=sorted({result.check for result in one.results if result.status is Status.FAIL}),
        unseen=one.unseen,
        beyond=one.control.beyond,
    )


def _gaps(one: ControlStatus) -> list[Gap]:
    found = [
        Gap(one.control.id, result.status, f"{result.check}: {result.told}")
        for result in one.results
        if result.status in {Status.FAIL, Status.WARN}
    ]
    if not one.control.checks:
        found.append(Gap(one.control.id, Status.NO_LIVE_CHECK, one.control.beyond))
    found += [
        Gap(one.control.id, Status.NO_LIVE_CHECK, f"{name}: not looked at lately")
        for name in one.unseen
    ]
    return found


def _check(name: str, newest: list[Result], rows: list[Result]) -> ReportedCheck:
    check = CHECKS[name]
    mine = [one for one in newest if one.check == name]
    order = list(Status)
    worst = min(mine, key=lambda one: order.index(one.status), default=None)
    bad = worst is not None and worst.status in {Status.FAIL, Status.WARN}
    return ReportedCheck(
        id=name,
        looks_at=check.looks_at,
        status=Status.NO_LIVE_CHECK if worst is None else worst.status,
        told="not looked at in this period" if worst is None else worst.told,
        remedy=check.remedy if bad else "",
        evidence={one.node: one.evidence for one in mine},
        last_looked=at(max((one.last_ns for one in mine), default=None)),
        history=[_span(one) for one in rows if one.check == name],
    )


def _span(one: Result) -> Span:
    return Span(one.status, at(one.first_ns), at(one.last_ns), one.times, one.told, one.node)
