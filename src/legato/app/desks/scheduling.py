"""Makes reports whose time has come, and has them delivered."""

import logging
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from typing import Any, Final

import msgspec

from legato.core.clock import Clock
from legato.core.errors import CallerError, LegatoError, OperatorError, StorageUnavailable
from legato.core.notification import Attachment, Notification, Severity
from legato.core.report_schedule import ReportRun, ReportSchedule, period_of
from legato.core.tenant import EVERY_TENANT
from legato.reporting.wanted import MEDIA, TITLES, Wanted
from legato.storage.notifications.outbox import Addressed
from legato.storage.schedules.schedules import Schedules

log = logging.getLogger(__name__)

MADE: Final = "report.made"
_FAILED: Final = "report.failed"
_RUN_ID: Final = "report_run_id"


class ReportRunner:
    """Every method may raise StorageUnavailable; then nothing was done, and it can be repeated."""

    def __init__(
        self,
        schedules: Schedules,
        make: Callable[[Wanted], tuple[str, bytes]],
        new_id: Callable[[], str],
        clock: Clock,
    ) -> None:
        """`make` returns a report's period and its bytes; it records nothing."""
        self._schedules = schedules
        self._make = make
        self._new_id = new_id
        self._clock = clock

    def run_due(self) -> list[ReportRun]:
        """Make what is due, the oldest first; return what is new."""
        made = [self.run(one, one.next_ns) for one in self._schedules.due(self._clock.now_ns())]
        return [one for one in made if one is not None]

    def run(self, one: ReportSchedule, due_ns: int) -> ReportRun | None:
        """Make one for a time; None where that was done before."""
        period, document, told = self._document(one, due_ns)
        run = ReportRun(
            id=self._new_id(),
            org=one.org,
            schedule_id=one.id,
            due_ns=due_ns,
            period=period,
            made_ns=self._clock.now_ns(),
            digest=sha256(document).hexdigest() if document else "",
            event=None,
            size=len(document),
            told=told,
        )
        said = _failed(one, run, self._new_id()) if told else _made(one, run, self._new_id())
        return self._schedules.made(one, run, document, told=Addressed(said, one.channels))

    def _document(self, one: ReportSchedule, due_ns: int) -> tuple[str, bytes, str]:
        period = period_of(one.span, due_ns, one.time_zone)
        wanted = msgspec.convert(
            {
                "kind": one.kind,
                "form": one.form,
                "org": one.org,
                "period": period,
                "currency": one.currency or None,
            },
            Wanted,
        )
        try:
            found, document = self._make(wanted)
        except StorageUnavailable:
            raise
        except (CallerError, OperatorError) as error:
            return period, b"", error.message
        except LegatoError as error:
            log.exception("a scheduled report couldn't be made")
            return period, b"", error.message
        return found, document, ""


def attaching(engine: Any, clock: Clock) -> Callable[[Notification], Notification]:
    """Return what adds to a notification the report that it tells of, of any organisation."""
    return partial(attached, Schedules(engine, clock, EVERY_TENANT))


def attached(schedules: Schedules, said: Notification) -> Notification:
    """Return a notification with the report that it tells of."""
    run_id = said.facts.get(_RUN_ID)
    if said.kind != MADE or not isinstance(run_id, str):
        return said
    _, document = schedules.document(run_id)
    name, form = str(said.facts["file"]), str(said.facts["form"])
    return msgspec.structs.replace(said, attachment=Attachment(name, _media(form), document))


def _media(form: str) -> str:
    return {str(key): value for key, value in MEDIA.items()}.get(form, "application/octet-stream")


def _made(one: ReportSchedule, run: ReportRun, new_id: str) -> Notification:
    title = {str(kind): text for kind, text in TITLES.items()}.get(one.kind, one.kind)
    path = f"/api/v1/report-schedules/{one.id}/runs/{run.id}"
    return Notification(
        id=new_id,
        kind=MADE,
        severity=Severity.INFO,
        title=f"{title}: {one.org}, {run.period}",
        text=f"The report {one.name} of {run.period} was made. Its sha256 is {run.digest}, as the "
        f"audit log has it. Where it isn't attached it is to be had at {path}.",
        at_ns=run.made_ns,
        once=f"report {one.id} {run.due_ns}",
        org=one.org,
        facts={
            _RUN_ID: run.id,
            "schedule": one.name,
            "report": one.kind,
            "form": one.form,
            "period": run.period,
            "file": f"{one.name}-{run.period.replace('..', '_')}.{one.form}",
            "sha256": run.digest,
            "bytes": run.size,
            "path": path,
        },
    )


def _failed(one: ReportSchedule, run: ReportRun, new_id: str) -> Notification:
    return Notification(
        id=new_id,
        kind=_FAILED,
        severity=Severity.WARNING,
        title=f"The report {one.name} of {one.org} couldn't be made",
        text=f"The report {one.name} of {run.period} couldn't be made: {run.told} "
        f"`legato report schedule run {one.name}` tries it again.",
        at_ns=run.made_ns,
        once=f"report {one.id} {run.due_ns}",
        org=one.org,
        facts={"schedule": one.name, "report": one.kind, "period": run.period},
    )
