"""Assumptions, version after version; what was once said stays to be read."""

from collections.abc import Sequence
from typing import Final

import msgspec
from sqlalchemy import Connection, Engine, func, insert, select
from sqlalchemy.exc import IntegrityError

from legato.audit.event import Act, Detail, Subject
from legato.core.clock import Clock
from legato.core.errors import Conflict
from legato.core.tenant import Tenant
from legato.economics.finance.assumptions import Assumption, Said
from legato.storage.audit.writing import recorded
from legato.storage.database.dialect import lock
from legato.storage.database.engine import reading, writing
from legato.storage.database.tenancy import within
from legato.storage.tables.finance import assumption as table

_COLUMNS: Final = [table.c[name] for name in Assumption.__struct_fields__]


class AssumptionStore:
    """Assumptions of one tenant. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, clock: Clock, tenant: Tenant) -> None:
        self._engine = engine
        self._clock = clock
        self._tenant = tenant

    def add(self, said: Sequence[Said], author: str) -> list[Assumption]:
        """Keep the next version of each, in one act: all or none.

        One that says what the newest version says already adds nothing; its version is returned.
        `said` is as `checked` returns it.

        Raises:
            Conflict: somebody said the same name at the same moment.
        """
        org = self._tenant.org
        try:
            with writing(self._engine) as connection:
                lock(connection, [f"assumptions {org}"])
                return [self._next(connection, one, author) for one in said]
        except IntegrityError:
            told = "somebody set an assumption at the same moment: read it and set it again"
            raise Conflict(told) from None

    def _next(self, connection: Connection, said: Said, author: str) -> Assumption:
        own = [table.c.name == said.name, *within(self._tenant, table)]
        last = select(func.max(table.c.version)).where(*own).scalar_subquery()
        wanted = select(*_COLUMNS).where(*own, table.c.version == last)
        row = connection.execute(wanted).mappings().first()
        newest = None if row is None else Assumption(**row)
        made = Assumption(
            **msgspec.structs.asdict(said),
            version=1 if newest is None else newest.version + 1,
            author=author,
            at_ns=self._clock.now_ns(),
        )
        if newest is not None and _same(newest, made):
            return newest
        org = self._tenant.org
        connection.execute(insert(table), {"org": org, **msgspec.structs.asdict(made)})
        details: dict[str, Detail] = {
            "version": made.version,
            "value": made.value,
            "tag": made.tag,
            "valid_from": made.valid_from,
        }
        action = "assumption.set" if made.value else "assumption.withdraw"
        recorded(connection, Act(org, action, Subject("assumption", made.name), details=details))
        return made

    def every(self) -> list[Assumption]:
        """Return all versions of all names, by name and version."""
        return self._read()

    def history(self, name: str) -> list[Assumption]:
        """Return all versions of a name, oldest first."""
        return self._read(name)

    def _read(self, name: str | None = None) -> list[Assumption]:
        wanted = select(*_COLUMNS).where(*within(self._tenant, table))
        if name is not None:
            wanted = wanted.where(table.c.name == name)
        with reading(self._engine) as connection:
            rows = connection.execute(wanted.order_by(table.c.name, table.c.version)).mappings()
            return [Assumption(**row) for row in rows]


def _same(one: Assumption, other: Assumption) -> bool:
    plain = {"version": 0, "author": "", "at_ns": 0}
    return msgspec.structs.replace(one, **plain) == msgspec.structs.replace(other, **plain)
