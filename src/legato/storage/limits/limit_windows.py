"""Counters of limits: what is settled and what is leased to whom, per window.

The caller holds the lock of each limit it touches (`lock`), so reading and writing a
counter is one step. `settled + leased` passes a limit only by what was spent beyond a
lease: a settle is never refused.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    BigInteger,
    Connection,
    Select,
    and_,
    bindparam,
    case,
    delete,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)

from legato.core.leases import LEDGERED, LimitKind, Returned
from legato.storage.database import dialect
from legato.storage.database.prepared import run
from legato.storage.limits.budget_sets import spent
from legato.storage.tables.leases import lease_holder, limit_used
from legato.storage.tables.schema import limit_lease, limit_window


class LimitWindow(NamedTuple):
    """Names one counter. `span` is a calendar window, or the seconds of a rate."""

    kind: LimitKind
    limit_id: str
    span: str
    start_ns: int
    end_ns: int


class Level(NamedTuple):
    """Where a counter stands, and its row."""

    id: int
    settled: int
    leased: int


class Spend(NamedTuple):
    """What an entry puts on a counter, and the time that decides its window.

    `span` is that of the window whose lease paid, "" where that isn't known.
    """

    limit_id: str
    at_ns: int
    amount: int
    from_lease: bool
    span: str = ""


class Settled(NamedTuple):
    """A counter that entries were put on, and where it stands."""

    limit_id: str
    span: str
    start_ns: int
    end_ns: int


def lock(connection: Connection, limits: Mapping[LimitKind, Iterable[str]]) -> None:
    """Own these limits until the transaction ends. All that a transaction needs, at once."""
    dialect.lock(connection, (f"{kind.value}:{one}" for kind, ids in limits.items() for one in ids))


def level(connection: Connection, window: LimitWindow) -> Level:
    """Read a counter; the first time it is made, a budget's from what the ledger holds."""
    table = limit_window.c
    wanted = select(table.id, table.settled, table.leased).where(
        table.kind == window.kind.value,
        table.limit_id == window.limit_id,
        table.span == window.span,
        table.start_ns == window.start_ns,
    )
    row = connection.execute(wanted).first()
    return Level(*row) if row is not None else _open(connection, window)


class Part(NamedTuple):
    """A part of a rolling window that is over."""

    start_ns: int
    settled: int
    leased: int


def earlier_parts(connection: Connection, window: LimitWindow, oldest_ns: int) -> list[Part]:
    """Return the parts before this one; those that have no counter yet get one."""
    table = limit_window.c
    found = connection.execute(
        select(table.start_ns, table.settled, table.leased).where(
            table.kind == window.kind.value,
            table.limit_id == window.limit_id,
            table.span == window.span,
            table.start_ns >= oldest_ns,
            table.start_ns < window.start_ns,
        )
    )
    known = {row.start_ns: Part(*row) for row in found}
    length_ns = window.end_ns - window.start_ns
    for start_ns in range(oldest_ns, window.start_ns, length_ns):
        if window.kind in LEDGERED and start_ns not in known:
            part = window._replace(start_ns=start_ns, end_ns=start_ns + length_ns)
            known[start_ns] = Part(start_ns, *_open(connection, part)[1:])
    return list(known.values())


def leased_otherwise(connection: Connection, window: LimitWindow, at_ns: int) -> int:
    """Return what is leased of the same limit's open windows of other spans.

    A budget's window was changed: what is held under the former one will be settled in both. What
    is left over of windows that have ended is void, and counts no more.
    """
    table = limit_window.c
    wanted = select(func.coalesce(func.sum(table.leased), 0)).where(
        table.kind == window.kind.value,
        table.limit_id == window.limit_id,
        table.span != window.span,
        table.start_ns <= at_ns,
        table.end_ns > at_ns,
    )
    return int(connection.execute(wanted).scalar_one())


def returned_to(connection: Connection, returned: Returned) -> list[int]:
    """Return the counters that a lease may be given back to, its own first.

    Where a budget's window was changed, the lease of one span may have paid for what was spent
    under another (`settle`): together they are exact.
    """
    table = limit_window.c
    wanted = select(table.id, table.span, table.start_ns, table.end_ns).where(
        table.kind == returned.kind.value, table.limit_id == returned.limit_id, table.leased > 0
    )
    rows = connection.execute(wanted.order_by(table.id)).all()
    own = [
        row
        for row in rows
        if row.start_ns == returned.window_start_ns and returned.span in ("", row.span)
    ]
    start_ns = returned.window_start_ns
    end_ns = max((row.end_ns for row in own), default=start_ns + 1)
    others = [
        row
        for row in rows
        if returned.span not in ("", row.span) and row.start_ns < end_ns and row.end_ns > start_ns
    ]
    return [row.id for row in (*own, *others)]


def lease(connection: Connection, window_id: int, holder: str, amount: int) -> None:
    """Add to what a holder has."""
    statement = dialect.upsert(connection, limit_lease).values(
        window_id=window_id, holder=holder, amount=amount
    )
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["window_id", "holder"],
            set_={"amount": limit_lease.c.amount + statement.excluded.amount},
        )
    )
    connection.execute(_ADD_LEASED, {"of_window": window_id, "by": amount})


def unlease(connection: Connection, window_id: int, holder: str, amount: int) -> int:
    """Take back at most `amount` of what a holder has in a window; return how much it was."""
    back = _take_back(connection, window_id, holder, amount)
    if back > 0:
        connection.execute(_ADD_LEASED, {"of_window": window_id, "by": -back})
    return back


def settle(
    connection: Connection, spends: Sequence[Spend], holder: str, *, elsewhere: bool = False
) -> dict[int, Settled]:
    """Move what was used from leased to settled; return the counters it was put on, by their rows.

    `elsewhere`: what no lease here paid for was leased by another store, which hears of it.
    """
    settled: Counter[int] = Counter()
    used: Counter[tuple[int, ...]] = Counter()
    touched: dict[int, Settled] = {}
    windows = _windows_of(connection, spends)
    for spend in spends:
        inside = [
            row for row in windows[spend.limit_id] if row.start_ns <= spend.at_ns < row.end_ns
        ]
        for row in inside:
            settled[row.id] += spend.amount
            touched[row.id] = Settled(row.limit_id, row.span, row.start_ns, row.end_ns)
        if spend.from_lease and inside:
            used[_payers(inside, spend.span)] += spend.amount
    back: Counter[int] = Counter()
    for of_windows, amount in used.items():
        left = amount
        # More than one only where a budget's window was changed, and which paid isn't known.
        for window_id in of_windows:
            taken = _take_back(connection, window_id, holder, left)
            back[window_id] += taken
            left -= taken
        if elsewhere and left:
            for window_id in of_windows:
                _add_used(connection, window_id, holder, left)
    for window_id, amount in settled.items():
        run(connection, _SETTLE, of_window=window_id, by=amount, back=back[window_id])
    return touched


def _payers(inside: Sequence[Any], span: str) -> tuple[int, ...]:
    """Return the windows whose lease may have paid: the one of this span, if it is there."""
    if len(inside) > 1:
        inside = [row for row in inside if row.span == span] or inside
    return tuple(sorted([row.id for row in inside]))


def newest_start(connection: Connection, limit_ids: Iterable[str], at_ns: int) -> int:
    """Return when the newest window of these began that are open at a time, 0 without one.

    0, too, where one of them is rolling: an entry has one time for all its counters, and a part of
    a rolling window must get back what it was charged. A day that is over harms nobody.
    """
    table = limit_window.c
    is_rolling = case((table.span.like("rolling/%"), 1), else_=0)
    wanted = select(func.max(table.start_ns), func.max(is_rolling)).where(
        table.kind.in_([kind.value for kind in LEDGERED]),
        table.limit_id.in_(list(limit_ids)),
        or_(table.span.like("rolling/%"), and_(table.start_ns <= at_ns, table.end_ns > at_ns)),
    )
    start_ns, any_rolling = connection.execute(wanted).one()
    return 0 if any_rolling else int(start_ns or 0)


def held(
    connection: Connection, holder: str, kinds: Iterable[LimitKind]
) -> dict[LimitKind, set[str]]:
    """Return the limits that a holder has a lease of."""
    found: dict[LimitKind, set[str]] = {}
    for row in connection.execute(_leases_of(holder, kinds)):
        found.setdefault(LimitKind(row.kind), set()).add(row.limit_id)
    return found


def release(connection: Connection, holder: str, kinds: Collection[LimitKind]) -> list[int]:
    """Take back all that a holder has of some kinds; return which counters changed."""
    lock(connection, held(connection, holder, kinds))
    rows = connection.execute(_leases_of(holder, kinds)).all()
    for row in rows:
        mine = and_(limit_lease.c.window_id == row.id, limit_lease.c.holder == holder)
        connection.execute(delete(limit_lease).where(mine))
        connection.execute(_ADD_LEASED, {"of_window": row.id, "by": -row.amount})
    return [row.id for row in rows]


def end_holder(connection: Connection, holder: str, at_ns: int) -> None:
    """Note that all a holder spent is settled, and that it will lease nothing more."""
    connection.execute(delete(limit_used).where(limit_used.c.holder == holder))
    mine = lease_holder.c.holder == holder, lease_holder.c.ended_at_ns.is_(None)
    connection.execute(update(lease_holder).where(*mine).values(ended_at_ns=at_ns))


def forget_before(connection: Connection, window: LimitWindow, before_ns: int) -> None:
    """Drop the same limit's windows of the same span that had ended by then."""
    table = limit_window.c
    connection.execute(
        delete(limit_window).where(
            table.kind == window.kind.value,
            table.limit_id == window.limit_id,
            table.span == window.span,
            table.end_ns <= before_ns,
        )
    )


def _take_back(connection: Connection, window_id: int, holder: str, amount: int) -> int:
    """Lower a holder's lease, at most to nothing; the window's counter is for the caller."""
    if amount <= 0:
        return 0
    mine = {"of_window": window_id, "of_holder": holder}
    had = run(connection, _LEASED, **mine).scalar() or 0
    back = min(had, amount)
    if back > 0:
        run(connection, _LOWER_LEASE, **mine, by=back)
    return back


def _add_used(connection: Connection, window_id: int, holder: str, used: int) -> None:
    statement = dialect.upsert(connection, limit_used).values(
        window_id=window_id, holder=holder, used=used
    )
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["window_id", "holder"],
            set_={"used": limit_used.c.used + statement.excluded.used},
        )
    )


def _leases_of(holder: str, kinds: Iterable[LimitKind]) -> Select[int, str, str, int]:
    window = limit_window.c
    return (
        select(window.id, window.kind, window.limit_id, limit_lease.c.amount)
        .join(limit_lease, limit_lease.c.window_id == window.id)
        .where(limit_lease.c.holder == holder, window.kind.in_([kind.value for kind in kinds]))
    )


def _open(connection: Connection, window: LimitWindow) -> Level:
    settled = 0
    if window.kind in LEDGERED:
        span = window.start_ns, window.end_ns
        settled = spent(connection, window.kind, window.limit_id, span)
    row = {**window._asdict(), "kind": window.kind.value, "settled": settled, "leased": 0}
    row["version"] = 0
    made = connection.execute(insert(limit_window).returning(limit_window.c.id), row)
    return Level(made.scalar_one(), settled, 0)


def _windows_of(connection: Connection, spends: Sequence[Spend]) -> dict[str, list[Any]]:
    listed = dialect.listed(connection, {spend.limit_id for spend in spends})
    after = min(spend.at_ns for spend in spends)
    windows: dict[str, list[Any]] = defaultdict(list)
    statement = _ending_after(sqlite=dialect.is_sqlite(connection))
    for row in run(connection, statement, **listed, after=after).all():
        windows[row.limit_id].append(row)
    return windows


@cache
def _ending_after(*, sqlite: bool) -> Select[int, str, str, int, int]:
    table = limit_window.c
    return select(table.id, table.limit_id, table.span, table.start_ns, table.end_ns).where(
        or_(*[table.kind == literal_column(f"'{kind.value}'") for kind in sorted(LEDGERED)]),
        dialect.one_of(table.limit_id, sqlite=sqlite),
        table.end_ns > bindparam("after"),
    )


_OF_WINDOW: Final = limit_window.c.id == bindparam("of_window")
_MINE: Final = and_(
    limit_lease.c.window_id == bindparam("of_window"),
    limit_lease.c.holder == bindparam("of_holder"),
)
_BY: Final = bindparam("by", type_=BigInteger)
_BACK: Final = bindparam("back", type_=BigInteger)
_NEXT: Final = limit_window.c.version + 1
_SETTLE: Final = (
    update(limit_window)
    .where(_OF_WINDOW)
    .values(
        settled=limit_window.c.settled + _BY,
        leased=limit_window.c.leased - _BACK,
        version=_NEXT,
    )
)
_ADD_LEASED: Final = (
    update(limit_window).where(_OF_WINDOW).values(leased=limit_window.c.leased + _BY, version=_NEXT)
)
_LEASED: Final = select(limit_lease.c.amount).where(_MINE)
_LOWER_LEASE: Final = update(limit_lease).where(_MINE).values(amount=limit_lease.c.amount - _BY)
