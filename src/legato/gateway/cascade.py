"""A route's cascade, as the gateway asks it, and who judges an answer where the route says so."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import msgspec

from legato.core.errors import LegatoError
from legato.core.records import EntryKind
from legato.core.wire import RequestView, Surface
from legato.gateway.background import Nowhere, answered
from legato.gateway.context import Call
from legato.gateway.request_features import asked_text
from legato.judging.enough import ask_enough, read_enough
from legato.routing.rollouts.agreement import text_of

if TYPE_CHECKING:
    from legato.gateway.directory import Directory
    from legato.gateway.stages.call import CallStage
    from legato.gateway.stages.record import RecordStage

_encode: Final = msgspec.json.Encoder().encode


class CascadeJudge:
    """Asks a deployment whether an answer will do: a call of its own, by the caller's key.

    It stands in the ledger as `judge`, within the key's own budget. Without a verdict the answer
    doesn't do: what nobody vouches for is asked of the next deployment.
    """

    def __init__(
        self,
        *,
        directory: "Directory",
        call_stage: "CallStage",
        record: "RecordStage",
        chat: Surface,
        new_id: Callable[[], str],
        now_ns: Callable[[], int],
        random: Callable[[], float],
    ) -> None:
        self._directory = directory
        self._call_stage = call_stage
        self._record = record
        self._chat = chat
        self._new_id = new_id
        self._now_ns = now_ns
        self._random = random

    async def __call__(self, live: Call, judge: str, answer: str) -> bool:
        """Tell whether an answer will do."""
        try:
            route = self._directory.named(judge)
        except LegatoError:
            return False
        if route is None:
            return False
        body, ticket = ask_enough(judge, asked_text(live.body), answer)
        call = Call(self._new_id(), self._chat, Nowhere(), self._now_ns())
        call.principal, call.kind, call.user = live.principal, EntryKind.JUDGE, live.user
        # one answer, whatever its own route would do: a judge that is judged may never end
        call.route = route
        if route.cascade is not None:
            call.route = msgspec.structs.replace(route, cascade=None)
        call.body, call.body_bytes = body, len(_encode(body))
        call.view = RequestView(model=judge)
        try:
            reply = await answered(call, self._call_stage, self._random)
        finally:
            self._record.overhead(call)
        text = None if reply is None else text_of(reply.body)
        return bool(text is not None and read_enough(text, ticket))
