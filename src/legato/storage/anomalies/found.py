"""Anomalies that were found."""

from typing import Any, Final

import msgspec
from sqlalchemy import Engine, delete, func, select, update

from legato.audit.event import Act, Detail, Subject
from legato.core.errors import NotFound
from legato.core.tenant import Reach
from legato.storage.audit.writing import recorded
from legato.storage.database.dialect import upsert
from legato.storage.database.engine import reading, writing
from legato.storage.database.tenancy import within
from legato.storage.tables.anomalies import anomaly

_table: Final = anomaly.c
_PRUNED_PER_WRITE: Final = 1_000


class Anomaly(msgspec.Struct, frozen=True, kw_only=True):
    """Hours of one feature in a row. Amounts are nano-USD; hours count from the epoch, in UTC."""

    id: str
    org: str
    team: str
    feature: str
    first_hour: int
    last_hour: int
    found_at_ns: int
    cost: int
    expected: int
    z: float
    reference_hour: int
    """Where the hours begin, as many, that it is explained against."""
    reference_cost: int
    parts: dict[str, int]
    """What each factor brought; they come to `cost - reference_cost`."""
    model: str
    acknowledged_by: str = ""

    @property
    def at_stake(self) -> int:
        """What was spent beyond the usual."""
        return self.cost - self.expected


class Anomalies:
    """Of what is within reach. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, reach: Reach) -> None:
        self._engine = engine
        self._reach = reach

    def keep(self, found: Anomaly) -> None:
        """Write one, or what has become of it; who acknowledged it stays."""
        row = msgspec.structs.asdict(found) | {"parts": msgspec.json.encode(found.parts).decode()}
        fresh = {name: row[name] for name in row if name not in {"id", "acknowledged_by"}}
        with writing(self._engine) as connection:
            kept = upsert(connection, anomaly).values(row)
            place = ["org", "team", "feature", "first_hour"]
            connection.execute(kept.on_conflict_do_update(index_elements=place, set_=fresh))

    def last_of(self, team: str, feature: str) -> Anomaly | None:
        """Return the newest of a feature."""
        wanted = (
            select(anomaly)
            .where(_table.team == team, _table.feature == feature, *within(self._reach, anomaly))
            .order_by(_table.first_hour.desc())
            .limit(1)
        )
        with reading(self._engine) as connection:
            row = connection.execute(wanted).mappings().first()
        return None if row is None else _anomaly(row)

    def page(self, count: int, before_id: str = "", *, open_only: bool = False) -> list[Anomaly]:
        """Return up to `count`, newest first, those found before one."""
        wanted = select(anomaly).where(*within(self._reach, anomaly))
        if before_id:
            wanted = wanted.where(_table.id < before_id)
        if open_only:
            wanted = wanted.where(_table.acknowledged_by == "")
        with reading(self._engine) as connection:
            rows = connection.execute(wanted.order_by(_table.id.desc()).limit(count)).mappings()
            return [_anomaly(row) for row in rows]

    def count_open(self, since_ns: int) -> int:
        """Count those that nobody has acknowledged."""
        wanted = select(func.count()).where(
            _table.acknowledged_by == "",
            _table.found_at_ns >= since_ns,
            *within(self._reach, anomaly),
        )
        with reading(self._engine) as connection:
            return int(connection.execute(wanted).scalar_one())

    def get(self, anomaly_id: str) -> Anomaly:
        """Return one. Raises NotFound."""
        wanted = select(anomaly).where(_table.id == anomaly_id, *within(self._reach, anomaly))
        with reading(self._engine) as connection:
            row = connection.execute(wanted).mappings().first()
        if row is None:
            raise NotFound(f"there is no anomaly {anomaly_id!r}")
        return _anomaly(row)

    def acknowledge(self, anomaly_id: str, author: str) -> Anomaly:
        """Say that one is dealt with. Raises NotFound."""
        found = self.get(anomaly_id)
        with writing(self._engine) as connection:
            changed = update(anomaly).where(_table.id == found.id)
            connection.execute(changed.values(acknowledged_by=author))
            details: dict[str, Detail] = {"team": found.team, "feature": found.feature}
            subject = Subject("anomaly", found.id)
            recorded(connection, Act(found.org, "anomaly.acknowledge", subject, details=details))
        return msgspec.structs.replace(found, acknowledged_by=author)


def prune_anomalies(engine: Engine, before_ns: int) -> int:
    """Delete those found before a time; return how many. Raises StorageUnavailable."""
    old = select(_table.id).where(_table.found_at_ns < before_ns).limit(_PRUNED_PER_WRITE)
    total = 0
    while True:
        with writing(engine) as connection:
            gone = connection.execute(delete(anomaly).where(_table.id.in_(old))).rowcount
        total += gone
        if gone < _PRUNED_PER_WRITE:
            return total


def _anomaly(row: Any) -> Anomaly:
    return Anomaly(**{**row, "parts": msgspec.json.decode(row["parts"], type=dict[str, int])})
