"""Scheduled reports: which come when, where to, and what was made."""

from typing import Annotated

from litestar.di import NamedDependency as Given
from litestar.params import JSONBody, Parameter
from litestar.response import Response
from msgspec import Meta

from legato.api.control.access import Caller, file_in, make, read
from legato.api.control.attachments import attachment
from legato.api.control.forms import Form as Body
from legato.api.control.forms import Id, Shown, known_id, moment
from legato.api.control.once import Made, Once
from legato.api.control.registry_desk import Org
from legato.api.control.services import Services
from legato.core.errors import NotFound
from legato.core.permission import Permission
from legato.core.report_schedule import ReportRun, ReportSchedule
from legato.reporting.wanted import MEDIA, Form, Kind

_Name = Annotated[str, Meta(max_length=64)]
_RUNS_SHOWN = 50
_BYTES = "application/octet-stream"
RunId = Annotated[str, Parameter(description="32 hex digits.", max_length=64)]


class NewSchedule(Body, frozen=True, kw_only=True):
    """`cron` has five fields, in `time_zone`; `span` says of what time each report is."""

    name: _Name
    report: Kind
    cron: Annotated[str, Meta(max_length=120)]
    channels: Annotated[list[_Name], Meta(min_length=1, max_length=10)]
    form: Form = "pdf"
    time_zone: _Name = "UTC"
    span: Annotated[str, Meta(max_length=20)] = "last-month"
    currency: Annotated[str, Meta(pattern="^([A-Z]{3})?$")] = ""


class Run(Shown, frozen=True, kw_only=True):
    """A report that was made for a time; `told` says why one couldn't be."""

    id: str
    due_at: str
    made_at: str
    period: str
    sha256: str
    bytes: int
    audit_event: int | None
    told: str


class Schedule(Shown, frozen=True, kw_only=True):
    """A schedule, and what it made last."""

    id: str
    org: str
    name: str
    report: str
    form: str
    cron: str
    time_zone: str
    span: str
    channels: list[str]
    currency: str
    next_at: str | None
    author: str
    runs: list[Run]


class ScheduleList(Shown, frozen=True, kw_only=True):
    """The schedules in force."""

    data: list[Schedule]


@read("/report-schedules", Permission.REPORT_READ, tags=["reports"])
def list_schedules(services: Given[Services], caller: Given[Caller]) -> ScheduleList:
    """List the schedules of reports within reach."""
    store = services.schedules.of(caller.reach)
    return ScheduleList(data=[_shown(one, store.runs(one.id, 1)) for one in store.in_force()])


@make("/report-schedules", Permission.REPORT_SCHEDULE, tags=["reports"])
def add_schedule(
    services: Given[Services],
    caller: Given[Caller],
    once: Given[Once],
    *,
    data: JSONBody[NewSchedule],
    org: Org = None,
) -> Response[Schedule]:
    """Have a report made at times of a calendar, and delivered."""

    def work() -> Made:
        tenant, rooms = caller.tenant(org), services.schedules
        wanted = ReportSchedule(
            id=rooms.new_id(),
            org=tenant.org,
            name=data.name,
            kind=data.report,
            form=data.form,
            cron=data.cron,
            time_zone=data.time_zone,
            span=data.span,
            channels=tuple(data.channels),
            currency=data.currency,
            author=caller.author,
        )
        return Made(_shown(rooms.of(tenant).add(wanted, rooms.channels), []))

    return once(data, work)


@read("/report-schedules/{schedule_id:str}", Permission.REPORT_READ, tags=["reports"])
def get_schedule(services: Given[Services], caller: Given[Caller], schedule_id: Id) -> Schedule:
    """Show a schedule with what it made."""
    store = services.schedules.of(caller.reach)
    one = store.get(known_id(schedule_id))
    return _shown(one, store.runs(one.id, _RUNS_SHOWN))


@read(
    "/report-schedules/{schedule_id:str}/runs/{report_run_id:str}",
    Permission.REPORT_READ,
    tags=["reports"],
    operation_class=file_in(MEDIA.values()),
)
def get_run(
    services: Given[Services], caller: Given[Caller], schedule_id: Id, report_run_id: RunId
) -> Response[bytes]:
    """Give a report that was made, as the file that was delivered."""
    store = services.schedules.of(caller.reach)
    one = store.one(known_id(schedule_id))
    run, document = store.document(known_id(report_run_id))
    if run.schedule_id != one.id:
        raise NotFound(
            f"the schedule {one.name} has no report {report_run_id!r}", param="report_run_id"
        )
    headers = {
        "x-legato-digest": f"sha256:{run.digest}",
        **attachment(f"{one.name}.{one.form}"),
    }
    media = {str(form): kind for form, kind in MEDIA.items()}.get(one.form, _BYTES)
    return Response(content=document, media_type=media, headers=headers)


@make(
    "/report-schedules/{schedule_id:str}/remove",
    Permission.REPORT_SCHEDULE,
    tags=["reports"],
    status_code=200,
)
def remove_schedule(services: Given[Services], caller: Given[Caller], schedule_id: Id) -> Schedule:
    """End a schedule; what it made stays."""
    return _shown(services.schedules.of(caller.reach).remove(known_id(schedule_id)), [])


HANDLERS = (list_schedules, add_schedule, get_schedule, get_run, remove_schedule)


def _shown(one: ReportSchedule, runs: list[ReportRun]) -> Schedule:
    return Schedule(
        id=one.id,
        org=one.org,
        name=one.name,
        report=one.kind,
        form=one.form,
        cron=one.cron,
        time_zone=one.time_zone,
        span=one.span,
        channels=list(one.channels),
        currency=one.currency,
        next_at=moment(one.next_ns) if one.next_ns else None,
        author=one.author,
        runs=[_run(run) for run in runs],
    )


def _run(one: ReportRun) -> Run:
    return Run(
        id=one.id,
        due_at=moment(one.due_ns),
        made_at=moment(one.made_ns),
        period=one.period,
        sha256=one.digest,
        bytes=one.size,
        audit_event=one.event,
        told=one.told,
    )
