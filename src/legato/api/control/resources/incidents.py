"""Incidents: what somebody has to deal with, and how long it took."""

from typing import Annotated, Literal

from litestar.di import NamedDependency as Given
from litestar.params import JSONBody, QueryParameter
from litestar.response import Response
from msgspec import Meta

from legato.api.control.access import Caller, make, read
from legato.api.control.forms import (
    Form,
    Id,
    Shown,
    known_id,
    moment,
    moment_ns,
    optional_moment,
)
from legato.api.control.once import Made, Once
from legato.api.control.paging import LIMIT, Cursor, Limit, paged
from legato.api.control.registry_desk import Org
from legato.api.control.services import Services
from legato.core.incident import Cause, Source, Standing
from legato.core.incident import Incident as Kept
from legato.core.permission import Permission

Stands = Annotated[
    Standing | None,
    QueryParameter(name="state", required=False, description="open, acknowledged or resolved."),
]
_Cause = Literal["", "integration", "model", "data"]
_Name = Annotated[str, Meta(max_length=128)]
_NS_PER_S = 1_000_000_000


class NewIncident(Form, frozen=True, kw_only=True):
    """What is wrong, where, and since when; now where nothing is said."""

    title: Annotated[str, Meta(min_length=1, max_length=200)]
    severity: Literal["info", "warning", "critical"] = "warning"
    team: _Name = ""
    feature: _Name = ""
    cause: _Cause = ""
    runbook: Annotated[str, Meta(max_length=512)] = ""
    began_at: str | None = None
    note: Annotated[str, Meta(max_length=2_000)] = ""


class TakenOn(Form, frozen=True, kw_only=True):
    """Somebody deals with it; `cause` where it is known."""

    cause: _Cause = ""


class Over(Form, frozen=True, kw_only=True):
    """It is over; `cause` may be left out where it was told before."""

    cause: _Cause = ""
    note: Annotated[str, Meta(max_length=2_000)] = ""


class Incident(Shown, frozen=True, kw_only=True):
    """One. Durations are seconds: to detect from when it began, the others from when it opened."""

    id: str
    org: str
    team: str
    feature: str
    source: str
    subject: str
    source_id: str
    severity: str
    title: str
    cause: str
    runbook: str
    state: str
    began_at: str
    opened_at: str
    acknowledged_at: str | None
    acknowledged_by: str | None
    resolved_at: str | None
    resolved_by: str | None
    note: str
    detected_s: float
    acknowledged_s: float | None
    resolved_s: float | None


class IncidentPage(Shown, frozen=True, kw_only=True):
    """A page of incidents."""

    data: list[Incident]
    next_cursor: str | None


@read("/incidents", Permission.INCIDENT_READ, tags=["incidents"])
def list_incidents(
    services: Given[Services],
    caller: Given[Caller],
    *,
    cursor: Cursor = None,
    limit: Limit = LIMIT,
    standing: Stands = None,
) -> IncidentPage:
    """List incidents within reach, newest first."""
    store = services.service_levels.incidents(caller.reach)
    named = "" if standing is None else standing.value
    rows, following = paged(
        services.cursors,
        f"incidents {named}",
        (cursor, limit),
        lambda count, before: store.page(count, before or "", state=named),
        name=lambda one: one.id,
    )
    return IncidentPage(data=[shown(one) for one in rows], next_cursor=following)


@make("/incidents", Permission.INCIDENT_UPDATE, tags=["incidents"])
def open_incident(
    services: Given[Services],
    caller: Given[Caller],
    once: Given[Once],
    *,
    data: JSONBody[NewIncident],
    org: Org = None,
) -> Response[Incident]:
    """Open an incident by hand."""

    def work() -> Made:
        tenant, rooms = caller.tenant(org), services.service_levels
        now_ns = services.now_ns()
        found = Kept(
            id=rooms.new_id(),
            org=tenant.org,
            team=data.team,
            feature=data.feature,
            source=Source.PERSON,
            subject=caller.author[:200],
            severity=data.severity,
            title=data.title,
            cause=Cause(data.cause),
            runbook=data.runbook,
            began_at_ns=moment_ns(data.began_at, "began_at") or now_ns,
            opened_at_ns=now_ns,
            note=data.note,
        )
        rooms.incidents(tenant).open(found)
        return Made(shown(found))

    return once(data, work)


@read("/incidents/{incident_id:str}", Permission.INCIDENT_READ, tags=["incidents"])
def get_incident(services: Given[Services], caller: Given[Caller], incident_id: Id) -> Incident:
    """Show an incident."""
    return shown(services.service_levels.incidents(caller.reach).get(known_id(incident_id)))


@make(
    "/incidents/{incident_id:str}/acknowledge",
    Permission.INCIDENT_UPDATE,
    tags=["incidents"],
    status_code=200,
)
def acknowledge_incident(
    services: Given[Services],
    caller: Given[Caller],
    incident_id: Id,
    data: JSONBody[TakenOn],
) -> Incident:
    """Take an incident on."""
    store = services.service_levels.incidents(caller.reach)
    return shown(store.acknowledge(known_id(incident_id), caller.author, Cause(data.cause)))


@make(
    "/incidents/{incident_id:str}/resolve",
    Permission.INCIDENT_UPDATE,
    tags=["incidents"],
    status_code=200,
)
def resolve_incident(
    services: Given[Services], caller: Given[Caller], incident_id: Id, data: JSONBody[Over]
) -> Incident:
    """Say that an incident is over, and what it was."""
    store = services.service_levels.incidents(caller.reach)
    cause = Cause(data.cause)
    return shown(store.resolve(known_id(incident_id), caller.author, cause=cause, note=data.note))


HANDLERS = (list_incidents, open_incident, get_incident, acknowledge_incident, resolve_incident)


def shown(one: Kept) -> Incident:
    """Return an incident as the control API shows it."""
    return Incident(
        id=one.id,
        org=one.org,
        team=one.team,
        feature=one.feature,
        source=one.source.value,
        subject=one.subject,
        source_id=one.source_id,
        severity=one.severity,
        title=one.title,
        cause=one.cause.value,
        runbook=one.runbook,
        state=one.state.value,
        began_at=moment(one.began_at_ns),
        opened_at=moment(one.opened_at_ns),
        acknowledged_at=optional_moment(one.acknowledged_at_ns),
        acknowledged_by=one.acknowledged_by or None,
        resolved_at=optional_moment(one.resolved_at_ns),
        resolved_by=one.resolved_by or None,
        note=one.note,
        detected_s=one.detected_ns / _NS_PER_S,
        acknowledged_s=_seconds(one.acknowledged_ns),
        resolved_s=_seconds(one.resolved_ns),
    )


def _seconds(duration_ns: int | None) -> float | None:
    return None if duration_ns is None else duration_ns / _NS_PER_S
