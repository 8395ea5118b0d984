"""The process that runs batches and evaluations: asleep until there is one, then the engine.

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
from collections.abc import Callable
from types import FrameType
from typing import Final

from legato.app.context import BatchContext
from legato.core.clock import SystemClock
from legato.core.errors import LegatoError
from legato.core.ids import IdSource

log = logging.getLogger(__name__)

_LOOK_S: Final = 0.5
_PIPE_BYTES: Final = 65_536


def run(context: BatchContext) -> None:
    """Sleep until there is a batch, then run batches until a stop signal, or until all is done."""
    # what woke it is read by `may_sleep` alone: after a crash the next life wakes at once
    select.select([context.wake_fd], [], [])
    _serve(context)


def _serve(context: BatchContext) -> None:
    from legato.app.batches.batch_runs import build_runs  # noqa: PLC0415 - see above
    from legato.app.desks.evaluations import build_evaluation_runs  # noqa: PLC0415
    from legato.evaluation import runs as evaluation_run  # noqa: PLC0415
    from legato.evaluation.open_evaluations import OpenEvaluations  # noqa: PLC0415
    from legato.workflows import batch_run, native_run  # noqa: PLC0415
    from legato.workflows.engine import DurableEngine, EngineOptions  # noqa: PLC0415
    from legato.workflows.open_batches import OpenBatches  # noqa: PLC0415
    from legato.workflows.takeover import DEAD_AFTER_S, TakeOver  # noqa: PLC0415

    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, on_signal)
    clock = SystemClock()
    made, evaluating = build_runs(context, clock), build_evaluation_runs(context, clock)
    alone = context.database_url == context.data.database_url
    runs_url = context.data.workflows_url if alone else context.database_url
    executor = IdSource(clock).new()
    made.roster.beat(executor)
    running = (
        (batch_run.QUEUE, batch_run.AT_ONCE, batch_run.WORKFLOW, made.own),
        (native_run.QUEUE, native_run.AT_ONCE, native_run.WORKFLOW, made.native),
        (evaluation_run.QUEUE, evaluation_run.AT_ONCE, evaluation_run.WORKFLOW, evaluating.run),
    )
    engine = DurableEngine(
        EngineOptions(runs_url, executor, {queue: at_once for queue, at_once, _, _ in running}),
        {workflow: run for _, _, workflow, run in running},
    )
    # a data directory has one supervisor: whoever else began a run in its file is dead
    take_over = TakeOver(engine, made.roster, executor, 0.0 if alone else DEAD_AFTER_S)
    batches = OpenBatches(made.store, engine)
    evaluations = OpenEvaluations(evaluating.open, engine)
    live = _begin_live_scoring(context, executor, stop)
    idle_s = context.loaded.config.batches.idle_s
    busy_s = time.monotonic()
    while not stop.wait(_LOOK_S):
        try:
            take_over.pass_once()
            if any([batches.begin(), evaluations.begin()]):
                busy_s = time.monotonic()
            elif alone and live is None and time.monotonic() > busy_s + idle_s:
                if may_sleep(context.wake_fd, batches.unfinished, evaluations.unfinished):
                    return
                busy_s = time.monotonic()
        except LegatoError as error:
            log.warning("batches wait", extra={"reason": error.message})
    for one in (made.own, made.native, evaluating.run):
        one.stop()
    until_s = time.monotonic() + context.loaded.config.server.drain_s
    while (made.own.under_way or evaluating.run.under_way) and time.monotonic() < until_s:
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


def may_sleep(wake_fd: int, *unfinished: Callable[[], bool]) -> bool:
    """Whether there is nothing to do, so that the next life may sleep until it is woken.

    A batch is in the database before its worker writes to the pipe. So the pipe is emptied first:
    a batch that is not seen afterwards wakes the next life.
    """
    while select.select([wake_fd], [], [], 0)[0]:
        os.read(wake_fd, _PIPE_BYTES)
    return not any(one() for one in unfinished)


def wake(wake_fd: int) -> None:
    """Tell the process that there is a batch; a full pipe has told it already."""
    try:
        os.write(wake_fd, b"1")
    except BlockingIOError:
        return
