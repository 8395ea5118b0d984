"""Slices of budgets, rates and slots in SQL, taken atomically by the processes that spend them.

See `legato.core.leases` for what a store of leases promises.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, Engine

from legato.core.clock import Clock
from legato.core.leases import LEDGERED, Grant, LimitKind, Returned, Wish, falls_short
from legato.storage.database.dialect import now_ns
from legato.storage.database.engine import writing
from legato.storage.database.windows import FOREVER_NS, Span, span_around
from legato.storage.limits import limit_windows
from legato.storage.limits.limit_windows import Level, LimitWindow


class _Standing(NamedTuple):
    """How one limit stands when it is asked for."""

    span: Span
    level: Level
    frees_at_ns: int


class LeaseStore:
    """Grants and takes back, as `legato.core.leases.Leases` says."""

    def __init__(self, engine: Engine, clock: Clock | None = None) -> None:
        """`clock` is the store's own when none is given."""
        self._engine = engine
        self._clock = clock

    def take(self, wishes: Sequence[Wish], *, holder: str) -> list[Grant]:
        """Lease from all these limits or from none, and return how each stands."""
        with writing(self._engine) as connection:
            _lock(connection, ((wish.limit.kind, wish.limit.id) for wish in wishes))
            at_ns = now_ns(connection, self._clock)
            stand = [_standing(connection, wish, at_ns) for wish in wishes]
            grants = [_grant(wish, one, at_ns) for wish, one in zip(wishes, stand, strict=True)]
            if any(falls_short(*pair) for pair in zip(wishes, grants, strict=True)):
                return [_taken_from(grant) for grant in grants]
            for grant, one in zip(grants, stand, strict=True):
                if grant.granted:
                    limit_windows.lease(connection, one.level.id, holder, grant.granted)
            return grants

    def give_back(self, returned: Sequence[Returned], *, holder: str) -> None:
        """Take back at most what a holder has of these windows."""
        with writing(self._engine) as connection:
            _lock(connection, ((one.kind, one.limit_id) for one in returned))
            for one in returned:
                amount = one.amount
                for window_id in limit_windows.returned_to(connection, one):
                    amount -= limit_windows.unlease(connection, window_id, holder, amount)

    def release_holder(self, holder: str) -> None:
        """Take back the slots of a dead process."""
        with writing(self._engine) as connection:
            limit_windows.release(connection, holder, [LimitKind.SLOTS])


def _lock(connection: Connection, limits: Iterable[tuple[LimitKind, str]]) -> None:
    ids: dict[LimitKind, list[str]] = defaultdict(list)
    for kind, limit_id in limits:
        ids[kind].append(limit_id)
    limit_windows.lock(connection, ids)


def _standing(connection: Connection, wish: Wish, at_ns: int) -> _Standing:
    limit = wish.limit
    span = span_around(limit.span, at_ns)
    window = LimitWindow(limit.kind, limit.id, limit.span, span.start_ns, span.end_ns)
    if limit.kind is LimitKind.RATE:
        limit_windows.forget_before(connection, window, span.oldest_ns)
    level = limit_windows.level(connection, window)
    if limit.kind in LEDGERED:
        otherwise = limit_windows.leased_otherwise(connection, window, at_ns)
        level = level._replace(leased=level.leased + otherwise)
    if not span.parts:
        return _Standing(span, level, span.end_ns)
    earlier = limit_windows.earlier_parts(connection, window, span.oldest_ns)
    total = Level(
        level.id,
        level.settled + sum(part.settled for part in earlier),
        level.leased + sum(part.leased for part in earlier),
    )
    used = [part.start_ns for part in earlier if part.settled + part.leased > 0]
    length_ns = span.end_ns - span.start_ns
    return _Standing(span, total, min(used, default=span.start_ns) + length_ns * (span.parts + 1))


def _grant(wish: Wish, stand: _Standing, at_ns: int) -> Grant:
    limit, span, level = wish.limit, stand.span, stand.level
    free = wish.want if limit.soft else limit.limit - level.settled - level.leased
    granted = max(0, min(wish.want, free)) if free >= wish.at_least else 0
    ends = span.end_ns != FOREVER_NS
    return Grant(
        granted,
        level.settled,
        level.leased + granted,
        limit.limit,
        span.start_ns,
        span.end_ns if ends else None,
        at_ns,
        stand.frees_at_ns if ends else None,
    )


def _taken_from(grant: Grant) -> Grant:
    return grant._replace(granted=0, leased=grant.leased - grant.granted)
