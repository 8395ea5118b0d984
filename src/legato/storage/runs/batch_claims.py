"""Who may hand a batch to its provider, and what came of it: the first outcome stays.

A claim is a lease on the store's clock. Another may take it over once it has lapsed; whoever held
it before can't renew it any more, however long it slept.
"""

from typing import Final

from sqlalchemy import ColumnElement, Engine, delete, select, update

from legato.storage.database.dialect import now_ns, upsert
from legato.storage.database.engine import reading, writing
from legato.storage.tables.schema import batch_claim

_OPEN: Final = False


class BatchClaims:
    """Every method wants the organisation, and may raise StorageUnavailable."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def take(self, org: str, batch_id: str, holder: str, lasts_ns: int) -> bool:
        """Claim a batch that nobody holds any more; return whether it is this holder's."""
        table = batch_claim
        with writing(self._engine) as connection:
            now = now_ns(connection, None)
            row = {"org": org, "batch_id": batch_id, "holder": holder, "until_ns": now + lasts_ns}
            made = upsert(connection, table).values(**row, settled=_OPEN, provider_batch="")
            # psycopg doesn't count rows of such an insert
            new = made.on_conflict_do_nothing().returning(table.c.holder)
            if connection.execute(new).first() is not None:
                return True
            free = (table.c.holder == holder) | (table.c.until_ns <= now)
            taken = update(table).where(*_own(org, batch_id), free, table.c.settled.is_(_OPEN))
            values = {"holder": holder, "until_ns": now + lasts_ns}
            return connection.execute(taken.values(values)).rowcount > 0

    def renew(self, org: str, batch_id: str, holder: str, lasts_ns: int) -> bool:
        """Make a claim last from now on; false where another took it over, or all is settled."""
        table = batch_claim
        with writing(self._engine) as connection:
            until = now_ns(connection, None) + lasts_ns
            held = (table.c.holder == holder, table.c.settled.is_(_OPEN))
            renewed = update(table).where(*_own(org, batch_id), *held).values(until_ns=until)
            return connection.execute(renewed).rowcount > 0

    def settle(self, org: str, batch_id: str, holder: str, provider_batch: str) -> str | None:
        """Record what the holder came to; return what is recorded.

        That is another's outcome where it was first, None while another holds the claim, and ""
        where nothing is kept of the batch any more.
        """
        table = batch_claim
        with writing(self._engine) as connection:
            held = (table.c.holder == holder, table.c.settled.is_(_OPEN))
            values = {"settled": True, "provider_batch": provider_batch}
            connection.execute(update(table).where(*_own(org, batch_id), *held).values(values))
        return self.outcome(org, batch_id)

    def outcome(self, org: str, batch_id: str) -> str | None:
        """Return what is recorded, as `settle` does."""
        wanted = select(batch_claim.c.settled, batch_claim.c.provider_batch)
        with reading(self._engine) as connection:
            row = connection.execute(wanted.where(*_own(org, batch_id))).first()
        if row is None:
            return ""
        return str(row.provider_batch) if row.settled else None

    def forget(self, org: str, batch_id: str) -> None:
        """Delete what is kept of a batch that is over."""
        with writing(self._engine) as connection:
            connection.execute(delete(batch_claim).where(*_own(org, batch_id)))


def _own(org: str, batch_id: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return batch_claim.c.org == org, batch_claim.c.batch_id == batch_id
