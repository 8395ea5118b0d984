"""Wires what a worker serves of files and batches."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from legato.api.anthropic.batches import MessageBatchPages
from legato.api.endpoints import Resource
from legato.api.openai.batches import BatchPages
from legato.api.openai.files import FilePages
from legato.app.batches.batch_process import wake
from legato.app.context import WorkerContext
from legato.app.models.vaults import open_data_keys
from legato.core.clock import SystemClock
from legato.core.ids import IdSource
from legato.core.tasks import InThread
from legato.governance.store_gate import StoreGate
from legato.storage.data_keys import DataKeyTable
from legato.storage.kept.files import FileStore
from legato.storage.runs.batches import BatchStore
from legato.vault.envelope import Envelopes
from legato.workflows.batches import Batches
from legato.workflows.deferred import DeferredCalls
from legato.workflows.files import StoredFiles
from legato.workflows.message_batches import MessageBatches


class KeptPages(NamedTuple):
    """Pages by what they do."""

    files: dict[str, Resource]
    batches: dict[str, Resource]
    message_batches: dict[str, Resource]


class _Kept(NamedTuple):
    """What pages and deferred calls are made of."""

    store: BatchStore
    batches: Batches
    files: StoredFiles
    ask_store: InThread
    wake: Callable[[], None]


def deferred_calls(
    context: WorkerContext,
) -> tuple[DeferredCalls, InThread, Callable[[], None]]:
    """Return the queue of deferred calls, what runs its work, and what wakes who runs batches."""
    kept = _kept(context)
    return DeferredCalls(kept.store, kept.batches, kept.files), kept.ask_store, kept.wake


def kept_pages(context: WorkerContext) -> KeptPages:
    """Return the pages of files and those of batches, in either vendor's shape."""
    store, batches, files, ask_store, wake_up = _kept(context)
    messages = MessageBatches(store, batches, files)
    return KeptPages(
        FilePages(files, ask_store).resources(),
        BatchPages(batches, ask_store, wake_up).resources(),
        MessageBatchPages(messages, ask_store, wake_up).resources(),
    )


def _kept(context: WorkerContext) -> _Kept:
    engine, clock = context.engine, SystemClock()
    # a thread of its own: a large file must not hold up conversations
    threads = ThreadPoolExecutor(1, thread_name_prefix="files")
    loop = asyncio.get_running_loop()

    async def in_store_thread(work: Callable[[], Any]) -> Any:
        return await loop.run_in_executor(threads, work)

    ask_store = StoreGate(
        in_store_thread, clock, "The database is away: files and batches can't be reached now."
    )
    envelopes = Envelopes(open_data_keys(context.loaded, context.data, DataKeyTable(engine)))
    ids = IdSource(clock)
    org_bytes_max = context.loaded.config.files.org_bytes_max
    store = BatchStore(engine)
    files = StoredFiles(
        FileStore(engine),
        envelopes,
        clock,
        new_id=ids.new,
        org_bytes_max=org_bytes_max,
        read_by=store.open_over,
    )
    batches = Batches(store, files, envelopes, clock, new_id=ids.new)

    def wake_up() -> None:
        wake(context.wake_fd)

    return _Kept(store, batches, files, ask_store, wake_up)
