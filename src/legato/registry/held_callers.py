"""Holdouts as a worker knows them: an immutable snapshot, swapped whole when one changes."""

import logging
from typing import Protocol

from legato.core.registry import HOLDOUT, TREATED
from legato.core.tasks import InThread
from legato.core.watching import Watch
from legato.routing.assignment import WHOLE_BP, Assignment, slices_of
from legato.storage.registry.holdouts import Holdout

log = logging.getLogger(__name__)


class HoldoutSource(Protocol):
    """Where holdouts come from; blocking, called in a thread."""

    def version(self) -> int:
        """Return the newest version."""
        ...

    def read(self) -> tuple[int, list[Holdout]]:
        """Return those under way, and the version they are at least as new as."""
        ...


class HeldCallers:
    """Which callers of a route have its baseline; each holdout has a salt of its own."""

    def __init__(self, source: HoldoutSource, in_thread: InThread) -> None:
        self._source = source
        self._in_thread = in_thread
        self._version = -1
        self.by_route: dict[tuple[str, str], tuple[str, Assignment]] = {}
        """By organisation and route: the holdout's id, and who is in which arm."""

    def load(self) -> None:
        """Load the newest holdouts where they differ from ours. Blocking: call it in a thread."""
        if self._source.version() == self._version:
            return
        self._version, running = self._source.read()
        self.by_route = {(one.org, one.route): (one.id, _assignment(one)) for one in running}

    async def follow(self) -> None:
        """Keep them fresh for ever: a change is seen within half a second and a query.

        While the database is away the last ones stay in force.
        """
        await Watch("holdouts", lambda: self._in_thread(self.load)).follow()


def _assignment(one: Holdout) -> Assignment:
    weights = {HOLDOUT: one.share_bp, TREATED: WHOLE_BP - one.share_bp}
    return Assignment(one.id, slices_of(weights))
