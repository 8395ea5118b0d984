"""What teams spent within a time, by feature and model: read off the ledger itself."""

from collections import Counter, defaultdict
from typing import Final, NamedTuple

import msgspec
from sqlalchemy import Engine, select

from legato.core.records import decode_served
from legato.core.tenant import Reach
from legato.economics.waterfall import STEP_COLUMNS
from legato.storage.database.engine import reading
from legato.storage.database.tenancy import within
from legato.storage.rollups.sources import ENTRY, sum_of
from legato.storage.tables.schema import ledger_entry, team, trace_block

_MEASURES: Final = ("cost", "baseline_cost", "requests", "attempts", "unpriced", *STEP_COLUMNS)
_BLOCKS_PER_READ: Final = 8
_blocks = msgspec.msgpack.Decoder(list[msgspec.Raw]).decode


class Spent(NamedTuple):
    """One feature's spend on one model. Amounts are nano-USD; `sums` by measure."""

    feature: str
    model: str
    sums: dict[str, int]


class TeamWeeks:
    """Of what is within reach. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, reach: Reach) -> None:
        self._engine = engine
        self._reach = reach

    def teams(self) -> list[str]:
        """Return the teams there are, by name."""
        wanted = select(team.c.name).where(*within(self._reach, team)).order_by(team.c.name)
        with reading(self._engine) as connection:
            return list(connection.execute(wanted).scalars())

    def spent(self, start_ns: int, end_ns: int) -> dict[str, list[Spent]]:
        """Return what each team spent from one time to before another."""
        groups = (ENTRY.team, ENTRY.feature, ENTRY.model)
        wanted = (
            select(*groups, *map(sum_of, _MEASURES))
            .where(
                ENTRY.at_ns >= start_ns, ENTRY.at_ns < end_ns, *within(self._reach, ledger_entry)
            )
            .group_by(*groups)
            .order_by(*groups)
        )
        found: dict[str, list[Spent]] = defaultdict(list)
        with reading(self._engine) as connection:
            for name, feature, model, *sums in connection.execute(wanted):
                numbers = dict(zip(_MEASURES, map(int, sums), strict=True))
                found[name].append(Spent(feature, model, numbers))
        return found

    def triggers(self, start_ns: int, end_ns: int) -> dict[str, Counter[tuple[str, str]]]:
        """Count by team the requests in which a rule fired, by rule and action.

        Of what traces there still are.
        """
        block = trace_block.c
        last_id = 0
        found: dict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
        while True:
            wanted = (
                select(block.id, block.records)
                .where(
                    block.id > last_id,
                    block.last_at_ns >= start_ns,
                    block.first_at_ns < end_ns,
                    block.requests > 0,
                    *within(self._reach, trace_block),
                )
                .order_by(block.id)
                .limit(_BLOCKS_PER_READ)
            )
            with reading(self._engine) as connection:
                rows = connection.execute(wanted).all()
            for row in rows:
                for raw in _blocks(row.records):
                    served = decode_served(raw)
                    if served.guarded is None or not start_ns <= served.at_ns < end_ns:
                        continue
                    fired = {(one.rule, one.action) for one in served.guarded.fired}
                    found[served.team].update(fired)
            if len(rows) < _BLOCKS_PER_READ:
                return found
            last_id = rows[-1].id
