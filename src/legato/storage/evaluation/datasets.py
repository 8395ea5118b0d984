"""The cases of data sets, in sealed blocks that are known by the digest of all the cases."""

from collections.abc import Iterable, Iterator

import msgspec
from sqlalchemy import ColumnElement, Connection, Engine, case, delete, func, select, update

from legato.audit.event import Act, Detail, Subject
from legato.core.errors import Conflict
from legato.core.origin import Origin
from legato.core.tenant import Tenant
from legato.storage.audit.writing import recorded
from legato.storage.database.dialect import now_ns, upsert
from legato.storage.database.engine import overwrite_deleted, reading, writing
from legato.storage.erasure_marks import erased_among, locked_and_erased
from legato.storage.tables.evaluations import dataset_block


class NewBlock(msgspec.Struct, frozen=True):
    """Some cases on their way in: how many, their content sealed, and where they come from."""

    cases: int
    sealed: bytes
    origins: frozenset[Origin] = frozenset()


class KeptCases(msgspec.Struct, frozen=True):
    """All cases under one digest. `traffic`: some are from captured requests."""

    digest: str
    cases: int
    erased: int
    traffic: bool
    created_at_ns: int


class DatasetBlocks:
    """One organisation's blocks. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, tenant: Tenant) -> None:
        self._engine = engine
        self._org = tenant.org

    def keep(self, digest: str, blocks: Iterable[NewBlock]) -> None:
        """Keep blocks; those there are stay.

        Each goes in a write of its own: a large set holds nobody up for long.

        Raises:
            Conflict: a case is of a request that was erased.
        """
        for number, block in enumerate(blocks):
            row = {"org": self._org, "cases_digest": digest, "number": number}
            with writing(self._engine) as connection:
                if locked_and_erased(connection, self._org, block.origins):
                    msg = "dataset: some of its cases were erased just now; make it again"
                    raise Conflict(msg, param="dataset")
                kept = upsert(connection, dataset_block).values(
                    **row,
                    cases=block.cases,
                    sealed=block.sealed,
                    created_at_ns=now_ns(connection, None),
                    traffic=bool(block.origins),
                )
                done = connection.execute(kept.on_conflict_do_nothing())
                if done.rowcount and number == 0:
                    self._tell(connection, "keep", digest, {"traffic": bool(block.origins)})

    def erased(self, origins: Iterable[Origin]) -> frozenset[Origin]:
        """Return which of these were erased, so that cases of them aren't kept."""
        with reading(self._engine) as connection:
            return erased_among(connection, self._org, origins)

    def count(self, digest: str) -> int:
        """Return how many cases are kept under a digest."""
        table = dataset_block.c
        wanted = select(func.coalesce(func.sum(table.cases), 0)).where(*self._own(digest))
        with reading(self._engine) as connection:
            return int(connection.execute(wanted).scalar_one())

    def kept(self) -> list[KeptCases]:
        """Return what there is under each digest."""
        table = dataset_block.c
        wanted = (
            select(
                table.cases_digest,
                func.sum(table.cases),
                func.sum(table.erased),
                func.max(case((table.traffic, 1), else_=0)),
                func.min(table.created_at_ns),
            )
            .where(table.org == self._org)
            .group_by(table.cases_digest)
            .order_by(table.cases_digest)
        )
        with reading(self._engine) as connection:
            rows = connection.execute(wanted).all()
        return [KeptCases(row[0], int(row[1]), int(row[2]), bool(row[3]), row[4]) for row in rows]

    def with_erased(self, digest: str) -> list[int]:
        """Return the numbers of blocks in which cases were erased."""
        table = dataset_block.c
        wanted = select(table.number).where(*self._own(digest), table.erased > 0)
        with reading(self._engine) as connection:
            return list(connection.execute(wanted.order_by(table.number)).scalars())

    def read(self, digest: str) -> Iterator[tuple[int, bytes]]:
        """Yield number and sealed content of each block, in order."""
        number = 0
        while (sealed := self.block(digest, number)) is not None:
            yield number, sealed
            number += 1

    def block(self, digest: str, number: int) -> bytes | None:
        """Return the sealed content of one block, None where there is none."""
        table = dataset_block.c
        wanted = select(table.sealed).where(*self._own(digest), table.number == number)
        with reading(self._engine) as connection:
            found = connection.execute(wanted).scalar()
        return None if found is None else bytes(found)

    def rewrite(self, digest: str, number: int, sealed: bytes, *, erased: int) -> None:
        """Put a block without what was erased in the place of one; `erased` counts in it."""
        table = dataset_block.c
        with writing(self._engine) as connection:
            overwrite_deleted(connection)
            connection.execute(
                update(dataset_block)
                .where(*self._own(digest), table.number == number)
                .values(sealed=sealed, erased=erased)
            )

    def delete(self, digest: str) -> int:
        """Delete the cases under a digest; return how many there were."""
        with writing(self._engine) as connection:
            overwrite_deleted(connection)
            gone = delete(dataset_block).where(*self._own(digest)).returning(dataset_block.c.cases)
            cases = int(sum(connection.execute(gone).scalars()))
            self._tell(connection, "delete", digest, {"cases": cases})
            return cases

    def _tell(
        self, connection: Connection, action: str, digest: str, details: dict[str, Detail]
    ) -> None:
        subject = Subject("dataset cases", "", digest)
        recorded(connection, Act(self._org, f"dataset.{action}", subject, details=details))

    def _own(self, digest: str) -> list[ColumnElement[bool]]:
        return [dataset_block.c.org == self._org, dataset_block.c.cases_digest == digest]


def prune_traffic_datasets(engine: Engine, before_ns: int) -> int:
    """Delete cases from captured traffic that were kept before a time; return how many sets.

    Of all organisations, a data set at a time.

    Raises:
        StorageUnavailable: the database does not answer.
    """
    table = dataset_block.c
    oldest = (
        select(table.org, table.cases_digest)
        .where(table.traffic, table.created_at_ns < before_ns)
        .distinct()
    )
    with reading(engine) as connection:
        found = connection.execute(oldest).all()
    for org, digest in found:
        DatasetBlocks(engine, Tenant(org)).delete(digest)
    return len(found)
