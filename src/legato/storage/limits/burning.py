"""What was charged to a budget day by day."""

from functools import reduce
from operator import add
from typing import Final

from sqlalchemy import Engine, func, or_, select

from legato.core.budget import Budget, Measure
from legato.core.usage import TOKEN_CLASSES
from legato.storage.database.engine import reading
from legato.storage.tables.budgets import budget_set
from legato.storage.tables.schema import ledger_entry

_NS_PER_DAY: Final = 86_400_000_000_000
_entry: Final = ledger_entry.c
_TOKENS: Final = reduce(add, [_entry[name] for name in TOKEN_CLASSES])


def charged_by_day(
    engine: Engine, budget: Budget, counter: str, during: tuple[int, int]
) -> dict[int, int]:
    """Return what one counter was charged on each day from the epoch; days without aren't there.

    `budget` counts dollars (in nano-USD) or tokens. Raises StorageUnavailable.
    """
    is_tokens = budget.measure is Measure.TOKENS
    amount = _TOKENS if is_tokens else func.coalesce(_entry.cost, 0)
    since_ns, until_ns = during
    day = _entry.budget_at_ns // _NS_PER_DAY
    sets = select(budget_set.c.set_id).where(
        budget_set.c.limit_id == counter, budget_set.c.org == budget.org
    )
    every = select(budget_set.c.set_id).where(budget_set.c.limit_id == counter)
    named = sets if budget.org else every
    wanted = (
        select(day.label("day"), func.sum(amount).label("amount"))
        .where(
            _entry.budget_id != "",
            or_(_entry.budget_id == counter, _entry.budget_id.in_(named)),
            _entry.budget_at_ns >= since_ns,
            _entry.budget_at_ns < until_ns,
        )
        .group_by(day)
    )
    with reading(engine) as connection:
        return {int(row.day): int(row.amount) for row in connection.execute(wanted)}
