"""Where tenants' calls may go: regions of an organisation, and narrower ones of its teams.

They become part of what every key of the tenant requires of a deployment, when the key is read: so
they hold wherever that holds, and there is no second place that could decide otherwise.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Engine, delete, select

from legato.audit.event import Act, Detail, Subject
from legato.core.clock import Clock
from legato.core.config_parts import Requirements
from legato.core.errors import InvalidRequest, NotFound
from legato.core.principal import Principal
from legato.core.tenant import Reach
from legato.storage.audit.writing import recorded
from legato.storage.database.dialect import upsert
from legato.storage.database.engine import reading, writing
from legato.storage.database.tenancy import within
from legato.storage.database.versions import bump
from legato.storage.tables.residency import residency
from legato.storage.tables.schema import organisation, team

KEYS_VERSION: Final = "keys"
"""The number that workers look at to see whether keys have changed."""
REGIONS_MAX: Final = 50
Regions = Mapping[tuple[str, str], tuple[str, ...]]
"""By organisation and team, "" for all of the organisation."""


class Residency(msgspec.Struct, frozen=True):
    """Which regions a tenant's calls may be sent to."""

    org: str
    team: str
    regions: tuple[str, ...]
    changed_by: str
    changed_at_ns: int


class ResidencyStore:
    """Within reach. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, clock: Clock, reach: Reach) -> None:
        self._engine = engine
        self._now_ns = clock.now_ns
        self._reach = reach

    def all(self) -> list[Residency]:
        """Return what is set, by organisation and team."""
        wanted = select(residency).where(*within(self._reach, residency))
        with reading(self._engine) as connection:
            rows = connection.execute(wanted.order_by(residency.c.org, residency.c.team)).all()
        return [_residency(row) for row in rows]

    def set(self, org: str, team_name: str, regions: list[str], author: str) -> Residency:
        """Hold a tenant's calls to regions.

        Raises:
            InvalidRequest: there is none among them.
            NotFound: there is no such organisation or team within reach.
        """
        kept = tuple(sorted({one.strip() for one in regions} - {""}))
        if not kept or len(kept) > REGIONS_MAX:
            told = f"regions: name from one to {REGIONS_MAX}, as deployments have them"
            raise InvalidRequest(told, param="regions")
        found = Residency(org, team_name, kept, author, self._now_ns())
        row = {**msgspec.structs.asdict(found), "regions": msgspec.json.encode(kept).decode()}
        with writing(self._engine) as connection:
            self._require(connection, org, team_name)
            written = upsert(connection, residency).values(row)
            connection.execute(
                written.on_conflict_do_update(index_elements=["org", "team"], set_=row)
            )
            _changed(connection, "set", found)
        return found

    def remove(self, org: str, team_name: str) -> None:
        """Let a tenant's calls go anywhere again. Raises NotFound."""
        table = residency.c
        mine = (table.org == org, table.team == team_name, *within(self._reach, residency))
        with writing(self._engine) as connection:
            row = connection.execute(select(residency).where(*mine)).first()
            if row is None:
                raise NotFound("no regions are set there", param="team" if team_name else "org")
            connection.execute(delete(residency).where(*mine))
            _changed(connection, "remove", _residency(row))

    def _require(self, connection: Connection, org: str, team_name: str) -> None:
        there = select(organisation.c.id).where(
            organisation.c.name == org, *within(self._reach, organisation)
        )
        if connection.execute(there).first() is None:
            raise NotFound(f"there is no organisation {org}", param="org")
        below = select(team.c.id).where(team.c.org == org, team.c.name == team_name)
        if team_name and connection.execute(below).first() is None:
            raise NotFound(f"{org} has no team {team_name}", param="team")


def regions_in(connection: Connection) -> Regions:
    """Return all that is set, for whoever reads keys in this transaction."""
    found = map(_residency, connection.execute(select(residency)))
    return {(one.org, one.team): one.regions for one in found}


def residing(principal: Principal, regions: Regions) -> Principal:
    """Add to what a key requires where its organisation's and its team's calls may go."""
    whose = {(principal.org, ""): principal.org,
             (principal.org, principal.team): f"{principal.org}/{principal.team}"}  # fmt: skip
    held = {name: regions[at] for at, name in whose.items() if at in regions}
    if not held:
        return principal
    require = principal.require or Requirements()
    kept = None if require.regions is None else set(require.regions)
    for one in held.values():
        kept = set(one) if kept is None else kept & set(one)
    return msgspec.structs.replace(
        principal,
        require=msgspec.structs.replace(require, regions=sorted(kept or ())),
        residency=" and ".join(held),
    )


def _changed(connection: Connection, action: str, found: Residency) -> None:
    bump(connection, KEYS_VERSION)
    said: dict[str, Detail] = {"team": found.team, "regions": " ".join(found.regions)}
    about = Subject("residency", f"{found.org}/{found.team}" if found.team else found.org)
    recorded(connection, Act(found.org, f"residency.{action}", about, details=said))


def _residency(row: Any) -> Residency:
    regions = msgspec.json.decode(row.regions, type=tuple[str, ...])
    return Residency(row.org, row.team, regions, row.changed_by, row.changed_at_ns)
