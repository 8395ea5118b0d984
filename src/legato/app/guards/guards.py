"""Wires guardrails in a worker: detectors, policies of the file, and those of the registry."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import msgspec

from legato.api.openai.chat import ChatCompletions
from legato.app.checks.lookups import LookupOpening
from legato.app.context import WorkerContext
from legato.app.guards.answer_checks import AnswerChecksOpening
from legato.app.guards.detectors import DetectorOpening
from legato.app.guards.guard_sampling import SampleQueue, sample_queue
from legato.app.guards.map_keeping import MapQueue, map_queue
from legato.app.guards.policy_reading import PolicyReader, file_policies
from legato.app.guards.topics import LocalEmbedding, embedding_for
from legato.app.models.vaults import open_data_keys
from legato.core.clock import SystemClock
from legato.core.errors import DetectorFailed
from legato.core.ids import IdSource
from legato.core.tasks import InThread
from legato.core.watching import Watch
from legato.detectors.running import Detectors
from legato.gateway.directory import Directory
from legato.gateway.guards.checked import AnswerGuard
from legato.gateway.guards.grounding import GroundingReview
from legato.gateway.guards.input import InputGuard
from legato.gateway.guards.inquiries import Inquiries
from legato.gateway.guards.judging import RuleJudges
from legato.gateway.guards.keeping import Keepers
from legato.gateway.guards.masking import mask
from legato.gateway.guards.policies import Policies
from legato.gateway.guards.reach import Reaching
from legato.gateway.guards.reviewing import Reviewer
from legato.gateway.guards.sampling import Sampler
from legato.gateway.guards.topics import Topics
from legato.gateway.judge_calls import JudgeCalls, JudgeRooms
from legato.gateway.lookups import Lookups
from legato.gateway.stages.call import CallStage
from legato.gateway.stages.record import RecordStage
from legato.storage.data_keys import DataKeyTable
from legato.storage.kept.guard_samples import GuardSampleIntake
from legato.storage.kept.kept_maps import KeptMapIntake
from legato.storage.registry.snapshot import RegistrySnapshots
from legato.telemetry.metrics import Meters
from legato.vault.envelope import Envelopes

log = logging.getLogger(__name__)


class Guards(msgspec.Struct, frozen=True, eq=False):
    """What guards a worker's calls."""

    input: InputGuard
    outputs: AnswerGuard
    lookups: Lookups | None
    """None where nothing can be looked up."""
    follower: "PolicyFollower"
    samples: SampleQueue | None
    maps: MapQueue
    own_calls: "Stages"
    close: Callable[[], Awaitable[None]]


class Stages:
    """The stages that make calls of our own; they are wired after the guards."""

    def __init__(self) -> None:
        self.wired: tuple[CallStage, RecordStage] | None = None

    def __call__(self) -> tuple[CallStage, RecordStage]:
        """Return them. Raises DetectorFailed where no request can have come yet."""
        if self.wired is None:
            raise DetectorFailed("Legato isn't wired yet.")
        return self.wired


def open_guards(
    context: WorkerContext, directory: Directory, meters: Meters, *, ids: IdSource
) -> Guards:
    """Open them. Raises ConfigInvalid: a detector; EmbedderUnavailable: what reads topics."""
    config = context.loaded.config
    said, loop = config.guardrails, asyncio.get_running_loop()
    threads = ThreadPoolExecutor(1, thread_name_prefix="guardrails")

    async def in_thread(work: Callable[[], Any]) -> Any:
        return await loop.run_in_executor(threads, work)

    opening, looking = DetectorOpening(config), LookupOpening(config, meters)
    detectors = Detectors(opening.open, in_thread)
    policies = Policies(file_policies(context.loaded.config), lambda: detectors.labels)
    stages = Stages()
    topics = _topics(context, policies, directory, in_thread, ids=ids, stages=stages)
    calls = _judge_calls(directory, ids, stages)
    reviewer = Reviewer(topics, RuleJudges(calls), meters, GroundingReview(topics, calls))
    engine = context.engine
    data_keys = open_data_keys(context.loaded, context.data, DataKeyTable(engine))
    source = RegistrySnapshots(engine, context.loaded.config.registry.environment)
    per_rule, sealing = said.samples.per_rule, Envelopes(data_keys)
    samples = sample_queue(per_rule, GuardSampleIntake(engine, per_rule), sealing.seal)
    maps = map_queue(KeptMapIntake(engine), sealing.seal)
    sampler = None if samples is None else Sampler(said.samples, samples, ids.new)
    outputs = AnswerChecksOpening(policies, reviewer, detectors, meters, sampler=sampler)

    def ready() -> None:
        """Load what policies run on: no request waits for it."""
        detectors.open()
        outputs.open()

    if said.policies:
        ready()
    semantic = context.loaded.config.cache.semantic
    return Guards(
        InputGuard(
            policies,
            detectors,
            reach=Reaching(directory, "" if semantic is None else semantic.embedder),
            mask=mask,
            meters=meters,
            inquiries=Inquiries(topics, RuleJudges(calls), looking.lookups),
            in_thread=in_thread,
            keepers=Keepers(sampler, maps.offer),
        ),
        outputs,
        looking.lookups,
        PolicyFollower(
            PolicyReader(source, sealing),
            policies,
            detectors=detectors,
            ready=ready,
            in_thread=in_thread,
        ),
        samples,
        maps,
        stages,
        partial(_close, opening, looking),
    )


async def _close(opening: DetectorOpening, looking: LookupOpening) -> None:
    await opening.close()
    await looking.close()


def _topics(
    context: WorkerContext,
    policies: Policies,
    directory: Directory,
    in_thread: InThread,
    *,
    ids: IdSource,
    stages: Stages,
) -> Topics:
    embedding = embedding_for(
        context.loaded.config,
        context.data.models,
        in_thread,
        directory=directory,
        stages=stages,
        new_id=ids.new,
    )
    if isinstance(embedding, LocalEmbedding) and policies.file_embeds:
        embedding.open()
    return Topics(embedding, in_thread)


def _judge_calls(directory: Directory, ids: IdSource, stages: Stages) -> JudgeCalls:
    clock = SystemClock()
    rooms = JudgeRooms(
        directory, stages, ChatCompletions(clock), ids.new, clock.now_ns, random.random
    )
    return JudgeCalls(rooms)


class PolicyFollower:
    """Reads policies of the registry in a thread: a worker knows of a change within a second."""

    def __init__(
        self,
        reader: PolicyReader,
        policies: Policies,
        *,
        detectors: Detectors,
        ready: Callable[[], None],
        in_thread: InThread,
    ) -> None:
        """`ready` loads what any policy runs on; blocking, and quick from the second time on."""
        self._reader = reader
        self._policies = policies
        self._detectors = detectors
        self._ready = ready
        self._in_thread = in_thread
        self._loading = asyncio.Lock()

    async def load(self) -> None:
        """Take in what is there. Raises StorageUnavailable."""
        async with self._loading:  # who comes second waits for what the first one found
            found = await self._in_thread(self._reader.read)
            if found is not None:
                if found.policies:
                    await self._in_thread(self._ready)
                await self._detectors.warm(self._policies.detectors(found))
                self._policies.swap(found)

    async def follow(self) -> None:
        """Keep policies fresh for ever: a change is seen within half a second and a query.

        While the database is away the last ones stay in force.
        """
        await Watch("policies", self.load).follow()
