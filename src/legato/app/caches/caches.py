"""Wires the caches of a worker."""

import asyncio
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import msgspec

from legato.api.openai.embeddings import Embeddings
from legato.app.checks.embedders import embedding_deployment, learnt_under
from legato.app.context import WorkerContext
from legato.app.models.model_checks import runs_cache
from legato.app.models.vaults import open_data_keys
from legato.cache.answer_log import AnswerLog
from legato.cache.exact import ExactCache, Sealer
from legato.core.clock import Clock, SystemClock
from legato.core.config import Config
from legato.core.config_cache import SemanticCache
from legato.core.money import amount
from legato.core.principal import BudgetLimit, Window
from legato.core.tasks import InThread
from legato.core.wire import Surface
from legato.gateway.directory import Directory
from legato.gateway.stages.cached import CacheStages
from legato.gateway.stages.call import CallStage
from legato.gateway.stages.record import RecordStage
from legato.governance.store_gate import StoreGate
from legato.storage.data_keys import DataKeyTable
from legato.telemetry.metrics import Meters, Reading
from legato.vault.envelope import Envelopes

if TYPE_CHECKING:
    from legato.cache.semantic.index import SemanticIndex
    from legato.embedding.base import Embedder
    from legato.gateway.cache_checks import Checks
    from legato.gateway.deployment_embedder import DeploymentEmbedder
    from legato.gateway.semantic.bounds import Bounds
    from legato.gateway.stages.semantic import SemanticStages

_AWAY = "The database is away: the semantic cache is not shared now."
_MIB = 1024 * 1024
_IN_THREAD = "minilm"
"""WordLlama takes less time than the hop to a thread and back."""


def exact_cache(
    context: WorkerContext, sealer: Callable[[str], Sealer], clock: Clock, in_thread: InThread
) -> ExactCache | None:
    """Return the exact cache; None where no route has it."""
    config = context.loaded.config
    if not runs_cache(config):
        return None
    return ExactCache(
        config.cache,
        log=AnswerLog(
            context.data.cache / "exact",
            context.writer_id,
            config.cache.disk_mib * _MIB,
            answer_bytes_max=config.cache.entry_bytes_max,
        ),
        sealer=sealer("exact cache"),
        clock=clock,
        in_thread=in_thread,
    )


class Neighbours(msgspec.Struct, frozen=True, eq=False):
    """What the semantic cache works with of the rest of a worker."""

    exact: CacheStages
    directory: Directory
    call_stage: CallStage
    record: RecordStage
    meters: Meters
    chat: Surface
    clock: Clock
    new_id: Callable[[], str]


def semantic_cache(context: WorkerContext, beside: Neighbours) -> "SemanticStages | None":
    """Return the semantic cache; None, and nothing of it imported, where it isn't configured.

    Raises:
        EmbedderUnavailable: says what to install or to pull.
    """
    said = context.loaded.config.cache.semantic
    if said is None:
        return None
    from legato.gateway.stages.semantic import Rooms, SemanticStages  # noqa: PLC0415 - if used
    from legato.matching.verifier import Verifier  # noqa: PLC0415

    config, in_thread = context.loaded.config, _own_thread("semantic")
    learnt, deployed = learnt_under(config, said), _deployed(config, said, beside)
    embedder = None if deployed is not None else _loaded(context, said)
    space = (learnt, said.dimensions or 0)
    if embedder is not None:
        space = (embedder.name, embedder.dimensions)
    index = _index(context, said, space, StoreGate(in_thread, beside.clock, _AWAY))
    bounds = _bounds(context, said, learnt)
    checks = _checks(said, beside, bounds, index)
    return SemanticStages(
        Rooms(
            exact=beside.exact,
            index=index,
            embedder=embedder,
            deployed=deployed,
            verifier=Verifier.of(learnt),
            bounds=bounds,
            check=checks,
            end_checks=checks.end,
            meters=beside.meters,
            random=random.random,
            new_id=beside.new_id,
            wait_s=said.wait_s,
            entry_bytes_max=config.cache.entry_bytes_max,
            in_store_thread=in_thread,
            in_thread=None if said.embedder != _IN_THREAD else _own_thread("embedding"),
        )
    )


def semantic_readings(context: WorkerContext) -> list[Reading]:
    """Return gauges of the semantic cache's bounds; none where it isn't configured."""
    said = context.loaded.config.cache.semantic
    if said is None:
        return []
    from legato.app.caches.cache_readings import cache_readings  # noqa: PLC0415 - where it is used only

    learnt = learnt_under(context.loaded.config, said)
    return cache_readings(said, learnt, context.data.cache / "semantic")


def _loaded(context: WorkerContext, said: SemanticCache) -> "Embedder":
    from legato.embedding.loading import shared_embedder  # noqa: PLC0415 - where it is used only

    return shared_embedder(said.embedder, context.data.models)


def _deployed(
    config: Config, said: SemanticCache, beside: Neighbours
) -> "DeploymentEmbedder | None":
    """Return the deployment that embeds; None where an embedder of this process does."""
    deployment = embedding_deployment(config, said.embedder)
    if deployment is None:
        return None
    from legato.gateway.deployment_embedder import (  # noqa: PLC0415 - wants an extra
        DeploymentEmbedder,
        EmbedderRooms,
    )

    return DeploymentEmbedder(
        EmbedderRooms(
            directory=beside.directory,
            call_stage=beside.call_stage,
            record=beside.record,
            surface=Embeddings(),
            deployment=deployment.name,
            model=deployment.model,
            dimensions=said.dimensions or 0,
            within_s=said.embed_s,
            new_id=beside.new_id,
            now_ns=beside.clock.now_ns,
            random=random.random,
        )
    )


def _index(
    context: WorkerContext, said: SemanticCache, space: tuple[str, int], in_thread: InThread
) -> "SemanticIndex":
    """Return the index of one space: its name, and how many numbers a vector has there."""
    from legato.cache.semantic.index import SemanticIndex  # noqa: PLC0415
    from legato.storage.kept.semantic_entries import SemanticEntryStore  # noqa: PLC0415

    engine, clock = context.engine, SystemClock()
    return SemanticIndex(
        dimensions=space[1],
        embedder=space[0],
        memory_bytes_max=said.memory_mib * _MIB,
        store=SemanticEntryStore(engine, clock),
        sealer=Envelopes(open_data_keys(context.loaded, context.data, DataKeyTable(engine))),
        clock=clock,
        in_thread=in_thread,
    )


def _bounds(context: WorkerContext, said: SemanticCache, embedder: str) -> "Bounds":
    from legato.gateway.semantic.bounds import Bounds  # noqa: PLC0415

    place, name = context.data.cache / "semantic", f"worker-{context.worker}"
    bounds = Bounds(place, name, said.check_share, embedder)
    bounds.load()
    return bounds


def _checks(
    said: SemanticCache, beside: Neighbours, bounds: "Bounds", index: "SemanticIndex"
) -> "Checks":
    from legato.gateway.cache_checks import CheckRooms, Checks  # noqa: PLC0415

    limit = amount(said.checks_usd_per_day)
    named = "cache.semantic.checks_usd_per_day"
    return Checks(
        CheckRooms(
            directory=beside.directory,
            call_stage=beside.call_stage,
            record=beside.record,
            bounds=bounds,
            index=index,
            meters=beside.meters,
            chat=beside.chat,
            budget=lambda org: BudgetLimit(
                f"cache.semantic:checks:{org}", limit, Window.DAY, named
            ),
            judge=said.judge or "",
            new_id=beside.new_id,
            now_ns=beside.clock.now_ns,
            random=random.random,
        )
    )


def _own_thread(name: str) -> InThread:
    """Return what runs work in a thread of its own, so that it waits for nobody else's."""
    threads = ThreadPoolExecutor(1, thread_name_prefix=name)
    loop = asyncio.get_running_loop()

    async def in_thread(work: Callable[[], Any]) -> Any:
        return await loop.run_in_executor(threads, work)

    return in_thread
