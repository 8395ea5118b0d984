"""Shadows: copies of calls that a candidate answers for nobody, so that it can be looked at.

A copy is made when its call is over and its answer is out, so it delays nobody. It is paid for from
its rollout's budget, waits for nothing, stands in the ledger as a call of its own, of the kind
`shadow`, and has breakers of its own: what goes wrong in it is nothing to callers.
"""

from collections.abc import Callable
from time import perf_counter_ns
from typing import TYPE_CHECKING

import msgspec

from legato.core.clock import Clock
from legato.core.ids import IdSource
from legato.core.records import DROPPED, EntryKind, ShadowOutcome
from legato.gateway.background import LEFT, Background, Nowhere, answered
from legato.gateway.context import Call
from legato.routing.rollouts.agreement import compared

if TYPE_CHECKING:
    from legato.gateway.context import Copy, Reply
    from legato.gateway.conversations import Conversations
    from legato.gateway.directory import Directory
    from legato.gateway.pipeline import InputGuarding
    from legato.gateway.stages.call import CallStage
    from legato.gateway.stages.record import RecordStage

_NS_PER_US = 1_000


class Shadows:
    """Makes copies, a few at once: where more are due, they are dropped and counted.

    A copy may read what a conversation was before it, and keeps nothing: its call stage has no
    place for that, and the stage that keeps whole answers isn't run.
    """

    def __init__(
        self,
        directory: "Directory",
        call_stage: "CallStage",
        record: "RecordStage",
        *,
        conversations: "Conversations",
        ids: IdSource,
        clock: Clock,
        random: Callable[[], float],
        input_guard: "InputGuarding | None" = None,
    ) -> None:
        self._input_guard = input_guard
        self._directory = directory
        self._call_stage = call_stage
        self._record = record
        self._conversations = conversations
        self._ids = ids
        self._now_ns = clock.now_ns
        self._random = random
        self._background = Background("shadow")
        self.end = self._background.end

    def __call__(self, live: Call) -> None:
        """Copy a call that is over, where a provider was asked for it. Waits for nothing."""
        copy = live.copy
        if copy is None or not live.attempts:
            return
        if live.http_status == LEFT or live.kind is not EntryKind.USAGE:
            return
        live_us = (perf_counter_ns() - live.started_ns) // _NS_PER_US
        if self._background.is_full:
            call = self._call(live, copy)
            call.error_code = DROPPED
            self._write(live, live_us, call)
            return
        self._background.begin(self._serve(live, live_us, copy))

    async def _serve(self, live: Call, live_us: int, copy: "Copy") -> None:
        call, reply = self._call(live, copy), None

        async def prepare() -> None:
            turn = copy.put(call, live, self._directory)
            if turn is not None and (turn.previous_id or turn.referenced_ids):
                await self._conversations.recall(call, live.caller.org, turn)
            guard = self._input_guard
            # the copy has texts of its own, which come under the policies of both routes
            if guard is not None and not guard.passes(call):
                call.reach = guard.reach(live)
                await guard(call)

        try:
            reply = await answered(call, self._call_stage, self._random, prepare=prepare)
        finally:
            self._write(live, live_us, call, reply)

    def _call(self, live: Call, copy: "Copy") -> Call:
        """Return a call of its own, by the same key, paid for by the shadow's budget."""
        call = Call(self._ids.new(), live.surface, Nowhere(), self._now_ns())
        call.principal = msgspec.structs.replace(live.caller, budget=copy.budget)
        call.kind, call.user = EntryKind.SHADOW, live.user
        call.view, call.arm = live.view, copy.arm
        return call

    def _write(self, live: Call, live_us: int, call: Call, reply: "Reply | None" = None) -> None:
        restored = live.masked and call.masked  # each by values of its own
        found = compared(
            _said(live, live.reply, restored=restored), _said(live, reply, restored=restored)
        )
        outcome = ShadowOutcome(
            call.request_id,
            live.caller.org,
            call.arm.partition("/")[0],
            live.request_id,
            live.arrived_ns,
            call.error_code or "ok",
            live.error_code or "ok",
            call.cost,
            live.cost,
            (perf_counter_ns() - call.started_ns) // _NS_PER_US,
            live_us,
            call.usage.output_tokens,
            live.usage.output_tokens,
            found.shadow_json,
            found.live_json,
            found.agrees,
        )
        self._record.shadow(call, outcome)


def _said(live: Call, reply: "Reply | None", *, restored: bool) -> bytes:
    if reply is None or live.view.stream:
        return b""
    return reply.body if restored else reply.kept
