"""Two attempts at the same time, one after the other: who was first is in the record."""

import asyncio
from copy import copy
from typing import TYPE_CHECKING

from legato.core.decisions import HEDGED, Step
from legato.core.errors import LegatoError, UpstreamError
from legato.gateway.books import FIRST, SECOND
from legato.gateway.context import Reply
from legato.gateway.stages.hedge import branch_of, merge
from legato.replay.script import Diverged, Script

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from legato.gateway.context import Call, Sink
    from legato.gateway.directory import Deployment
    from legato.gateway.stages.hedge import Choose, Once
    from legato.routing.load.hedging import Hedging

Ended = tuple[Reply | None, BaseException | None]


class RecordedRace:
    """What a call stage runs in the place of a race; `hedged` is who answered then."""

    def __init__(self, script: Script, hedged: str | None) -> None:
        self._script = script
        self._winner = hedged or ""

    def __call__(
        self, call: "Call", sink: "Sink", hedging: "Hedging", *, once: "Once", choose: "Choose"
    ) -> "_Race":
        """Return one call's race."""
        del hedging
        return _Race(self._script, self._winner, call, sink, once=once, choose=choose)


class _Race:
    def __init__(
        self,
        script: Script,
        winner: str,
        call: "Call",
        sink: "Sink",
        *,
        once: "Once",
        choose: "Choose",
    ) -> None:
        self._script, self._winner = script, winner
        self._call, self._sink = call, sink
        self._once, self._choose = once, choose

    async def run(self, deployment: "Deployment") -> Reply:
        """Return the answer; raises what an attempt raised."""
        call = self._call
        if not self._script.is_hedged():
            reply = await self._once(call, self._sink, deployment)
            call.deployment = deployment
            return reply
        before, attempts = copy(call), call.attempts + 1
        first = await _ended(lambda: self._once(call, self._sink, deployment))
        passed: list[Step] = []
        other = self._choose(deployment, passed)
        if other is None:
            msg = "a second attempt was made where there is nobody else to ask"
            raise Diverged(msg)
        branch = branch_of(before, passed)
        branch.attempts = attempts
        second = await _ended(lambda: self._once(branch, self._sink, other))
        merge(call, branch, self._winner)
        reply, call.deployment = self._decided(first, second, deployment, other)
        return reply

    def _decided(
        self, first: Ended, second: Ended, deployment: "Deployment", other: "Deployment"
    ) -> "tuple[Reply, Deployment]":
        error = first[1]
        if self._winner == FIRST:
            return _of(first, deployment)
        if self._winner == SECOND and (_is_lost(error) or isinstance(error, UpstreamError)):
            return _of(second, other)
        if isinstance(second[1], LegatoError) and self._sink.began:
            raise second[1]
        return _of(first, deployment)


async def _ended(run: "Callable[[], Awaitable[Reply]]") -> Ended:
    """Return how an attempt ended. Raises Diverged where it could not have been made."""
    try:
        return await run(), None
    except (LegatoError, asyncio.CancelledError) as error:
        return None, error


def _is_lost(error: BaseException | None) -> bool:
    return isinstance(error, asyncio.CancelledError)


def _of(ended: Ended, deployment: "Deployment") -> "tuple[Reply, Deployment]":
    reply, error = ended
    if error is not None:
        raise error
    if reply is None:
        msg = "an attempt ends by an answer or an error"
        raise AssertionError(msg)
    return reply, deployment


def flagged(steps: tuple[Step, ...]) -> bool:
    """Tell whether two attempts ran at the same time."""
    return any(step.flags & HEDGED for step in steps)
