"""Calls to a judge, by the key of whose request is judged: each has an entry of its own.

It stands in the ledger as `judge`, with its purpose, within the key's own budget.
"""

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

import msgspec

from legato.core.errors import LegatoError
from legato.core.records import EntryKind
from legato.core.wire import RequestView, Surface
from legato.gateway.background import Nowhere, answered
from legato.gateway.context import Call
from legato.judging.asking import Ask, Heard
from legato.routing.rollouts.agreement import text_of

if TYPE_CHECKING:
    from legato.gateway.directory import Directory
    from legato.gateway.stages.call import CallStage
    from legato.gateway.stages.record import RecordStage

_encode: Final = msgspec.json.Encoder().encode
_UNSUPPORTED: Final = frozenset({"provider_rejected", "no_eligible_deployment"})
T = TypeVar("T")


class JudgeRooms(NamedTuple):
    """What such calls are made with."""

    directory: "Directory"
    stages: "Callable[[], tuple[CallStage, RecordStage]]"
    chat: Surface
    new_id: Callable[[], str]
    now_ns: Callable[[], int]
    random: Callable[[], float]


class JudgeCalls:
    """Asks deployments, or aliases, to judge."""

    def __init__(self, rooms: JudgeRooms) -> None:
        self._rooms = rooms

    async def judged(
        self, live: Call, course: Generator[Ask, Heard, T], name: str, purpose: str
    ) -> T:
        """Follow a course of questions to its end. Who calls bounds the time."""
        try:
            ask = next(course)
            while True:
                ask = course.send(await self.heard(live, name, ask, purpose))
        except StopIteration as ended:
            found: T = ended.value
            return found

    async def heard(self, live: Call, name: str, body: dict[str, Any], purpose: str) -> Heard:
        """Ask once; what keeps it from being answered is told."""
        rooms = self._rooms
        try:
            route = rooms.directory.named(name)
        except LegatoError as error:
            return Heard(text=None, refusal=error.code)
        if route is None:
            return Heard(text=None, refusal="not_found")
        call = Call(rooms.new_id(), rooms.chat, Nowhere(), rooms.now_ns())
        call.principal, call.kind, call.user = live.principal, EntryKind.JUDGE, live.user
        call.purpose = purpose
        # one answer, whatever its own route would do: a judge that is judged may never end
        call.route = route
        if route.cascade is not None:
            call.route = msgspec.structs.replace(route, cascade=None)
        call.body, call.body_bytes = body, len(_encode(body))
        call.view = RequestView(model=name, max_output_tokens=body.get("max_tokens"))
        call_stage, record = rooms.stages()
        try:
            reply = await answered(call, call_stage, rooms.random)
        finally:
            record.overhead(call)
        text = None if reply is None else text_of(reply.body)
        return Heard(
            text=text,
            refusal=call.error_code,
            unsupported=call.error_code in _UNSUPPORTED and "response_format" in body,
            request_id=call.request_id,
        )
