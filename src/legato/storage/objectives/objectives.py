"""Objectives: versions, of which the highest is in force unless it is retired."""

from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Engine, Row, func, insert, select

from legato.audit.event import Act, Detail, Subject
from legato.core.clock import Clock
from legato.core.errors import Conflict, NotFound
from legato.core.objective import Measured, Objective, checked
from legato.core.tenant import Reach
from legato.storage.audit.writing import recorded
from legato.storage.database.dialect import lock
from legato.storage.database.engine import reading, writing
from legato.storage.database.tenancy import within
from legato.storage.tables.objectives import objective
from legato.storage.tables.schema import trace_block

OBJECTIVES_MAX: Final = 200
"""Of an organisation: each is looked at with every request's trace."""
_BACK_NS: Final = 3 * 86_400 * 1_000_000_000
"""A new version is counted from traces of so long ago: the longest window of an alert."""
_c: Final = objective.c
_FIELDS: Final = tuple(column for column in objective.columns if column.name != "counted_to")


class ObjectiveStore:
    """Within reach. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, clock: Clock, reach: Reach) -> None:
        self._engine = engine
        self._clock = clock
        self._reach = reach

    def set(self, said: Objective) -> Objective:
        """Keep an objective, or another version of it; the caller found it within reach.

        Raises:
            InvalidRequest: naming the field.
            Conflict: the organisation has as many as it may.
        """
        return self._add(checked(said), "objective.set")

    def retire(self, org: str, name: str) -> Objective:
        """End an objective; its history stays. Raises NotFound."""
        found = self.get(name, org)
        return self._add(msgspec.structs.replace(found, retired=True), "objective.remove")

    def in_force(self) -> list[Objective]:
        """Return the newest version of each that isn't retired, by organisation and name."""
        with reading(self._engine) as connection:
            rows = connection.execute(
                _newest(*within(self._reach, objective)).order_by(_c.org, _c.name)
            )
            return [one for one in map(_objective, rows) if not one.retired]

    def get(self, name: str, org: str = "") -> Objective:
        """Return one in force; without an organisation the first within reach. Raises NotFound."""
        for one in self.in_force():
            if one.name == name and org in {"", one.org}:
                return one
        raise NotFound(f"there is no objective {name[:64]!r}", param="name")

    def versions(self, name: str) -> list[Objective]:
        """Return all versions of one, the newest last."""
        wanted = select(*_FIELDS).where(*within(self._reach, objective), _c.name == name)
        with reading(self._engine) as connection:
            rows = connection.execute(wanted.order_by(_c.org, _c.version))
            return [_objective(row) for row in rows]

    def _add(self, said: Objective, action: str) -> Objective:
        with writing(self._engine) as connection:
            lock(connection, [f"legato:objectives:{said.org}"])
            same = (_c.org == said.org, _c.name == said.name)
            last = connection.execute(select(func.max(_c.version)).where(*same)).scalar() or 0
            if not last:
                _require_room(connection, said.org)
            now_ns = self._clock.now_ns()
            made = msgspec.structs.replace(said, version=last + 1, at_ns=now_ns)
            row = msgspec.structs.asdict(made) | {
                "measured": made.measured.value,
                "counted_to": _block_before(connection, now_ns - _BACK_NS),
            }
            connection.execute(insert(objective), row)
            details: dict[str, Detail] = {
                "version": made.version,
                "measured": made.measured.value,
                "target_ppm": made.target_ppm,
                "limit": made.limit,
                "route": made.route,
                "team": made.team,
                "feature": made.feature,
            }
            subject = Subject("objective", made.name)
            recorded(connection, Act(made.org, action, subject, details=details))
        return made


def _require_room(connection: Connection, org: str) -> None:
    rows = connection.execute(_newest(_c.org == org))
    if sum(1 for row in rows if not row.retired) >= OBJECTIVES_MAX:
        raise Conflict(f"an organisation has up to {OBJECTIVES_MAX} objectives: remove one first")


def _newest(*conditions: Any) -> Any:
    last = (
        select(_c.org, _c.name, func.max(_c.version).label("version"))
        .where(*conditions)
        .group_by(_c.org, _c.name)
        .subquery()
    )
    same = (_c.org == last.c.org) & (_c.name == last.c.name) & (_c.version == last.c.version)
    return select(*_FIELDS).join(last, same).where(*conditions)


def _block_before(connection: Connection, at_ns: int) -> int:
    """Return the last block of traces that ended before a time."""
    table = trace_block.c
    first = select(func.min(table.id)).where(table.last_at_ns >= at_ns)
    found = connection.execute(first).scalar()
    if found is None:
        return int(connection.execute(select(func.max(table.id))).scalar() or 0)
    return int(found) - 1


def _objective(row: Row[Any]) -> Objective:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name
    return Objective(**values | {"measured": Measured(values["measured"])})
