"""The process that runs batches, evaluations and workflows: asleep until there is one.

It is forked with the others and imports the engine (some 60 MiB) only when a worker writes to the
pipe they share, or when the last life left a batch unfinished. Once nothing has been to do for a
while it ends, and the supervisor puts a sleeping one in its place. With a database of its own,
that is: where nodes share one, those that are awake look after each other's batches.
"""

import logging
import os
import select
import signal
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from types import FrameType
from typing import Final

from legato.app.context import BatchContext
from legato.app.secret_following import follow_stored_secrets, of_providers
from legato.core.clock import SystemClock
from legato.core.errors import LegatoError
from legato.core.ids import IdSource

log = logging.getLogger(__name__)

_LOOK_S: Final = 0.5
_CALM_S: Final = 2.0
"""Between two looks for batches and evaluations while none is open and nothing is told."""
_QUEUES_S: Final = 1.0
"""Each queue costs half a percent of a core where it is looked at twice a second."""
_PIPE_BYTES: Final = 65_536


def run(context: BatchContext) -> None:
    """Sleep until there is a batch, then run batches until a stop signal, or until all is done."""
    # what woke it is read by `may_sleep` alone: after a crash the next life wakes at once
    select.select([context.wake_fd], [], [])
    _serve(context)


def _serve(context: BatchContext) -> None:
    from legato.app.batches.batch_runs import build_runs  # noqa: PLC0415 - see above
    from legato.app.desks.evaluations import build_evaluation_runs  # noqa: PLC0415
    from legato.app.workflows.running import build_running  # noqa: PLC0415
    from legato.evaluation import runs as evaluation_run  # noqa: PLC0415
    from legato.evaluation.open_evaluations import OpenEvaluations  # noqa: PLC0415
    from legato.workflows import batch_run, native_run  # noqa: PLC0415
    from legato.workflows.engine import DurableEngine, EngineOptions  # noqa: PLC0415
    from legato.workflows.open_batches import OpenBatches  # noqa: PLC0415
    from legato.workflows.runs import host as run_host  # noqa: PLC0415
    from legato.workflows.takeover import DEAD_AFTER_S, TakeOver  # noqa: PLC0415

    stop, clock = _stopped_by_signal(), SystemClock()
    follow_stored_secrets(context.loaded, of_providers, stop=stop)
    made = build_runs(context, clock)
    alone = context.database_url == context.data.database_url
    runs_url = context.data.workflows_url if alone else context.database_url
    executor = IdSource(clock).new()
    made.roster.beat(executor)
    workflows = build_running(context, clock, executor, stop=stop, alone=alone)
    flows, evaluating = workflows.host, build_evaluation_runs(context, clock, workflows.rehearsed)
    running = (
        (batch_run.QUEUE, batch_run.AT_ONCE, batch_run.WORKFLOW, made.own),
        (native_run.QUEUE, native_run.AT_ONCE, native_run.WORKFLOW, made.native),
        (evaluation_run.QUEUE, evaluation_run.AT_ONCE, evaluation_run.WORKFLOW, evaluating.run),
        (run_host.QUEUE, run_host.AT_ONCE, run_host.WORKFLOW, flows),
    )
    queues = {queue: at_once for queue, at_once, _, _ in running}
    options = EngineOptions(runs_url, executor, queues, poll_s=_QUEUES_S)
    engine = DurableEngine(options, {workflow: run for _, _, workflow, run in running})
    # a data directory has one supervisor: whoever else began a run in its file is dead
    dead_after_s = 0.0 if alone else DEAD_AFTER_S
    take_over = TakeOver(engine, made.roster, executor, dead_after_s=dead_after_s)
    batches, evaluations = OpenBatches(made.store, engine), OpenEvaluations(evaluating.open, engine)
    live = _begin_live_scoring(context, executor, stop)
    wakes = Wakes(context.wake_fd, (looks := Looks(flows.hurry)).tell)
    keeping = [*workflows.keeper(engine), wakes.begin(stop)]
    idle_s, busy_s = context.loaded.config.batches.idle_s, time.monotonic()
    while not stop.wait(_LOOK_S):
        if not looks.due():
            continue
        try:
            take_over.pass_once()
            looks.found(some_open=any([batches.begin(), evaluations.begin()]))
            if looks.some_open or workflows.unfinished():
                busy_s = time.monotonic()
            elif alone and live is None and time.monotonic() > busy_s + idle_s:
                unfinished = (batches.unfinished, evaluations.unfinished, workflows.unfinished)
                if wakes.ends(partial(may_sleep, context.wake_fd, *unfinished)):
                    return
                busy_s = time.monotonic()
        except LegatoError as error:
            log.warning("batches wait", extra={"reason": error.message})
    # first of all no call is begun any more: nobody would answer it
    for one in (made.own, made.native, evaluating.run, flows):
        one.stop()
    for each in keeping:
        each.join()
    working = (lambda: made.own.under_way, lambda: evaluating.run.under_way)
    _wait_for_calls(working, live, context.loaded.config.server.drain_s)


def _stopped_by_signal() -> threading.Event:
    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, on_signal)
    return stop


def _wait_for_calls(
    working: Sequence[Callable[[], int]], live: threading.Thread | None, drain_s: float
) -> None:
    """Let calls end that are under way, for a while."""
    until_s = time.monotonic() + drain_s
    while any(one() for one in working) and time.monotonic() < until_s:
        time.sleep(_LOOK_S / 10)
    if live is not None:
        live.join(max(0.0, until_s - time.monotonic()))


def _begin_live_scoring(
    context: BatchContext, executor: str, stop: threading.Event
) -> threading.Thread | None:
    """Begin to score live answers, where that is configured: it keeps the process awake."""
    if not context.loaded.config.live_scoring:
        return None
    from legato.app.batches.live_scoring import run_policies  # noqa: PLC0415 - as above

    thread = threading.Thread(target=run_policies, args=(context, executor, stop), daemon=True)
    thread.start()
    return thread


class Looks:
    """When to look for batches and evaluations: soon after news, seldom while none is open."""

    def __init__(self, hurry: Callable[[], None]) -> None:
        """`hurry` is told of news, too."""
        self.some_open = True
        self._hurry = hurry
        self._told = threading.Event()
        self._next_s = 0.0

    def tell(self) -> None:
        """Know that something may have come."""
        self._hurry()
        self._told.set()

    def due(self) -> bool:
        """Whether it is time."""
        is_told = self._told.is_set()
        self._told.clear()
        return is_told or self.some_open or time.monotonic() >= self._next_s

    def found(self, *, some_open: bool) -> None:
        """Know what a look came to."""
        self.some_open = some_open
        self._next_s = time.monotonic() + _CALM_S


class Wakes:
    """Takes in what is written to the pipe while the process is awake, and passes it on."""

    def __init__(self, wake_fd: int, told: Callable[[], None]) -> None:
        self._fd = wake_fd
        self._told = told
        self._taking = threading.Lock()

    def begin(self, stop: threading.Event) -> threading.Thread:
        """Do so in a thread of its own until told to stop."""
        thread = threading.Thread(target=self._run, args=(stop,), name="wakes", daemon=True)
        thread.start()
        return thread

    def ends(self, may: Callable[[], bool]) -> bool:
        """Return whether the process may end; what comes then stays there for its next life."""
        self._taking.acquire()
        ended = False
        try:
            ended = may()
        finally:
            if not ended:
                self._taking.release()
        return ended

    def _run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            if not select.select([self._fd], [], [], _LOOK_S)[0]:
                continue
            with self._taking:
                _empty(self._fd)
            self._told()


def _empty(wake_fd: int) -> None:
    while select.select([wake_fd], [], [], 0)[0]:
        os.read(wake_fd, _PIPE_BYTES)


def may_sleep(wake_fd: int, *unfinished: Callable[[], bool]) -> bool:
    """Whether there is nothing to do, so that the next life may sleep until it is woken.

    A batch is in the database before its worker writes to the pipe. So the pipe is emptied first:
    a batch that is not seen afterwards wakes the next life.
    """
    _empty(wake_fd)
    return not any(one() for one in unfinished)


def wake(wake_fd: int) -> None:
    """Tell the process that there is a batch; a full pipe has told it already."""
    try:
        os.write(wake_fd, b"1")
    except BlockingIOError:
        return
