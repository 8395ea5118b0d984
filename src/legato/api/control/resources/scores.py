"""Scores of live answers, and the alarms that their drift raised."""

from typing import Annotated, Any

import msgspec
from litestar.di import NamedDependency as Given
from litestar.params import Parameter, QueryParameter

from legato.api.control.access import Caller, make, read
from legato.api.control.forms import Id, Shown, known_id, moment, moment_ns
from legato.api.control.paging import LIMIT, Cursor, Limit, paged
from legato.api.control.registry_desk import Org
from legato.api.control.services import Services
from legato.core.permission import Permission
from legato.storage.evaluation.live_scores import Alarm as StoredAlarm


class Score(Shown, frozen=True, kw_only=True):
    """One scorer's values of the answers that one version made; `mean` is null of none."""

    policy: str
    scorer: str
    versions: str
    scored: int
    unscored: int
    mean: float | None


class Scores(Shown, frozen=True, kw_only=True):
    """All of them."""

    data: list[Score]


class Alarm(Shown, frozen=True, kw_only=True):
    """A drift that was proven; `evidence` is what it follows from."""

    id: str
    policy: str
    scorer: str
    versions: str
    at: str
    evidence: Any
    acknowledged_by: str | None


class AlarmPage(Shown, frozen=True, kw_only=True):
    """A page of alarms, newest first."""

    data: list[Alarm]
    next_cursor: str | None


@read("/scores", Permission.FEEDBACK_READ, tags=["scores"])
def list_scores(
    services: Given[Services],
    caller: Given[Caller],
    *,
    org: Org = None,
    since: Annotated[str | None, Parameter(max_length=64, required=False)] = None,
) -> Scores:
    """Sum scores of live answers by policy, scorer and version."""
    reader = services.live_score_reader(caller.narrowed(org))
    found = reader.sums(moment_ns(since, "since") or 0)
    return Scores(data=[Score(**msgspec.structs.asdict(one)) for one in found])


@read("/scores/alarms", Permission.FEEDBACK_READ, tags=["scores"])
def list_alarms(
    services: Given[Services],
    caller: Given[Caller],
    *,
    org: Org = None,
    open_only: Annotated[bool, QueryParameter(name="open", required=False)] = False,
    cursor: Cursor = None,
    limit: Limit = LIMIT,
) -> AlarmPage:
    """List alarms of drift, newest first; `open=true` those that nobody has acknowledged."""
    reader = services.live_score_reader(caller.narrowed(org))
    rows, following = paged(
        services.cursors,
        "alarms",
        (cursor, limit),
        lambda count, before: reader.alarms(count, before, only_open=open_only),
        name=lambda alarm: alarm.id,
    )
    return AlarmPage(data=[_shown(one) for one in rows], next_cursor=following)


@make(
    "/scores/alarms/{alarm_id:str}/acknowledge",
    Permission.ALARM_UPDATE,
    tags=["scores"],
    status_code=200,
)
def acknowledge_alarm(
    services: Given[Services], caller: Given[Caller], *, alarm_id: Id, org: Org = None
) -> Alarm:
    """Say that an alarm is dealt with: its scores are watched anew from here."""
    tenant = caller.tenant(org)
    author = caller.author
    return _shown(services.live_scores(tenant).acknowledge(known_id(alarm_id), author))


HANDLERS = (list_scores, list_alarms, acknowledge_alarm)


def _shown(one: StoredAlarm) -> Alarm:
    return Alarm(
        id=one.id,
        policy=one.policy,
        scorer=one.scorer,
        versions=one.versions,
        at=moment(one.at_ns),
        evidence=msgspec.json.decode(one.evidence),
        acknowledged_by=one.acknowledged_by or None,
    )
