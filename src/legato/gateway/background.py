"""Calls of our own, in the background: they answer nobody, and each has an entry of its own."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any

from legato.core.errors import LegatoError
from legato.core.tasks import spawn
from legato.gateway.stages.route import order_candidates

if TYPE_CHECKING:
    from legato.gateway.context import Call, Headers, Reply, Source
    from legato.gateway.stages.call import CallStage

log = logging.getLogger(__name__)

AT_ONCE_MAX = 8
"""Of one worker and sort; where more are due they are left out and counted."""
OK, LEFT = 200, 499
_INTERNAL = 500


class Background:
    """What runs beside the callers' requests: a few at once, cut at the end."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._tasks: set[asyncio.Task[Any]] = set()
        self._ended = False

    @property
    def is_full(self) -> bool:
        """Whether no more may be begun now."""
        return self._ended or len(self._tasks) >= AT_ONCE_MAX

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Let it run, where there is room: see `is_full`."""
        spawn(work, owner=self._tasks, name=self._name)

    async def end(self, within_s: float) -> None:
        """Let what is under way finish, so long; what is left is cut, and ended in the books."""
        self._ended = True
        if not self._tasks:
            return
        _, late = await asyncio.wait(list(self._tasks), timeout=within_s)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)


async def answered(
    call: "Call",
    call_stage: "CallStage",
    random: Callable[[], float],
    *,
    prepare: Callable[[], Awaitable[None]] | None = None,
) -> "Reply | None":
    """Let a call of our own run its course; None where no answer came, and the call says why.

    Whoever asked has yet to record it, also where this raises CancelledError.
    """
    try:
        if prepare is not None:
            await prepare()
        if call.route is not None:
            call.candidates = order_candidates(call, call.route, random)
        reply = await call_stage(call, Nobody())
    except LegatoError as error:
        call.http_status, call.error_code = error.http_status, error.code
    except asyncio.CancelledError:
        call.http_status, call.error_code = LEFT, "cancelled"
        raise
    except Exception:
        log.exception("a call of our own failed", extra={"request_id": call.request_id})
        call.http_status, call.error_code = _INTERNAL, "internal_error"
    else:
        call.http_status = OK
        return reply
    return None


class Nobody:
    """The caller of a copy: takes everything, reads nothing."""

    began = False
    gone = False

    async def reply(self, status: int, headers: "Headers", body: bytes) -> None:
        """Take a whole answer."""
        del status, headers, body

    async def start(self, headers: "Headers") -> None:
        """Begin a stream."""
        del headers
        self.began = True

    def send(self, frames: bytes) -> bool:
        """Take part of a stream; never slow."""
        del frames
        return True

    async def drained(self) -> None:
        """Return at once."""

    async def end(self, frames: bytes = b"") -> None:
        """Take the end of a stream."""
        del frames

    def cut(self) -> None:
        """Take that there is no more."""


class SameHeaders:
    """Where a copy comes from that is routed as its request was: rules may ask for headers."""

    credential = None
    address = ""

    def __init__(self, source: "Source") -> None:
        self._source = source

    def header(self, name: bytes) -> bytes | None:
        """Return a header of the request."""
        return self._source.header(name)

    async def body(self) -> bytes:
        """Return nothing: what is asked is known."""
        return b""


class Nowhere:
    """Where a copy comes from: it has no headers of its own."""

    credential = None
    address = ""

    def header(self, name: bytes) -> bytes | None:
        """Return nothing."""
        del name
        return None

    async def body(self) -> bytes:
        """Return nothing: what is asked is known."""
        return b""
