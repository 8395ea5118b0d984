"""How budgets stand: the figures of their counters, in the windows that are open now."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, or_, select

from legato.core.budget import Budget, Measure, read_counter
from legato.storage.database.dialect import now_ns
from legato.storage.database.engine import reading
from legato.storage.database.windows import FOREVER_NS, span_around
from legato.storage.tables.schema import limit_window

_COUNTERS_MAX = 1_000


class Standing(msgspec.Struct, frozen=True):
    """One counter. `settled` is in the ledger, `leased` is set aside or given out to be spent.

    Of requests, what was used counts as leased until the window ends.
    """

    limit_id: str
    values: dict[str, str]
    limit: int
    settled: int
    leased: int
    window_start_ns: int
    resets_at_ns: int | None


def standings(engine: Engine, budget: Budget) -> list[Standing]:
    """Return the counters of a budget that were used in this window, those most used first.

    At most a thousand. Raises StorageUnavailable.
    """
    with reading(engine) as connection:
        at_ns = now_ns(connection, None)
        span = span_around(budget.span, at_ns)
        rows = _rows(connection, budget, (span.oldest_ns, at_ns))
    by_counter: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        by_counter[row.limit_id].append(row)
    if not budget.counted_by:
        by_counter.setdefault(budget.counter({}).id, [])
    found = [
        _standing(budget, limit_id, parts, (span.start_ns, span.end_ns))
        for limit_id, parts in by_counter.items()
    ]
    return sorted(found, key=_share, reverse=True)


def _rows(connection: Connection, budget: Budget, during: tuple[int, int]) -> Sequence[Any]:
    table = limit_window.c
    values = dict.fromkeys(budget.counted_by, "")
    base = budget.counter(values).id.partition("/")[0]
    oldest_ns, at_ns = during
    wanted = (
        select(limit_window)
        .where(
            table.kind == budget.kind.value,
            table.span == budget.span,
            or_(table.limit_id == base, table.limit_id.startswith(base + "/", autoescape=True)),
            table.start_ns >= oldest_ns,
            table.start_ns <= at_ns,
        )
        .order_by((table.settled + table.leased).desc())
        .limit(_COUNTERS_MAX)
    )
    return connection.execute(wanted).all()


def _standing(
    budget: Budget, limit_id: str, parts: Sequence[Any], window: tuple[int, int]
) -> Standing:
    name = read_counter(limit_id)
    values = {} if name is None else name.values
    start_ns, end_ns = window
    ends = end_ns != FOREVER_NS and budget.measure is not Measure.CONCURRENCY
    return Standing(
        limit_id,
        values,
        budget.limit_for(values),
        sum(part.settled for part in parts),
        sum(part.leased for part in parts),
        start_ns,
        end_ns if ends else None,
    )


def _share(one: Standing) -> float:
    return (one.settled + one.leased) / max(1, one.limit)
