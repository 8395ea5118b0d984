"""Organisations, their teams, and the features of those, as people manage them."""

from enum import StrEnum
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Engine, Table, insert, select, update
from sqlalchemy.exc import IntegrityError

from legato.audit.event import Act, Detail, Subject
from legato.core.clock import Clock
from legato.core.errors import Conflict, Forbidden, NotFound, PreconditionFailed
from legato.core.ids import IdSource
from legato.core.tenant import Area, Areas, EveryTenant, Reach, Tenant, reaches
from legato.storage.audit.writing import recorded
from legato.storage.database.dialect import upsert
from legato.storage.database.engine import reading, writing
from legato.storage.database.tenancy import within
from legato.storage.tables.schema import feature, organisation, team
from legato.storage.tenants.key_records import KeySpec


class Kind(StrEnum):
    """What a place is."""

    ORGANISATION = "organisation"
    TEAM = "team"
    FEATURE = "feature"


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """One organisation, team or feature; `org` and `team` name those above it, else "".

    The name stands in keys and in the ledger and never changes. `version` counts changes.
    """

    id: str
    org: str
    team: str
    name: str
    title: str
    version: int
    created_at_ns: int


_TABLES: Final[dict[Kind, Table]] = {
    Kind.ORGANISATION: organisation,
    Kind.TEAM: team,
    Kind.FEATURE: feature,
}
_ABOVE: Final = {Kind.TEAM: Kind.ORGANISATION, Kind.FEATURE: Kind.TEAM}


class PlaceStore:
    """Places within reach: those of another tenant don't exist.

    Every method may raise StorageUnavailable.
    """

    def __init__(self, engine: Engine, clock: Clock, ids: IdSource, reach: Reach) -> None:
        self._engine = engine
        self._clock = clock
        self._ids = ids
        self._reach = reach

    def page(
        self, kind: Kind, count: int, *, after_id: str = "", above_id: str | None = None
    ) -> list[Place]:
        """Return up to `count` places whose ids come after one; all, or those of the one above.

        Raises:
            NotFound: there is none above with this id.
        """
        table = _TABLES[kind]
        conditions = [table.c.id > after_id, *within(_seen(self._reach, kind), table)]
        with reading(self._engine) as connection:
            if above_id is not None:
                names = _names_below(self._get(connection, _ABOVE[kind], above_id), kind)
                conditions += [table.c[column] == name for column, name in names.items()]
            ordered = select(table).where(*conditions).order_by(table.c.id).limit(count)
            return [_place(row) for row in connection.execute(ordered)]

    def get(self, kind: Kind, place_id: str) -> Place:
        """Return one place. Raises NotFound."""
        with reading(self._engine) as connection:
            return self._get(connection, kind, place_id)

    def create(self, kind: Kind, name: str, title: str, *, above_id: str | None = None) -> Place:
        """Make a place below another; an organisation stands below none.

        Raises:
            NotFound: there is none above with this id.
            Forbidden: only a part of the one above is within reach.
            Conflict: the name is taken there.
        """
        with writing(self._engine) as connection:
            names: dict[str, str] = {}
            if above_id is not None:
                above = self._get(connection, _ABOVE[kind], above_id)
                self._require_all_of(_ABOVE[kind], above)
                names = _names_below(above, kind)
            elif not isinstance(self._reach, EveryTenant) and self._reach != Tenant(name):
                raise NotFound("only an operator of the whole instance makes organisations")
            row: dict[str, Any] = {
                "id": self._ids.new(),
                **names,
                "name": name,
                "title": title,
                "version": 1,
                "created_at_ns": self._clock.now_ns(),
            }
            try:
                connection.execute(insert(_TABLES[kind]), row)
            except IntegrityError:
                raise Conflict(f"there is a {kind} named {name} already", param="name") from None
            made = Place(**{"org": "", "team": "", **row})
            recorded(connection, _act(kind, "create", made))
        return made

    def retitle(self, kind: Kind, place_id: str, title: str, version: int) -> Place:
        """Change the title of a place that still has this version.

        Raises:
            NotFound: there is none with this id.
            Forbidden: only a part of it is within reach.
            PreconditionFailed: it was changed since.
        """
        table = _TABLES[kind]
        same = (table.c.id == place_id) & (table.c.version == version)
        with writing(self._engine) as connection:
            place = self._get(connection, kind, place_id)
            self._require_all_of(kind, place)
            values = {"title": title, "version": version + 1}
            if not connection.execute(update(table).where(same), values).rowcount:
                raise PreconditionFailed(f"this {kind} was changed since you read it")
            recorded(connection, _act(kind, "change", place))
        return msgspec.structs.replace(place, title=title, version=version + 1)

    def _get(self, connection: Connection, kind: Kind, place_id: str) -> Place:
        table = _TABLES[kind]
        seen = within(_seen(self._reach, kind), table)
        wanted = select(table).where(table.c.id == place_id, *seen)
        row = connection.execute(wanted).first()
        if row is None:
            raise NotFound(f"there is no {kind} with this id", param="id")
        return _place(row)

    def _require_all_of(self, kind: Kind, place: Place) -> None:
        if not reaches(self._reach, area_of(kind, place)):
            raise Forbidden(f"This needs a role over all of the {kind}, not over a part of it.")


def area_of(kind: Kind, place: Place) -> Area:
    """Return what belongs to a place."""
    if kind is Kind.ORGANISATION:
        return Area(place.name)
    return Area(place.org, place.team or place.name, place.name if place.team else "")


def _seen(reach: Reach, kind: Kind) -> Reach:
    """Return where places of a kind are shown: those that a reach lies in, too."""
    if not isinstance(reach, Areas):
        return reach
    if kind is Kind.ORGANISATION:
        return Areas(tuple(Area(one.org) for one in reach.areas))
    if kind is Kind.TEAM:
        return Areas(tuple(Area(one.org, one.team) for one in reach.areas))
    return reach


def _act(kind: Kind, action: str, place: Place) -> Act:
    org = place.name if kind is Kind.ORGANISATION else place.org
    details: dict[str, Detail] = {"name": place.name, "team": place.team}
    return Act(org, f"{kind}.{action}", Subject(kind.value, place.id), details=details)


def _names_below(above: Place, kind: Kind) -> dict[str, str]:
    if kind is Kind.TEAM:
        return {"org": above.name}
    return {"org": above.org, "team": above.name}


def _place(row: Any) -> Place:
    return Place(**{"org": "", "team": "", **row._mapping})  # noqa: SLF001 - SQLAlchemy's public name


def ensure_place(connection: Connection, spec: KeySpec, now_ns: int, ids: IdSource) -> None:
    """Make the organisation, team and feature of a key where they don't exist yet."""
    made = {"title": "", "version": 1, "created_at_ns": now_ns}
    rows = (
        (organisation, {"name": spec.org}),
        (team, {"org": spec.org, "name": spec.team}),
        (feature, {"org": spec.org, "team": spec.team, "name": spec.feature}),
    )
    for table, names in rows:
        there = select(table.c.id).where(*[table.c[name] == text for name, text in names.items()])
        if connection.execute(there).first() is None:
            row = {"id": ids.new(), **names, **made}
            connection.execute(upsert(connection, table).values(row).on_conflict_do_nothing())
