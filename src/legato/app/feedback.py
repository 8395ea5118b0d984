"""Wires what a worker takes in of feedback."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from legato.api.endpoints import Resource
from legato.api.feedback import feedback_page
from legato.app.checks.instance import Instance
from legato.app.context import WorkerContext
from legato.app.models.vaults import open_data_keys
from legato.core.clock import SystemClock
from legato.core.errors import Conflict
from legato.core.ids import IdSource
from legato.core.tenant import Tenant
from legato.governance.store_gate import StoreGate
from legato.insights.feedback import FeedbackDesk
from legato.storage.data_keys import DataKeyTable
from legato.storage.evaluation.feedback import FeedbackIntake
from legato.storage.kept.semantic_entries import SemanticEntryStore
from legato.storage.ledger.entries import EntryReader
from legato.storage.registry.models import RegistryModels
from legato.vault.envelope import Envelopes


def feedback_resource(context: WorkerContext, pseudonym: Callable[[str, str], str]) -> Resource:
    """Return what serves `POST /v1/feedback`."""
    engine, clock = context.engine, SystemClock()
    # a thread of its own: neither files nor conversations wait for it, nor it for them
    threads = ThreadPoolExecutor(1, thread_name_prefix="feedback")
    loop = asyncio.get_running_loop()

    async def in_store_thread(work: Callable[[], Any]) -> Any:
        return await loop.run_in_executor(threads, work)

    def take_back(tenant: Tenant, request_id: str) -> None:
        if context.loaded.config.cache.semantic is None:
            told = "outcome: there is no semantic cache here that could have answered"
            raise Conflict(told, param="outcome")
        from legato.app.caches.cache_desk import Sources, open_cache_desk  # noqa: PLC0415 - an extra

        sources = Sources(
            DataKeyTable(engine),
            SemanticEntryStore(engine, clock),
            EntryReader(engine, tenant),
            RegistryModels(engine, context.loaded.config.registry.environment),
        )
        instance = Instance(context.data, None, context.loaded)
        open_cache_desk(sources, instance, tenant).wrong(request_id)

    desk = FeedbackDesk(
        lambda tenant: FeedbackIntake(engine, tenant),
        Envelopes(open_data_keys(context.loaded, context.data, DataKeyTable(engine))),
        pseudonym,
        clock,
        new_id=IdSource(clock).new,
        take_back=take_back,
    )
    told = "The database is away: feedback can't be kept now. Send it again."
    return feedback_page(desk, StoreGate(in_store_thread, clock, told))
