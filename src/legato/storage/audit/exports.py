"""Up to where each destination has the audit log."""

from typing import Final

import msgspec
from sqlalchemy import Engine, select

from legato.storage.database.dialect import upsert
from legato.storage.database.engine import reading, writing
from legato.storage.tables.audit_exports import audit_export

_TOLD_CHARACTERS: Final = 500


class ExportState(msgspec.Struct, frozen=True):
    """How a destination stands."""

    name: str
    size: int = 0
    root: bytes = b""
    at_ns: int = 0
    failing_since_ns: int | None = None
    forked: bool = False
    told: str = ""


class AuditExports:
    """The instance's. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def state(self, name: str) -> ExportState:
        """Return how one stands; as new where it isn't known."""
        wanted = select(audit_export).where(audit_export.c.name == name)
        with reading(self._engine) as connection:
            row = connection.execute(wanted).mappings().first()
        if row is None:
            return ExportState(name)
        return ExportState(**{**row, "root": bytes(row["root"]), "forked": bool(row["forked"])})

    def keep(self, state: ExportState) -> None:
        """Keep how one stands."""
        row = msgspec.structs.asdict(state)
        row["told"] = state.told[:_TOLD_CHARACTERS].replace("\x00", "")
        with writing(self._engine) as connection:
            kept = upsert(connection, audit_export).values(row)
            connection.execute(kept.on_conflict_do_update(index_elements=["name"], set_=row))
