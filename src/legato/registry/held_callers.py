"""Holdouts as a worker knows them: an immutable snapshot, swapped whole when one changes."""

import asyncio
import logging
from typing import Protocol

from legato.core.errors import LegatoError
from legato.core.registry import HOLDOUT, TREATED
from legato.core.tasks import InThread
from legato.routing.assignment import WHOLE_BP, Assignment, slices_of
from legato.storage.holdouts import Holdout

log = logging.getLogger(__name__)

POLL_S = 0.5


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
        self._away = False
        self.by_route: dict[tuple[str, str], tuple[str, Assignment]] = {}
        """By organisation and route: the holdout's id, and who is in which arm."""

    def load(self) -> None:
        """Load the newest holdouts where they differ from ours. Blocking: call it in a thread."""
        if self._source.version() == self._version:
            return
        self._version, running = self._source.read()
        self.by_route = {(one.org, one.route): (one.id, _assignment(one)) for one in running}

    async def follow(self) -> None:
        """Keep them fresh for ever; while the database is away the last ones stay in force."""
        while True:
            try:
                await self._in_thread(self.load)
                self._away = False
            except LegatoError as error:
                if not self._away:
                    log.warning("holdouts can't be refreshed", extra={"reason": error.code})
                self._away = True
            except Exception:  # a defect must not end the watch: none would ever end
                if not self._away:
                    log.exception("holdouts can't be refreshed")
                self._away = True
            await asyncio.sleep(POLL_S)


def _assignment(one: Holdout) -> Assignment:
    weights = {HOLDOUT: one.share_bp, TREATED: WHOLE_BP - one.share_bp}
    return Assignment(one.id, slices_of(weights))
