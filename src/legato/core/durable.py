"""Durable runs, as their users know them; `legato.workflows.engine` has the one engine.

A workflow is a function of `(steps, argument)`. Whatever it does to the outside it does in
`steps.do`: a step runs at least once, its outcome is recorded once, and a run that is taken up
again gets the recorded outcomes back instead of doing them anew. Between the steps it must be
deterministic. Arguments, outcomes and messages are JSON.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, Protocol

import msgspec


class RunState(StrEnum):
    """How far a run is."""

    WAITING = "waiting"
    """For its turn in a queue, or to be taken up again."""
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Run(msgspec.Struct, frozen=True):
    """One run of a workflow."""

    id: str
    workflow: str
    state: RunState
    executor: str
    """The process that had it last; "" before the first."""
    queue: str
    created_at_ms: int
    result: Any = None
    error: str = ""
    forked_from: str = ""


class StepOutcome(msgspec.Struct, frozen=True):
    """What one step of a run came to, counted from 1."""

    number: int
    name: str
    result: Any = None
    error: str = ""


class Schedule(msgspec.Struct, frozen=True):
    """Starts a workflow at the times of a cron expression, in UTC."""

    name: str
    workflow: str
    cron: str
    context: Any = None


class Steps(Protocol):
    """What a running workflow is handed."""

    @property
    def run_id(self) -> str:
        """The id of the run: part of every idempotency key that goes outside."""
        ...

    def do(self, name: str, work: Callable[[], Any]) -> Any:
        """Do this now, or return what came of it when it was done before."""
        ...

    def receive(self, topic: str, wait_s: float) -> Any:
        """Return the next message on a topic, None when none came in time."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait; a run that is taken up again waits only for what is left."""
        ...


Workflow = Callable[[Steps, Any], Any]


class Engine(Protocol):
    """Runs workflows durably. Every method blocks; none may be called on an event loop."""

    def start(self, workflow: str, run_id: str, argument: Any, queue: str) -> None:
        """Put a run into a queue; one with this id that is there already is left alone."""
        ...

    def begin(self, workflow: str, run_id: str, argument: Any, queue: str) -> None:
        """Begin a run in this process, at once; one with this id that is there is left alone.

        The queue is the one it goes on in where this process dies.
        """
        ...

    def signal(self, run_id: str, topic: str, message: Any) -> None:
        """Send a message to a run. Raises NotFound."""
        ...

    def cancel(self, run_id: str) -> None:
        """End a run before its next step; one that has ended stays as it is. Raises NotFound."""
        ...

    def resume(self, run_id: str) -> None:
        """Let a run go on, after its last recorded step. Raises NotFound."""
        ...

    def fork(self, run_id: str, from_step: int) -> str:
        """Start a new run with the outcomes before a step taken over; return its id.

        Raises NotFound.
        """
        ...

    def get(self, run_id: str) -> Run:
        """Return a run. Raises NotFound."""
        ...

    def runs(
        self,
        *,
        states: frozenset[RunState] = frozenset(),
        workflow: str = "",
        limit: int = 100,
        offset: int = 0,
    ) -> list[Run]:
        """Return runs, newest first, of some states or of all."""
        ...

    def steps(self, run_id: str) -> list[StepOutcome]:
        """Return what is recorded of a run, in order."""
        ...

    def schedule(self, schedule: Schedule, queue: str) -> None:
        """Start a workflow regularly; a schedule of this name is replaced.

        A run's argument is `{"at": ISO time, "context": ...}`. Raises InvalidRequest.
        """
        ...

    def unschedule(self, name: str) -> None:
        """End a schedule; none of this name is no error."""
        ...

    def schedules(self) -> list[Schedule]:
        """Return all schedules."""
        ...
