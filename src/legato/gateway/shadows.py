"""Shadows: copies of calls that a candidate answers for nobody, so that it can be looked at.

A copy is made when its call is over and its answer is out, so it delays nobody. It is paid for from
its rollout's budget, waits for nothing, stands in the ledger as a call of its own, of the kind
`shadow`, and has breakers of its own: what goes wrong in it is nothing to callers.
"""

import asyncio
import logging
from collections.abc import Callable
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

import msgspec

from legato.core.clock import Clock
from legato.core.errors import LegatoError
from legato.core.ids import IdSource
from legato.core.records import DROPPED, EntryKind, ShadowOutcome
from legato.core.tasks import spawn
from legato.gateway.context import Call
from legato.gateway.prompt_versions import Copy
from legato.gateway.prompts import put_version
from legato.gateway.stages.read import read_json
from legato.gateway.stages.route import order_candidates
from legato.routing.rollouts.agreement import compared

if TYPE_CHECKING:
    from legato.gateway.context import Headers, Reply
    from legato.gateway.directory import Directory
    from legato.gateway.stages.call import CallStage
    from legato.gateway.stages.record import RecordStage

log = logging.getLogger(__name__)

AT_ONCE_MAX = 8
"""Of one worker."""
_NS_PER_US = 1_000
_OK = 200
_LEFT = 499
_INTERNAL = 500


class Shadows:
    """Makes copies, a few at once: where more are due, they are dropped and counted."""

    def __init__(
        self,
        directory: "Directory",
        call_stage: "CallStage",
        record: "RecordStage",
        *,
        ids: IdSource,
        clock: Clock,
        random: Callable[[], float],
    ) -> None:
        self._directory = directory
        self._call_stage = call_stage
        self._record = record
        self._ids = ids
        self._now_ns = clock.now_ns
        self._random = random
        self._tasks: set[asyncio.Task[Any]] = set()
        self._ended = False

    def __call__(self, live: Call) -> None:
        """Copy a call that is over, where a provider was asked for it. Waits for nothing."""
        copy = live.copy
        if copy is None or not live.attempts or live.view.turn is not None:
            return
        if live.http_status == _LEFT or live.kind is not EntryKind.USAGE:
            return
        live_us = (perf_counter_ns() - live.started_ns) // _NS_PER_US
        if self._ended or len(self._tasks) >= AT_ONCE_MAX:
            call = self._call(live, copy)
            call.error_code = DROPPED
            self._write(live, live_us, call)
            return
        spawn(self._serve(live, live_us, copy), owner=self._tasks, name="shadow")

    async def end(self, within_s: float) -> None:
        """Let copies under way finish, so long; what is left is cut, and ended in the books."""
        self._ended = True
        if not self._tasks:
            return
        _, late = await asyncio.wait(list(self._tasks), timeout=within_s)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    async def _serve(self, live: Call, live_us: int, copy: Copy) -> None:
        call, reply = self._call(live, copy), None
        try:
            call.body = read_json(copy.body)
            call.body_bytes = len(copy.body)
            put_version(call, copy.shadow.prompt, copy.variables, self._directory)
            if call.route is not None:
                call.candidates = order_candidates(call, call.route, self._random)
            reply = await self._call_stage(call, _Nobody())
            call.http_status = _OK
        except LegatoError as error:
            call.http_status, call.error_code = error.http_status, error.code
        except asyncio.CancelledError:
            call.http_status, call.error_code = _LEFT, "cancelled"
            raise
        except Exception:
            log.exception("shadow failed", extra={"request_id": call.request_id})
            call.http_status, call.error_code = _INTERNAL, "internal_error"
        finally:
            self._write(live, live_us, call, reply)

    def _call(self, live: Call, copy: Copy) -> Call:
        """Return a call of its own, by the same key, paid for by the shadow's budget."""
        call = Call(self._ids.new(), live.surface, _Nowhere(), self._now_ns())
        call.principal = msgspec.structs.replace(live.caller, budget=copy.shadow.budget)
        call.kind, call.user = EntryKind.SHADOW, live.user
        call.view, call.arm = live.view, copy.shadow.prompt.arm
        return call

    def _write(self, live: Call, live_us: int, call: Call, reply: "Reply | None" = None) -> None:
        found = compared(
            b"" if live.reply is None or live.view.stream else live.reply.body,
            b"" if reply is None or live.view.stream else reply.body,
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


class _Nobody:
    """The caller of a copy: takes everything, reads nothing."""

    began = False
    gone = False

    async def reply(self, status: int, headers: "Headers", body: bytes) -> None:
        del status, headers, body

    async def start(self, headers: "Headers") -> None:
        del headers
        self.began = True

    def send(self, frames: bytes) -> bool:
        del frames
        return True

    async def drained(self) -> None:
        return

    async def end(self, frames: bytes = b"") -> None:
        del frames

    def cut(self) -> None:
        return


class _Nowhere:
    """Where a copy comes from: it has no headers of its own."""

    credential = None

    def header(self, name: bytes) -> bytes | None:
        del name
        return None

    async def body(self) -> bytes:
        return b""
