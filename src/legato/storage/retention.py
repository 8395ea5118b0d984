"""Forgets what has had its time. Ledger entries never do."""

from typing import Final

from sqlalchemy import Engine, delete, select

from legato.storage.database.engine import writing
from legato.storage.tables.schema import trace_block, voided_attempt

_ROWS_PER_WRITE: Final = 2_000
_BLOCKS_PER_WRITE: Final = 50


def prune_traces(engine: Engine, before_ns: int) -> int:
    """Delete older traces and the marks of voided attempts; return how many traces.

    Traces go by the block, up to an hour late. Goes in small transactions, since a ledger
    commit waits behind each.

    Raises:
        StorageUnavailable: the database does not answer.
    """
    while _prune_voided(engine, before_ns):
        pass
    total = 0
    while pruned := _prune_blocks(engine, before_ns):
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


def _prune_blocks(engine: Engine, before_ns: int) -> int:
    """Delete the oldest few blocks; return how many requests they held."""
    table = trace_block.c
    oldest = (
        select(table.id, table.requests)
        .where(table.last_at_ns < before_ns)
        .order_by(table.last_at_ns)
        .limit(_BLOCKS_PER_WRITE)
    )
    with writing(engine) as connection:
        blocks = connection.execute(oldest).all()
        connection.execute(delete(trace_block).where(table.id.in_([block.id for block in blocks])))
    return sum(block.requests for block in blocks)
