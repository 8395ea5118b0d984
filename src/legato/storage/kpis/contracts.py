"""Baselines that a contract compares savings with: signed notes, never changed."""

from typing import Any

import msgspec
from sqlalchemy import Engine, Row, insert, select

from legato.audit.event import Act, Detail, Subject
from legato.core.clock import Clock
from legato.core.errors import NotFound
from legato.core.ids import IdSource
from legato.core.tenant import Tenant
from legato.storage.audit.writing import recorded
from legato.storage.database.engine import reading, writing
from legato.storage.tables.kpis import contract_baseline

_c = contract_baseline.c


class FrozenBaseline(msgspec.Struct, frozen=True):
    """One: `note` is signed text, as a checkpoint of the audit log is."""

    org: str
    id: str
    name: str
    author: str
    at_ns: int
    note: str


class ContractStore:
    """One organisation's. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, clock: Clock, ids: IdSource, tenant: Tenant) -> None:
        self._engine = engine
        self._clock = clock
        self._ids = ids
        self._org = tenant.org

    def keep(self, name: str, author: str, note: str) -> FrozenBaseline:
        """Keep one."""
        made = FrozenBaseline(
            self._org, self._ids.new(), name, author, self._clock.now_ns(), note
        )  # fmt: skip
        row = {**msgspec.structs.asdict(made), "note": note.encode()}
        with writing(self._engine) as connection:
            connection.execute(insert(contract_baseline), row)
            details: dict[str, Detail] = {"name": name, "by": author}
            act = Act(self._org, "savings.freeze", Subject("baseline", made.id), details=details)
            recorded(connection, act)
        return made

    def get(self, baseline_id: str) -> FrozenBaseline:
        """Return one. Raises NotFound."""
        wanted = select(contract_baseline).where(_c.org == self._org, _c.id == baseline_id)
        with reading(self._engine) as connection:
            row = connection.execute(wanted).first()
        if row is None:
            raise NotFound("there is no frozen baseline with this id", param="id")
        return _frozen(row)

    def list(self) -> list[FrozenBaseline]:
        """Return all, the newest first."""
        wanted = select(contract_baseline).where(_c.org == self._org).order_by(_c.id.desc())
        with reading(self._engine) as connection:
            return [_frozen(row) for row in connection.execute(wanted)]


def _frozen(row: Row[Any]) -> FrozenBaseline:
    return FrozenBaseline(row.org, row.id, row.name, row.author, row.at_ns, row.note.decode())
