"""The process that runs batches: asleep until there is one, then the durable engine.

It is forked with the others and imports the engine (some 60 MiB) only when a worker writes to the
pipe they share, or when the last life left a batch unfinished.
"""

import logging
import os
import select
import signal
import threading
import time
from types import FrameType
from typing import Final

from legato.app.context import BatchContext
from legato.core.clock import SystemClock
from legato.core.durable import RunState
from legato.core.errors import LegatoError
from legato.core.ids import IdSource

log = logging.getLogger(__name__)

_LOOK_S: Final = 0.5


def run(context: BatchContext) -> None:
    """Sleep until there is a batch, then run batches until a stop signal."""
    select.select([context.wake_fd], [], [])  # read by nobody: the next life wakes at once
    _serve(context)


def _serve(context: BatchContext) -> None:
    from legato.app.batch_runs import build_runs  # noqa: PLC0415 - see above
    from legato.workflows import batch_run, native_run  # noqa: PLC0415
    from legato.workflows.engine import DurableEngine, EngineOptions  # noqa: PLC0415
    from legato.workflows.takeover import DEAD_AFTER_S, TakeOver  # noqa: PLC0415

    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, on_signal)
    clock = SystemClock()
    store, roster, own, native = build_runs(context, clock)
    alone = context.database_url == context.data.database_url
    runs_url = context.data.workflows_url if alone else context.database_url
    executor = IdSource(clock).new()
    roster.beat(executor)
    engine = DurableEngine(
        EngineOptions(
            runs_url,
            executor,
            {batch_run.QUEUE: batch_run.AT_ONCE, native_run.QUEUE: native_run.AT_ONCE},
        ),
        {batch_run.WORKFLOW: own, native_run.WORKFLOW: native},
    )
    # a data directory has one supervisor: whoever else began a run in its file is dead
    take_over = TakeOver(engine, roster, executor, 0.0 if alone else DEAD_AFTER_S)
    started: set[str] = set()
    handed_on: set[str] = set()
    while not stop.wait(_LOOK_S):
        try:
            take_over.pass_once()
            for org, batch_id in store.open():
                named = [org, batch_id]
                if batch_id not in started:
                    engine.start(batch_run.WORKFLOW, batch_id, named, batch_run.QUEUE)
                    started.add(batch_id)
                elif batch_id not in handed_on:
                    run = engine.get(batch_id)
                    if run.result == batch_run.NATIVE:
                        run_id = batch_id + native_run.RUN_SUFFIX
                        engine.start(native_run.WORKFLOW, run_id, named, native_run.QUEUE)
                    if run.state is not RunState.WAITING and run.result is not None:
                        handed_on.add(batch_id)
        except LegatoError as error:
            log.warning("batches wait", extra={"reason": error.message})
    own.stop()
    native.stop()
    until_s = time.monotonic() + context.loaded.config.server.drain_s
    while own.under_way and time.monotonic() < until_s:
        time.sleep(_LOOK_S / 10)


def wake(wake_fd: int) -> None:
    """Tell the process that there is a batch; a full pipe has told it already."""
    try:
        os.write(wake_fd, b"1")
    except BlockingIOError:
        return
