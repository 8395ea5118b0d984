"""Deletes what has had its time, a few rows at a time: others' writes wait behind each."""

import time
from typing import Final

import msgspec
from sqlalchemy import ColumnElement, Engine, delete, func, select, tuple_

from legato.audit.event import Act, Detail, Subject
from legato.storage.audit.writing import recorded
from legato.storage.database.engine import reading, writing
from legato.storage.privacy.keeping import RULES, Keeping
from legato.storage.retention import prune_traces

ROWS_PER_WRITE: Final = 500
WRITES_PER_PASS: Final = 200
"""So many rows of a table go a minute at most: 100,000."""
_REST_SHARE: Final = 1.0
"""How long the others have the database to themselves after each write, of what that took."""
PRUNED: Final = "retention.prune"


class Due(msgspec.Struct, frozen=True):
    """What there is of a table: since when (ns, None for no row), and how many rows are due."""

    oldest_ns: int | None
    rows_due: int


def prune_kind(engine: Engine, name: str, before_ns: int, org: str | None = None) -> int:
    """Delete what a rule means that is older, of one organisation or of all; return how much.

    What is left of a pass goes in the next one.

    Raises:
        StorageUnavailable: the database does not answer.
    """
    if name == "traces":  # the audit log has to say first what may be missing
        return prune_traces(engine, before_ns, org)
    return sum(_prune(engine, one, before_ns, org) for one in RULES[name])


def record_pruned(engine: Engine, name: str, rows: int, *, before_ns: int, org: str = "") -> None:
    """Say in the audit log what went. Raises StorageUnavailable."""
    said: dict[str, Detail] = {"rows": rows, "before_ns": before_ns}
    with writing(engine) as connection:
        recorded(connection, Act(org, PRUNED, Subject("retention", name), details=said))


def due(engine: Engine, keeping: Keeping, before_ns: int | None, org: str | None) -> Due:
    """Return how a table stands. Raises StorageUnavailable."""
    at = keeping.table.c[keeping.at]
    own = _conditions(keeping, org)
    with reading(engine) as connection:
        first = connection.execute(select(func.min(at)).where(*own)).scalar()
        oldest_ns = None if first is None else keeping.scale.ns(first)
        if before_ns is None or oldest_ns is None or oldest_ns >= before_ns:
            return Due(oldest_ns, 0)
        old = at < keeping.scale.of(before_ns)
        counted = select(func.count()).select_from(keeping.table).where(old, *own)
        return Due(oldest_ns, int(connection.execute(counted).scalar_one()))


def _prune(engine: Engine, keeping: Keeping, before_ns: int, org: str | None) -> int:
    table, at = keeping.table, keeping.table.c[keeping.at]
    key = list(table.primary_key.columns)
    named = sorted({name for part in keeping.parts for name in part.of})
    wanted = (
        select(*key, *[table.c[name].label(f"part_{name}") for name in named])
        .where(at < keeping.scale.of(before_ns), *_conditions(keeping, org))
        .limit(ROWS_PER_WRITE)
    )
    total = 0
    for _ in range(WRITES_PER_PASS):
        began = time.monotonic()
        with writing(engine) as connection:
            rows = connection.execute(wanted).all()
            if rows:
                for part in keeping.parts:
                    own = tuple_(*[part.table.c[name] for name in part.own])
                    gone = [tuple(getattr(row, f"part_{name}") for name in part.of) for row in rows]
                    connection.execute(delete(part.table).where(own.in_(gone)))
                ids = [tuple(row[: len(key)]) for row in rows]
                connection.execute(delete(table).where(tuple_(*key).in_(ids)))
        total += len(rows)
        if len(rows) < ROWS_PER_WRITE:
            break
        time.sleep((time.monotonic() - began) * _REST_SHARE)
    return total


def _conditions(keeping: Keeping, org: str | None) -> list[ColumnElement[bool]]:
    found = [] if keeping.only is None else [keeping.only]
    return found if org is None else [*found, keeping.table.c.org == org]
