"""What came of budgets: that a step before the wall was reached, or a call refused.

Rows are only ever added, once for each counter, window, event and step. Those of what the ledger
counts are added in the transaction that adds the entries, so they are exact; workers add the rest.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, func, select

from legato.core.budget import FULL_PERCENT, Budget, BudgetEvent, Does, read_counter
from legato.core.tenant import Reach
from legato.storage.database.dialect import upsert
from legato.storage.database.engine import reading, writing
from legato.storage.database.tenancy import within
from legato.storage.database.windows import span_around
from legato.storage.limits.budgets import read_budgets
from legato.storage.limits.limit_windows import Settled
from legato.storage.tables.budgets import budget_event
from legato.storage.tables.schema import limit_window


class BudgetEventStore:
    """Events within reach. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, reach: Reach) -> None:
        self._engine = engine
        self._reach = reach

    def add(self, events: Sequence[BudgetEvent]) -> None:
        """Write those that are not there yet."""
        with writing(self._engine) as connection:
            _add(connection, events)

    def newest(self) -> int:
        """Return the highest number of a row, 0 for none."""
        with reading(self._engine) as connection:
            return connection.execute(select(func.max(budget_event.c.id))).scalar() or 0

    def counts(self) -> dict[tuple[str, ...], int]:
        """Return how many there are, by organisation, the budget's name and what came of it."""
        table = budget_event.c
        wanted = (
            select(table.org, table.name, table.what, func.count())
            .where(*within(self._reach, budget_event))
            .group_by(table.org, table.name, table.what)
        )
        with reading(self._engine) as connection:
            return {(row[0], row[1], row[2]): row[3] for row in connection.execute(wanted)}

    def page(
        self, count: int, after_id: int = 0, budget_id: str = ""
    ) -> list[tuple[int, BudgetEvent]]:
        """Return up to `count` events after one, oldest first, of one budget where it is named."""
        table = budget_event.c
        wanted = select(budget_event).where(table.id > after_id, *within(self._reach, budget_event))
        if budget_id:
            wanted = wanted.where(table.budget_id == budget_id)
        with reading(self._engine) as connection:
            rows = connection.execute(wanted.order_by(table.id).limit(count)).mappings()
            return [(row["id"], _event(row)) for row in rows]


def tell_reached(connection: Connection, settled: Iterable[Settled], now_ns: int) -> None:
    """Add the steps that counters of budgets have come to by what was just put on them."""
    counters = [(one, name) for one in settled if (name := read_counter(one.limit_id))]
    if not counters:
        return
    budgets = read_budgets(connection, {name.budget_id for _, name in counters})
    events: list[BudgetEvent] = []
    for one, name in counters:
        budget = budgets.get(name.budget_id)
        if budget is not None and budget.steps and budget.span == one.span:
            used = _used(connection, budget, one, now_ns)
            events += _reached(budget, budget.limit_for(name.values), one, (used, now_ns))
    if events:
        _add(connection, events)


def _reached(
    budget: Budget, limit: int, one: Settled, at: tuple[int, int]
) -> Iterable[BudgetEvent]:
    used, now_ns = at
    for step in budget.steps:
        if step.do is Does.WARN and used * FULL_PERCENT >= step.at_percent * limit:
            yield BudgetEvent(
                budget.org, budget.id, one.limit_id, one.start_ns, step.do.value,
                step.at_percent, now_ns, used, limit, budget.name,
            )  # fmt: skip


def _used(connection: Connection, budget: Budget, one: Settled, now_ns: int) -> int:
    span = span_around(one.span, max(now_ns, one.start_ns))
    table = limit_window.c
    first_ns = span.oldest_ns if span.parts else one.start_ns
    wanted = select(func.sum(table.settled)).where(
        table.kind == budget.kind.value,
        table.limit_id == one.limit_id,
        table.span == one.span,
        table.start_ns >= first_ns,
        table.start_ns <= max(one.start_ns, span.start_ns if span.parts else one.start_ns),
    )
    return int(connection.execute(wanted).scalar() or 0)


def _add(connection: Connection, events: Sequence[BudgetEvent]) -> None:
    statement = upsert(connection, budget_event).on_conflict_do_nothing()
    connection.execute(statement, [_row(event) for event in events])


def _row(event: BudgetEvent) -> dict[str, Any]:
    return {
        "org": event.org,
        "budget_id": event.budget_id,
        "limit_id": event.limit_id,
        "window_start_ns": event.window_start_ns,
        "what": event.what,
        "at_percent": event.at_percent,
        "at_ns": event.at_ns,
        "used": event.used,
        "amount": event.limit,
        "name": event.name,
    }


def _event(row: Any) -> BudgetEvent:
    return BudgetEvent(
        row["org"], row["budget_id"], row["limit_id"], row["window_start_ns"], row["what"],
        row["at_percent"], row["at_ns"], row["used"], row["amount"], row["name"],
    )  # fmt: skip
