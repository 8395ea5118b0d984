"""Looks after runs: begins what is wanted, wakes what is due, takes over what the dead had.

Whoever finds an activation wanted and has a place for it begins it, without a turn through the
engine's queue, whose looks would come on top of this one's. Of two that find the same one, the
engine lets one begin it.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import Final, Protocol

from legato.core.durable import Engine, RunState
from legato.core.errors import LegatoError, NotFound
from legato.storage.workflows.looking import RunLooking, Wanted
from legato.workflows.runs.host import AT_ONCE, QUEUE, WORKFLOW

log = logging.getLogger(__name__)

BEAT_S: Final = 0.5
_BEAT_ALONE_S: Final = 1.0
"""Where no other watches for it."""
DEAD_AFTER_S: Final = 2.5
"""How long a process may be silent: its runs are then another's, and its writes refused."""
_BUSY_S: Final = 0.05
_GOING_S: Final = 0.1
_IDLE_S: Final = 0.25
"""Between two looks: where there was something, where runs are under way, where none is."""
_APART_S: Final = 0.01
_FORGOTTEN_S: Final = 2.0
"""After how long it is asked, and how often, whether somebody is to begin an activation."""
_NS: Final = 1_000_000_000


class Roster(Protocol):
    """The table of beats. Every method may raise StorageUnavailable."""

    def beat(self, executor: str) -> None:
        """Say that this process lives."""
        ...

    def alive(self, within_s: float) -> frozenset[str]:
        """Return who has said so lately."""
        ...


class RunKeeper:
    """One process's. `run` it in a thread until it is told to stop."""

    def __init__(
        self,
        engine: Engine,
        looking: RunLooking,
        roster: Roster,
        executor: str,
        *,
        room: Callable[[], int],
        hurry: threading.Event,
        now_ns: Callable[[], int],
        dead_after_s: float = DEAD_AFTER_S,
    ) -> None:
        """`room` is how many more may begin here; `hurry` is set where something may have come."""
        self._engine = engine
        self._room = room
        self._hurry = hurry
        self._looking = looking
        self._roster = roster
        self._executor = executor
        self._now_ns = now_ns
        self._dead_after_s = dead_after_s
        self._beat_s = 0.0
        self._judging_from_s = time.monotonic() + dead_after_s
        self._asked_s = time.monotonic()

    def run(self, stop: threading.Event) -> None:
        """Look after runs until told to stop; what fails is tried again."""
        wait_s = _IDLE_S
        while not stop.wait(_APART_S):
            self._hurry.wait(wait_s)
            self._hurry.clear()
            try:
                wait_s = _BUSY_S if self.pass_once() else self._calm_s()
            except LegatoError as error:
                log.warning("workflows wait", extra={"reason": error.message})
                wait_s = 1.0
            except Exception:
                log.exception("looking after runs of workflows failed")
                wait_s = 1.0

    def _calm_s(self) -> float:
        return _IDLE_S if self._room() == AT_ONCE else _GOING_S

    def pass_once(self) -> bool:
        """Look once; return whether something was to do. May raise StorageUnavailable."""
        now_s = time.monotonic()
        if now_s - self._beat_s >= (BEAT_S if self._dead_after_s else _BEAT_ALONE_S):
            self._beat(now_s)
        came = self._looking.stirs(self._now_ns()) and self._look()
        if now_s - self._asked_s >= _FORGOTTEN_S:
            self._asked_s = now_s
            self._look_for_forgotten()
        return came

    def _look(self) -> bool:
        due = self._looking.wake_due(self._now_ns())
        room = self._room()
        wanted = self._looking.wanted(room) if room else []
        for one in wanted:
            self._begin(one)
        if wanted:
            self._looking.enqueued(wanted, self._now_ns())
        return bool(due or wanted)

    def _begin(self, one: Wanted) -> None:
        argument = [one.org, one.run_id, one.activation]
        self._engine.begin(WORKFLOW, name_of(one), argument, QUEUE)

    def _beat(self, now_s: float) -> None:
        self._roster.beat(self._executor)
        if self._beat_s and now_s - self._beat_s > self._dead_after_s > 0:
            # the others were as silent as this one, if it was the database that was away
            self._judging_from_s = now_s + self._dead_after_s
        self._beat_s = now_s
        if now_s < self._judging_from_s:
            return
        others = self._looking.holders() - {self._executor}
        if others and (dead := others - self._roster.alive(self._dead_after_s)):
            taken = self._looking.take_from(dead, self._now_ns())
            log.warning("took over runs of workflows", extra={"runs": taken, "of": len(dead)})

    def _look_for_forgotten(self) -> None:
        """Want activations anew that nobody will begin.

        The process that took one out of the queue was killed before it began, or the engine's own
        database is another.
        """
        forgotten = self._looking.forgotten(self._now_ns() - int(_FORGOTTEN_S * _NS))
        alive = self._roster.alive(self._dead_after_s or DEAD_AFTER_S) if forgotten else frozenset()
        for one in forgotten:
            if not self._will_begin(one, alive):
                self._looking.queue_again(one, self._now_ns())

    def _will_begin(self, one: Wanted, alive: frozenset[str]) -> bool:
        try:
            found = self._engine.get(name_of(one))
        except NotFound:
            return False
        if found.state is RunState.RUNNING:
            return found.executor in alive
        return found.state is RunState.WAITING


def name_of(one: Wanted) -> str:
    """Return the id of an activation in the engine."""
    return f"{one.run_id}:{one.activation}"
