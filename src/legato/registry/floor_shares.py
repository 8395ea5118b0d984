"""Shares of requests that may leave their baseline, as a worker knows them."""

import logging
from collections.abc import Callable
from typing import Protocol

from legato.core.tasks import InThread
from legato.core.watching import Watch
from legato.routing.floor.compared import Compared
from legato.routing.floor.freedom import About, Moved, Terms
from legato.storage.registry.floors import KnownFloor

log = logging.getLogger(__name__)


class FloorSource(Protocol):
    """Where floors are kept; blocking, called in a thread."""

    def version(self) -> int:
        """Return a number that rises with every change of a share."""
        ...

    def read(self) -> tuple[int, list[KnownFloor]]:
        """Return all floors, and the number they are at least as new as."""
        ...

    def learn(
        self, about: About, loss: int, terms: Terms, compared: Compared | None = None
    ) -> Moved | None:
        """Take in one pair; return the change of the share if there is one."""
        ...


class FloorShares:
    """What is proven of each route's policy for each organisation; nothing is until it was read."""

    def __init__(self, source: FloorSource, in_thread: InThread) -> None:
        self._source = source
        self._in_thread = in_thread
        self._version = -1
        self.used = False
        """Whether any route guarantees something; else nothing is read."""
        self.shares: dict[tuple[str, str, str], float] = {}
        """By organisation, route and policy, as in `About`."""

    def share_of(self, route: str, policy_of: Callable[[str], str]) -> Callable[[str], float]:
        """Return what tells the share of an organisation's policy of a route now."""
        self.used = True
        return lambda org: self.shares.get((org, route, policy_of(org)), 0.0)

    async def learn(
        self, about: About, loss: int, terms: Terms, compared: Compared | None = None
    ) -> None:
        """Take in one pair. Raises StorageUnavailable."""
        moved = await self._in_thread(lambda: self._source.learn(about, loss, terms, compared))
        if moved is not None:
            self.shares[about] = moved.after
            log.warning(
                "what may leave a route's baseline has changed",
                extra={
                    "org": about.org,
                    "route": about.route,
                    "share_before": moved.before,
                    "share": moved.after,
                    "reason": moved.reason.value,
                    "pairs": moved.pairs.count,
                    "mean_loss": round(moved.mean_loss, 4),
                    "loss_at_most": round(moved.loss_at_most, 4),
                },
            )

    def load(self) -> None:
        """Read the shares where they differ from ours. Blocking: call it in a thread."""
        if not self.used or self._source.version() == self._version:
            return
        self._version, floors = self._source.read()
        self.shares = {one.about: one.floor.share for one in floors}

    async def follow(self) -> None:
        """Keep them fresh for ever: a change is seen within half a second and a query.

        While the database is away the last ones stay in force.
        """
        await Watch("floors", lambda: self._in_thread(self.load)).follow()
