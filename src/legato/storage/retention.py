"""Forgets what has had its time. Ledger entries never do."""

from typing import Final

from sqlalchemy import Connection, Engine, delete, func, select, update

from legato.audit.segments import SegmentKind
from legato.storage.accounting.invoices import dispute_begins_ns
from legato.storage.audit.segments import record_retention
from legato.storage.database.engine import reading, writing
from legato.storage.ledger.trace_blocks import EMPTY_BLOCK
from legato.storage.tables.schema import trace_block, voided_attempt

_ROWS_PER_WRITE: Final = 2_000
_BLOCKS_PER_WRITE: Final = 50
_block: Final = trace_block.c


def prune_traces(engine: Engine, before_ns: int, org: str | None = None) -> int:
    """Delete older traces and the marks of voided attempts; return how many traces.

    Of one organisation where it is named; marks go with those of all.

    Traces go by the block, up to an hour late. Goes in small transactions, since a ledger
    commit waits behind each. The audit log says first what may be missing from then on.

    What an invoice in dispute may need stays.

    Raises:
        StorageUnavailable: the database does not answer.
    """
    held_ns = dispute_begins_ns(engine)
    before_ns = before_ns if held_ns is None else min(before_ns, held_ns)
    while org is None and _prune_voided(engine, before_ns):
        pass
    total = 0
    with reading(engine) as connection:
        old = _there(connection, before_ns, org)
    if old:
        with writing(engine) as connection:
            record_retention(connection, SegmentKind.DECISIONS, before_ns)
    while pruned := _prune_blocks(engine, before_ns, org):
        total += pruned
    return total


def _prune_voided(engine: Engine, before_ns: int) -> int:
    table = voided_attempt.c
    oldest = (
        select(table.request_id)
        .where(table.at_ns < before_ns)
        .order_by(table.at_ns)
        .limit(_ROWS_PER_WRITE)
    )
    gone = delete(voided_attempt).where(table.request_id.in_(oldest), table.at_ns < before_ns)
    with writing(engine) as connection:
        return connection.execute(gone).rowcount


def _there(connection: Connection, before_ns: int, org: str | None) -> bool:
    own = [] if org is None else [_block.org == org]
    old = select(_block.id).where(_block.last_at_ns < before_ns, _block.requests > 0, *own).limit(1)
    return connection.execute(old).first() is not None


def _prune_blocks(engine: Engine, before_ns: int, org: str | None) -> int:
    """Delete the oldest few blocks; return how many requests they held.

    The newest stays, empty, until there is another: SQLite would give its id again, and ids say
    what the audit log has sealed.
    """
    newest = select(func.max(_block.id)).scalar_subquery()
    own = [] if org is None else [_block.org == org]
    oldest = (
        select(_block.id, _block.requests)
        .where(_block.last_at_ns < before_ns, (_block.requests > 0) | (_block.id < newest), *own)
        .order_by(_block.last_at_ns)
        .limit(_BLOCKS_PER_WRITE)
    )
    empty = {"requests": 0, "records": EMPTY_BLOCK, "first_id": "", "last_id": ""}
    with writing(engine) as connection:
        blocks = connection.execute(oldest).all()
        gone = _block.id.in_([block.id for block in blocks])
        connection.execute(delete(trace_block).where(gone, _block.id < newest))
        connection.execute(update(trace_block).where(gone).values(empty))
    return sum(block.requests for block in blocks)
