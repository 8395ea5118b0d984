"""Taking over the runs of an executor that is gone.

The engine recovers what its own process began and nothing else. So every executor leaves a beat
in a table, and each looks after the others: runs whose executor has not been heard of for a
while are put back into their queue. If it only slept, it loses: outcomes are recorded once, and
its late one is refused.
"""

import logging
import math
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from itertools import count
from typing import Final, Protocol

from legato.core.durable import Engine, Run, RunState

log = logging.getLogger(__name__)

BEAT_S: Final = 1.0
DEAD_AFTER_S: Final = 10.0
_PAGE: Final = 500


class Roster(Protocol):
    """The table of beats. Every method may raise StorageUnavailable."""

    def beat(self, executor: str) -> None:
        """Say that this executor lives."""
        ...

    def alive(self, within_s: float) -> frozenset[str]:
        """Return who has said so lately."""
        ...

    def alone(self) -> AbstractContextManager[None]:
        """Keep the others from looking at the same time."""
        ...


class TakeOver:
    """One executor's part in it; call `pass_once` every `beat_s` or more often."""

    def __init__(
        self,
        engine: Engine,
        roster: Roster,
        executor: str,
        *,
        dead_after_s: float = DEAD_AFTER_S,
        beat_s: float = BEAT_S,
    ) -> None:
        """With a `dead_after_s` of 0 there is no other: who has runs is a life before this one."""
        self._engine = engine
        self._roster = roster
        self._executor = executor
        self._dead_after_s = dead_after_s
        self._is_alone = not dead_after_s
        self._beat_s = beat_s
        self._next_s = 0.0

    def pass_once(self) -> list[str]:
        """Leave a beat; resume what the dead were running, and return the ids of those runs.

        Does nothing before `beat_s` are over, and nothing more once an executor that is alone has
        what was left to it: nobody else comes to die.

        Raises:
            StorageUnavailable: the database of the beats is away.
        """
        if time.monotonic() < self._next_s:
            return []
        taken = self._taken()
        is_settled = self._is_alone and not taken
        self._next_s = math.inf if is_settled else time.monotonic() + self._beat_s
        return taken

    def _taken(self) -> list[str]:
        self._roster.beat(self._executor)
        if not self._orphans():
            return []
        with self._roster.alone():  # looked at again: another may have just resumed them
            orphans = self._orphans()
            for run_id in orphans:
                log.warning("taking over a run", extra={"run": run_id})
                self._engine.resume(run_id)
        return orphans

    def _orphans(self) -> list[str]:
        strangers = [run for run in self._running() if run.executor != self._executor]
        if not strangers:
            return []
        alive = self._roster.alive(self._dead_after_s)
        return [run.id for run in strangers if run.executor not in alive]

    def _running(self) -> Iterator[Run]:
        for offset in count(0, _PAGE):
            page = self._engine.runs(
                states=frozenset({RunState.RUNNING}), limit=_PAGE, offset=offset
            )
            yield from page
            if len(page) < _PAGE:
                return
