"""What the database keeps for the store of leases: who may hold some, and how windows stand."""

import secrets
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Engine, Row, Select, delete, func, insert, select, update

from legato.core.clock import Clock
from legato.core.leases import LEDGERED, LimitKind
from legato.storage.database.dialect import now_ns, upsert
from legato.storage.database.engine import reading, writing
from legato.storage.limits import limit_windows
from legato.storage.limits.limit_windows import LimitWindow
from legato.storage.limits.redis.slices import ROLLING, is_based, kept_ns
from legato.storage.tables.leases import lease_holder, lease_store, limit_used
from legato.storage.tables.schema import limit_window

_NS_PER_S: Final = 1_000_000_000
_KEPT_NS: Final = 600 * _NS_PER_S
_ID_BYTES: Final = 6
_WINDOWS_AT_ONCE: Final = 500


class Standing(NamedTuple):
    """A window as the ledger has it. A higher version is a later one.

    `used` is what of each holder's spend is in `settled` that no lease here paid for.
    """

    window: LimitWindow
    version: int
    settled: int
    leased: int
    used: dict[str, int]


class LeaseBooks:
    """Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, clock: Clock | None = None) -> None:
        """`clock` is the database's own when none is given."""
        self._engine = engine
        self._clock = clock

    def store_id(self) -> str:
        """Return what keys of this database are named by: two that share a store don't meet."""
        with writing(self._engine) as connection:
            found = connection.execute(select(lease_store.c.id)).scalar()
            if found is not None:
                return str(found)
            limit_windows.lock(connection, {LimitKind.SLOTS: ["lease_store"]})
            found = connection.execute(select(lease_store.c.id)).scalar()
            if found is None:
                found = secrets.token_hex(_ID_BYTES)
                row = {"id": found, "made_at_ns": now_ns(connection, self._clock)}
                connection.execute(insert(lease_store), row)
            return str(found)

    def begin(self, holder: str) -> None:
        """Know of a holder before it has its first lease."""
        with writing(self._engine) as connection:
            row = upsert(connection, lease_holder).values(
                holder=holder,
                began_at_ns=now_ns(connection, self._clock),
                ended_at_ns=None,
                dropped=False,
            )
            connection.execute(row.on_conflict_do_nothing())

    def living(self) -> list[str]:
        """Return who may still hold leases: whose journal isn't all in the ledger."""
        table = lease_holder.c
        with reading(self._engine) as connection:
            wanted = select(table.holder).where(table.ended_at_ns.is_(None))
            return list(connection.execute(wanted.order_by(table.holder)).scalars())

    def undropped(self) -> list[str]:
        """Return who has ended, and may still be known to the store."""
        table = lease_holder.c
        ended = table.ended_at_ns.is_not(None) & table.dropped.is_(False)
        with reading(self._engine) as connection:
            return list(connection.execute(select(table.holder).where(ended)).scalars())

    def dropped(self, holder: str) -> None:
        """Note that the store has forgotten one who ended; forget those of long since."""
        table = lease_holder.c
        with writing(self._engine) as connection:
            now = now_ns(connection, self._clock)
            over = table.dropped.is_(True) & (table.ended_at_ns < now - _KEPT_NS)
            connection.execute(delete(lease_holder).where(over))
            mine = update(lease_holder).where(table.holder == holder)
            connection.execute(mine.values(dropped=True))

    def ended_within(self, seconds: float) -> bool:
        """Whether someone ended just now, of whose counts nothing is known any more."""
        table = lease_holder.c
        with reading(self._engine) as connection:
            after = now_ns(connection, self._clock) - int(seconds * _NS_PER_S)
            wanted = select(func.count()).where(table.ended_at_ns > after)
            return connection.execute(wanted).scalar_one() > 0

    def standings(self, windows: Sequence[LimitWindow]) -> list[Standing]:
        """Return how these stand; those that have no counter yet get one, from the ledger."""
        found = []
        for window in windows:
            with writing(self._engine) as connection:
                limit_windows.lock(connection, {window.kind: [window.limit_id]})
                level = limit_windows.level(connection, window)
                found += _standings(connection.execute(_by_ids([level.id])).all())
        return found

    def add_settled(self, window: LimitWindow, amount: int) -> None:
        """Count what the ledger doesn't: requests of one who has ended."""
        with writing(self._engine) as connection:
            limit_windows.lock(connection, {window.kind: [window.limit_id]})
            table, level = limit_window.c, limit_windows.level(connection, window)
            counted = update(limit_window).where(table.id == level.id)
            connection.execute(
                counted.values(settled=table.settled + amount, version=table.version + 1)
            )

    def standings_of(self, window_ids: Collection[int]) -> list[Standing]:
        """Return how these stand, those of them that are still there."""
        with reading(self._engine) as connection:
            return _standings(connection.execute(_by_ids(window_ids)).all())

    def versions(self) -> dict[int, int]:
        """Return the version of each window under way that the ledger settles."""
        table = limit_window.c
        kinds = [kind.value for kind in (*LEDGERED, LimitKind.RATE)]
        with reading(self._engine) as connection:
            now = now_ns(connection, self._clock)
            open_or_rolling = (table.end_ns > now) | table.span.startswith(ROLLING)
            wanted = select(limit_window).where(table.kind.in_(kinds), open_or_rolling)
            rows = connection.execute(wanted).all()
        counted = ((row, _window(row)) for row in rows)
        return {
            row.id: row.version
            for row, window in counted
            if kept_ns(window) > now and is_based(window)
        }

    def forget_old(self) -> None:
        """Forget who used what of windows that are over for an hour, and rates of such."""
        table = limit_window.c
        with writing(self._engine) as connection:
            before = now_ns(connection, self._clock) - 3_600 * _NS_PER_S
            # Parts of rolling windows count on; theirs goes with the holder.
            over = select(table.id).where(table.end_ns < before, ~table.span.startswith(ROLLING))
            connection.execute(delete(limit_used).where(limit_used.c.window_id.in_(over)))
            rates = select(limit_window).where(table.kind == LimitKind.RATE.value)
            gone = [
                row.id
                for row in connection.execute(rates.where(table.end_ns < before))
                if kept_ns(_window(row)) < before
            ]
            connection.execute(delete(limit_window).where(table.id.in_(gone)))


def _by_ids(window_ids: Collection[int]) -> Select[Any]:
    """One statement: what is read of users must not be later than what is read of the window."""
    window = limit_window.c
    return (
        select(
            window.id,
            window.kind,
            window.limit_id,
            window.span,
            window.start_ns,
            window.end_ns,
            window.version,
            window.settled,
            window.leased,
            limit_used.c.holder,
            limit_used.c.used,
        )
        .outerjoin_from(limit_window, limit_used, limit_used.c.window_id == window.id)
        .where(window.id.in_(list(window_ids)))
        .order_by(window.id)
    )


def _window(row: Row[Any]) -> LimitWindow:
    return LimitWindow(LimitKind(row.kind), row.limit_id, row.span, row.start_ns, row.end_ns)


def _standings(rows: Iterable[Row[Any]]) -> list[Standing]:
    found: dict[int, Standing] = {}
    for row in rows:
        new = Standing(_window(row), row.version, row.settled, row.leased, {})
        one = found.setdefault(row.id, new)
        if row.holder is not None:
            one.used[row.holder] = row.used
    return list(found.values())
