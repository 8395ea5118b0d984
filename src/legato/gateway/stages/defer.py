"""Calls that may wait: `service_tier: flex` or `batch` goes through the durable queue of batches.

The connection is held until the answer is there, as callers of a flexible tier expect. Where that
takes longer than the route holds it, the call is refused as OpenAI refuses one for which it has no
room, and goes on in the queue: the very same request, sent again, gets its answer. So it does when
this process was killed meanwhile. A budget's step may have put it off, and hold no more when it
comes again: it is looked for all the same, so that it is paid once.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

import msgspec

from legato.core.clock import SystemClock
from legato.core.errors import InvalidRequest, LegatoError, StorageUnavailable
from legato.gateway.context import Reply, Waiting
from legato.gateway.gathering import Gathering, Ticket

if TYPE_CHECKING:
    from legato.core.principal import Principal
    from legato.core.tasks import InThread
    from legato.gateway.context import Call

log = logging.getLogger(__name__)

TIERS: Final = frozenset({"flex", "batch"})
_FIELD: Final = "service_tier"
_ENDPOINTS: Final = {
    "chat_completions": "/v1/chat/completions",
    "completions": "/v1/completions",
    "embeddings": "/v1/embeddings",
    "responses": "/v1/responses",
    "messages": "/v1/messages",
}
_BATCH: Final = "batch_"
_MESSAGE_BATCH: Final = "msgbatch_"
"""What batches of messages are called by callers."""
_OK: Final = 200
_HELD_MAX: Final = 256
_LOOK_S: Final = 0.25
_LOOK_MAX_S: Final = 5.0
_AGAIN_S: Final = 30.0
_NS_PER_S: Final = 1_000_000_000
_encode = msgspec.json.Encoder().encode


class ResourceUnavailable(LegatoError):
    """A deferred call has no answer yet, or too many wait."""

    code = "resource_unavailable"
    http_status = 429
    retryable = True


class DeferredFailed(LegatoError):
    """A deferred call ended without a good answer; it has the status of what came."""

    code = "deferred_failed"
    http_status = 502


class Outcome(NamedTuple):
    """What came of a deferred call: an HTTP status and a body.

    `again_at_ns` says from when on it may go well, where that was told.
    """

    status: int
    body: Any
    again_at_ns: int | None = None


TAKEN: Final = Outcome(0, None)
"""The very same call of another caller was given the answer: this one begins anew."""
APART: Final = Outcome(-1, None)
"""The batch that it shared was refused as a whole: this one begins anew, by itself."""


class Queue(Protocol):
    """The durable queue. Blocking; every method may raise StorageUnavailable."""

    def begin(
        self, caller: "Principal", endpoint: str, bodies: Sequence[dict[str, Any]]
    ) -> list[Ticket]:
        """Take calls in, or find the very same ones; return each one's place."""
        ...

    def find(self, caller: "Principal", endpoint: str, body: dict[str, Any]) -> Ticket | None:
        """Return the place of the very same call, where it waits or nobody has its answer."""
        ...

    def outcome(self, org: str, ticket: Ticket) -> Outcome | None:
        """Return what came of it; None while it waits, TAKEN where another has got it.

        APART where it shared a batch of which nothing was executed.
        """
        ...

    def handed_over(self, org: str, ticket: Ticket) -> None:
        """Forget what was asked and answered: the caller has it."""
        ...


class Defer:
    """Waits in the callers' place. `queue` is asked for when the first call is deferred."""

    def __init__(self, queue: Callable[[], tuple[Queue, "InThread", Callable[[], None]]]) -> None:
        """`queue` returns it, what runs its work in a thread, and what wakes who runs batches."""
        self._queue = queue
        self._opened: tuple[Queue, InThread, Callable[[], None]] | None = None
        self._gathering = Gathering(self._begin)
        self._held = 0

    def __call__(self, call: "Call") -> Awaitable[None] | None:
        """Set `call.reply`, for a call that may wait; what is returned must be awaited.

        It leaves `call.reply` as it is where a call might only have waited before, and did not.

        Raises:
            InvalidRequest: it is to be streamed.
            ResourceUnavailable: as many wait as may.
        """
        endpoint = _ENDPOINTS.get(call.surface.name)
        if endpoint is None or not call.caller.live or call.caller.waited:
            return None
        steps = None if call.view.stream else call.budget_steps
        waits = call.body.get(_FIELD) in TIERS or (steps is not None and steps.queue)
        if not waits and (steps is None or not steps.may_queue):
            return None
        if call.caller.user or (call.user and not call.view.user):  # a line is but a body and a key
            return None
        if call.masked:  # what it takes to restore its answer is never stored
            return None
        if call.body.get("background"):  # it isn't waited for anyway
            return None
        if call.view.stream:
            msg = f"stream: with `{_FIELD}: {call.body[_FIELD]}` an answer comes whole"
            raise InvalidRequest(msg, param="stream")
        if not waits:
            return self._resume(call, endpoint)
        self._require_place()
        return self._wait(call, endpoint)

    def _require_place(self) -> None:
        if self._held >= _HELD_MAX:
            msg = "As many deferred calls as may are waiting. Try again later."
            raise ResourceUnavailable(msg, retry_after_s=_AGAIN_S)

    async def _wait(self, call: "Call", endpoint: str) -> None:
        body = _kept_body(call)
        self._held += 1
        try:
            with Waiting(call):
                until_s = asyncio.get_running_loop().time() + _hold_s(call)
                ticket = await self._first_place(call, endpoint, body)
                outcome = await self._outcome(call, ticket, until_s)
                while outcome is TAKEN or outcome is APART:
                    (ticket,) = await self._begin(call.caller, endpoint, [body])
                    outcome = await self._outcome(call, ticket, until_s)
        finally:
            self._held -= 1
        await self._hand_over(call, ticket, outcome)

    async def _resume(self, call: "Call", endpoint: str) -> None:
        """Wait on for the very same call, which waits; where none does, this one goes on."""
        queue, ask, _ = self._opened = self._opened or self._queue()
        body = _kept_body(call)
        try:
            ticket: Ticket | None = await ask(lambda: queue.find(call.caller, endpoint, body))
        except StorageUnavailable as error:  # few have waited before: all others needn't
            log.warning("a call that may wait wasn't looked for", extra={"reason": str(error)})
            return
        if ticket is None:
            return
        self._require_place()
        self._held += 1
        try:
            with Waiting(call):
                until_s = asyncio.get_running_loop().time() + _hold_s(call)
                outcome = await self._outcome(call, ticket, until_s)
        finally:
            self._held -= 1
        if outcome is not TAKEN and outcome is not APART:
            await self._hand_over(call, ticket, outcome)

    async def _hand_over(self, call: "Call", ticket: Ticket, outcome: Outcome) -> None:
        queue, ask, _ = self._opened = self._opened or self._queue()
        turn, org = call.view.turn, call.caller.org
        call.cost = call.baseline_cost = None  # its own entries in the ledger know it
        await ask(lambda: queue.handed_over(org, ticket))
        if outcome.status != _OK:
            raise _failed(outcome)
        if turn is not None:
            outcome.body["store"] = turn.store
        answer = _encode(outcome.body)
        call.reply = Reply(answer if turn is None else turn.recast(answer))

    async def _first_place(self, call: "Call", endpoint: str, body: dict[str, Any]) -> Ticket:
        gather = None if call.route is None else call.route.deferred_with
        if gather is None:
            (ticket,) = await self._begin(call.caller, endpoint, [body])
            return ticket
        return await self._gathering.place(call.caller, endpoint, body, gather)

    async def _begin(
        self, caller: "Principal", endpoint: str, bodies: list[dict[str, Any]]
    ) -> list[Ticket]:
        queue, ask, wake = self._opened = self._opened or self._queue()
        tickets: list[Ticket] = await ask(lambda: queue.begin(caller, endpoint, bodies))
        wake()
        return tickets

    async def _outcome(self, call: "Call", ticket: Ticket, until_s: float) -> Outcome:
        queue, ask, _ = self._opened = self._opened or self._queue()
        org = call.caller.org
        loop, wait_s = asyncio.get_running_loop(), _LOOK_S
        while True:
            outcome: Outcome | None = await ask(lambda: queue.outcome(org, ticket))
            if outcome is not None:
                return outcome
            left_s = until_s - loop.time()
            if left_s <= 0:
                msg = (
                    f"No answer within {_hold_s(call):g} s: the call waits on as "
                    f"{_shown(call, ticket.batch_id)}. Send the very same request again for its "
                    "answer, or look at that."
                )
                raise ResourceUnavailable(msg, retry_after_s=_AGAIN_S)
            await asyncio.sleep(min(wait_s, left_s))
            wait_s = min(wait_s * 1.5, _LOOK_MAX_S)


def _kept_body(call: "Call") -> dict[str, Any]:
    body = {name: value for name, value in call.body.items() if name != _FIELD}
    if call.view.turn is not None:  # what is kept is this call's answer, with this one's id
        body["store"] = False
    return body


def _hold_s(call: "Call") -> float:
    route = call.route
    return 0.0 if route is None or route.deferred_s is None else route.deferred_s


def _shown(call: "Call", batch_id: str) -> str:
    if call.surface.name == "messages":
        return f"/v1/messages/batches/{_MESSAGE_BATCH}{batch_id.removeprefix(_BATCH)}"
    return f"/v1/batches/{batch_id}"


def _failed(outcome: Outcome) -> DeferredFailed:
    error = outcome.body.get("error") if isinstance(outcome.body, dict) else None
    said = error.get("message") if isinstance(error, dict) else None
    failed = DeferredFailed(f"The deferred call failed: {said or 'without a reason'}")
    failed.http_status = outcome.status
    if outcome.again_at_ns is not None:
        failed.retryable = True
        failed.retry_after_s = max(1.0, (outcome.again_at_ns - SystemClock.now_ns()) / _NS_PER_S)
    return failed
