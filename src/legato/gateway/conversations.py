"""Conversations kept for callers: what was asked and answered, sealed, under the answer's id.

Nothing here touches files or the database on the event loop: `in_thread` writes the spool,
`ask_store` reads through the gate that closes while the database is away.
"""

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from legato.core.clock import Clock
from legato.core.decisions import HIT
from legato.core.erasure import KeyDestroyed
from legato.core.errors import Erased, NotFound, OperatorError, StorageUnavailable, TooLarge
from legato.core.ids import is_id
from legato.core.tasks import InThread
from legato.gateway.context import Reply
from legato.storage.kept.kept_responses import KeptResponses, NotKept
from legato.storage.kept.responses import StoredResponse

if TYPE_CHECKING:
    from legato.core.wire import Turn
    from legato.gateway.context import Call

log = logging.getLogger(__name__)

_BYTES_MAX = 64 * 1024 * 1024
_MS_PER_NS = 1_000_000
_PREFIX = "resp_"
_YOUNG_MS = 2_000
_LOOKS = 10
_LOOK_AGAIN_S = 0.1
_FINISHED = frozenset({"completed", "incomplete"})


class Sealer(Protocol):
    """Encrypts what is kept of each organisation, under a key of its own; may block."""

    def seal(self, org: str, data: bytes, context: bytes) -> bytes:
        """Encrypt `data`, bound to `context`. Raises LegatoError where there is no key."""
        ...

    def open(self, org: str, sealed: bytes, context: bytes) -> bytes:
        """Decrypt. Raises ValueError for anything altered or bound to another context."""
        ...


class Kept(msgspec.Struct, frozen=True):
    """One turn: its own input items, and the answer. What is sealed is this as JSON."""

    input: list[dict[str, Any]]
    response: dict[str, Any]

    @property
    def items(self) -> list[dict[str, Any]]:
        """Input and output, as the next turn needs them."""
        output: list[dict[str, Any]] = self.response["output"]
        return [*self.input, *output]


class Conversations:
    """Keeps turns and finds them again, each for its own organisation only."""

    def __init__(
        self,
        kept: KeptResponses,
        sealer: Sealer,
        clock: Clock,
        *,
        in_thread: InThread,
        ask_store: InThread,
    ) -> None:
        self._kept = kept
        self._sealer = sealer
        self._now_ns = clock.now_ns
        self._in_thread = in_thread
        self._ask_store = ask_store

    async def recall(self, call: "Call", org: str, turn: "Turn") -> None:
        """Put the turns before this one into the call's body.

        Raises:
            NotFound: an answer named is not kept, or not for this organisation.
            TooLarge: all of it is more than a call may hold.
            StorageUnavailable: the database is away.
            Erased: the key that sealed it is destroyed.
        """
        earlier: list[dict[str, Any]] = []
        recalled_bytes = 0
        if turn.previous_id:
            for stored, opened in await self._turns(org, turn.previous_id):
                recalled_bytes += len(opened)
                earlier += _decode(stored, opened).items
        referenced: dict[str, dict[str, Any]] = {}
        for response_id in turn.referenced_ids:
            stored, opened = (await self._turns(org, response_id, alone=True))[0]
            recalled_bytes += len(opened)
            referenced |= {item["id"]: item for item in _decode(stored, opened).items}
        if recalled_bytes > _BYTES_MAX:
            msg = f"The conversation before it is over the limit of {_BYTES_MAX} bytes."
            raise TooLarge(msg, param="previous_response_id")
        call.body, call.view = turn.continued(call.body, earlier, referenced)
        call.body_bytes += recalled_bytes

    async def kept(self, call: "Call", reply: Reply) -> Reply:
        """Keep a whole or recorded answer; a recorded one first becomes this turn's own."""
        turn = _turn(call)
        body = reply.body
        if call.cache == HIT:
            body = turn.recast(body)
        kept = await self.keep(call, body, frames=reply.frames)
        return Reply(kept, frames=reply.frames, masked=reply.masked)

    async def keep(self, call: "Call", sent: bytes, *, frames: bool) -> bytes:
        """Keep the finished answer, where the caller wants that; return what to send.

        The disk takes it at once and the database later. Where neither does, the answer goes out
        all the same, paid for as it is, and says that it is not kept.
        """
        turn = _turn(call)
        response = turn.answer_in(sent, frames=frames) if turn.store else None
        if response is None or response.get("status") not in _FINISHED:
            return sent
        kept = Kept(turn.question(), response)
        try:
            await self._in_thread(lambda: self._keep(call, turn, kept))
        except (NotKept, OperatorError) as error:
            log.error(  # noqa: TRY400 -- what failed is told, a stack would not add to it
                "a response could not be kept",
                extra={"request_id": call.request_id, "reason": str(error)},
            )
            return turn.not_kept(sent, frames=frames)
        return sent

    async def find(self, org: str, response_id: str) -> Kept:
        """Return one turn. Raises NotFound, StorageUnavailable."""
        stored, opened = (await self._turns(org, response_id, alone=True))[0]
        return _decode(stored, opened)

    async def forget(self, org: str, response_id: str) -> None:
        """Delete one turn for good. Raises NotFound, StorageUnavailable."""
        _require_ours(response_id)
        if not await self._ask_store(lambda: self._kept.delete(org, response_id)):
            raise _not_found(response_id)

    def _keep(self, call: "Call", turn: "Turn", kept: Kept) -> None:
        org = "" if call.principal is None else call.principal.org
        sealed = self._sealer.seal(org, msgspec.json.encode(kept), response_context(org, turn.id))
        now_ns, origin = self._now_ns(), (call.request_id, call.user)
        self._kept.keep(StoredResponse(org, turn.id, turn.previous_id, now_ns, sealed, *origin))

    async def _turns(
        self, org: str, response_id: str, *, alone: bool = False
    ) -> list[tuple[StoredResponse, bytes]]:
        """Return the turns up to one, oldest first, opened.

        One made a moment ago by another machine on the same database may still be on its way.
        """
        _require_ours(response_id)
        found: list[tuple[StoredResponse, bytes]] = []
        for _ in range(_LOOKS):
            found = await self._ask_store(lambda: self._look(org, response_id, alone=alone))
            if found or not self._is_young(response_id):
                break
            await asyncio.sleep(_LOOK_AGAIN_S)
        if not found:
            raise _not_found(response_id)
        return found

    def _look(
        self, org: str, response_id: str, *, alone: bool
    ) -> list[tuple[StoredResponse, bytes]]:
        found = self._kept.chain(org, response_id, alone=alone)
        unseal = self._sealer.open
        try:
            return [(one, unseal(org, one.sealed, response_context(org, one.id))) for one in found]
        except KeyDestroyed:
            msg = "What was kept of this response was erased: its key is destroyed."
            raise Erased(msg, param="previous_response_id") from None
        except ValueError as error:
            log.exception("a kept response can't be opened", extra={"response": response_id})
            msg = "What is kept of this response can't be opened; the log has the details."
            raise StorageUnavailable(msg) from error

    def _is_young(self, response_id: str) -> bool:
        """Ids begin with their time; one from the future is no id of ours."""
        made_ms = int(response_id.removeprefix(_PREFIX)[:12], 16)
        return 0 <= self._now_ns() // _MS_PER_NS - made_ms < _YOUNG_MS


def _require_ours(response_id: str) -> None:
    """Whatever has another form names no file and no row of ours. Raises NotFound."""
    if not (response_id.startswith(_PREFIX) and is_id(response_id.removeprefix(_PREFIX))):
        raise _not_found(response_id[:100])


def _turn(call: "Call") -> "Turn":
    if call.view.turn is None:
        msg = "only turns are kept"
        raise AssertionError(msg)
    return call.view.turn


def response_context(org: str, response_id: str) -> bytes:
    """Return what a kept response is bound to."""
    return f"response\x00{org}\x00{response_id}".encode()


def _decode(stored: StoredResponse, opened: bytes) -> Kept:
    try:
        return msgspec.json.decode(opened, type=Kept)
    except msgspec.DecodeError as error:
        msg = f"What is kept of {stored.id} can't be read."
        raise StorageUnavailable(msg) from error


def _not_found(response_id: str) -> NotFound:
    error = NotFound(
        f"There is no response {response_id!r}: it was never kept, deleted, or its time is over.",
        param="previous_response_id",
    )
    error.wire_code = "previous_response_not_found"
    return error
