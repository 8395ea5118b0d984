"""Puts into words how services keep their objectives, and what incidents there are."""

from collections.abc import Callable, Iterator
from typing import Final

from legato.core.incident import Incident, Source
from legato.core.notification import Notification, Severity
from legato.notify.telling import moment
from legato.storage.incidents.words import is_told, told_as
from legato.storage.objectives.alerts import BurnAlert

_NS_PER_MIN: Final = 60_000_000_000


def of_burn(alert: BurnAlert, new_id: Callable[[], str]) -> Iterator[Notification]:
    """Tell that an error budget burns, and that it does so no more."""
    where = ", ".join(
        f"{name} {value}"
        for name, value in (
            ("route", alert.route),
            ("team", alert.team),
            ("feature", alert.feature),
        )
        if value
    )
    what = f"{alert.name}{f' ({where})' if where else ''}"
    facts: dict[str, str | int | None] = {
        "alert_id": alert.id,
        "objective": alert.name,
        "version": alert.version,
        "window": alert.window,
        "burn_rate_hundredths": round(alert.burn_long * 100),
        "burn_rate_short_hundredths": round(alert.burn_short * 100),
        "events": alert.total,
        "bad": alert.bad,
        "began_at_ns": alert.began_at_ns,
    }
    yield Notification(
        id=new_id(),
        kind="objective.burning",
        severity=Severity.CRITICAL if alert.pages else Severity.WARNING,
        title=f"The error budget of {what} burns {alert.burn_long:.1f} times too fast",
        text=f"Within {alert.window}, {alert.bad:,} of {alert.total:,} requests were bad: the "
        f"error budget of {what} is used up {alert.burn_long:.1f} times as fast as it may be, "
        f"since {moment(alert.began_at_ns)}. `legato objectives show {alert.name}` has more.",
        at_ns=alert.opened_at_ns,
        once=f"burn {alert.id}",
        org=alert.org,
        team=alert.team,
        feature=alert.feature,
        facts=facts,
    )
    if alert.closed_at_ns is not None:
        lasted = (alert.closed_at_ns - alert.began_at_ns) // _NS_PER_MIN
        yield Notification(
            id=new_id(),
            kind="objective.recovered",
            severity=Severity.INFO,
            title=f"The error budget of {what} burns as it may again",
            text=f"The error budget of {what} burns no longer too fast within {alert.window}. "
            f"It did for {lasted:,} minutes.",
            at_ns=alert.closed_at_ns,
            once=f"burn {alert.id} over",
            org=alert.org,
            team=alert.team,
            feature=alert.feature,
            facts=facts | {"closed_at_ns": alert.closed_at_ns},
        )


def of_incident(found: Incident, new_id: Callable[[], str]) -> Iterator[Notification]:
    """Tell that one was opened, where nothing else tells of it, and that one is over."""
    facts: dict[str, str | int | None] = {
        "incident_id": found.id,
        "source": found.source.value,
        "subject": found.subject,
        "cause": found.cause.value,
        "began_at_ns": found.began_at_ns,
        "opened_at_ns": found.opened_at_ns,
        "resolved_at_ns": found.resolved_at_ns,
    }
    (began, over), said = told_as(found.id), is_told(found)
    runbook = f" Its runbook: {found.runbook}" if found.runbook else ""
    if found.source in {Source.BREAKER, Source.PERSON}:
        yield Notification(
            id=new_id(),
            kind="incident.opened",
            severity=Severity(found.severity),
            title=found.title,
            text=f"{found.title}, since {moment(found.began_at_ns)}.{runbook} "
            f"`legato incidents acknowledge {found.id}` takes it on.",
            at_ns=found.opened_at_ns,
            once=began,
            sealed=said,
            org=found.org,
            team=found.team,
            feature=found.feature,
            facts=facts,
        )
    if found.resolved_at_ns is not None:
        cause = found.cause.value or "nobody has told"
        yield Notification(
            id=new_id(),
            kind="incident.resolved",
            severity=Severity.INFO,
            title=f"Resolved: {found.title}",
            text=f"{found.title}: resolved by {found.resolved_by} after "
            f"{(found.resolved_ns or 0) // _NS_PER_MIN:,} minutes. Cause: {cause}. {found.note}",
            at_ns=found.resolved_at_ns,
            once=over,
            sealed=said,
            org=found.org,
            team=found.team,
            feature=found.feature,
            facts=facts,
        )
