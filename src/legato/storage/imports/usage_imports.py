"""The store of imported usage: files that were taken in, and sums over their lines."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Engine, delete, func, insert, select
from sqlalchemy.exc import IntegrityError

from legato.audit.event import Act, Detail, Subject
from legato.core.clock import Clock
from legato.core.errors import Conflict, InvalidRequest, NotFound
from legato.core.ids import IdSource
from legato.core.imported_usage import DIMENSIONS, SUMS, ImportedUsage, UsageImport
from legato.core.tenant import Area, Reach, reaches
from legato.core.usage import TOKEN_CLASSES, Usage
from legato.storage.audit.writing import recorded
from legato.storage.database.engine import reading, writing
from legato.storage.database.tenancy import within
from legato.storage.tables.imports import imported_usage, usage_import
from legato.storage.tables.schema import organisation

_ROWS_PER_WRITE: Final = 1_000
_ROWS_PER_READ: Final = 5_000
OVERLAPS: Final = ("refuse", "skip", "add")
"""What becomes of sums that another import of the same source has already."""


class UsageImports:
    """Imports within reach; one of another tenant doesn't exist.

    Every method may raise StorageUnavailable.
    """

    def __init__(self, engine: Engine, clock: Clock, ids: IdSource, reach: Reach) -> None:
        self._engine = engine
        self._clock = clock
        self._ids = ids
        self._reach = reach

    def known(self, org: str, digest: str) -> UsageImport | None:
        """Return the import of the same content, None where there was none."""
        table = usage_import
        named = table.c.org == org, table.c.digest == digest
        with reading(self._engine) as connection:
            row = connection.execute(select(table).where(*named, *within(self._reach, table)))
            found = row.mappings().first()
        return None if found is None else UsageImport(**found)

    def add(
        self, taken: UsageImport, rows: Sequence[ImportedUsage], *, overlap: str = "refuse"
    ) -> UsageImport:
        """Keep an import with its sums, all or nothing; return it as it is kept.

        Raises:
            NotFound: the organisation isn't there, or out of reach.
            Conflict: its content is there already, or sums that are alike are and `overlap`
                refuses them.
            InvalidRequest: `overlap` is unknown.
        """
        if overlap not in OVERLAPS:
            raise InvalidRequest(
                f"overlap: {overlap!r} is unknown; give {', '.join(OVERLAPS)}", param="overlap"
            )
        if not reaches(self._reach, Area(taken.org)):
            raise NotFound(f"there is no organisation {taken.org!r}", param="org")
        alike = [_alike(row) for row in rows]
        try:
            with writing(self._engine) as connection:
                _require_organisation(connection, taken.org)
                there = set() if overlap == "add" else _there(connection, taken.org, alike)
                if there and overlap == "refuse":
                    raise _overlapping(connection, taken.org, there)
                kept = [
                    (one, row) for one, row in zip(alike, rows, strict=True) if one not in there
                ]
                made = msgspec.structs.replace(
                    taken, id=self._ids.new(), at_ns=self._clock.now_ns(), rows=len(kept)
                )
                connection.execute(insert(usage_import), msgspec.structs.asdict(made))
                _insert(connection, made, kept)
                recorded(connection, _act("import", made))
                return made
        except IntegrityError:
            raise Conflict(
                "this content was imported already; `legato baseline list` shows it"
            ) from None

    def page(self, count: int, after_id: str = "") -> list[UsageImport]:
        """Return up to `count` imports whose ids come after one, in the order of ids."""
        table = usage_import
        wanted = select(table).where(table.c.id > after_id, *within(self._reach, table))
        with reading(self._engine) as connection:
            rows = connection.execute(wanted.order_by(table.c.id).limit(count)).mappings()
            return [UsageImport(**row) for row in rows]

    def every(self, org: str | None = None) -> list[UsageImport]:
        """Return all, of one organisation where it is named, in the order they were made."""
        table = usage_import
        wanted = select(table).where(*within(self._reach, table))
        if org is not None:
            wanted = wanted.where(table.c.org == org)
        with reading(self._engine) as connection:
            rows = connection.execute(wanted.order_by(table.c.id)).mappings()
            return [UsageImport(**row) for row in rows]

    def get(self, import_id: str) -> UsageImport:
        """Return one. Raises NotFound."""
        with reading(self._engine) as connection:
            return _get(connection, import_id, self._reach)

    def usage(
        self, org: str, *, since_ns: int = 0, until_ns: int = 2**63 - 1, import_id: str = ""
    ) -> Iterator[ImportedUsage]:
        """Yield the sums of an organisation that begin in [since, until), in bounded memory."""
        table, after = imported_usage, 0
        conditions = [
            table.c.org == org,
            table.c.start_ns >= since_ns,
            table.c.start_ns < until_ns,
            *within(self._reach, table),
        ]
        if import_id:
            conditions.append(table.c.import_id == import_id)
        while True:
            wanted = select(table).where(*conditions, table.c.id > after).order_by(table.c.id)
            with reading(self._engine) as connection:
                rows = connection.execute(wanted.limit(_ROWS_PER_READ)).mappings().all()
            yield from map(_usage, rows)
            if len(rows) < _ROWS_PER_READ:
                return
            after = rows[-1]["id"]

    def forget(self, import_id: str) -> UsageImport:
        """Delete an import with all its sums; return it. Raises NotFound."""
        with writing(self._engine) as connection:
            found = _get(connection, import_id, self._reach)
            _delete(connection, found)
            recorded(connection, _act("forget", found))
            return found


def prune_usage_imports(engine: Engine, before_ns: int) -> int:
    """Delete imports that were made before a time, of all organisations; return how many.

    Raises:
        StorageUnavailable: the database does not answer.
    """
    table = usage_import
    total = 0
    while True:
        with writing(engine) as connection:
            row = connection.execute(select(table).where(table.c.at_ns < before_ns).limit(1))
            found = row.mappings().first()
            if found is None:
                return total
            _delete(connection, UsageImport(**found))
        total += 1


def _insert(
    connection: Connection, made: UsageImport, kept: Iterable[tuple[str, ImportedUsage]]
) -> None:
    rows = (_columns(made, alike, row) for alike, row in kept)
    while some := list(islice(rows, _ROWS_PER_WRITE)):
        connection.execute(insert(imported_usage), some)


def _columns(made: UsageImport, alike: str, row: ImportedUsage) -> dict[str, Any]:
    values = msgspec.structs.asdict(row)
    usage: Usage = values.pop("usage")
    counts = {name: getattr(usage, name) for name in TOKEN_CLASSES}
    return {**values, **counts, "org": made.org, "import_id": made.id, "alike": alike}


def _usage(row: Any) -> ImportedUsage:
    own = {name: row[name] for name in (*DIMENSIONS, "list_cost", "amortised_cost", "quantity")}
    sums = {name: row[name] for name in SUMS if name not in TOKEN_CLASSES}
    return ImportedUsage(**own, **sums, usage=Usage(**{name: row[name] for name in TOKEN_CLASSES}))


def _alike(row: ImportedUsage) -> str:
    """Return a digest of what the lines of a sum have in common."""
    parts = [str(getattr(row, name)) for name in DIMENSIONS]
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()[:32]


def _there(connection: Connection, org: str, alike: Sequence[str]) -> set[str]:
    table, found = imported_usage.c, set()
    for start in range(0, len(alike), _ROWS_PER_WRITE):
        some = alike[start : start + _ROWS_PER_WRITE]
        wanted = select(table.alike).where(table.org == org, table.alike.in_(some))
        found |= set(connection.execute(wanted).scalars())
    return found


def _overlapping(connection: Connection, org: str, there: set[str]) -> Conflict:
    table = imported_usage.c
    wanted = (
        select(usage_import.c.id, usage_import.c.name, func.count())
        .join(imported_usage, table.import_id == usage_import.c.id)
        .where(table.org == org, table.alike.in_(list(there)[:_ROWS_PER_WRITE]))
        .group_by(usage_import.c.id, usage_import.c.name)
        .order_by(usage_import.c.id)
        .limit(3)
    )
    others = ", ".join(
        f"{number} in {name} ({found})" for found, name, number in connection.execute(wanted)
    )
    return Conflict(
        f"{len(there)} of its sums are there already: {others}. Forget that import first, or "
        "leave them out with --overlap skip; --overlap add counts both, as where two logs of one "
        "day don't share a call"
    )


def _require_organisation(connection: Connection, org: str) -> None:
    found = select(organisation.c.name).where(organisation.c.name == org)
    if connection.execute(found).first() is None:
        raise NotFound(f"there is no organisation {org!r}", param="org")


def _get(connection: Connection, import_id: str, reach: Reach) -> UsageImport:
    table = usage_import
    wanted = select(table).where(table.c.id == import_id, *within(reach, table))
    row = connection.execute(wanted).mappings().first()
    if row is None:
        raise NotFound(f"there is no import {import_id!r}")
    return UsageImport(**row)


def _delete(connection: Connection, found: UsageImport) -> None:
    connection.execute(delete(imported_usage).where(imported_usage.c.import_id == found.id))
    connection.execute(delete(usage_import).where(usage_import.c.id == found.id))


def _act(action: str, made: UsageImport) -> Act:
    details: dict[str, Detail] = {
        "source": made.source,
        "name": made.name[:128],
        "lines": made.lines,
        "rows": made.rows,
    }
    subject = Subject("usage_import", made.id, made.digest)
    return Act(made.org, f"usage_import.{action}", subject, details=details)
