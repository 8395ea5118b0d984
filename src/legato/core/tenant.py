"""For whom stored data is read or changed.

A tenant is an organisation. Whatever of the storage holds rows of tenants asks for a `Reach`:
there is no way to leave it out, and reading across tenants is said in so many words. What is kept
by organisations alone asks for a `Tenant`, which nobody is given who may see a part of it only.
"""

from typing import Final

import msgspec


class Tenant(msgspec.Struct, frozen=True):
    """One organisation, by its name. Nothing of another is seen, changed or told to exist."""

    org: str


class Area(msgspec.Struct, frozen=True, order=True):
    """An organisation, one of its teams, or a feature of that; what is empty means all below."""

    org: str
    team: str = ""
    feature: str = ""

    def holds(self, other: "Area") -> bool:
        """Whether all of another area lies in this one."""
        return (
            self.org == other.org
            and self.team in {"", other.team}
            and self.feature in {"", other.feature}
        )


class Areas(msgspec.Struct, frozen=True):
    """Several areas together, none of which holds another; or one below an organisation."""

    areas: tuple[Area, ...]


class EveryTenant(msgspec.Struct, frozen=True):
    """The operator of the whole instance."""


WholeReach = Tenant | EveryTenant
"""Of whole organisations: what a part of one may see isn't told apart there."""
Reach = WholeReach | Areas
EVERY_TENANT: Final = EveryTenant()


def reach_over(areas: "tuple[Area, ...]") -> Reach:
    """Return the reach over areas, which may hold each other.

    Raises:
        ValueError: there are none.
    """
    if not areas:
        msg = "a reach over nothing"
        raise ValueError(msg)
    outer = tuple(
        sorted(
            one
            for one in set(areas)
            if not any(other != one and other.holds(one) for other in areas)
        )
    )
    if len(outer) == 1 and not outer[0].team and not outer[0].feature:
        return Tenant(outer[0].org)
    return Areas(outer)


def covers_reach(outer: Reach, inner: Reach) -> bool:
    """Whether all of one reach is within another."""
    if isinstance(inner, EveryTenant):
        return isinstance(outer, EveryTenant)
    areas = (Area(inner.org),) if isinstance(inner, Tenant) else inner.areas
    return all(reaches(outer, area) for area in areas)


def reaches(reach: Reach, area: Area) -> bool:
    """Whether all of an area is within reach."""
    if isinstance(reach, EveryTenant):
        return True
    if isinstance(reach, Tenant):
        return reach.org == area.org
    return any(one.holds(area) for one in reach.areas)
