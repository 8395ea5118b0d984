"""Wires the summaries of conversations."""

import random

from legato.api.openai.chat import ChatCompletions
from legato.core.clock import SystemClock
from legato.core.ids import IdSource
from legato.gateway.directory import Directory
from legato.gateway.stages.call import CallStage
from legato.gateway.stages.record import RecordStage
from legato.gateway.summaries import Summaries, SummaryRooms


def open_summaries(
    directory: Directory, call_stage: CallStage, record: RecordStage, ids: IdSource
) -> Summaries:
    """Return a worker's; it calls nobody until a route's policy asks for one."""
    clock = SystemClock()
    return Summaries(
        SummaryRooms(
            directory=directory,
            call_stage=call_stage,
            record=record,
            chat=ChatCompletions(clock),
            new_id=ids.new,
            now_ns=clock.now_ns,
            random=random.random,
        )
    )
