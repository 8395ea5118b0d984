"""Budgets as a worker knows them: swapped whole when one changes."""

from typing import Protocol

from legato.core.budget import Budget
from legato.core.tasks import InThread
from legato.core.watching import Watch
from legato.governance.coverage import Coverage


class BudgetSource(Protocol):
    """Where budgets come from; blocking, called in a thread."""

    def version(self) -> int:
        """Return the newest version."""
        ...

    def snapshot(self) -> tuple[int, list[Budget]]:
        """Return all, and the version they are at least as new as."""
        ...


class BudgetFollower:
    """Keeps a worker's coverage fresh."""

    def __init__(self, source: BudgetSource, coverage: Coverage, in_thread: InThread) -> None:
        self._source = source
        self._coverage = coverage
        self._in_thread = in_thread
        self._version = -1

    async def load(self) -> None:
        """Take in the newest budgets where they differ from ours. Raises StorageUnavailable."""
        found = await self._in_thread(self._read)
        if found is not None:
            self._version, budgets = found
            self._coverage.swap(budgets)

    async def follow(self) -> None:
        """Keep them fresh for ever: a change is seen within half a second and a query.

        While the database is away the last ones stay in force.
        """
        await Watch("budgets", self.load).follow()

    def _read(self) -> tuple[int, list[Budget]] | None:
        return None if self._source.version() == self._version else self._source.snapshot()
