"""Wires the summaries of conversations."""

import random
from collections.abc import Iterable, Mapping

from legato.api.openai.chat import ChatCompletions
from legato.app.context import WorkerContext
from legato.core.clock import SystemClock
from legato.core.ids import IdSource
from legato.core.tasks import InThread
from legato.gateway.directory import Directory
from legato.gateway.stages.call import CallStage
from legato.gateway.stages.record import RecordStage
from legato.gateway.summaries import Summaries, SummaryRooms
from legato.storage.erasure_marks import ErasureMarks


def open_summaries(
    context: WorkerContext,
    stages: tuple[Directory, CallStage, RecordStage],
    in_thread: InThread,
) -> Summaries:
    """Return a worker's; it calls nobody until a route's policy asks for one."""
    directory, call_stage, record = stages
    clock, marks = SystemClock(), ErasureMarks(context.engine)

    async def erased_ns(orgs: Iterable[str]) -> Mapping[str, int]:
        newest: Mapping[str, int] = await in_thread(lambda: marks.newest_ns(orgs))
        return newest

    return Summaries(
        SummaryRooms(
            directory=directory,
            call_stage=call_stage,
            record=record,
            chat=ChatCompletions(clock),
            new_id=IdSource(clock).new,
            now_ns=clock.now_ns,
            random=random.random,
            erased_ns=erased_ns,
        )
    )
