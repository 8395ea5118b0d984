"""Regions that a tenant's calls may be sent to."""

from typing import Annotated

from litestar.di import NamedDependency as Given
from litestar.params import JSONBody
from litestar.response import Response
from msgspec import Meta, field

from legato.api.control.access import Caller, make, read
from legato.api.control.forms import Form, Shown, moment
from legato.api.control.once import Made, Once
from legato.api.control.registry_desk import Org
from legato.api.control.services import Services
from legato.core.permission import Permission
from legato.storage.tenants.residency import Residency

Region = Annotated[str, Meta(min_length=1, max_length=128)]


class NewResidency(Form, frozen=True, kw_only=True):
    """Of the whole organisation, or of one team; no regions: anywhere again."""

    regions: Annotated[list[Region], Meta(max_length=50)] = field(default_factory=list)
    team: Annotated[str, Meta(max_length=256)] = ""


class ShownResidency(Shown, frozen=True, kw_only=True):
    """What is set for an organisation, or for one of its teams."""

    org: str
    team: str | None
    regions: list[str]
    changed_by: str
    changed_at: str


class SetResidency(Shown, frozen=True, kw_only=True):
    """What was set, null where it was taken away; and which names it leaves no deployment."""

    residency: ShownResidency | None
    shut_out: list[str]


class Residencies(Shown, frozen=True, kw_only=True):
    """All that is set."""

    data: list[ShownResidency]


@read("/residency", Permission.RESIDENCY_READ, tags=["privacy"])
def list_residency(
    services: Given[Services], caller: Given[Caller], *, org: Org = None
) -> Residencies:
    """Show which regions an organisation's calls may be sent to, and its teams'."""
    found = services.residency(caller.tenant(org)).all()
    return Residencies(data=[_shown(one) for one in found])


@make("/residency", Permission.RESIDENCY_UPDATE, tags=["privacy"])
def set_residency(
    services: Given[Services],
    caller: Given[Caller],
    once: Given[Once],
    *,
    org: Org = None,
    data: JSONBody[NewResidency],
) -> Response[SetResidency]:
    """Hold an organisation's calls to regions, or a team's; with none, let them go anywhere."""
    tenant = caller.tenant(org)
    store = services.residency(tenant)

    def work() -> Made:
        if not data.regions:
            store.remove(tenant.org, data.team)
            return Made(SetResidency(residency=None, shut_out=[]), status=200)
        kept = store.set(tenant.org, data.team, data.regions, caller.author)
        outside = services.shut_out(kept.regions)
        return Made(SetResidency(residency=_shown(kept), shut_out=outside), status=200)

    return once(data, work)


HANDLERS = (list_residency, set_residency)


def _shown(one: Residency) -> ShownResidency:
    return ShownResidency(
        org=one.org,
        team=one.team or None,
        regions=list(one.regions),
        changed_by=one.changed_by,
        changed_at=moment(one.changed_at_ns),
    )
