"""Holds that outlive their process: granted by the store, then written into the database.

A native batch's hold is under the batch's name, and whoever goes on with the batch has it. So no
process can say it again after the store has lost its memory; the database can.
"""

from collections.abc import Sequence

from sqlalchemy import Engine

from legato.core.errors import StorageUnavailable
from legato.core.leases import Grant, Limit, Returned, Wish
from legato.storage.database.engine import writing
from legato.storage.database.windows import span_around
from legato.storage.limits import limit_windows
from legato.storage.limits.leases import LeaseStore
from legato.storage.limits.limit_windows import LimitWindow
from legato.storage.limits.redis.leases import RedisLeases
from legato.storage.limits.redis.session import Session


class LastingHolds:
    """`Leases` whose grants stand in the database. The ledger's `feed` tells how they end."""

    def __init__(self, session: Session, engine: Engine) -> None:
        self._session = session
        self._leases = RedisLeases(session)
        self._database = LeaseStore(engine)
        self._engine = engine

    def take(self, wishes: Sequence[Wish], *, holder: str) -> list[Grant]:
        """Lease from all these limits or from none, and return how each stands.

        Raises:
            StorageUnavailable: nothing was leased, or what was is given back by the next attempt.
        """
        grants = self._leases.take(wishes, holder=holder)
        if not any(grant.granted for grant in grants):
            return grants
        session = self._session
        with session.lock:
            epoch = session.epoch
            windows = self._written(wishes, grants, holder)
            session.ready()
            # Said in the same epoch, nobody can have been granted the same room in between.
            pushed = session.push(session.books.standings(windows), create=True)
            if not pushed or session.epoch != epoch:
                self._undone(grants, wishes, holder)
                msg = "The store of leases (limits.store) has just lost its memory. Try again."
                raise StorageUnavailable(msg, retry_after_s=1.0)
            for window in windows:
                session.drop(holder, session.window_key(window))
            session.slices.forget_holder(holder)
        return grants

    def give_back(self, returned: Sequence[Returned], *, holder: str) -> None:
        """Take back at most what a holder has of these windows."""
        self._database.give_back(returned, holder=holder)

    def release_holder(self, holder: str) -> None:
        """Take back the slots of a holder."""
        self._database.release_holder(holder)

    def _written(
        self, wishes: Sequence[Wish], grants: Sequence[Grant], holder: str
    ) -> list[LimitWindow]:
        windows = []
        with writing(self._engine) as connection:
            kinds = {wish.limit.kind for wish in wishes}
            limit_windows.lock(
                connection,
                {kind: [w.limit.id for w in wishes if w.limit.kind is kind] for kind in kinds},
            )
            for wish, grant in zip(wishes, grants, strict=True):
                window = _window_of(wish.limit, grant)
                level = limit_windows.level(connection, window)
                limit_windows.lease(connection, level.id, holder, grant.granted)
                windows.append(window)
        return windows

    def _undone(self, grants: Sequence[Grant], wishes: Sequence[Wish], holder: str) -> None:
        self._session.slices.forget_holder(holder)
        self._database.give_back(
            [
                Returned(wish.limit.kind, wish.limit.id, grant.window_start_ns, grant.granted)
                for wish, grant in zip(wishes, grants, strict=True)
            ],
            holder=holder,
        )


def _window_of(limit: Limit, grant: Grant) -> LimitWindow:
    span = span_around(limit.span, grant.window_start_ns)
    return LimitWindow(limit.kind, limit.id, limit.span, span.start_ns, span.end_ns)
