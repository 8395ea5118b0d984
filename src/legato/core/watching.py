"""Keeping what a process has read of the database fresh, whatever happens to either."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from legato.core.errors import LegatoError

log = logging.getLogger(__name__)

POLL_S: Final = 0.5
"""A change anywhere is seen within this time and a query."""


class Watch:
    """Looks for changes. What was read last stays in force while looking fails."""

    def __init__(self, what: str, look: Callable[[], Awaitable[object]]) -> None:
        """`what` stands in the log, in the plural; `look` takes in what has changed."""
        self._what = what
        self._look = look
        self.failing = False
        """Whether the last look failed."""

    async def look(self) -> None:
        """Look once. Never raises; the first failure of a row is logged."""
        try:
            await self._look()
        except LegatoError as error:
            if not self.failing:
                log.warning("%s can't be refreshed", self._what, extra={"reason": error.code})
            self.failing = True
        except Exception:  # a defect must not end the watch: nothing would ever change again
            if not self.failing:
                log.exception("%s can't be refreshed", self._what)
            self.failing = True
        else:
            self.failing = False

    async def follow(self) -> None:
        """Look twice a second, for ever."""
        while True:
            await self.look()
            await asyncio.sleep(POLL_S)
