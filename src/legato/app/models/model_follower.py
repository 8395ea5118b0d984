"""Follows what is live in the registry: a worker's directory changes within a second."""

import logging
from collections.abc import Callable

from legato.app.models.served_models import ServedModels
from legato.app.models.served_reading import ServedReader
from legato.core.tasks import InThread
from legato.core.watching import Watch

log = logging.getLogger(__name__)


class ModelFollower:
    """Reads in a thread; `changed` is called on the event loop, and swaps what requests meet."""

    def __init__(
        self, reader: ServedReader, changed: Callable[[ServedModels], None], in_thread: InThread
    ) -> None:
        self._reader = reader
        self._changed = changed
        self._in_thread = in_thread
        self._unpriced: frozenset[str] = frozenset()

    async def load(self) -> None:
        """Take in what is live. Raises StorageUnavailable."""
        found = await self._in_thread(self._reader.load)
        if found is None:
            return
        self._changed(found)
        for told in found.withheld:
            log.error("a version can't be served, what worked stays", extra={"reason": told})
        for name in sorted({*found.unpriced} - self._unpriced):  # said once, not at each change
            log.warning(
                "deployment is unpriced: its calls are counted, their cost is unknown",
                extra={"deployment": name, "remedy": "Give it a price, or a model of the book."},
            )
        self._unpriced = frozenset(found.unpriced)

    async def follow(self) -> None:
        """Keep what is live fresh for ever: a change is seen within half a second and a query.

        While the database is away the last models stay in force.
        """
        await Watch("models", self.load).follow()
