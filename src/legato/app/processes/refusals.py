"""Writes what the control API refused into the audit log, off the event loop."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from legato.audit.refusals import Refusals
from legato.core.errors import StorageUnavailable
from legato.core.tasks import InThread

log = logging.getLogger(__name__)

_LOOK_S: Final = 1.0


class RefusalWriter:
    """Run as one task; `write` once more at the end of the process."""

    def __init__(
        self, refusals: Refusals, write: Callable[[Refusals], int], in_thread: InThread
    ) -> None:
        """`write` records what was counted; blocking."""
        self._refusals = refusals
        self._write = write
        self._in_thread = in_thread
        self._away = False

    async def run(self) -> None:
        """Write whenever it is due, for ever."""
        while True:
            await asyncio.sleep(_LOOK_S)
            if self._refusals.due():
                await self.write()

    async def write(self) -> None:
        """Write what there is; while the database is away it is counted on."""
        try:
            await self._in_thread(lambda: self._write(self._refusals))
            self._away = False
        except StorageUnavailable as error:
            if not self._away:
                log.warning("refusals wait to be recorded", extra={"reason": error.message})
            self._away = True
