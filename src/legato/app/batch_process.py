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
from legato.app.vaults import open_data_keys
from legato.core.clock import SystemClock
from legato.core.errors import LegatoError
from legato.core.ids import IdSource
from legato.storage.batches import BatchStore
from legato.storage.data_keys import DataKeyTable
from legato.storage.engine import open_engine
from legato.storage.executors import ExecutorBeats
from legato.storage.files import FileStore
from legato.vault.envelope import Envelopes

log = logging.getLogger(__name__)

_LOOK_S: Final = 0.5


def run(context: BatchContext) -> None:
    """Sleep until there is a batch, then run batches until a stop signal."""
    select.select([context.wake_fd], [], [])  # read by nobody: the next life wakes at once
    _serve(context)


def _serve(context: BatchContext) -> None:
    from legato.workflows.batch_calls import GatewayCalls  # noqa: PLC0415 - see above
    from legato.workflows.batch_run import AT_ONCE, QUEUE, WORKFLOW, BatchRun  # noqa: PLC0415
    from legato.workflows.batches import Batches  # noqa: PLC0415
    from legato.workflows.engine import DurableEngine, EngineOptions  # noqa: PLC0415
    from legato.workflows.files import StoredFiles  # noqa: PLC0415
    from legato.workflows.takeover import DEAD_AFTER_S, TakeOver  # noqa: PLC0415

    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, on_signal)
    database, clock = open_engine(context.database_url), SystemClock()
    ids = IdSource(clock)
    envelopes = Envelopes(open_data_keys(context.loaded, context.data, DataKeyTable(database)))
    store = BatchStore(database)
    org_bytes_max = context.loaded.config.files.org_bytes_max
    files = StoredFiles(
        FileStore(database), envelopes, clock, new_id=ids.new, org_bytes_max=org_bytes_max
    )
    batch_run = BatchRun(
        store,
        Batches(store, files, envelopes, clock, new_id=ids.new),
        files,
        GatewayCalls(context.base_url, ids.new),
        clock=clock,
        credential=context.acting.credential,
    )
    alone = context.database_url == context.data.database_url
    runs_url = context.data.workflows_url if alone else context.database_url
    executor, roster = ids.new(), ExecutorBeats(database)
    roster.beat(executor)
    engine = DurableEngine(
        EngineOptions(runs_url, executor, {QUEUE: AT_ONCE}), {WORKFLOW: batch_run}
    )
    # a data directory has one supervisor: whoever else began a run in its file is dead
    take_over = TakeOver(engine, roster, executor, 0.0 if alone else DEAD_AFTER_S)
    started: set[str] = set()
    while not stop.wait(_LOOK_S):
        try:
            take_over.pass_once()
            for org, batch_id in store.open():
                if batch_id not in started:
                    engine.start(WORKFLOW, batch_id, [org, batch_id], QUEUE)
                    started.add(batch_id)
        except LegatoError as error:
            log.warning("batches wait", extra={"reason": error.message})
    batch_run.stop()
    until_s = time.monotonic() + context.loaded.config.server.drain_s
    while batch_run.under_way and time.monotonic() < until_s:
        time.sleep(_LOOK_S / 10)


def wake(wake_fd: int) -> None:
    """Tell the process that there is a batch; a full pipe has told it already."""
    try:
        os.write(wake_fd, b"1")
    except BlockingIOError:
        return
