"""Which process does what only one may do at a time.

A claim is a lease on the store's clock. Another may take it over once it has lapsed.
"""

from sqlalchemy import Engine, delete, update

from legato.storage.database.dialect import now_ns, upsert
from legato.storage.database.engine import writing
from legato.storage.tables.notifications import work_claim


class WorkClaim:
    """One holder's claim to one piece of work. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, name: str, holder: str) -> None:
        self._engine = engine
        self._name = name
        self._holder = holder

    def take(self, lasts_ns: int) -> bool:
        """Take or prolong it; return whether it is this holder's."""
        table = work_claim.c
        with writing(self._engine) as connection:
            now = now_ns(connection, None)
            row = {"name": self._name, "holder": self._holder, "until_ns": now + lasts_ns}
            made = upsert(connection, work_claim).values(row).on_conflict_do_nothing()
            if connection.execute(made.returning(table.name)).first() is not None:
                return True
            free = (table.holder == self._holder) | (table.until_ns <= now)
            taken = update(work_claim).where(table.name == self._name, free).values(row)
            return connection.execute(taken).rowcount > 0

    def give_back(self) -> None:
        """Leave it to the next at once."""
        table = work_claim.c
        mine = (table.name == self._name, table.holder == self._holder)
        with writing(self._engine) as connection:
            connection.execute(delete(work_claim).where(*mine))
