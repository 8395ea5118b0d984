"""Keeps the sums of what guardrails found up with the traces, of which only some are kept."""

from collections import Counter
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Engine, func, select

from legato.core.records import decode_served
from legato.storage.audit.segments import ROWS_LOCK
from legato.storage.database.dialect import is_sqlite, lock, upsert_into, wait_for_sharers
from legato.storage.database.engine import reading, writing
from legato.storage.database.prepared import run_many
from legato.storage.rollups.marks import mark_of, set_mark
from legato.storage.tables.kpis import guard_day
from legato.storage.tables.schema import trace_block

GUARDS: Final = "guards"
_DAY_NS: Final = 86_400 * 10**9
_BLOCKS_AT_ONCE: Final = 32
_POLICY: Final = b"guardrail/"
"""In each record that a policy applied to; the others needn't be decoded."""
_BLOCK: Final = trace_block.c
_KEYS: Final = tuple(column.name for column in guard_day.primary_key.columns)
_decode_block = msgspec.msgpack.Decoder(list[msgspec.Raw]).decode


class GuardRoller:
    """Of the whole instance. Every method may raise StorageUnavailable, and be repeated."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def behind(self) -> int:
        """Return how many blocks of traces lie behind the mark, at most."""
        with reading(self._engine) as connection:
            newest = connection.execute(select(func.max(_BLOCK.id))).scalar() or 0
            return max(0, newest - mark_of(connection, GUARDS)[0])

    def roll(self) -> int:
        """Take the next blocks in; return how far the mark moved, 0 for nothing to do."""
        with reading(self._engine) as connection:
            # a writer elsewhere may not have committed a block that has a lower id than ours
            wait_for_sharers(connection, ROWS_LOCK)
            newest = connection.execute(select(func.max(_BLOCK.id))).scalar() or 0
        requests: Counter[tuple[Any, ...]] = Counter()
        finds: Counter[tuple[Any, ...]] = Counter()
        with reading(self._engine) as connection:
            until = mark = mark_of(connection, GUARDS)[0]
            wanted = select(_BLOCK.id, _BLOCK.records).where(_BLOCK.id > mark, _BLOCK.id <= newest)
            blocks = connection.execute(wanted.order_by(_BLOCK.id).limit(_BLOCKS_AT_ONCE))
            for block in blocks.yield_per(1):  # each is up to some hundred kilobytes
                _count(block.records, requests, finds)
                until = block.id
        if until == mark:
            return 0
        with writing(self._engine) as connection:
            lock(connection, [f"rollup {GUARDS}"])
            if mark_of(connection, GUARDS)[0] == mark:
                _add(connection, requests, finds)
                set_mark(connection, GUARDS, entry_id=until)
        return int(until - mark)


def _count(records: bytes, requests: Counter[Any], finds: Counter[Any]) -> None:
    for raw in _decode_block(records):
        if _POLICY not in bytes(raw):
            continue
        try:
            served = decode_served(raw)
        except msgspec.DecodeError:
            continue  # of another version: it is told where traces are read
        if served.guarded is None:
            continue
        place = (served.at_ns // _DAY_NS, served.org, served.team, served.feature)
        for one in served.guarded.fired:
            policy = one.policy.partition("@")[0]
            key = (*place, policy, one.rule, one.label, one.action, one.mode)
            requests[key] += 1
            finds[key] += one.count


def _add(connection: Connection, requests: Counter[Any], finds: Counter[Any]) -> None:
    statement = upsert_into(guard_day, sqlite=is_sqlite(connection))
    added = {name: guard_day.c[name] + statement.excluded[name] for name in ("requests", "finds")}
    counted = statement.on_conflict_do_update(index_elements=list(_KEYS), set_=added)
    rows = [
        {**dict(zip(_KEYS, key, strict=True)), "requests": number, "finds": finds[key]}
        for key, number in requests.items()
    ]
    run_many(connection, counted, rows)
