"""What somebody may do, and where: the one place that decides it.

The control API asks it for each request, and `legato can` for people, so they agree.
"""

import msgspec

from legato.core.permission import EVERYBODYS, INSTANCE_ONLY, Permission
from legato.core.principal import Principal, Scope
from legato.core.roles import EVERY_ORG
from legato.core.tenant import EVERY_TENANT, Area, Reach, reach_over, reaches


class Source(msgspec.Struct, frozen=True):
    """One scope or grant: what it permits, and where; `area` is None for the whole instance."""

    name: str
    permissions: frozenset[Permission]
    area: Area | None

    @property
    def where(self) -> str:
        """In words."""
        if self.area is None:
            return "the whole instance"
        place = [f"organisation {self.area.org}"]
        place += [f"team {self.area.team}"] if self.area.team else []
        place += [f"feature {self.area.feature}"] if self.area.feature else []
        return ", ".join(place)


class Decision(msgspec.Struct, frozen=True):
    """Whether something is allowed, and the scope, grant, rule or lack that decides."""

    allowed: bool
    reason: str


def permissions_of(scopes: frozenset[str]) -> frozenset[Permission]:
    """Return what the scopes of a key amount to."""
    if Scope.ADMIN in scopes:
        return frozenset(Permission)
    granted = {one for one in Permission if one in scopes}
    if Scope.ORG_ADMIN in scopes:
        granted |= set(Permission) - INSTANCE_ONLY
    return EVERYBODYS | granted


def sources_of(principal: Principal) -> list[Source]:
    """Return all that lets somebody do something."""
    own, scopes = Area(principal.org), principal.scopes
    found = [Source("every key", _everybodys(principal), own)]
    if Scope.ADMIN in scopes:
        found.append(Source("scope admin", frozenset(Permission), None))
    if Scope.ORG_ADMIN in scopes:
        found.append(Source("scope org-admin", frozenset(Permission) - INSTANCE_ONLY, own))
    found += [Source(f"scope {one}", frozenset({one}), own) for one in Permission if one in scopes]
    for grant in principal.grants:
        if grant.org == EVERY_ORG:
            found.append(Source(f"role {grant.role}", grant.permissions, None))
        else:
            area = Area(grant.org, grant.team, grant.feature)
            found.append(Source(f"role {grant.role}", grant.permissions - INSTANCE_ONLY, area))
    return found


def reach_for(principal: Principal, permission: Permission) -> Reach | None:
    """Return where somebody has a permission: the union of scopes and grants; None nowhere."""
    areas: list[Area] = []
    for source in sources_of(principal):
        if permission not in source.permissions:
            continue
        if source.area is None:
            return EVERY_TENANT
        areas.append(source.area)
    return reach_over(tuple(areas)) if areas else None


def held_over(principal: Principal, area: Area | None) -> frozenset[Permission]:
    """Return what somebody may do over all of an area; None is the whole instance."""
    held = [one.permissions for one in sources_of(principal) if _covers(one, area)]
    return frozenset().union(*held)


def decide(principal: Principal, permission: Permission, area: Area | None = None) -> Decision:
    """Say whether somebody has a permission over an area, by default anywhere, and why."""
    reach = reach_for(principal, permission)
    giving = [one for one in sources_of(principal) if permission in one.permissions]
    if reach is None:
        return Decision(allowed=False, reason=f"no scope and no role gives {permission.value}")
    if area is None or reaches(reach, area):
        fitting = [one for one in giving if area is None or _covers(one, area)]
        said = "; ".join(f"{one.name} over {one.where}" for one in fitting)
        return Decision(allowed=True, reason=f"{permission.value}: {said}")
    where = "; ".join(f"{one.name} over {one.where}" for one in giving)
    reason = f"{permission.value} is given elsewhere only: {where}"
    return Decision(allowed=False, reason=reason)


def beyond(principal: Principal, other: Principal) -> frozenset[Permission]:
    """Return what another may do anywhere that somebody may not do there himself."""
    more: frozenset[Permission] = frozenset()
    for source in sources_of(other):
        more |= source.permissions - held_over(principal, source.area)
    return more - EVERYBODYS


def _everybodys(principal: Principal) -> frozenset[Permission]:
    """Return what anybody may do; a token for one thing doesn't end its account's others."""
    if not principal.narrowed_to:
        return EVERYBODYS
    return frozenset({Permission.SELF_READ}) | (EVERYBODYS & principal.narrowed_to)


def _covers(source: Source, area: Area | None) -> bool:
    return source.area is None or (area is not None and source.area.holds(area))
