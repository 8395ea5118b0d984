"""Which counters an entry was charged to.

An entry names one counter, or a set of them by a digest of their names. Calls that are covered by
the same budgets name the same set, so there are as many sets as ways to be covered, not as many as
entries.
"""

from collections.abc import Mapping
from functools import cache, lru_cache
from hashlib import blake2b
from typing import Final

from sqlalchemy import ColumnElement, Connection, ScalarSelect, Select, and_, func, or_, select

from legato.core.leases import LimitKind
from legato.core.usage import TOKEN_CLASSES
from legato.storage.database import dialect
from legato.storage.database.prepared import run
from legato.storage.tables.budgets import budget_set
from legato.storage.tables.schema import ledger_entry, limit_window

SET_PREFIX: Final = "set:"
_DIGEST_BYTES: Final = 16


@lru_cache(maxsize=10_000)
def charged_to(budget_ids: str) -> str:
    """Return how an entry names the counters that a record lists with spaces between."""
    if " " not in budget_ids:
        return budget_ids
    return SET_PREFIX + blake2b(budget_ids.encode(), digest_size=_DIGEST_BYTES).hexdigest()


class Members:
    """The counters of the sets that a batch of records names, and the ones it knows of."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._by_set: dict[str, tuple[str, ...]] = {}
        self._new: dict[str, str] = {}

    def learn(self, orgs: Mapping[str, str]) -> None:
        """Take in the lists of counters that records have: organisations by lists."""
        for ids, org in orgs.items():
            if " " in ids:
                self._by_set[charged_to(ids)] = tuple(ids.split())
                self._new[charged_to(ids)] = org

    def save(self) -> None:
        """Keep the sets that were learnt. Lock their counters first: others may add the same."""
        if not self._new:
            return
        listed = dialect.listed(self._connection, self._new)
        statement = _known(sqlite=dialect.is_sqlite(self._connection))
        there = {row.set_id for row in run(self._connection, statement, **listed)}
        rows = [
            {"set_id": set_id, "limit_id": limit_id, "org": org}
            for set_id, org in self._new.items()
            if set_id not in there
            for limit_id in self._by_set[set_id]
        ]
        if rows:
            added = dialect.upsert(self._connection, budget_set).on_conflict_do_nothing()
            self._connection.execute(added, rows)

    @property
    def counters(self) -> set[str]:
        """All counters of the sets that were learnt."""
        return {limit_id for set_id in self._new for limit_id in self._by_set[set_id]}

    def of(self, budget_id: str) -> tuple[str, ...]:
        """Return the counters that an entry's `budget_id` names; none for ""."""
        if not budget_id.startswith(SET_PREFIX):
            return (budget_id,) if budget_id else ()
        known = self._by_set.get(budget_id)
        if known is None:
            wanted = select(budget_set.c.limit_id).where(budget_set.c.set_id == budget_id)
            found = self._connection.execute(wanted.order_by(budget_set.c.limit_id)).scalars()
            known = self._by_set[budget_id] = tuple(found)
        return known


def spent(connection: Connection, kind: LimitKind, limit_id: str, span: tuple[int, int]) -> int:
    """Return what the ledger holds against a counter, in nano-USD or tokens."""
    entry = ledger_entry.c
    total = _total(kind).where(
        _charged(limit_id), entry.budget_at_ns >= span[0], entry.budget_at_ns < span[1]
    )
    return int(connection.execute(total).scalar() or 0)


def spent_in_windows(kind: LimitKind) -> ScalarSelect[int]:
    """Return, for each row of `limit_window`, what the ledger holds against it."""
    entry, window = ledger_entry.c, limit_window.c
    named = select(budget_set.c.set_id).where(budget_set.c.limit_id == window.limit_id)
    sets = named.correlate(limit_window)
    return (
        _total(kind)
        .where(
            entry.budget_id != "",
            or_(entry.budget_id == window.limit_id, entry.budget_id.in_(sets)),
            entry.budget_at_ns >= window.start_ns,
            entry.budget_at_ns < window.end_ns,
        )
        .correlate(limit_window)
        .scalar_subquery()
    )


def _total(kind: LimitKind) -> Select[int]:
    entry = ledger_entry.c
    amount = entry.cost
    if kind is LimitKind.TOKENS:
        amount = sum((entry[name] for name in TOKEN_CLASSES[1:]), start=entry[TOKEN_CLASSES[0]])
    return select(func.coalesce(func.sum(amount), 0))


def _charged(limit_id: str) -> ColumnElement[bool]:
    sets = select(budget_set.c.set_id).where(budget_set.c.limit_id == limit_id)
    name = ledger_entry.c.budget_id
    return and_(name != "", or_(name == limit_id, name.in_(sets)))


@cache
def _known(*, sqlite: bool) -> Select[str]:
    column = budget_set.c.set_id
    return select(column).distinct().where(dialect.one_of(column, sqlite=sqlite))
