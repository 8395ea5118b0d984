"""Anomalies: hours in which a feature spent what is unusual for it, and why."""

from litestar.di import NamedDependency as Given

from legato.api.control.access import Caller, make, read
from legato.api.control.forms import Id, Shown, known_id, moment, usd
from legato.api.control.paging import LIMIT, Cursor, Limit, paged
from legato.api.control.services import Services
from legato.core.permission import Permission
from legato.storage.anomalies.found import Anomaly as Found

_HOUR_NS = 3_600_000_000_000


class Anomaly(Shown, frozen=True, kw_only=True):
    """One. Amounts are dollars as text; `parts` come to `cost` minus `reference_cost`, exactly."""

    id: str
    org: str
    team: str
    feature: str
    start: str
    end: str
    found_at: str
    cost: str | None
    expected: str | None
    at_stake: str | None
    z: float
    model: str
    reference_start: str
    reference_cost: str | None
    parts: dict[str, str | None]
    acknowledged_by: str | None


class AnomalyPage(Shown, frozen=True, kw_only=True):
    """A page of anomalies."""

    data: list[Anomaly]
    next_cursor: str | None


@read("/anomalies", Permission.ANOMALY_READ, tags=["anomalies"])
def list_anomalies(
    services: Given[Services], caller: Given[Caller], cursor: Cursor = None, limit: Limit = LIMIT
) -> AnomalyPage:
    """List anomalies within reach, newest first."""
    store = services.anomalies(caller.reach)
    rows, following = paged(
        services.cursors,
        "anomalies",
        (cursor, limit),
        lambda count, before: store.page(count, before or ""),
        name=lambda one: one.id,
    )
    return AnomalyPage(data=[_shown(one) for one in rows], next_cursor=following)


@read("/anomalies/{anomaly_id:str}", Permission.ANOMALY_READ, tags=["anomalies"])
def get_anomaly(services: Given[Services], caller: Given[Caller], anomaly_id: Id) -> Anomaly:
    """Show an anomaly."""
    return _shown(services.anomalies(caller.reach).get(known_id(anomaly_id)))


@make(
    "/anomalies/{anomaly_id:str}/acknowledge",
    Permission.ANOMALY_UPDATE,
    tags=["anomalies"],
    status_code=200,
)
def acknowledge_anomaly(
    services: Given[Services], caller: Given[Caller], anomaly_id: Id
) -> Anomaly:
    """Say that an anomaly is dealt with."""
    store = services.anomalies(caller.reach)
    return _shown(store.acknowledge(known_id(anomaly_id), caller.author))


HANDLERS = (list_anomalies, get_anomaly, acknowledge_anomaly)


def _shown(one: Found) -> Anomaly:
    return Anomaly(
        id=one.id,
        org=one.org,
        team=one.team,
        feature=one.feature,
        start=moment(one.first_hour * _HOUR_NS),
        end=moment((one.last_hour + 1) * _HOUR_NS),
        found_at=moment(one.found_at_ns),
        cost=usd(one.cost),
        expected=usd(one.expected),
        at_stake=usd(one.at_stake),
        z=one.z,
        model=one.model,
        reference_start=moment(one.reference_hour * _HOUR_NS),
        reference_cost=usd(one.reference_cost),
        parts={name: usd(part) for name, part in one.parts.items()},
        acknowledged_by=one.acknowledged_by or None,
    )
