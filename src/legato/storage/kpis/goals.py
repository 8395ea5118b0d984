"""Where KPIs stood and where they shall come to: versions, of which the highest is in force."""

from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, Row, and_, func, insert, select

from legato.audit.event import Act, Detail, Subject
from legato.core.clock import Clock
from legato.core.tenant import Reach
from legato.storage.audit.writing import recorded
from legato.storage.database.dialect import lock
from legato.storage.database.engine import reading, writing
from legato.storage.database.tenancy import within
from legato.storage.tables.kpis import kpi_goal

_KEYS = ("org", "kpi", "team", "feature", "workflow")
_c = kpi_goal.c


class Goal(msgspec.Struct, frozen=True, kw_only=True):
    """One version. `baseline` and `target` are decimal numbers in the KPI's unit, "" for none."""

    org: str
    kpi: str
    team: str = ""
    feature: str = ""
    workflow: str = ""
    version: int = 0
    baseline: str = ""
    target: str = ""
    since_day: int | None = None
    note: str = ""
    author: str = ""
    at_ns: int = 0


class GoalStore:
    """Within reach. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, clock: Clock, reach: Reach) -> None:
        self._engine = engine
        self._clock = clock
        self._reach = reach

    def set(self, goal: Goal) -> Goal:
        """Keep another version of a goal; the caller has found it within reach."""
        with writing(self._engine) as connection:
            lock(connection, [f"legato:kpi:{goal.org}"])
            last = _last(connection, goal)
            made = msgspec.structs.replace(goal, version=last + 1, at_ns=self._clock.now_ns())
            connection.execute(insert(kpi_goal), msgspec.structs.asdict(made))
            details: dict[str, Detail] = {
                "target": goal.target,
                "baseline": goal.baseline,
                "team": goal.team,
                "feature": goal.feature,
                "workflow": goal.workflow,
                "version": made.version,
            }
            act = Act(goal.org, "kpi.set", Subject("kpi", goal.kpi), details=details)
            recorded(connection, act)
            return made

    def in_force(self) -> list[Goal]:
        """Return the newest version of each."""
        newest = (
            select(*[_c[name] for name in _KEYS], func.max(_c.version).label("version"))
            .where(*within(self._reach, kpi_goal))
            .group_by(*[_c[name] for name in _KEYS])
            .subquery()
        )
        same = [_c[name] == newest.c[name] for name in (*_KEYS, "version")]
        wanted = select(kpi_goal).join(newest, and_(*same))
        with reading(self._engine) as connection:
            rows = connection.execute(wanted.order_by(*[_c[name] for name in _KEYS]))
            return [_goal(row) for row in rows]

    def versions(self, kpi: str) -> list[Goal]:
        """Return all versions of a KPI's goals, the newest last."""
        wanted = select(kpi_goal).where(*within(self._reach, kpi_goal), _c.kpi == kpi)
        with reading(self._engine) as connection:
            rows = connection.execute(wanted.order_by(_c.at_ns, _c.version))
            return [_goal(row) for row in rows]


def _last(connection: Connection, goal: Goal) -> int:
    same = [_c[name] == getattr(goal, name) for name in _KEYS]
    return connection.execute(select(func.max(_c.version)).where(*same)).scalar() or 0


def _goal(row: Row[Any]) -> Goal:
    return Goal(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name
