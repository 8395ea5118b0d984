"""The cases of data sets, in sealed blocks that are known by the digest of all the cases."""

from collections.abc import Iterable, Iterator

from sqlalchemy import Engine, func, select

from legato.core.tenant import Tenant
from legato.storage.dialect import upsert
from legato.storage.engine import reading, writing
from legato.storage.evaluation_schema import dataset_block


class DatasetBlocks:
    """One organisation's blocks. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, tenant: Tenant) -> None:
        self._engine = engine
        self._org = tenant.org

    def keep(self, digest: str, blocks: Iterable[tuple[int, bytes]]) -> None:
        """Keep blocks, each a number of cases and its sealed content; those there are stay.

        Each goes in a write of its own: a large set holds nobody up for long.
        """
        for number, (cases, sealed) in enumerate(blocks):
            row = {"org": self._org, "cases_digest": digest, "number": number, "cases": cases}
            with writing(self._engine) as connection:
                kept = upsert(connection, dataset_block).values(**row, sealed=sealed)
                connection.execute(kept.on_conflict_do_nothing())

    def count(self, digest: str) -> int:
        """Return how many cases are kept under a digest."""
        table = dataset_block.c
        wanted = select(func.coalesce(func.sum(table.cases), 0)).where(
            table.org == self._org, table.cases_digest == digest
        )
        with reading(self._engine) as connection:
            return int(connection.execute(wanted).scalar_one())

    def read(self, digest: str) -> Iterator[tuple[int, bytes]]:
        """Yield number and sealed content of each block, in order."""
        number = 0
        while (sealed := self.block(digest, number)) is not None:
            yield number, sealed
            number += 1

    def block(self, digest: str, number: int) -> bytes | None:
        """Return the sealed content of one block, None where there is none."""
        table = dataset_block.c
        wanted = select(table.sealed).where(
            table.org == self._org, table.cases_digest == digest, table.number == number
        )
        with reading(self._engine) as connection:
            found = connection.execute(wanted).scalar()
        return None if found is None else bytes(found)
