"""Predictors of trained routers, sealed, by their digest."""

from collections.abc import Iterable

import msgspec
from sqlalchemy import ColumnElement, Engine, select, update

from legato.core.errors import Conflict
from legato.core.origin import Origin
from legato.core.tenant import Tenant
from legato.storage.database.dialect import now_ns, upsert
from legato.storage.database.engine import overwrite_deleted, reading, writing
from legato.storage.database.versions import bump
from legato.storage.erasure_marks import locked_and_erased
from legato.storage.registry.changes import REGISTRY_VERSION
from legato.storage.tables.routers import router_model


class SealedRouter(msgspec.Struct, frozen=True):
    """A predictor as it is kept; `erased` of its questions are gone."""

    digest: str
    sealed: bytes
    questions: int
    erased: int


class RouterModels:
    """One organisation's. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, tenant: Tenant) -> None:
        self._engine = engine
        self._org = tenant.org

    def keep(self, kept: SealedRouter, origins: Iterable[Origin]) -> None:
        """Keep a predictor that was learned from these; of the same one the last holds.

        Raises:
            Conflict: some of it is of a request that was erased.
        """
        with writing(self._engine) as connection:
            if locked_and_erased(connection, self._org, origins):
                msg = "router: some of what it learned from was erased just now; train it again"
                raise Conflict(msg, param="router")
            row = {"org": self._org, "created_at_ns": now_ns(connection, None)}
            row |= msgspec.structs.asdict(kept)
            new = upsert(connection, router_model).values(row)
            whose = ["org", "digest"]
            again = new.on_conflict_do_update(index_elements=whose, set_={"sealed": kept.sealed})
            connection.execute(again)

    def get(self, digest: str) -> SealedRouter | None:
        """Return one, None where there is none."""
        found = self._read([router_model.c.digest == digest])
        return found[0] if found else None

    def holds(self, digest: str) -> bool:
        """Whether there is one."""
        table = router_model.c
        wanted = select(table.digest).where(table.org == self._org, table.digest == digest)
        with reading(self._engine) as connection:
            return connection.execute(wanted).first() is not None

    def erased(self, digest: str) -> int:
        """Return how many of one's questions were erased, 0 where there is none."""
        table = router_model.c
        wanted = select(table.erased).where(table.org == self._org, table.digest == digest)
        with reading(self._engine) as connection:
            return int(connection.execute(wanted).scalar() or 0)

    def digests(self) -> list[str]:
        """Return those of all that are kept."""
        wanted = select(router_model.c.digest).where(router_model.c.org == self._org)
        with reading(self._engine) as connection:
            return list(connection.execute(wanted.order_by(router_model.c.digest)).scalars())

    def rewrite(self, kept: SealedRouter) -> None:
        """Put one without what was erased in the place of one; workers take it in at once."""
        table = router_model.c
        with writing(self._engine) as connection:
            overwrite_deleted(connection)
            connection.execute(
                update(router_model)
                .where(table.org == self._org, table.digest == kept.digest)
                .values(sealed=kept.sealed, erased=kept.erased)
            )
            bump(connection, REGISTRY_VERSION)

    def _read(self, conditions: list[ColumnElement[bool]]) -> list[SealedRouter]:
        columns = [router_model.c[name] for name in SealedRouter.__struct_fields__]
        wanted = select(*columns).where(router_model.c.org == self._org, *conditions)
        with reading(self._engine) as connection:
            rows = connection.execute(wanted).all()
        return [SealedRouter(r.digest, bytes(r.sealed), r.questions, r.erased) for r in rows]
