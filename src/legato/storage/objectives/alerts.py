"""When error budgets burnt too fast."""

from typing import Any, Final

import msgspec
from sqlalchemy import Engine, delete, func, insert, select, update

from legato.core.tenant import Reach
from legato.storage.database.dialect import lock
from legato.storage.database.engine import reading, writing
from legato.storage.database.tenancy import within
from legato.storage.tables.objectives import burn_alert

_c: Final = burn_alert.c
_PRUNED_PER_WRITE: Final = 1_000


class BurnAlert(msgspec.Struct, frozen=True, kw_only=True):
    """One, open while it has no end. `total` and `bad` are events of the long window."""

    id: str
    org: str
    name: str
    version: int
    window: str
    pages: bool
    began_at_ns: int
    opened_at_ns: int
    burn_long: float
    burn_short: float
    total: int
    bad: int
    team: str = ""
    feature: str = ""
    route: str = ""
    closed_at_ns: int | None = None


class BurnAlerts:
    """Within reach. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, reach: Reach) -> None:
        self._engine = engine
        self._reach = reach

    def open(self, found: BurnAlert) -> BurnAlert | None:
        """Keep one; None where this window of the objective has one that is open."""
        with writing(self._engine) as connection:
            lock(connection, [f"legato:burn:{found.org}"])
            if connection.execute(select(_c.id).where(*_open_of(found))).first() is not None:
                return None
            connection.execute(insert(burn_alert), msgspec.structs.asdict(found))
        return found

    def close(self, alert_id: str, at_ns: int) -> None:
        """Say that one is over."""
        ended = update(burn_alert).where(
            _c.id == alert_id, _c.closed_at_ns.is_(None), *within(self._reach, burn_alert)
        )
        with writing(self._engine) as connection:
            connection.execute(ended.values(closed_at_ns=at_ns))

    def open_ones(self) -> list[BurnAlert]:
        """Return those that are open, the oldest first."""
        wanted = select(burn_alert).where(
            _c.closed_at_ns.is_(None), *within(self._reach, burn_alert)
        )
        return self._read(wanted.order_by(_c.id))

    def of(self, name: str, count: int) -> list[BurnAlert]:
        """Return the newest of an objective."""
        wanted = select(burn_alert).where(_c.name == name, *within(self._reach, burn_alert))
        return self._read(wanted.order_by(_c.id.desc()).limit(count))

    def changed_since(self, at_ns: int, count: int) -> list[BurnAlert]:
        """Return those opened or closed since a time, the oldest first."""
        newer = (_c.opened_at_ns >= at_ns) | (_c.closed_at_ns >= at_ns)
        wanted = select(burn_alert).where(newer, *within(self._reach, burn_alert))
        return self._read(wanted.order_by(_c.id).limit(count))

    def get(self, alert_id: str) -> BurnAlert | None:
        """Return one."""
        wanted = select(burn_alert).where(_c.id == alert_id, *within(self._reach, burn_alert))
        found = self._read(wanted)
        return found[0] if found else None

    def count_open(self) -> int:
        """Count those that are open."""
        wanted = select(func.count()).where(
            _c.closed_at_ns.is_(None), *within(self._reach, burn_alert)
        )
        with reading(self._engine) as connection:
            return int(connection.execute(wanted).scalar_one())

    def _read(self, wanted: Any) -> list[BurnAlert]:
        with reading(self._engine) as connection:
            rows = connection.execute(wanted).mappings()
            return [BurnAlert(**{**row, "pages": bool(row["pages"])}) for row in rows]


def prune_alerts(engine: Engine, before_ns: int) -> int:
    """Delete those that were over before a time; return how many. Raises StorageUnavailable."""
    old = select(_c.id).where(_c.closed_at_ns < before_ns).limit(_PRUNED_PER_WRITE)
    total = 0
    while True:
        with writing(engine) as connection:
            gone = connection.execute(delete(burn_alert).where(_c.id.in_(old))).rowcount
        total += gone
        if gone < _PRUNED_PER_WRITE:
            return total


def _open_of(found: BurnAlert) -> tuple[Any, ...]:
    return (
        _c.org == found.org,
        _c.name == found.name,
        _c.window == found.window,
        _c.closed_at_ns.is_(None),
    )
