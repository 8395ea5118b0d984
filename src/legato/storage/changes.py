"""What has come to the tables since somebody looked: whose, not what. For pages that stay open.

Each table that is watched has a key that rises with what is added. One look reads the end of each
key's index; rows are only read of a table whose end has moved, and a bounded number of them.
"""

from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import Column, Engine, func, literal, select

from legato.core.tenant import Area
from legato.storage.database.engine import reading
from legato.storage.database.prepared import run
from legato.storage.tables.anomalies import anomaly
from legato.storage.tables.audit import audit_event
from legato.storage.tables.budgets import budget_event
from legato.storage.tables.feedback import feedback
from legato.storage.tables.notifications import notification
from legato.storage.tables.objectives import burn_alert
from legato.storage.tables.schema import ledger_entry, trace_block
from legato.storage.tables.workflows import workflow_run

ROWS_MAX: Final = 2_000
"""Of one table in one look; the next one goes on behind them."""
_WATCHED: Final[tuple[Column[Any], ...]] = (
    ledger_entry.c.id,
    trace_block.c.id,
    audit_event.c.number,
    budget_event.c.id,
    burn_alert.c.id,
    anomaly.c.id,
    notification.c.id,
    feedback.c.id,
    workflow_run.c.ended_at_ns,
)
_ENDS: Final = select(
    *[select(func.max(key)).scalar_subquery().label(key.table.name) for key in _WATCHED]
)


class Change(NamedTuple):
    """Something came to a table of an area; `action` is the audit log's, "" of others."""

    table: str
    area: Area
    action: str = ""


class Positions(msgspec.Struct, frozen=True):
    """Up to where each table was read; None of one that was empty."""

    ends: tuple[Any, ...]


class Changes:
    """Reads for every tenant; what is read says whose it is. May raise StorageUnavailable."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def now(self) -> Positions:
        """Return where the tables end."""
        with reading(self._engine) as connection:
            return Positions(tuple(run(connection, _ENDS).one()))

    def since(self, positions: Positions) -> tuple[set[Change], Positions]:
        """Return what came behind these positions, and up to where it was read."""
        found: set[Change] = set()
        with reading(self._engine) as connection:
            ends = list(run(connection, _ENDS).one())
            for at, (key, last, end) in enumerate(zip(_WATCHED, positions.ends, ends, strict=True)):
                if end is None or end == last:
                    continue
                read_to = last
                for row in connection.execute(_behind(key, last, end)):
                    read_to = row[0] if read_to is None else max(read_to, row[0])
                    found.add(Change(key.table.name, Area(*row[1:4]), row[4]))
                ends[at] = read_to
        return found, Positions(tuple(ends))


def _behind(key: "Column[Any]", last: Any, end: Any) -> Any:
    """Select the last key of each area (and action) among the next rows."""
    table = key.table
    names = [name for name in ("org", "team", "feature", "action") if name in table.c]
    rows = select(key.label("key"), *[table.c[name] for name in names]).where(key <= end)
    if last is not None:
        rows = rows.where(key > last)
    some = rows.order_by(key).limit(ROWS_MAX).subquery()
    empty = literal("")
    columns = [some.c[name] if name in names else empty for name in ("org", "team", "feature")]
    action = some.c.action if "action" in names else empty
    return select(func.max(some.c.key), *columns, action).group_by(
        *[some.c[name] for name in names]
    )
